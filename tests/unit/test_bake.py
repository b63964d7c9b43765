"""The bake: the hook after the shift waits, and what ends the wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core import bake as plans
from seatrial.core.bake import Plan, Shifting
from seatrial.core.release import State
from seatrial.flows import monitor, preflight, rollback
from seatrial.flows.hook import Handler
from tests.small_account import CREATED, SmallAccount, event, make_table
from tests.unit.test_hook import CALL, Limit, good, handler_of

TICK = event("tick")
AFTER = CALL | {"LifecycleEventHookExecutionId": "x-2"}
SUITE = """
cases:
  - {name: health answers, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}
release: {bake: 5m}
"""


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes"]
        account.lambdas.has("payments", "8", SUITE, good)
        account.lambdas.answers["payments", "live"] = good
        yield account


@pytest.fixture
def post_traffic(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The hook after the shift, of a release that the hook before it has let begin."""
    account.codedeploy.begin("d-1")
    handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    account.codedeploy.answers.clear()
    return handler_of("post_traffic", account, monkeypatch)


def rings(account: SmallAccount) -> dict[str, Any]:
    state = {"value": "ALARM", "reason": "3 of 3 datapoints", "timestamp": account.clock.now().isoformat()}
    return event("alarm") | {"detail": {"alarmName": "bad-outcomes", "state": state}}


def alarm_in_cloudwatch(account: SmallAccount, state: str = "ALARM") -> dict[str, Any]:
    return {
        "AlarmName": "bad-outcomes",
        "StateValue": state,
        "StateReason": "3 of 3 datapoints",
        "StateTransitionedTimestamp": account.clock.now(),
    }


def test_the_hook_is_left_unanswered_until_the_bake_is_over(account: SmallAccount, post_traffic: Handler) -> None:
    answered = post_traffic(AFTER, Limit())
    assert answered["answered"] == "later"
    assert "it bakes until 10:06:00 UTC" in answered["reason"]
    release = account.ledger.release("d-1")
    assert (release.state, release.hook) == (State.BAKING, "x-2")
    account.clock.goes_on(timedelta(minutes=4, seconds=59))
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == []
    account.clock.goes_on(timedelta(seconds=1))
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]


def test_the_same_call_made_again_neither_asks_again_nor_bakes_longer(
    account: SmallAccount, post_traffic: Handler
) -> None:
    first = post_traffic(AFTER, Limit())
    account.clock.goes_on(timedelta(minutes=2))
    assert post_traffic(AFTER, Limit()) == first


def test_an_alarm_in_the_bake_answers_failed_at_once(account: SmallAccount, post_traffic: Handler) -> None:
    post_traffic(AFTER, Limit())
    (outcome,) = rollback.take_back(account.aws, rings(account))["decisions"]
    assert outcome["action"] == "answered"
    assert account.codedeploy.answers == [("d-1", "x-2", "Failed")]
    assert account.codedeploy.stops == []
    assert account.ledger.release("d-1").state is State.GOING_BACK


def test_an_alarm_whose_event_was_lost_ends_the_bake_all_the_same(account: SmallAccount, post_traffic: Handler) -> None:
    post_traffic(AFTER, Limit())
    account.clock.goes_on(timedelta(minutes=5))
    account.alarms.alarms = [alarm_in_cloudwatch(account)]
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == [("d-1", "x-2", "Failed")]
    assert account.ledger.release("d-1").by == "functions/monitor"


def test_an_alarm_that_rings_since_before_the_release_does_not_end_its_bake(
    account: SmallAccount, post_traffic: Handler
) -> None:
    post_traffic(AFTER, Limit())
    account.alarms.alarms = [alarm_in_cloudwatch(account) | {"StateTransitionedTimestamp": CREATED - timedelta(1)}]
    account.clock.goes_on(timedelta(minutes=5))
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]


