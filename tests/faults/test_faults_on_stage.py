"""Faults that are asked for, as boto3 and functions meet them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.stage import ACCOUNT, REGION, Stage, StageError
from rehearsal.stage.faults import FaultError, Faults, MetricsLate, Throttle, fault
from seatrial.settings import Clock
from tests import on_stage
from tests.on_stage import until

ROLE = "arn:aws:iam::111122223333:role/unknown"


@pytest.fixture(scope="module")
def running() -> Iterator[Stage]:
    with Stage(manual=True) as started:
        make_service(started)
        yield started


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    yield running
    running.no_faults()


def make_service(stage: Stage) -> None:
    """A function with versions 1 and 2 behind `live`, and a group that shifts it in three stage minutes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("index.py", "def handler(event, context):\n    return 1\n")
    functions, codedeploy = stage.client("lambda"), stage.client("codedeploy")
    functions.create_function(
        FunctionName="service",
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": packed.getvalue()},
    )
    for description in ("one", "two"):
        functions.update_function_configuration(FunctionName="service", Description=description)
        functions.publish_version(FunctionName="service")
    functions.create_alias(FunctionName="service", Name="live", FunctionVersion="1")
    codedeploy.create_application(applicationName="app", computePlatform="Lambda")
    codedeploy.create_deployment_config(
        deploymentConfigName="three-minutes",
        computePlatform="Lambda",
        trafficRoutingConfig={
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 50, "canaryInterval": 3},
        },
    )
    codedeploy.create_deployment_group(
        applicationName="app",
        deploymentGroupName="group",
        deploymentConfigName="three-minutes",
        serviceRoleArn=ROLE,
    )


def impatient(stage: Stage, service: str) -> Any:
    """A client that does not try again by itself."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=stage.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="stage",
        config=Config(retries={"total_max_attempts": 1}),
    )


def release(stage: Stage) -> str:
    """Starts a deployment from the version that `live` has to the other one; its id."""
    current = stage.client("lambda").get_alias(FunctionName="service", Name="live")["FunctionVersion"]
    target = "2" if current == "1" else "1"
    properties = {"Name": "service", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    content = {"version": 0.0, "Resources": [{"it": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    return str(
        stage.client("codedeploy").create_deployment(
            applicationName="app",
            deploymentGroupName="group",
            revision={"revisionType": "String", "string": {"content": json.dumps(content)}},
        )["deploymentId"]
    )


def ended(stage: Stage, deployment: str) -> str:
    """Its last status."""
    return str(on_stage.ended(stage, deployment)["status"])


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("lambda", lambda it: it.list_functions(), "TooManyRequestsException"),
        ("dynamodb", lambda it: it.list_tables(), "ThrottlingException"),
        ("s3", lambda it: it.list_buckets(), "SlowDown"),
        ("cloudformation", lambda it: it.list_stacks(), "Throttling"),
        ("codedeploy", lambda it: it.list_applications(), "ThrottlingException"),
        ("events", lambda it: it.list_rules(), "ThrottlingException"),
        ("sns", lambda it: it.list_topics(), "Throttling"),
        ("cloudwatch", lambda it: it.describe_alarms(), "Throttling"),
    ],
)
def test_a_throttled_service_answers_in_its_own_protocol_and_only_as_often_as_asked(
    stage: Stage, service: str, call: Callable[[Any], Any], code: str
) -> None:
    made = impatient(stage, service)
    stage.fault(throttle="monitoring" if service == "cloudwatch" else service, count=1)
    with pytest.raises(ClientError) as refused:
        call(made)
    assert refused.value.response["Error"]["Code"] == code
    assert call(made)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_only_the_action_that_was_named_is_throttled_and_only_so_often(stage: Stage) -> None:
    functions = stage.client("lambda")
    stage.fault(throttle="lambda", action="GetAlias", count=2)
    functions.get_function(FunctionName="service")
    functions.get_alias(FunctionName="service", Name="live")  # boto3's own retries get through
    assert [one["hits"] for one in stage.faults()] == [2]


def test_codedeploys_own_calls_can_be_throttled_alone(stage: Stage) -> None:
    stage.fault(throttle="lambda", by="codedeploy", action="UpdateAlias", count=1)
    stage.client("lambda").list_functions()
    deployment = release(stage)
    assert ended(stage, deployment) == "Failed"
    info = stage.client("codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"]
    assert info["errorInformation"]["code"] == "THROTTLED"


def test_codedeploy_restarts_in_mid_shift_and_goes_on(stage: Stage) -> None:
    deployment = release(stage)
    functions = stage.client("lambda")
    until(stage, "weights", lambda: functions.get_alias(FunctionName="service", Name="live").get("RoutingConfig"))
    stage.fault(restart_codedeploy=60)
    with pytest.raises(ClientError, match="CodeDeploy restarts"):
        impatient(stage, "codedeploy").list_applications()
    stage.time.advance(60)
    assert ended(stage, deployment) == "Succeeded"
    moved = [one for one in stage.records() if one["kind"] == "weights" and one["deployment"] == deployment]
    assert [list(one["weights"].values()) for one in moved] == [[0.5], []]


def queue_of_events(stage: Stage, name: str) -> str:
    """A queue that gets CodeDeploy's events; its URL. By a topic, for a queue keeps back what is dated ahead."""
    events, sns, sqs = (stage.client(service) for service in ("events", "sns", "sqs"))
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.codedeploy"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": topic}])
    return queue


