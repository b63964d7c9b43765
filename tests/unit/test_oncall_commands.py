"""What on call types becomes one event, read as Seatrial will read it before it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import app as commands
from cli import oncall
from cli.account import Installed
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import State, Step
from seatrial.core.rollout import Flag, Rollout
from tests.small_account import CREATED, SmallAccount, make_table


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        installed = Installed(account.ledger, "seatrial", account.bus)  # type: ignore[arg-type]
        for module in (oncall, commands):
            monkeypatch.setattr(module, "installed", lambda stack: installed)
        yield account


def typed(*words: str) -> Result:
    return CliRunner().invoke(commands.app, [*words])


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
    result = typed(*words, "--reason", "no", "--who", "on call", "--json")
    assert result.exit_code == 0, result.output
    assert account.bus.events == [(what, {**detail, "reason": "no", "who": "on call"})]
    assert json.loads(result.output)["event"] == "1"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rollback"], "name a service, or write --flag APPLICATION/ENVIRONMENT/PROFILE"),
        (["rollback", "payments", "--flag", "a/b/c"], "give either 'detail.flag' or 'detail.service', not both"),
        (["hold"], "name a service, or write --all for every one"),
        (["hold", "payments", "--all"], "name a service, or write --all for every one"),
        (["fix", "payments", "--for", "5h"], "'detail.minutes' must be a whole number from 1 to 240, got 300"),
        (["fix", "payments", "--for", "soon"], "--for is 'soon'; write 30m or 2h"),
        (
            ["rollback", "pay ments"],
            "'detail.service' must be a function's name, function:alias, or its ARN, got 'pay ments'",
        ),
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
