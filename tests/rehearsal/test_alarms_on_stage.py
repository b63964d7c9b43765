"""Alarms and metrics of the whole stage, asked as any tool would ask: by boto3 and CloudFormation."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.stage import Stage
from seatrial.settings import Clock
from tests.on_stage import settled, until

PATIENCE = 480.0
"""Stage seconds after which a test gives up."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as running:
        yield running


@pytest.fixture(scope="module")
def clock(stage: Stage) -> Clock:
    return stage.clock()


def described(stage: Stage, name: str) -> dict[str, Any]:
    (alarm,) = stage.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(alarm)


def changes(stage: Stage, name: str) -> list[tuple[str, str]]:
    """The states that the stage's listener heard of, in order."""
    return [(each["old"], each["new"]) for each in stage.records() if each["kind"] == "alarm" and each["alarm"] == name]


def put_orders(stage: Stage, value: float, **dimensions: str) -> None:
    listed = [{"Name": name, "Value": each} for name, each in dimensions.items()]
    datum = {"MetricName": "Failed", "Dimensions": listed, "Value": value, "Timestamp": datetime.now(UTC)}
    stage.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[datum])


def rings_heard(stage: Stage, alarm: str) -> Callable[[], dict[str, Any] | None]:
    """Listens on the default bus for an alarm that rings; gives the event, or None while there is none.

    Through a topic: a queue that is a target itself gets messages dated in stage time, which it keeps back until then.
    """
    events, sns, sqs = (stage.client(service) for service in ("events", "sns", "sqs"))
    topic = sns.create_topic(Name="heard")["TopicArn"]
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    detail = {"alarmName": [alarm], "state": {"value": ["ALARM"]}}
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["aws.cloudwatch"], "detail": detail}))
    events.put_targets(Rule="heard", Targets=[{"Id": "topic", "Arn": topic}])

    def heard() -> dict[str, Any] | None:
        messages = sqs.receive_message(QueueUrl=queue).get("Messages") or []
        return dict(json.loads(messages[0]["Body"])) if messages else None

    return heard


