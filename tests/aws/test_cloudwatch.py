"""The CloudWatch adapter, against moto."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from seatrial.aws.cloudwatch import Alarm, CloudWatch
from seatrial.core.alarm_owner import Watch
from tests.small_account import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@pytest.fixture
def client() -> Iterator[CloudWatchClient]:
    with mock_aws():
        yield boto3.client("cloudwatch", **REGION)


def put(client: CloudWatchClient, name: str, dimensions: dict[str, str], namespace: str = "AWS/Lambda") -> None:
    client.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName="Errors",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )


def only(client: CloudWatchClient, name: str) -> Alarm:
    (alarm,) = CloudWatch(client).alarms([name])
    return alarm


def test_those_that_exist_are_found_with_their_state(client: CloudWatchClient) -> None:
    put(client, "one", {"FunctionName": "payments"})
    client.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="3 of 3")
    found = CloudWatch(client).alarms(["one", "missing"])
    assert [(alarm.name, alarm.state) for alarm in found] == [("one", "ALARM")]


def test_a_composite_alarm_is_found_too() -> None:
    client = boto3.client("cloudwatch", **REGION)
    with Stubber(client) as stub:  # moto has no composite alarms
        stub.add_response(
            "describe_alarms",
            {"CompositeAlarms": [{"AlarmName": "all", "StateValue": "OK"}]},
            {"AlarmNames": ["all"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100},
        )
        assert only(client, "all") == Alarm("all", "OK")


def test_more_names_than_one_call_takes_are_asked_in_several(client: CloudWatchClient) -> None:
    names = [f"alarm-{n:03}" for n in range(150)]
    for name in names:
        put(client, name, {"FunctionName": "payments"})
    assert [alarm.name for alarm in CloudWatch(client).alarms(names)] == names


def test_no_name_is_not_a_question_for_all_alarms(client: CloudWatchClient) -> None:
    put(client, "one", {"FunctionName": "payments"})
    assert CloudWatch(client).alarms([]) == ()


@pytest.mark.parametrize(
    ("dimensions", "namespace", "counts"),
    [
        ({"FunctionName": "payments"}, "AWS/Lambda", True),
        ({"FunctionName": "payments", "Resource": "payments:live"}, "AWS/Lambda", False),
        ({"FunctionName": "refunds"}, "AWS/Lambda", False),
        ({"FunctionName": "payments"}, "Shop", False),
    ],
)
def test_only_lambdas_metrics_on_the_functions_name_alone_count_a_trial(
    client: CloudWatchClient, dimensions: dict[str, str], namespace: str, counts: bool
) -> None:
    put(client, "one", dimensions, namespace)
    assert only(client, "one").counts("payments") is counts


def test_metric_math_counts_a_trial_through_any_of_its_metrics(client: CloudWatchClient) -> None:
    client.put_metric_alarm(
        AlarmName="rate",
        EvaluationPeriods=1,
        Threshold=0.05,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[
            {"Id": "rate", "Expression": "errors / 2", "ReturnData": True},
            {
                "Id": "errors",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "Errors",
                        "Dimensions": [{"Name": "FunctionName", "Value": "payments"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            },
        ],
    )
    assert only(client, "rate").counts("payments")


def test_an_alarm_rings_since_it_changed_not_since_it_was_last_looked_at() -> None:
    changed, looked_at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC), datetime(2026, 11, 23, 10, 9, tzinfo=UTC)
    client = boto3.client("cloudwatch", **REGION)
    with Stubber(client) as stub:
        alarm = {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "3 of 3", "StateUpdatedTimestamp": looked_at}
        stub.add_response("describe_alarms", {"MetricAlarms": [alarm | {"StateTransitionedTimestamp": changed}]})
        assert only(client, "a") == Alarm("a", "ALARM", (), "3 of 3", changed)


def test_how_an_alarm_looks_at_its_data_is_read_with_it() -> None:
    query = {"Id": "m", "MetricStat": {"Metric": {}, "Period": 120, "Stat": "Sum"}}
    alarms = [
        {"AlarmName": "plain", "StateValue": "ALARM", "Period": 60, "EvaluationPeriods": 3},
        {"AlarmName": "math", "StateValue": "OK", "Metrics": [query], "EvaluationPeriods": 1},
    ]
    both = {"AlarmName": "both", "StateValue": "ALARM", "AlarmRule": 'ALARM("plain") OR ALARM("math")'}
    client = boto3.client("cloudwatch", **REGION)
    with Stubber(client) as stub:
        stub.add_response("describe_alarms", {"CompositeAlarms": [both]})
        stub.add_response("describe_alarms", {"MetricAlarms": alarms})
        assert CloudWatch(client).watch("both") == Watch(timedelta(minutes=6), fires=True)
        stub.add_response("describe_alarms", {"MetricAlarms": []})
        assert not CloudWatch(client).watch("deleted").fires
