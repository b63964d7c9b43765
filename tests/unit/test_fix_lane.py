"""The fix lane: one release passes ringing alarms, and the alarms are on again whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core.release import Release, State
from seatrial.flows import fix_lane, preflight, rollback
from tests.small_account import SmallAccount, event, make_table, refused
from tests.unit.test_hook import CALL, Limit, bad, good, handler_of

TICK = event("tick")
GRANTED = datetime(2026, 11, 23, 10, 7, 31, tzinfo=UTC)
SUITE = """
cases:
  - {name: health answers, event: {path: /health}, expect: {response.statusCode: 200}}
release: {windows: ["Sun 01:00-02:00 UTC"]}
"""


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    """After a bad release of payments was taken back, its alarm still ringing."""
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes", "late"]
        account.lambdas.has("payments", "8", SUITE, good)
        account.codedeploy.begin("d-1")
        bad_one = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
        account.ledger.finish(bad_one, State.TAKEN_BACK, "alarm", "functions/rollback", account.clock.now())
        account.clock.goes_on(GRANTED - account.clock.now() + timedelta(seconds=5))
        yield account


def only(account: SmallAccount, event: dict[str, Any]) -> dict[str, str]:
    (outcome,) = fix_lane.run(account.aws, event)["grants"]
    return outcome


def fix_begins(account: SmallAccount, monkeypatch: pytest.MonkeyPatch, id: str = "d-2") -> dict[str, str]:
    account.codedeploy.begin(id, createTime=account.clock.now())
    call = CALL | {"DeploymentId": id}
    return handler_of("pre_traffic", account, monkeypatch)(call, Limit())


def the_fix(account: SmallAccount) -> Release:
    return account.ledger.release("d-2")


def test_a_grant_switches_the_groups_alarms_off_and_keeps_their_list(account: SmallAccount) -> None:
    outcome = only(account, event("fix-granted"))
    assert outcome == {
        "action": "opened",
        "reason": "payments:live: on-call@example.com lets one release pass its alarms and holds if it begins before "
        "10:37:31 UTC: the currency table is mended. The alarms of payments are off until then; its trial must still "
        "pass",
    }
    assert not account.codedeploy.alarms_on
    assert account.codedeploy.alarms == ["bad-outcomes", "late"]
    assert account.bus.events[-1][0] == "Fix Lane Changed"
    assert fix_lane.run(account.aws, TICK) == {"grants": []}, "a tick leaves it open"


@pytest.mark.parametrize("ignores", [True, False])
def test_a_grant_keeps_whether_unreadable_alarms_are_ignored(account: SmallAccount, ignores: bool) -> None:
    account.codedeploy.ignores_poll_failure = ignores
    only(account, event("fix-granted"))
    assert account.codedeploy.ignores_poll_failure is ignores
    account.clock.goes_on(timedelta(hours=1))
    assert [one["action"] for one in fix_lane.run(account.aws, TICK)["grants"]] == ["closed"]
    assert account.codedeploy.alarms_on
    assert account.codedeploy.ignores_poll_failure is ignores


def test_the_fix_passes_a_hold_and_a_closed_window_and_its_alarms(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback.take_back(account.aws, event("hold-requested"))
    only(account, event("fix-granted"))
    assert fix_begins(account, monkeypatch)["answered"] == "Succeeded"
    assert the_fix(account).fix == "on-call@example.com: the currency table is mended"
    warnings = [step.sentence for step in account.ledger.steps("d-2") if step.kind == "warning"]
    assert len(warnings) == 2, warnings

    state = {"value": "ALARM", "reason": "r", "timestamp": account.clock.now().isoformat()}
    rollback.take_back(account.aws, event("alarm") | {"detail": {"alarmName": "late", "state": state}})
    assert account.codedeploy.stops == []
    assert rollback.take_back(account.aws, event("rollback-requested") | {"time": account.clock.now().isoformat()})
    assert account.codedeploy.stops == ["d-2"], "people can still take it back"


def test_its_trial_must_still_pass(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    only(account, event("fix-granted"))
    account.lambdas.has("payments", "8", SUITE, bad)
    assert fix_begins(account, monkeypatch)["answered"] == "Failed"


def test_it_is_one_release_that_passes(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    only(account, event("fix-granted"))
    fix_begins(account, monkeypatch)
    account.clock.goes_on(timedelta(minutes=1))
    assert fix_begins(account, monkeypatch, "d-3")["answered"] == "Failed", "its window is closed"
    assert account.ledger.release("d-3").fix == ""


def test_the_alarms_are_on_again_when_the_fix_has_ended(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    only(account, event("fix-granted"))
    fix_begins(account, monkeypatch)
    account.clock.goes_on(timedelta(hours=1))
    assert fix_lane.run(account.aws, TICK) == {"grants": []}, "it goes on beyond the time in which it had to begin"
    account.ledger.finish(the_fix(account), State.RELEASED, "", "", account.clock.now())
    assert only(account, TICK) == {
        "action": "closed",
        "reason": "payments:live: the fix lane is closed (its release d-2 is released): the alarms of payments are on "
        "again",
    }
    assert account.codedeploy.alarms_on
    assert fix_lane.run(account.aws, TICK) == {"grants": []}


def test_a_grant_that_nobody_uses_ends_by_itself(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    only(account, event("fix-granted"))
    account.clock.goes_on(timedelta(minutes=30))
    assert "(it was not used in time)" in only(account, TICK)["reason"]
    assert account.codedeploy.alarms_on
    assert fix_begins(account, monkeypatch)["answered"] == "Failed"


def test_what_cloudformation_wrote_meanwhile_wins(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    only(account, event("fix-granted"))
    account.codedeploy.alarms, account.codedeploy.alarms_on = ["new-one"], True
    account.clock.goes_on(timedelta(minutes=30))
    assert "the alarms of payments are on: nothing to switch" in only(account, TICK)["reason"]
    assert account.codedeploy.alarms == ["new-one"]


def test_a_group_that_somebody_wrote_and_left_off_is_told_in_capitals(account: SmallAccount) -> None:
    only(account, event("fix-granted"))
    account.codedeploy.alarms = ["new-one"]
    account.clock.goes_on(timedelta(minutes=30))
    assert "STAY OFF" in only(account, TICK)["reason"]
    assert account.codedeploy.alarms == ["new-one"]


def test_alarms_that_were_off_before_stay_off(account: SmallAccount) -> None:
    account.codedeploy.alarms_on = False
    only(account, event("fix-granted"))
    account.clock.goes_on(timedelta(minutes=30))
    assert "off, as they were before" in only(account, TICK)["reason"]
    assert not account.codedeploy.alarms_on


@pytest.mark.parametrize("after", ["the list", "the switch"])
def test_a_crash_is_mended_by_lambdas_next_try_or_by_the_tick(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    update = account.codedeploy.update_deployment_group

    def crashes(**asked: Any) -> None:
        if after == "the switch":
            update(**asked)
        raise refused("UpdateDeploymentGroup", "InternalErrorException")

    monkeypatch.setattr(account.codedeploy, "update_deployment_group", crashes)
    with pytest.raises(Exception, match="InternalErrorException"):
        fix_lane.run(account.aws, event("fix-granted"))
    assert fix_begins(account, monkeypatch)["answered"] == "Failed", "no release passes before the switch was read back"
    monkeypatch.setattr(account.codedeploy, "update_deployment_group", update)

    assert only(account, event("fix-granted"))["action"] == "opened"
    account.clock.goes_on(timedelta(minutes=30))
    only(account, TICK)
    assert account.codedeploy.alarms_on


def test_a_crash_that_nobody_tries_again_is_undone_within_minutes(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = account.codedeploy.update_deployment_group

    def crashes(**asked: Any) -> None:
        update(**asked)
        raise refused("UpdateDeploymentGroup", "InternalErrorException")

    monkeypatch.setattr(account.codedeploy, "update_deployment_group", crashes)
    with pytest.raises(Exception, match="InternalErrorException"):
        fix_lane.run(account.aws, event("fix-granted"))
    monkeypatch.setattr(account.codedeploy, "update_deployment_group", update)
    account.clock.goes_on(timedelta(minutes=3))
    assert "(it was interrupted)" in only(account, TICK)["reason"]
    assert account.codedeploy.alarms_on


def test_the_same_grant_again_and_a_second_one_change_nothing(account: SmallAccount) -> None:
    only(account, event("fix-granted"))
    assert only(account, event("fix-granted"))["action"] == "ignored"
    second = event("fix-granted") | {"id": "another", "time": (GRANTED + timedelta(minutes=1)).isoformat()}
    outcome = only(account, second)
    assert "a grant stands already until 10:37:31 UTC" in outcome["reason"]
    account.clock.goes_on(timedelta(minutes=30))
    only(account, TICK)
    assert only(account, event("fix-granted"))["action"] == "ignored", "told again after it had ended"
    assert account.codedeploy.alarms_on


@pytest.mark.parametrize(
    ("happened", "sentence"),
    [
        (lambda account: account.lambdas.tags.update(payments={}), "payments carries no tag 'seatrial'"),
        (lambda account: None, "the ledger knows no release of it"),
    ],
)
def test_what_is_not_ours_is_not_switched(account: SmallAccount, happened: Any, sentence: str) -> None:
    happened(account)
    granted = event("fix-granted")
    if "tag" not in sentence:
        granted["detail"]["service"] = "refunds"
    assert sentence in only(account, granted)["reason"]
    assert account.codedeploy.alarms_on


def test_a_grant_that_is_dated_ahead_lasts_from_its_arrival(account: SmallAccount) -> None:
    only(account, event("fix-granted") | {"time": "2126-01-01T00:00:00Z"})
    account.clock.goes_on(timedelta(minutes=31))
    (closed,) = fix_lane.run(account.aws, TICK)["grants"]
    assert closed["action"] == "closed"
    assert account.codedeploy.alarms_on