def test_an_alarm_rings_falls_silent_and_tells_the_bus(stage: Stage, clock: Clock) -> None:
    cloudwatch, heard = stage.client("cloudwatch"), rings_heard(stage, "orders-fail")
    cloudwatch.put_metric_alarm(
        AlarmName="orders-fail",
        Namespace="Shop",
        MetricName="Failed",
        Dimensions=[{"Name": "shop", "Value": "north"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    until(stage, "orders-fail is OK", lambda: described(stage, "orders-fail")["StateValue"] == "OK", PATIENCE)
    put_orders(stage, 5, shop="south")
    put_orders(stage, 2, shop="north")
    until(stage, "orders-fail is ALARM", lambda: described(stage, "orders-fail")["StateValue"] == "ALARM", PATIENCE)
    alarm = described(stage, "orders-fail")
    assert "Threshold Crossed: 1 out of the last 1 datapoints [2.0 (" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["recentDatapoints"] == [2.0]
    assert abs(alarm["StateTransitionedTimestamp"].timestamp() - clock.epoch()) < 120

    event = until(stage, "its event", heard, PATIENCE)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [alarm["AlarmArn"]]
    assert event["detail"]["state"]["reason"] == alarm["StateReason"]
    assert datetime.fromisoformat(event["time"]).timestamp() == pytest.approx(clock.epoch(), abs=300)

    until(stage, "orders-fail is OK", lambda: described(stage, "orders-fail")["StateValue"] == "OK", PATIENCE)
    assert changes(stage, "orders-fail") == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]


TEMPLATE: dict[str, Any] = {
    "Parameters": {"Percent": {"Type": "Number", "Default": 50}},
    "Resources": {
        "Share": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "share",
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": {"Ref": "Percent"},
                "EvaluationPeriods": "1",
                "Metrics": [
                    {"Id": "share", "Expression": "100 * failed / FILL(asked, 1)", "Label": "of a hundred"},
                    {
                        "Id": "failed",
                        "ReturnData": "false",
                        "MetricStat": {
                            "Metric": {"Namespace": "Stack", "MetricName": "Failed"},
                            "Period": "60",
                            "Stat": "Sum",
                        },
                    },
                    {
                        "Id": "asked",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "Stack", "MetricName": "Asked"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ],
            },
        }
    },
}


def test_a_template_may_have_an_alarm_on_metric_math(stage: Stage) -> None:
    cloudformation, cloudwatch = stage.client("cloudformation"), stage.client("cloudwatch")
    cloudformation.create_stack(StackName="shares", TemplateBody=json.dumps(TEMPLATE))
    assert settled(stage, "shares") == "CREATE_COMPLETE"
    alarm = described(stage, "share")
    assert [query["Id"] for query in alarm["Metrics"]] == ["share", "failed", "asked"]
    assert "MetricName" not in alarm and "Statistic" not in alarm
    cloudwatch.put_metric_data(
        Namespace="Stack", MetricData=[{"MetricName": "Failed", "Value": 3}, {"MetricName": "Asked", "Value": 4}]
    )
    until(stage, "share is ALARM", lambda: described(stage, "share")["StateValue"] == "ALARM", PATIENCE)
    assert "[75.0 (" in described(stage, "share")["StateReason"]


def test_a_template_with_an_alarm_that_cant_be_evaluated_fails_by_name(stage: Stage) -> None:
    cloudformation = stage.client("cloudformation")
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Share"]["Properties"]["AlarmName"] = "band"
    template["Resources"]["Share"]["Properties"]["Metrics"][0]["Expression"] = "ANOMALY_DETECTION_BAND(failed)"
    cloudformation.create_stack(StackName="bands", TemplateBody=json.dumps(template))

    def failed() -> list[str]:
        events = cloudformation.describe_stack_events(StackName="bands")["StackEvents"]
        return [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "CREATE_FAILED"]

    assert "the function ANOMALY_DETECTION_BAND is not supported" in until(stage, "the failure", failed, PATIENCE)[0]


def test_metric_data_is_asked_for_in_stage_time(stage: Stage, clock: Clock) -> None:
    put_orders(stage, 7, shop="east")
    query = {
        "Id": "failed",
        "MetricStat": {
            "Metric": {
                "Namespace": "Shop",
                "MetricName": "Failed",
                "Dimensions": [{"Name": "shop", "Value": "east"}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    now = clock.epoch()
    answer = stage.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query],
        StartTime=datetime.fromtimestamp(now - 3600, UTC),
        EndTime=datetime.fromtimestamp(now + 60, UTC),
    )
    (result,) = answer["MetricDataResults"]
    assert result["Values"] == [7.0]
    assert result["Timestamps"][0].timestamp() == pytest.approx(now, abs=120)


SHOP = """
import json
import time

def handler(event, context):
    metrics = [{"Name": "Fine", "StorageResolution": 1}, {"Name": "Coarse"}]
    directive = {"Namespace": "Shop", "Dimensions": [["shop"]], "Metrics": metrics}
    told = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
    print(json.dumps({**told, "shop": "south", "Fine": 1, "Coarse": 1}))
"""


def test_what_a_function_embeds_at_high_resolution_is_read_and_rings_by_ten_seconds(stage: Stage, clock: Clock) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("index.py", SHOP)
    stage.client("lambda").create_function(
        FunctionName="shop",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::111122223333:role/unknown",
        Code={"ZipFile": packed.getvalue()},
    )
    cloudwatch, south = stage.client("cloudwatch"), [{"Name": "shop", "Value": "south"}]
    for metric in ("Fine", "Coarse"):
        cloudwatch.put_metric_alarm(
            AlarmName=metric,
            Namespace="Shop",
            MetricName=metric,
            Dimensions=south,
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=30,
            DatapointsToAlarm=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )

    def values(metric: str, period: int) -> list[float]:
        stat = {"Metric": {"Namespace": "Shop", "MetricName": metric, "Dimensions": south}, "Stat": "Sum"}
        return list(
            cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": "q", "MetricStat": {**stat, "Period": period}}],
                StartTime=datetime.fromtimestamp(clock.epoch() - 3600, UTC),
                EndTime=datetime.fromtimestamp(clock.epoch() + 60, UTC),
            )["MetricDataResults"][0]["Values"]
        )

    stage.client("lambda").invoke(FunctionName="shop")
    assert [values(metric, 60) for metric in ("Fine", "Coarse")] == [[1.0], [1.0]]
    assert [values(metric, 10) for metric in ("Fine", "Coarse")] == [[1.0], []]
    until(stage, "an alarm", lambda: ("INSUFFICIENT_DATA", "ALARM") in changes(stage, "Fine"), PATIENCE)
    assert described(stage, "Coarse")["StateValue"] == "INSUFFICIENT_DATA"
