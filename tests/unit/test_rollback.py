"""functions/rollback: from an event to a stopped deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seatrial.aws.ledger import Ledger
from seatrial.core.events import Home
from seatrial.core.release import Release, State
from seatrial.flows import preflight, rollback
from tests.small_account import CREATED, REGION, SmallAccount, event, make_table


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes"]
        account.lambdas.tags = {"payments": {"seatrial": "released"}, "refunds": {"seatrial": "released"}}
        yield account


def shifting(account: SmallAccount, id: str = "d-1", function: str = "payments") -> Release:
    account.codedeploy.begin(id, function=function)
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment(id))
    account.ledger.move(release, State.SHIFTING)
    return release


def rings(alarm: str = "bad-outcomes") -> dict[str, Any]:
    at = (CREATED + timedelta(minutes=1)).isoformat()
    state = {"value": "ALARM", "reason": "3 of 3 datapoints", "timestamp": at}
    return event("alarm") | {"detail": {"alarmName": alarm, "state": state}}


def test_an_alarm_stops_the_deployment_and_everybody_is_told_why(account: SmallAccount) -> None:
    shifting(account)
    sentence = "payments:live: going back from version 8 to version 7: alarm bad-outcomes rang: 3 of 3 datapoints"
    assert rollback.take_back(account.aws, rings()) == {"decisions": [{"action": "stopped", "reason": sentence}]}
    assert account.codedeploy.stops == ["d-1"]
    release = account.ledger.release("d-1")
    assert (release.state, release.by) == (State.GOING_BACK, "functions/rollback")
    assert account.told() == [sentence]
    assert sentence in [step.sentence for step in account.ledger.steps("d-1")]
    assert account.bus.events == [
        (
            "Release Going Back",
            {"service": "payments", "release": "d-1", "event": "going back", "sentence": sentence},
        )
    ]


def test_the_same_alarm_twice_stops_one_deployment_once(account: SmallAccount) -> None:
    shifting(account)
    rollback.take_back(account.aws, rings())
    (again,) = rollback.take_back(account.aws, rings())["decisions"]
    assert again == {"action": "ignored", "reason": "release d-1 of payments:live is already going back"}
    assert account.codedeploy.stops == ["d-1"]
    assert len(account.told()) == 1


def test_on_call_stops_the_service_they_name_and_no_other(account: SmallAccount) -> None:
    shifting(account)
    shifting(account, "d-2", "refunds")
    (decision,) = rollback.take_back(account.aws, event("rollback-requested"))["decisions"]
    assert decision["action"] == "stopped"
    assert decision["reason"].endswith("on-call@example.com asked for it: refunds answer twice")
    assert account.codedeploy.stops == ["d-1"]


@pytest.mark.parametrize("trigger", [event("rollback-requested"), rings()], ids=["a person", "an alarm"])
def test_nothing_is_stopped_of_a_function_that_has_lost_its_tag_and_people_are_told(
    account: SmallAccount, trigger: dict[str, Any]
) -> None:
    shifting(account)
    account.lambdas.tags["payments"] = {}
    (decision,) = rollback.take_back(account.aws, trigger)["decisions"]
    assert decision["action"] == "told"
    assert "payments carries no tag 'seatrial'" in decision["reason"]
    assert account.codedeploy.stops == []
    assert account.told() == [decision["reason"]]


def test_of_a_service_that_is_off_an_alarm_is_told_once_and_people_are_obeyed(account: SmallAccount) -> None:
    shifting(account)
    account.lambdas.tags["payments"] = {"seatrial": "off"}
    for _ in range(2):
        (decision,) = rollback.take_back(account.aws, rings())["decisions"]
    assert decision["action"] == "told"
    assert "Seatrial keeps its hands off" in decision["reason"]
    assert account.told() == [decision["reason"]]
    assert account.codedeploy.stops == []
    (decision,) = rollback.take_back(account.aws, event("rollback-requested"))["decisions"]
    assert decision["action"] == "stopped"


def test_what_bakes_when_its_service_is_switched_off_is_not_held_under_its_alarm(account: SmallAccount) -> None:
    account.ledger.bake(shifting(account), "x-9", CREATED + timedelta(minutes=30))
    account.lambdas.tags["payments"] = {"seatrial": "off"}
    (decision,) = rollback.take_back(account.aws, rings())["decisions"]
    assert decision["action"] == "told"
    assert account.codedeploy.answers == [("d-1", "x-9", "Succeeded")]
    assert account.told() == [decision["reason"]]


def test_a_tag_that_cannot_be_read_keeps_its_own_release_waiting_and_no_other(account: SmallAccount) -> None:
    shifting(account)
    shifting(account, "d-2", "refunds")
    del account.lambdas.tags["payments"]  # as Lambda, where it knows no such function
    with pytest.raises(ExceptionGroup):  # so that Lambda makes the same call again
        rollback.take_back(account.aws, rings())
    assert account.codedeploy.stops == ["d-2"]
    account.lambdas.tags["payments"] = {"seatrial": "released"}
    rollback.take_back(account.aws, rings())
    assert account.codedeploy.stops == ["d-2", "d-1"]


def test_what_ended_a_moment_before_is_not_said_to_go_back(account: SmallAccount) -> None:
    shifting(account)
    account.codedeploy.ends("d-1", "Stopped", "MANUAL_STOP")
    (decision,) = rollback.take_back(account.aws, rings())["decisions"]
    assert decision["action"] == "ignored"
    release = account.ledger.release("d-1")
    assert (release.state, release.reason) == (State.SHIFTING, "alarm bad-outcomes rang: 3 of 3 datapoints")


def test_on_call_is_told_when_there_is_nothing_to_take_back(account: SmallAccount) -> None:
    (decision,) = rollback.take_back(account.aws, event("rollback-requested"))["decisions"]
    assert decision["action"] == "ignored"
    assert account.told() == [decision["reason"]]


def test_an_alarm_with_nothing_open_disturbs_nobody(account: SmallAccount) -> None:
    rollback.take_back(account.aws, rings())
    assert account.told() == []


def test_one_deployment_that_cannot_be_stopped_does_not_spare_the_others(account: SmallAccount) -> None:
    shifting(account)
    shifting(account, "d-2", "refunds")
    del account.codedeploy.deployments["d-1"]
    with pytest.raises(ExceptionGroup):
        rollback.take_back(account.aws, rings())
    assert account.codedeploy.stops == ["d-2"]


def test_an_alarm_of_the_suite_alone_takes_a_release_back_too(account: SmallAccount) -> None:
    release = account.ledger.settle(shifting(account), alarms=["late"], settings={"bake": 0, "guard": 0})
    account.ledger.move(release, State.SHIFTING)
    assert rollback.take_back(account.aws, rings("late"))["decisions"][0]["action"] == "stopped"


def test_the_next_release_is_not_taken_back_by_the_alarm_that_flaps(account: SmallAccount) -> None:
    shifting(account)
    rollback.take_back(account.aws, rings())
    account.codedeploy.ends("d-1", "Stopped", "MANUAL_STOP")
    account.ledger.finish(account.ledger.release("d-1"), State.TAKEN_BACK, "", "", CREATED)
    shifting(account, "d-2")
    account.topic.messages.clear()
    _, decision = rollback.take_back(account.aws, rings())["decisions"]
    assert decision["action"] == "told"
    assert "for 10 min it takes no other" in decision["reason"]
    assert account.codedeploy.stops == ["d-1"]
    assert account.told() == [decision["reason"]]
    rollback.take_back(account.aws, rings())
    assert len(account.told()) == 1, "and it is told once, however often it is looked at"


def test_people_who_name_a_release_are_obeyed_though_the_ledger_is_gone(account: SmallAccount) -> None:
    shifting(account)
    boto3.client("dynamodb", **REGION).delete_table(TableName="ledger")
    asked = event("rollback-requested")
    asked["detail"]["release"] = "d-1"
    with pytest.raises(ExceptionGroup):  # the ledger's own failure, after the stop
        rollback.take_back(account.aws, asked)
    assert account.codedeploy.stops == ["d-1"]


def test_a_late_second_word_does_not_take_the_next_release_back(account: SmallAccount) -> None:
    shifting(account)
    asked = event("rollback-requested")
    rollback.take_back(account.aws, asked)
    account.codedeploy.ends("d-1", "Stopped", "MANUAL_STOP")
    account.ledger.finish(account.ledger.release("d-1"), State.TAKEN_BACK, "", "", CREATED)
    account.codedeploy.begin("d-2", createTime=CREATED + timedelta(hours=3))
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    account.ledger.move(release, State.SHIFTING)
    (decision,) = rollback.take_back(account.aws, asked)["decisions"]
    assert decision["reason"] == "on-call@example.com asked before release d-2 of payments:live began"
    assert account.codedeploy.stops == ["d-1"]


def calls_made(account: SmallAccount, do: Callable[[], object]) -> list[str]:
    """The names of the AWS calls, in order: the ledger's by its client, the others' by the small account's."""
    made: list[str] = []
    ledger = boto3.client("dynamodb", **REGION)
    ledger.meta.events.register("before-call", lambda model, **_: made.append(model.name))
    object.__setattr__(account.aws, "ledger", Ledger(ledger, "ledger", timedelta(days=400)))
    stop, look = account.codedeploy.stop_deployment, account.lambdas.get_function

    def counted(name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **asked: (made.append(name), inner(**asked))[1]

    account.codedeploy.stop_deployment = counted("StopDeployment", stop)  # type: ignore[method-assign]
    account.lambdas.get_function = counted("GetFunction", look)  # type: ignore[method-assign]
    do()
    return made


@pytest.mark.parametrize("others", [0, 40])
def test_three_calls_lead_from_an_alarm_to_the_stop_however_many_services_there_are(
    account: SmallAccount, others: int
) -> None:
    for n in range(others):
        account.codedeploy.alarms = [f"alarm-{n}"]
        account.lambdas.tags[f"service-{n}"] = {"seatrial": "released"}
        shifting(account, f"d-x{n}", f"service-{n}")
    account.codedeploy.alarms = ["bad-outcomes"]
    shifting(account)
    made = calls_made(account, lambda: rollback.take_back(account.aws, rings()))
    assert made[: made.index("StopDeployment") + 1] == ["Query", "GetFunction", "StopDeployment"]


def test_an_event_that_cannot_be_read_is_an_error(account: SmallAccount) -> None:
    with pytest.raises(Exception, match="functions/rollback reads"):
        rollback.take_back(account.aws, {"detail-type": "Something Else"})


def test_an_alarm_of_another_account_or_region_is_none_of_ours(account: SmallAccount) -> None:
    """Its name may be the same: templates are deployed to many accounts, and events may be forwarded."""
    release = shifting(account)
    aws = replace(account.aws, home=Home("123456789012", "eu-west-1"))
    ours = rings() | {"account": "123456789012", "region": "eu-west-1"}
    for theirs in (ours | {"account": "999999999999"}, ours | {"region": "ap-south-1"}):
        (decision,) = rollback.take_back(aws, theirs)["decisions"]
        assert decision["action"] == "ignored"
        assert "no release here is rolled back" in decision["reason"]
    assert (account.codedeploy.stops, account.told()) == ([], [])
    rollback.take_back(aws, ours)
    assert account.codedeploy.stops == [release.deployment_id]


def test_a_hold_that_is_dated_ahead_is_of_the_moment_it_arrives_and_can_be_lifted(account: SmallAccount) -> None:
    rollback.take_back(account.aws, event("hold-requested") | {"time": "2126-01-01T00:00:00Z"})
    assert account.ledger.holds.standing()
    account.clock.goes_on(timedelta(minutes=1))
    lifted = event("hold-released") | {"time": account.clock.now().isoformat()}
    rollback.take_back(account.aws, lifted)
    assert account.ledger.holds.standing() == ()