@pytest.mark.parametrize(("what", "states"), [("lose", []), ("double", ["START", "START", "SUCCESS", "SUCCESS"])])
def test_events_are_lost_or_come_twice(stage: Stage, what: str, states: list[str]) -> None:
    queue = queue_of_events(stage, f"heard-{what}")
    stage.fault(events=what, source="aws.codedeploy")
    assert ended(stage, release(stage)) == "Succeeded"
    until(stage, "both hits", lambda: stage.faults()[0]["hits"] == 2)
    heard: list[str] = []
    while messages := stage.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        heard += [json.loads(message["Body"])["detail"]["state"] for message in messages]
    assert sorted(heard) == sorted(states)


def test_events_that_are_delayed_come_out_of_order_and_keep_their_time(stage: Stage) -> None:
    queue = queue_of_events(stage, "heard-delay")
    stage.fault(events="delay", source="aws.codedeploy", count=1, seconds=600)
    assert ended(stage, release(stage)) == "Succeeded"
    heard: list[tuple[str, str]] = []

    def both() -> bool:
        for message in stage.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            heard.append((event["detail"]["state"], event["time"]))
        return len(heard) == 2

    until(stage, "both events", both)
    assert [state for state, _ in heard] == ["SUCCESS", "START"]
    assert heard[1][1] < heard[0][1]


def test_late_metrics_come_with_the_time_of_their_invoke(stage: Stage) -> None:
    clock: Clock = stage.clock()

    def invocations() -> list[dict[str, Any]]:
        now = datetime.fromtimestamp(clock.epoch(), UTC)
        return list(
            stage.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Invocations",
                Dimensions=[
                    {"Name": "FunctionName", "Value": "service"},
                    {"Name": "Resource", "Value": "service:2"},
                ],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(minutes=5),
                Period=60,
                Statistics=["Sum"],
            )["Datapoints"]
        )

    stage.fault(metrics_late=240)
    stage.client("lambda").invoke(FunctionName="service", Qualifier="2")
    began = clock.epoch()
    assert invocations() == []
    (point,) = until(stage, "the invoke", invocations)
    assert clock.epoch() - began > 200
    assert point["Timestamp"].timestamp() <= began


def test_late_metrics_are_those_that_a_caller_puts_too(stage: Stage) -> None:
    clock: Clock = stage.clock()

    def values(**span: Any) -> list[float]:
        now = datetime.fromtimestamp(clock.epoch(), UTC)
        metric = {"Metric": {"Namespace": "Shop", "MetricName": "Orders"}, "Period": 10, "Stat": "Sum"}
        answer = stage.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "orders", "MetricStat": metric}],
            **{"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=5), **span},
        )
        return list(answer["MetricDataResults"][0]["Values"])

    stage.fault(metrics_late=240)
    stage.client("cloudwatch").put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 3, "StorageResolution": 1}]
    )
    began = clock.epoch()
    assert values() == []
    assert until(stage, "the value", values) == [3]
    assert clock.epoch() - began > 200
    assert values(EndTime=datetime.fromtimestamp(began + 10, UTC)) == [3]


