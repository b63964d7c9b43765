"""What enters is parsed once, and what is missing is said at the edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from seatrial.core import events
from seatrial.core.events import (
    AlarmChanged,
    DarkTestRequested,
    DeploymentChanged,
    EventError,
    HookRequest,
    RollbackRequested,
    ServicesCheck,
    Tick,
)
from tests.small_account import event


def test_a_hook_is_told_two_ids() -> None:
    request = events.hook_request(event("hook"))
    assert request == HookRequest("d-RGSWBD91L", event("hook")["LifecycleEventHookExecutionId"])


def test_the_record_of_a_hook_that_never_ran_still_holds_its_ids() -> None:
    record = events.hook_unanswered(event("hook-unanswered"))
    assert record.request == events.hook_request(event("hook"))
    assert (record.condition, record.attempts) == ("RetriesExhausted", 3)


def test_an_alarm_tells_when_its_state_changed_not_when_the_event_was_sent() -> None:
    alarm = events.rollback_trigger(event("alarm"))
    assert isinstance(alarm, AlarmChanged)
    assert (alarm.alarm, alarm.state) == ("ServerCpuTooHigh", "ALARM")
    assert alarm.at == datetime(2019, 10, 2, 17, 4, 40, 989000, tzinfo=UTC)


def test_an_alarm_on_metric_math_reads_the_same() -> None:
    alarm = events.rollback_trigger(event("alarm-of-metric-math"))
    assert isinstance(alarm, AlarmChanged)
    assert alarm.alarm == "TotalNetworkTrafficTooHigh"


def test_on_call_names_a_service_a_reason_and_themselves() -> None:
    request = events.rollback_trigger(event("rollback-requested"))
    assert isinstance(request, RollbackRequested)
    assert (request.service, request.reason, request.who) == ("payments", "refunds answer twice", "on-call@example.com")
    assert request.release == ""


def test_the_monitor_tells_a_tick_from_a_deployment() -> None:
    assert events.monitor_trigger(event("tick")) == Tick()
    assert events.monitor_trigger(event("services-check")) == ServicesCheck()
    assert events.monitor_trigger(event("stack")) == ServicesCheck("shop")
    assert events.monitor_trigger(event("deployment")) == DeploymentChanged("d-123456789", "SUCCESS")


@pytest.mark.parametrize(
    ("asked", "service"),
    [
        (event("dark-test-requested"), "payments"),
        (event("dark-test"), "payments:live"),
        (event("tick"), ""),
        ({}, ""),
    ],
)
def test_a_dark_test_is_asked_of_one_service_or_of_all(asked: Mapping[str, Any], service: str) -> None:
    assert events.dark_test_request(asked) == DarkTestRequested(service)


@pytest.mark.parametrize(
    ("written", "services"),
    [("", ()), ("payments", ("payments",)), ("payments, orders:live,", ("payments", "orders:live"))],
)
def test_the_schedule_of_dark_tests_brings_its_services(written: str, services: tuple[str, ...]) -> None:
    sent = {"detail-type": "Scheduled Event", "services": written}
    assert events.dark_test_request(sent) == DarkTestRequested(services=services)


@pytest.mark.parametrize(
    ("parse", "broken", "sentence"),
    [
        (events.hook_request, {"DeploymentId": "d-1"}, "a hook's payload has no 'LifecycleEventHookExecutionId'"),
        (
            events.rollback_trigger,
            {"detail-type": "CloudWatch Alarm State Change", "id": "1", "detail": {"alarmName": "a"}},
            "CloudWatch Alarm State Change has no 'detail.state'",
        ),
        (
            events.rollback_trigger,
            event("rollback-requested") | {"detail": {"service": "payments", "reason": "r", "who": ""}},
            "Rollback Requested: 'detail.who' must be a string, got '': who asks, for example on-call@example.com",
        ),
        (
            events.rollback_trigger,
            event("rollback-requested") | {"source": "somebody.else"},
            "Rollback Requested: 'source' must be 'seatrial.oncall', got 'somebody.else'",
        ),
        (
            events.rollback_trigger,
            event("alarm") | {"detail": event("alarm")["detail"] | {"state": {"value": "ALARM", "reason": "r",
                                                                              "timestamp": "noon"}}},
            "CloudWatch Alarm State Change: 'detail.state.timestamp' is 'noon', which is no ISO 8601 time",
        ),
        (
            events.monitor_trigger,
            {"detail-type": "Something Else"},
            "functions/monitor reads 'Scheduled Event', 'Services Check', 'CloudFormation Stack Status Change' and "
            "'CodeDeploy Deployment State-change Notification', "
            "not 'Something Else': look at the patterns of its rules",
        ),
        (
            events.dark_test_request,
            {"services": "payments"},
            "a dark test's request: 'detail.services' is not a key: did you mean 'service'?",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_or_misshapen_is_named(
    parse: Callable[[Mapping[str, Any]], object], broken: Mapping[str, Any], sentence: str
) -> None:
    with pytest.raises(EventError) as error:
        parse(broken)
    assert str(error.value) == sentence


@pytest.mark.parametrize("odd", [10**400, {"a": "b" * 100_000}, "c" * 100_000, [[[]]], None], ids=range(5))
def test_sentence_about_an_odd_value_is_short(odd: object) -> None:
    for key in ("detail-type", "source", "detail"):
        with pytest.raises(EventError) as error:
            events.rollback_trigger(event("rollback-requested") | {key: odd})
        assert len(str(error.value)) < 600


def test_value_that_nests_without_end_is_an_event_error() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EventError, match="a list that nests too deep"):
        events.rollback_trigger(event("alarm") | {"id": deep})
    with pytest.raises(EventError, match="a list that nests too deep"):
        events.rollback_trigger(event("rollback-requested") | {"id": deep})