def test_an_alarm_that_is_held_against_another_release_does_not_keep_this_one_baking(
    account: SmallAccount, post_traffic: Handler
) -> None:
    """It rang before this one began, and while the other one was out."""
    post_traffic(AFTER, Limit())
    account.lambdas.tags["refunds"] = {"seatrial": "released"}
    account.codedeploy.begin("d-0", function="refunds", createTime=CREATED - timedelta(hours=1))
    other = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-0"))
    account.ledger.move(other, State.SHIFTING)
    account.alarms.alarms = [
        alarm_in_cloudwatch(account) | {"StateTransitionedTimestamp": CREATED - timedelta(minutes=9)}
    ]
    account.clock.goes_on(timedelta(minutes=5))
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]
    assert account.codedeploy.stops == ["d-0"]


def test_while_alarms_cannot_be_read_no_bake_ends_well(account: SmallAccount, post_traffic: Handler) -> None:
    post_traffic(AFTER, Limit())
    account.alarms.broken = True
    account.clock.goes_on(timedelta(minutes=6))
    with pytest.raises(ExceptionGroup):
        monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == []
    account.alarms.broken = False
    monitor.look(account.aws, TICK)
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]


def test_what_goes_back_while_it_is_asked_again_does_not_begin_to_bake(
    account: SmallAccount, post_traffic: Handler
) -> None:
    account.ledger.move(account.ledger.release("d-1"), State.GOING_BACK, "on call asked for it", "functions/rollback")
    assert post_traffic(AFTER, Limit())["answered"] == "Failed"


def test_without_a_bake_the_hook_is_answered_at_once(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.lambdas.has("payments", "8", SUITE.replace("5m", "0"), good)
    account.codedeploy.begin("d-1")
    handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    assert handler_of("post_traffic", account, monkeypatch)(AFTER, Limit())["answered"] == "Succeeded"


def test_without_a_bake_what_goes_back_is_not_let_end_well(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.lambdas.has("payments", "8", SUITE.replace("5m", "0"), good)
    account.codedeploy.begin("d-1")
    handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    account.ledger.move(account.ledger.release("d-1"), State.GOING_BACK, "on call asked for it", "functions/rollback")
    assert handler_of("post_traffic", account, monkeypatch)(AFTER, Limit())["answered"] == "Failed"


def test_a_request_that_was_written_down_but_not_carried_out_is_finished_by_the_tick(
    account: SmallAccount, post_traffic: Handler
) -> None:
    account.ledger.move(account.ledger.release("d-1"), State.GOING_BACK, "on call asked for it", "functions/rollback")
    monitor.look(account.aws, TICK)
    assert account.codedeploy.stops == ["d-1"]


@pytest.mark.parametrize(
    ("shifting", "minutes"),
    [
        (Shifting(), 0),
        (Shifting.canary(10, 30), 30),
        (Shifting.linear(10, 10), 90),
        (Shifting.linear(10, 1), 9),
        (Shifting.linear(30, 1), 3),
        (Shifting.linear(50, 2), 2),
    ],
)
def test_a_shift_takes_an_interval_for_each_step_after_the_first(shifting: Shifting, minutes: int) -> None:
    assert shifting.takes == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("shift", "bake", "refused", "warned"),
    [(5, 5, False, False), (35, 5, False, False), (36, 5, False, True), (90, 10, False, True), (90, 11, True, True)],
)
def test_a_plan_must_fit_cloudformations_wait_and_sams_is_named(
    shift: int, bake: int, refused: bool, warned: bool
) -> None:
    plan = Plan(timedelta(minutes=shift), timedelta(minutes=bake))
    assert (plans.refusal(plan) is not None, plans.warning(plan) is not None) == (refused, warned)


def test_a_plan_that_cannot_fit_is_refused_before_any_case_is_tried(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear = {"linearInterval": 12, "linearPercentage": 10}
    config = {"deploymentConfigInfo": {"trafficRoutingConfig": {"type": "TimeBasedLinear", "timeBasedLinear": linear}}}
    monkeypatch.setattr(account.codedeploy, "get_deployment_config", lambda **_: config)
    account.codedeploy.begin("d-1")
    answered = handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "its plan takes up to 133 min (15 min for the trial, 108 min to shift" in answered["reason"]
    assert account.lambdas.invoked == []
    assert any("`sam deploy --max-wait-duration 133`" in sentence for sentence in account.told())