def test_by_its_switch_the_version_is_counted_only_while_the_alias_has_weights(stage: Stage) -> None:
    functions, cloudwatch = stage.client("lambda"), stage.client("cloudwatch")

    def versions() -> set[str]:
        listed = cloudwatch.list_metrics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "Resource", "Value": "service:counted"}, {"Name": "ExecutedVersion"}],
        )["Metrics"]
        return {one["Value"] for each in listed for one in each["Dimensions"] if one["Name"] == "ExecutedVersion"}

    functions.create_alias(FunctionName="service", Name="counted", FunctionVersion="1")
    stage.switch(executed_version_always=False)
    functions.invoke(FunctionName="service", Qualifier="counted")
    assert versions() == set()
    functions.update_alias(
        FunctionName="service", Name="counted", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}}
    )
    functions.invoke(FunctionName="service", Qualifier="counted")
    assert versions() == {"2"}
    stage.switch(executed_version_always=True)


def test_a_switch_is_listed_with_its_claim_and_changed_by_name(stage: Stage) -> None:
    stage.switch(missing_alarm_stops=True)
    found = stage.get("switches")["missing_alarm_stops"]
    assert found == {
        "claim": "an alarm that a group lists and that does not exist stops nothing",
        "answers": [False, True],
        "answer": True,
    }
    stage.switch(missing_alarm_stops=False)
    with pytest.raises(StageError, match="is not a switch of the stage"):
        stage.switch(nothing=True)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"burn": True}, "a fault is one of throttle, events, metrics_late, restart_codedeploy"),
        (
            {"throttle": "lambda", "often": 1},
            "this fault takes throttle, share, count, by, action, not throttle, often",
        ),
        ({"throttle": "lambda", "share": 2}, "a share is above 0 and at most 1, not 2"),
        ({"throttle": "lambda", "by": "me"}, "by is one of callers, functions, codedeploy, not me"),
        ({"events": "shuffle"}, "events are to lose, to double or to delay, not to shuffle"),
        ({"events": "delay", "seconds": -1}, "-1 stage seconds are none"),
        ({"metrics_late": -1}, "-1 stage seconds are none"),
    ],
)
def test_a_fault_that_the_stage_cant_do_is_refused_with_what_it_can(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(FaultError, match=says):
        fault(asked)


def test_a_share_hits_by_chance_and_the_stages_own_calls_are_not_those_of_functions() -> None:
    chances = iter([0.4, 0.6])
    faults = Faults(lambda: next(chances))
    faults.add(Throttle("lambda", share=0.5, by="functions"))
    assert not faults.throttles("lambda", "Invoke", "callers")
    assert faults.throttles("lambda", "Invoke", "functions")
    assert not faults.throttles("lambda", "Invoke", "functions")
    faults.add(MetricsLate(30))
    assert faults.metrics_late() == 30
    faults.clear()
    assert (faults.as_json(), faults.metrics_late()) == ([], 0.0)


def test_faults_and_switches_may_come_with_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[dict[str, Any]] = [
        {"throttle": "dynamodb", "count": 1},
        {"events": "double", "source": "aws.codedeploy"},
        {"metrics_late": 60},
        {"restart_codedeploy": 7200},
    ]
    monkeypatch.setenv("STAGE_FAULTS", json.dumps(wanted))
    monkeypatch.setenv("STAGE_SWITCHES", '{"unanswered_code": "HOOK_EXECUTION_FAILURE"}')
    with Stage(manual=True) as started:
        on = [{name: one[name] for name in asked} for one, asked in zip(started.faults(), wanted[:3], strict=True)]
        assert on == wanted[:3]
        with pytest.raises(ClientError, match="CodeDeploy restarts"):
            impatient(started, "codedeploy").list_applications()
        assert started.get("switches")["unanswered_code"]["answer"] == "HOOK_EXECUTION_FAILURE"
    monkeypatch.setenv("STAGE_SWITCHES", '{"unanswered_code": 1}')
    with pytest.raises(StageError, match="unanswered_code takes"):
        Stage(manual=True).start()
