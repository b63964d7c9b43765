"""`seatrial suite check` accepts what a release accepts, and says what is wrong with everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from seatrial.core.source import SuiteError
from seatrial.flows import trial
from tests.small_account import SmallAccount

HEAD = "cases:\n - name: a\n   event: {}\n"


def expecting(path: str, right: str = "1") -> str:
    return f"{HEAD}   expect:\n     ? '{path}'\n     : {right}\n"


ACCEPTED = {
    "no setting": HEAD,
    "a path that may fail": expecting("ceil(response.x)"),
    "a slice with step 0": expecting("response.l[::0]"),
    "NUL in a text": HEAD + '   expect: {log: "a\\0b"}\n',
    "a body": "defaults: {body: json}\n" + HEAD,
    "a window": HEAD + "release: {windows: ['Fri-Mon 22:00-24:00 Europe/Lisbon']}\n",
}
REJECTED = {
    "a window after 24:00": HEAD + "release: {windows: ['Mon 24:30-24:59 UTC']}\n",
    "a minute of 60": HEAD + "release: {windows: ['Mon 09:60-10:00 UTC']}\n",
    "an unknown zone": HEAD + "release: {windows: ['Mon 09:00-10:00 Nowhere/Land']}\n",
    "a zone that is a folder": HEAD + "release: {windows: ['Mon 09:00-10:00 Europe']}\n",
    "a zone of this machine alone": HEAD + "release: {windows: ['Mon 09:00-10:00 posixrules']}\n",
    "a long alarm name": HEAD + f"release: {{alarms: ['{'a' * 3_000}']}}\n",
    "nested parentheses": expecting("(" * 1_000 + "response" + ")" * 1_000),
    "a long path": expecting("response" + ".a" * 2_000),
    "many flattens": expecting("response" + "[]" * 1_000),
    "a number of 401 digits": expecting("response.n", f"{{about: 1{'0' * 400}, within: 5%}}"),
    "a pattern of 3,000 groups": expecting("log", f"{{matches: '{'(' * 3_000}a{')' * 3_000}'}}"),
    "a repeat that overflows": expecting("log", "{matches: 'a{1,5000000000}'}"),
    "a list as a type": expecting("response.n", "{type: [a]}"),
    "a list as effects": HEAD + "   effects: [a]\n",
    "a lone surrogate": HEAD + '   expect: {log: "\\ud800"}\n',
    "a guard of ages": HEAD + "release: {guard: 99999999999h}\n",
    "nothing": "",
    "no YAML": "cases: [\x07",
}


def checked(folder: Path) -> tuple[int, str]:
    """A traceback is an exception of the runner's result, never an exit code."""
    result = CliRunner().invoke(app, ["suite", "check", str(folder)])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("suite", "accepted"),
    [
        *(pytest.param(suite, True, id=name) for name, suite in ACCEPTED.items()),
        *(pytest.param(suite, False, id=name) for name, suite in REJECTED.items()),
    ],
)
def test_check_and_release_read_a_suite_alike(tmp_path: Path, suite: str, accepted: bool) -> None:
    (tmp_path / "suite.yaml").write_text(suite)
    account = SmallAccount()
    account.lambdas.has("payments", "8", suite, lambda _: {})
    try:
        trial.load(account.aws.lambdas, "payments", "8")
        released = True
    except SuiteError:
        released = False
    assert (checked(tmp_path)[0] == 0, released) == (accepted, accepted)


def test_a_folder_with_more_files_than_a_release_reads_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(HEAD)
    for number in range(600):
        (tmp_path / f"{number}.json").touch()
    code, shown = checked(tmp_path)
    assert code == 1
    assert "must have at most 500 entries, got 601" in shown


def test_check_prints_each_mistake_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(HEAD + "release: {bak: 5m, gard: 1h}\n")
    code, shown = checked(tmp_path)
    assert code == 1
    assert [line.partition("release: ")[2] for line in shown.splitlines()] == [
        "'bak' is not a key here; did you mean 'bake'?",
        "'gard' is not a key here; did you mean 'guard'?",
    ]


def test_check_of_what_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").mkdir()
    for place in (tmp_path, tmp_path / "nothing", Path("/dev/null")):
        code, shown = checked(place)
        assert code == 1
        assert "name the folder that holds suite.yaml" in shown
