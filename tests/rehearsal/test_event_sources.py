"""What reaches a function through an alias of two versions, by a queue or an API, reaches both."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rehearsal.stage import ACCOUNT, REGION, Stage
from tests.on_stage import settled, until

ANSWER = """
def handler(event, context):
    return {"statusCode": 200, "body": f"{context.function_version} {context.invoked_function_arn}"}
"""
FEW = 20


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as stage:
        yield stage


@pytest.fixture(scope="module")
def alias(stage: Stage) -> str:
    """The ARN of an alias that routes half of its invokes to version 2."""
    functions = stage.client("lambda")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", ANSWER)
    functions.create_function(
        FunctionName="halves",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/tests",
        Code={"ZipFile": package.getvalue()},
    )
    functions.publish_version(FunctionName="halves")
    functions.update_function_configuration(FunctionName="halves", Description="two")
    functions.publish_version(FunctionName="halves")
    made = functions.create_alias(
        FunctionName="halves", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}
    )
    return str(made["AliasArn"])


def invocations(stage: Stage) -> Counter[str]:
    """By executed version, of those that came through the alias."""
    listed = stage.client("cloudwatch").list_metrics(
        Namespace="AWS/Lambda", MetricName="Invocations", Dimensions=[{"Name": "Resource", "Value": "halves:live"}]
    )["Metrics"]
    found: Counter[str] = Counter()
    for metric in listed:
        version = {one["Name"]: one["Value"] for one in metric["Dimensions"]}.get("ExecutedVersion")
        if version:
            points = stage.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Invocations",
                Dimensions=metric["Dimensions"],
                StartTime=stage.clock().now() - timedelta(days=1),
                EndTime=stage.clock().now() + timedelta(days=1),
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
            found[version] += round(sum(point["Sum"] for point in points))
    return found


def test_a_queues_messages_are_split_by_the_weights(stage: Stage, alias: str) -> None:
    sqs = stage.client("sqs")
    queue = sqs.create_queue(QueueName="halves", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for number in range(FEW):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    stage.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=alias, BatchSize=1)
    until(stage, "every message", lambda: invocations(stage).total() >= FEW)
    seen = invocations(stage)
    assert seen.total() == FEW
    assert set(seen) == {"1", "2"}


def test_a_rule_without_permission_sends_its_event_to_the_dead_letter_queue(stage: Stage, alias: str) -> None:
    sqs, events = stage.client("sqs"), stage.client("events")
    queue = sqs.create_queue(QueueName="denied")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name="denied", EventPattern=json.dumps({"source": ["denied"]}))["RuleArn"]
    events.put_targets(Rule="denied", Targets=[{"Id": "one", "Arn": alias, "DeadLetterConfig": {"Arn": arn}}])
    before = invocations(stage).total()
    events.put_events(Entries=[{"Source": "denied", "DetailType": "test", "Detail": json.dumps({"a": 1})}])

    def received() -> Any:
        return sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages")

    (message,) = until(stage, "the dead letter", received)
    said = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    assert said == {"ERROR_CODE": "NO_PERMISSIONS", "RULE_ARN": rule, "TARGET_ARN": alias}
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    assert invocations(stage).total() == before


def test_an_http_apis_document_leads_to_both_versions_and_anybody_may_call_it(stage: Stage, alias: str) -> None:
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{alias}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": "2.0"}
    body = {
        "openapi": "3.0.1",
        "info": {"title": "halves", "version": "1"},
        "paths": {"/page": {"get": {"x-amazon-apigateway-integration": integration}}},
    }
    resources = {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": alias,
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/GET/page"},
            },
        },
    }
    cloudformation = stage.client("cloudformation")
    cloudformation.create_stack(StackName="api", TemplateBody=json.dumps({"Resources": resources}))
    assert settled(stage, "api") == "CREATE_COMPLETE"
    (api,) = stage.client("apigatewayv2").get_apis()["Items"]
    assert api["Name"] == "halves"
    host = {"Host": f"{api['ApiId']}.execute-api.localhost:{stage.port}"}

    def call() -> Any:
        request = urllib.request.Request(f"{stage.endpoint}/page", headers=host)
        return urllib.request.urlopen(request, timeout=60).read().decode()

    assert {call() for _ in range(FEW)} == {f"1 {alias}", f"2 {alias}"}
