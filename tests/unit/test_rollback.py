"""functions/rollback: from an event to a stopped deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core.release import Release, State
from seatrial.flows import preflight, rollback
from tests.small_account import CREATED, SmallAccount, event, make_table


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
    assert account.ledger.steps("d-1")[-1].sentence == sentence


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
    assert decision["reason"].endswith("ines@example.com asked for it: refunds answer twice")
    assert account.codedeploy.stops == ["d-1"]


def test_nothing_is_stopped_of_a_function_that_has_lost_its_tag(account: SmallAccount) -> None:
    shifting(account)
    account.lambdas.tags["payments"] = {}
    (decision,) = rollback.take_back(account.aws, event("rollback-requested"))["decisions"]
    assert decision["action"] == "ignored"
    assert "payments carries no tag 'seatrial'" in decision["reason"]
    assert account.codedeploy.stops == []
    assert account.told() == [decision["reason"]]


def test_what_ended_a_moment_before_is_not_said_to_go_back(account: SmallAccount) -> None:
    shifting(account)
    account.codedeploy.ends("d-1", "Succeeded")
    (decision,) = rollback.take_back(account.aws, rings())["decisions"]
    assert decision["action"] == "ignored"
    assert account.ledger.release("d-1").state is State.SHIFTING


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


def test_an_event_that_cannot_be_read_is_an_error(account: SmallAccount) -> None:
    with pytest.raises(Exception, match="functions/rollback reads"):
        rollback.take_back(account.aws, {"detail-type": "Something Else"})
