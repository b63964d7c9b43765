"""Where AWS denies, or the terminal can't show it, a command ends with a sentence and an exit code, not a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from typer.testing import CliRunner

import cli.account
from cli.app import app
from cli.terminal import wrapped
from rehearsal.stage import edges
from seatrial import settings
from seatrial.aws.clients import Clients
from tests.small_account import SmallBus, refused

PROJECT = Path(__file__).parents[2]
OUTPUTS = [{"OutputKey": "LedgerTable", "OutputValue": "t"}, {"OutputKey": "BusName", "OutputValue": "seatrial"}]


class Refusing:
    """A client each of whose calls raises what `error` makes of the operation's name."""

    def __init__(self, error: Callable[[str], Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            raise self._error("".join(word.capitalize() for word in name.split("_")))

        return call


class Stacks(Refusing):
    def describe_stacks(self, **_: str) -> dict[str, Any]:
        return {"Stacks": [{"Outputs": OUTPUTS}]}


def denied(operation: str) -> Exception:
    return refused(operation, "AccessDeniedException", f"not authorized to perform: {operation}")


def aws(monkeypatch: pytest.MonkeyPatch, error: Callable[[str], Exception], **clients: Any) -> None:
    monkeypatch.setattr(Clients, "client", lambda _, service, __=None: clients.get(service, Refusing(error)))


def typed(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "payments"],
        ["explain", "d-1"],
        ["explain", "payments"],
        ["explain", "a/b/c"],
        ["heal", "payments"],
        ["foresee", "payments"],
        ["judge", "--from-cloudwatch", "payments"],
        ["rollback", "payments", "--reason", "r"],
        ["hold", "payments", "--reason", "r"],
        ["status", "--html", "/tmp/board.html"],
    ],
    ids=" ".join,
)
def test_denied_call_is_a_sentence_with_the_policy_to_attach(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    aws(monkeypatch, denied, cloudformation=Stacks(denied))
    code, shown = typed(*words)
    assert code == 2
    assert "denies" in shown
    assert "ReadOnlyPolicyArn" in shown


def test_rollback_that_may_not_be_sent_names_the_on_call_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    aws(monkeypatch, denied)
    code, shown = typed("rollback", "payments", "--reason", "r")
    assert (code, "OnCallPolicyArn" in shown) == (2, True)


def test_rollback_needs_the_on_call_policy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = SmallBus()
    aws(monkeypatch, denied, events=bus)
    assert typed("rollback", "payments", "--reason", "r")[0] == 0
    assert [what for what, _ in bus.events] == ["Rollback Requested"]


def test_bus_of_a_role_that_reads_nothing_is_the_one_of_the_template() -> None:
    assert f"      Name: {cli.account.BUS}\n" in (PROJECT / "template.yaml").read_text()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoRegionError(), "no Region is set. Next: set AWS_REGION"),
        (NoCredentialsError(), "Next: log in, or set AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS can't be reached"),
        (refused("DescribeStacks", "ExpiredToken", "it is over"), "AWS does not accept the credentials: it is over"),
        (refused("DescribeStacks", "ValidationError", "Stack with id x does not exist"), "no stack seatrial in this"),
        (refused("DescribeStacks", "Throttling", "too many"), "AWS rejects DescribeStacks (Throttling): too many"),
    ],
)
def test_account_that_can_not_be_reached_is_a_sentence(
    error: ClientError, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws(monkeypatch, lambda _: error)
    code, shown = typed("status")
    assert code == 2
    assert sentence in shown


def test_region_is_the_one_of_aws_region() -> None:
    assert settings.region({"AWS_REGION": "eu-west-3"}) == "eu-west-3"
    assert settings.region({"AWS_REGION": ""}) is None
    assert Clients("eu-west-3").client("sns").meta.region_name == "eu-west-3"


def ran(*words: str, encoding: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": "", "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run([sys.executable, "-m", "cli.app", *words], cwd=PROJECT, env=environment, capture_output=True)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_terminal_that_lacks_a_sign_shows_it_in_ascii(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("cases:\n - {name: 7 → 8 漢, event: {}}\n", encoding="utf-8")
    checked = ran("suite", "check", str(tmp_path), encoding=encoding)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.decode("ascii").splitlines() == ["1 cases", "  7 -> 8 \\u6f22"]


def test_help_shows_what_stands_in_brackets() -> None:
    shown = " ".join(CliRunner().invoke(app, ["judge", "--help"]).output.split())
    assert '{"rows": [[base_n, base_err, cand_n, cand_err], …]}' in shown


@pytest.mark.parametrize("written", ["0", "61", "abc", "", "nan", "-1"])
def test_minute_that_is_none_is_a_sentence(written: str) -> None:
    with pytest.raises(ValueError, match="MINUTE must be a number of seconds"):
        edges.minute(written)


@pytest.mark.parametrize("written", ["http", "65536", "-1", "", "١"])
def test_port_that_is_none_is_a_sentence(written: str) -> None:
    with pytest.raises(ValueError, match="PORT must be a number from 0 to 65535"):
        edges.port(written)


def test_minute_and_port_are_read() -> None:
    assert (edges.minute("0.5"), edges.port("4566")) == (0.5, 4566)


@pytest.mark.parametrize("module", ["rehearsal.stage", "rehearsal.rehearse"])
def test_commands_of_the_local_aws_end_with_that_sentence(module: str) -> None:
    environment = {"PATH": "", "MINUTE": "abc", "PORT": "0"}
    ended = subprocess.run([sys.executable, "-m", module], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "MINUTE must be a number" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


LINE = "  16:40:17  payments:live: version 2 was taken back to version 1 by functions/rollback"


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        (LINE, None, [LINE]),
        (LINE, 120, [LINE]),
        (LINE, 60, ["  16:40:17  payments:live: version 2 was taken back to", "      version 1 by functions/rollback"]),
        ("Next: `sam build && sam deploy`, then look", 20, ["Next: `sam build && sam deploy`, then look"]),
    ],
    ids=["not a terminal", "a wide one", "a narrow one", "a command stays whole"],
)
def test_long_line_is_wrapped_between_words(line: str, width: int | None, shown: list[str]) -> None:
    assert wrapped(line, width) == shown
