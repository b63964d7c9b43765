"""What on call types becomes one event, read as Seatrial will read it before it is sent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

import cli.account
from cli import app as commands
from cli.account import Installed
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.printable import printable
from seatrial.core.release import State, Step
from seatrial.core.rollout import Flag, Rollout
from seatrial.core.service_names import Known
from seatrial.flows import fix_lane, monitor, preflight, rollback
from tests.small_account import CREATED, SmallAccount, clock_that_stands, event, make_table

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
ASKED = ("Rollback Requested", "Hold Requested", "Hold Released", "Fix Granted")


def typed(*words: str) -> Result:
    return CliRunner().invoke(commands.app, [*words])


class InSmallAccount(Installed):
    """The command line's account, with the functions that carry the tag in the small one."""

    known: tuple[Known, ...] = ()

    def services(self) -> tuple[Known, ...]:
        return self.known


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallAccount]:
    """While a command pauses between two looks at the ledger, Seatrial's functions act on what it has sent."""
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.has("payments", "8", "", lambda _: {})
        installed = InSmallAccount(
            account.ledger,
            "seatrial",
            account.bus,
            pause=lambda _: quietly(account),  # type: ignore[arg-type]
        )
        monkeypatch.setattr(InSmallAccount, "known", (Known("payments", frozenset(), ARN, "shop", "Payments"),))
        monkeypatch.setattr(cli.account, "find", lambda stack, **_: installed)
        monkeypatch.setenv("SEATRIAL_CLOCK_URL", clock_that_stands(CREATED))
        yield account


def seatrial_acts(account: SmallAccount) -> None:
    """The bus delivers what was sent to the function that reads it; CodeDeploy rolls back what was stopped."""
    for what, detail in [sent for sent in account.bus.events if sent[0] in ASKED]:
        account.bus.events.remove((what, detail))
        sent = {"id": account.bus.ids[what], "source": "seatrial.oncall", "detail-type": what, "detail": detail}
        sent["time"] = account.clock.now().isoformat()
        if what == "Fix Granted":
            fix_lane.run(account.aws, sent)
        else:
            rollback.take_back(account.aws, sent)
        return
    for stopped in account.codedeploy.stops:
        account.codedeploy.ends(stopped, "Stopped", "MANUAL_STOP", "stopped", rollback="d-back")
        account.codedeploy.begin("d-back", status="Succeeded", creator="codeDeployRollback")
    monitor.look(account.aws, event("tick"))


def quietly(account: SmallAccount) -> None:
    """The functions' logs and metrics are not the command's output."""
    with redirect_stdout(io.StringIO()):
        seatrial_acts(account)


