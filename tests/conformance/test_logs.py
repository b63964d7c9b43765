"""What a function's errors leave in its log, and what metric filters make of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.account import Account
from tests.conformance.marks import claim, documented
from tests.conformance.stacks import physical, released

NAMESPACE = "Seatrial/Conformance"


@pytest.fixture
def broken(account: Account, stack: str) -> str:
    """The name of a function whose handler raises."""
    raising = released(account, "One")
    code = "def handler(event, context):\n    raise ValueError('it is broken')\n"
    raising["Resources"]["Service"]["Properties"]["Code"] = {"ZipFile": code}
    assert account.apply(stack, raising) == "UPDATE_COMPLETE"
    return physical(account, stack, "Service")


@claim(
    documented("Lambda Developer Guide: Log and monitor Python Lambda functions"),
    minutes=3,
    danger=2,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_an_unhandled_error_is_one_event_of_the_log_with_its_trace(account: Account, broken: str) -> None:
    answer = account.functions.invoke(FunctionName=broken)
    said = json.loads(answer["Payload"].read())
    assert (answer["FunctionError"], said["errorType"], said["errorMessage"]) == (
        "Unhandled",
        "ValueError",
        "it is broken",
    )
    assert said["stackTrace"]
    logs = account.client("logs")

    def told() -> list[dict[str, Any]]:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{broken}", filterPattern='"[ERROR]"')
        return list(found["events"])

    (event,) = account.until(told, 2)
    assert event["message"].startswith("[ERROR] ValueError: it is broken")
    assert "Traceback (most recent call last):" in event["message"]


@pytest.fixture
def group(account: Account) -> Iterator[str]:
    """A log group with a stream, left at the end."""
    name, logs = f"/{account.prefix}/{account.name}", account.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    yield name
    logs.delete_log_group(logGroupName=name)


@claim(
    documented("CloudWatch Logs User Guide: Filter pattern syntax for metric filters"),
    minutes=6,
    danger=2,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_metric_filter_counts_the_events_that_match_its_pattern(account: Account, group: str) -> None:
    logs, metric = account.client("logs"), account.name
    change = {"metricNamespace": NAMESPACE, "metricName": metric, "metricValue": "1", "defaultValue": 0}
    logs.put_metric_filter(
        logGroupName=group,
        filterName="bad",
        filterPattern='{ $.level = "ERROR" && $.status >= 500 }',
        metricTransformations=[change],
    )
    lines = [
        {"level": "ERROR", "status": 503},
        {"level": "ERROR", "status": 404},
        {"level": "INFO", "status": 500},
        {"level": "ERROR", "status": 500},
    ]
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": json.dumps(line)} for at, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    assert account.until(lambda: account.sum_of(NAMESPACE, metric), 5) == 2