def is_shifting(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.codedeploy.shifts("d-1")
    account.ledger.move(release, State.SHIFTING)


@pytest.mark.parametrize(
    ("words", "what", "detail"),
    [
        (["rollback", "payments", "--release", "d-1"], "Rollback Requested", {"service": "payments", "release": "d-1"}),
        (
            ["rollback", "--flag", "shop/production/checkout"],
            "Rollback Requested",
            {"flag": "shop/production/checkout"},
        ),
        (["hold", "payments:live"], "Hold Requested", {"service": "payments:live"}),
        (["hold", "--all"], "Hold Requested", {"all": True}),
        (["resume", "--all"], "Hold Released", {"all": True}),
        (["fix", "payments"], "Fix Granted", {"service": "payments", "minutes": 30}),
        (["fix", "payments", "--for", "2h"], "Fix Granted", {"service": "payments", "minutes": 120}),
    ],
)
def test_a_command_is_one_event(account: SmallAccount, words: list[str], what: str, detail: dict[str, Any]) -> None:
    result = typed(*words, "--reason", "no", "--who", "on call", "--no-wait", "--json")
    assert result.exit_code == 0, result.output
    assert account.bus.events == [(what, {**detail, "reason": "no", "who": "on call"})]
    assert json.loads(result.stdout)["event"] == "1"


def test_rollback_waits_until_the_release_is_rolled_back_and_prints_each_step(account: SmallAccount) -> None:
    is_shifting(account)
    result = typed("rollback", "payments", "--reason", "no", "--who", "on call")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("payments:live: going back from version 8 to version 7")
    assert "payments:live: version 8 was taken back to version 7" in result.stdout
    assert "Waiting for the result" in result.stderr


def test_result_of_a_rollback_is_json_too(account: SmallAccount) -> None:
    is_shifting(account)
    shown = json.loads(typed("rollback", "payments", "--reason", "no", "--json").stdout)
    assert [answer["action"] for answer in shown["answers"]] == ["stopped"]
    assert (shown["release"]["deployment"], shown["release"]["state"]) == ("d-1", "taken back")


def test_a_rollback_of_a_service_without_release_fails_with_the_reason(account: SmallAccount) -> None:
    result = typed("rollback", "payments", "--reason", "no")
    assert result.exit_code == 1
    assert "there is no release of payments" in result.stdout


@pytest.mark.parametrize("words", [["hold", "payments"], ["resume", "payments"]])
def test_a_hold_is_placed_and_lifted_before_the_command_ends(account: SmallAccount, words: list[str]) -> None:
    result = typed(*words, "--reason", "no")
    assert result.exit_code == 0, result.output
    assert len(account.ledger.holds.standing()) == (words[0] == "hold")


def test_no_answer_in_time_is_an_exit_code_of_its_own(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.test_oncall_commands.seatrial_acts", lambda _: None)
    result = typed("hold", "payments", "--reason", "no")
    assert result.exit_code == 2
    assert "No answer after 90 s" in result.stdout


@pytest.mark.parametrize("command", ["rollback", "hold", "resume", "fix"])
def test_a_name_that_is_no_service_is_an_error_and_nothing_is_sent(account: SmallAccount, command: str) -> None:
    result = typed(command, "paymets", "--reason", "no")
    assert (result.exit_code, account.bus.events) == (2, [])
    assert result.stderr == "seatrial: no service has the name 'paymets'. Did you mean 'payments'?\n"


@pytest.mark.parametrize("words", [["heal"], ["foresee"], ["explain"], ["status"], ["judge", "--from-cloudwatch"]])
def test_commands_that_read_know_services_by_the_same_names(account: SmallAccount, words: list[str]) -> None:
    assert "Did you mean 'payments'?" in typed(*words, "paymets").stderr
    assert "shop/Payments is payments" in typed(*words, "shop/Payments").stderr


@pytest.mark.parametrize("name", ["shop/Payments", "Payments", "pay", ARN])
def test_a_service_is_held_by_each_of_its_names(account: SmallAccount, name: str) -> None:
    assert typed("hold", name, "--reason", "no", "--no-wait").exit_code == 0
    assert account.bus.events[0][1]["service"] == "payments"


def test_a_role_that_may_only_send_sends_and_says_that_it_can_not_see_the_result(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Installed(account.ledger, "seatrial", account.bus, readable=False)  # type: ignore[arg-type]
    monkeypatch.setattr(cli.account, "find", lambda stack, **_: blind)
    result = typed("rollback", "payments", "--reason", "no")
    assert result.exit_code == 0
    assert account.bus.events[0][0] == "Rollback Requested"
    assert "This role may only send requests" in result.stdout


def test_status_shows_holds_grants_and_rejected_releases(account: SmallAccount) -> None:
    is_shifting(account)
    account.codedeploy.begin("d-2")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    account.ledger.finish(release, State.REFUSED, "no suite", "functions/pre_traffic", CREATED)
    typed("hold", "payments", "--reason", "the bank is down", "--who", "eve")
    typed("fix", "payments", "--reason", "it is mended", "--who", "eve")
    for words in (["status"], ["status", "payments"]):
        shown = typed(*words).stdout.splitlines()
        assert shown[0].startswith(
            "HOLD on payments since 2026-11-23 10:01 UTC by eve: the bank is down. Next: seatrial"
        )
        assert shown[1].startswith("HOTFIX GRANT for payments:live by eve: it is mended; unused, open until")
        assert sum("d-2  payments:live  7 → 8  refused" in line for line in shown) == 1
    found = json.loads(typed("status", "--json").stdout)
    assert [len(found[key]) for key in ("releases", "holds", "grants")] == [2, 1, 1]


ESCAPES = "eve\x1b]0;pwned\x07\n10:00  d-9  payments:live  1 → 2  released \u202e"


def test_nothing_that_a_terminal_would_obey_reaches_it(account: SmallAccount) -> None:
    is_shifting(account)
    typed("rollback", "payments", "--reason", ESCAPES, "--who", ESCAPES)
    account.lambdas.answers["payments", "8"] = lambda _: {}
    for words in (["status"], ["status", "--json"], ["explain", "d-1"], ["explain", "d-1", "--json"]):
        shown = typed(*words).stdout
        assert printable(shown.replace("\n", "")) == shown.replace("\n", ""), words
        assert not [line for line in shown.splitlines() if line.startswith("10:00")]
    assert [printable(sentence) for sentence in account.told()] == account.told()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rollback"], "name a service, or write --flag APPLICATION/ENVIRONMENT/PROFILE"),
        (["rollback", "payments", "--flag", "a/b/c"], "give either 'detail.flag' or 'detail.service', not both"),
        (["hold"], "name a service, or write --all for every one"),
        (["hold", "payments", "--all"], "name a service, or write --all for every one"),
        (["fix", "payments", "--for", "5h"], "'detail.minutes' must be a whole number from 1 to 240, got 300"),
        (["fix", "payments", "--for", "soon"], "--for is 'soon'; write 30m or 2h"),
        (["rollback", "pay ments"], "no service has the name 'pay ments'. Did you mean 'payments'?"),
    ],
)
def test_a_mistake_is_told_where_it_was_typed_and_nothing_is_sent(
    account: SmallAccount, words: list[str], sentence: str
) -> None:
    result = typed(*words, "--reason", "no")
    assert (result.exit_code, account.bus.events) == (2, [])
    assert sentence in result.output


def test_what_happened_to_a_flag_is_explained_by_its_name(account: SmallAccount) -> None:
    flag = Flag("shop/production/checkout", "app1", "env1", "pro1")
    rollout = Rollout(flag, 2, "12", "ROLLED_BACK", CREATED)
    account.ledger.flags.step(rollout, Step("taken back", "", "it is back", CREATED, "functions/rollback"))
    assert typed("explain", flag.name).output == (
        "shop/production/checkout\n  2026-11-23 10:00:00  taken back  it is back\n"
    )
    result = typed("explain", "shop/test/checkout")
    assert (result.exit_code, "the ledger knows nothing of the flag" in result.output) == (1, True)


def returned(account: SmallAccount) -> None:
    shift = Shift("payments", "live", "7", "8")
    release = account.ledger.open(Deployment("d-1", "shop", "payments", Status.SUCCEEDED, CREATED, shift), shift, [])
    account.ledger.finish(release, State.RELEASED, "", "", CREATED)
    account.ledger.move(release, State.RETURNING, "an alarm rang", "functions/rollback")
    account.ledger.move(release, State.RETURNED)


def test_status_says_of_each_service_what_is_to_be_healed(account: SmallAccount) -> None:
    returned(account)
    shift = Shift("fees", "live", "3", "4")
    other = account.ledger.open(Deployment("d-2", "shop", "fees", Status.SUCCEEDED, CREATED, shift), shift, [])
    account.ledger.finish(other, State.RELEASED, "", "", CREATED)
    account.ledger.move(other, State.RETURNING, "an alarm rang", "functions/rollback")
    told = typed("status").output
    assert "Users of payments:live get version 7" in told
    assert "Users of fees:live get version 3" in told


def test_what_is_to_be_healed_is_told_with_its_commands_before_the_next_deploy(account: SmallAccount) -> None:
    assert typed("heal", "payments").exit_code == 0
    returned(account)
    result = typed("heal", "payments")
    assert result.exit_code == 1
    assert "CloudFormation believes it is version 8" in result.output
    assert "sam deploy --parameter-overrides Shifting=off" in result.output
    assert result.output.strip() in typed("status", "payments").output
    assert result.output.strip() in typed("status").output
