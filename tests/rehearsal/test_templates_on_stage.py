"""What templates say of functions beyond their code: kept to, or refused by its name when it is deployed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import ACCOUNT, Stage
from tests.on_stage import settled

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as stage:
        yield stage


def function(text: str = "one", **properties: Any) -> dict[str, Any]:
    code = f"def handler(event, context):\n    return {text!r}\n"
    fixed = {"Runtime": "python3.13", "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": code}}
    return {"Type": "AWS::Lambda::Function", "Properties": {**fixed, **properties}}


def deploy(stage: Stage, name: str, resources: dict[str, Any], **template: Any) -> tuple[str, list[str]]:
    """Create or update the stack: its status, and the reasons of what failed."""
    cloudformation = stage.client("cloudformation")
    body = json.dumps({"Resources": resources, **template})
    try:
        cloudformation.describe_stacks(StackName=name)
        call = cloudformation.update_stack
    except ClientError:
        call = cloudformation.create_stack
    call(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    status = settled(stage, name)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [one.get("ResourceStatusReason", "") for one in events if one["ResourceStatus"].endswith("FAILED")]
    return status, failed


def test_reserved_concurrency_is_the_templates_and_goes_back_with_a_rollback(stage: Stage) -> None:
    functions = stage.client("lambda")

    def reserved() -> Any:
        return functions.get_function_concurrency(FunctionName="reserved").get("ReservedConcurrentExecutions")

    named = {"FunctionName": "reserved"}
    assert deploy(stage, "r", {"F": function(**named, ReservedConcurrentExecutions=0)}) == ("CREATE_COMPLETE", [])
    with pytest.raises(ClientError, match="ReservedConcurrentExecutions"):
        functions.invoke(FunctionName="reserved")
    assert deploy(stage, "r", {"F": function(**named, ReservedConcurrentExecutions=3)})[0] == "UPDATE_COMPLETE"
    broken = {**function(Runtime="java21"), "DependsOn": "F"}
    more = {"F": function(**named, ReservedConcurrentExecutions=7), "Broken": broken}
    assert deploy(stage, "r", more)[0] == "UPDATE_ROLLBACK_COMPLETE"
    assert reserved() == 3
    assert deploy(stage, "r", {"F": function(**named)})[0] == "UPDATE_COMPLETE"
    assert reserved() is None


def test_provisioned_concurrency_cant_be_managed_while_an_alias_routes_to_two_versions(stage: Stage) -> None:
    functions = stage.client("lambda")
    deploy(stage, "p", {"F": function(FunctionName="warm")})
    functions.publish_version(FunctionName="warm")
    functions.update_function_configuration(FunctionName="warm", Description="two")
    functions.publish_version(FunctionName="warm")
    functions.create_alias(
        FunctionName="warm", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    wanted = {"FunctionName": "warm", "Qualifier": "live", "ProvisionedConcurrentExecutions": 1}
    with pytest.raises(ClientError, match="Alias with weights can not be used"):
        functions.put_provisioned_concurrency_config(**wanted)
    functions.update_alias(FunctionName="warm", Name="live", RoutingConfig={})
    assert functions.put_provisioned_concurrency_config(**wanted)["RequestedProvisionedConcurrentExecutions"] == 1


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        pytest.param(function(Runtime="java21"), "java21", id="a runtime that isn't there"),
        pytest.param(
            {
                "Type": "AWS::Lambda::Function",
                "Properties": {"PackageType": "Image", "Role": ROLE, "Code": {"ImageUri": "example.com/one:1"}},
            },
            "containers",
            id="an image",
        ),
        pytest.param(
            {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {"Body": {"components": {"securitySchemes": {"jwt": {}}}, "paths": {}}},
            },
            "authorizers",
            id="an HTTP API's authorizer",
        ),
        pytest.param(
            {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"FunctionName": "old", "EventSourceArn": "arn:aws:mq:eu-west-1:111122223333:broker:one"},
            },
            "not mq",
            id="an event source that nothing reads",
        ),
        pytest.param(
            {
                "Type": "AWS::CodeDeploy::DeploymentConfig",
                "Properties": {"ComputePlatform": "ECS", "TrafficRoutingConfig": {"Type": "AllAtOnce"}},
            },
            "ECS",
            id="another compute platform",
        ),
    ],
)
def test_what_the_stage_cant_do_is_refused_by_name(
    stage: Stage, request: pytest.FixtureRequest, resource: dict[str, Any], named: str
) -> None:
    name = f"refused-{abs(hash(request.node.name))}"
    status, failed = deploy(stage, name, {"Refused": resource})
    assert status == "ROLLBACK_COMPLETE"
    assert any(named in reason for reason in failed), failed


def test_a_package_that_does_not_parse_is_deployed_all_the_same_and_fails_on_invoke(stage: Stage) -> None:
    broken = function(FunctionName="broken", Code={"ZipFile": "def handler(event, context:\n"})
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}}
    assert deploy(stage, "broken", {"F": broken, "V": version}) == ("CREATE_COMPLETE", [])
    answer = stage.client("lambda").invoke(FunctionName="broken", Qualifier="1")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "Runtime.UserCodeSyntaxError"


def test_what_is_taken_without_being_done_is_told_once(stage: Stage) -> None:
    old = function(FunctionName="old", Runtime="python3.12", SnapStart={"ApplyOn": "PublishedVersions"})
    assert deploy(stage, "noted", {"F": old}) == ("CREATE_COMPLETE", [])
    old["Properties"]["Description"] = "once more"
    assert deploy(stage, "noted", {"F": old}) == ("UPDATE_COMPLETE", [])
    told = [one["text"] for one in stage.records() if one["kind"] == "note" and "function old" in one["text"]]
    assert told == [
        "function old asks for python3.12 and runs with python3.13",
        "function old asks for SnapStart: its hooks run, but every start is a cold one",
    ]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"DeploymentConfig": {"Mode": "EXPRESS"}}, "STANDARD"),
        ({"DeploymentConfig": {"DisableRollback": True}}, "DisableRollback"),
    ],
)
def test_a_request_for_what_the_stage_cant_do_is_refused_by_name(
    stage: Stage, asked: dict[str, Any], named: str
) -> None:
    cloudformation = stage.client("cloudformation")
    given = {"StackName": "asked", "TemplateBody": json.dumps({"Resources": {"F": function()}}), **asked}
    with pytest.raises(ClientError, match=named):
        cloudformation.create_stack(**given)
    with pytest.raises(ClientError, match=named):
        cloudformation.create_change_set(ChangeSetName="one", ChangeSetType="CREATE", **given)


def test_a_request_for_what_changes_no_release_is_told(stage: Stage) -> None:
    stage.client("cloudformation").create_stack(
        StackName="told",
        TemplateBody=json.dumps({"Resources": {"F": function()}}),
        NotificationARNs=["arn:aws:sns:eu-west-1:111122223333:one"],
        DeploymentConfig={"Mode": "STANDARD"},
    )
    assert {"the stage tells no topic of a stack's events (NotificationARNs)"} <= {
        one["text"] for one in stage.records() if one["kind"] == "note"
    }


def test_types_that_change_no_release_are_taken_and_told(stage: Stage) -> None:
    seen = len(stage.records())
    kinds = {"Target": "AWS::ApplicationAutoScaling::ScalableTarget", "Archive": "AWS::Events::Archive"}
    made = {name: {"Type": kind, "Properties": {"MaxCapacity": 1}} for name, kind in kinds.items()}
    rest = {"F": function(), "Scaled": {**function(), "DependsOn": "Target"}}
    assert deploy(stage, "inert", {**rest, **made}) == ("CREATE_COMPLETE", [])
    made["Target"]["Properties"] = {"MaxCapacity": 2}
    assert deploy(stage, "inert", {**rest, **made}) == ("UPDATE_COMPLETE", [])
    told = [one["text"] for one in stage.records(seen) if one["kind"] == "note" and "is taken" in one["text"]]
    assert sorted(told) == [
        "AWS::ApplicationAutoScaling::ScalableTarget Target is taken, and the stage scales nothing",
        "AWS::Events::Archive Archive is taken, and the stage archives no events",
    ]


def test_that_a_log_subscription_passes_an_alias_by_is_told(stage: Stage) -> None:
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:reader"
    for logical_id, destination in (("Whole", arn), ("Aliased", f"{arn}:live")):
        filtered = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": "", "DestinationArn": destination}
        resources = {
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"read/{logical_id}"}},
            logical_id: {"Type": "AWS::Logs::SubscriptionFilter", "Properties": filtered},
        }
        assert deploy(stage, f"subscribed-{logical_id}", resources) == ("CREATE_COMPLETE", [])
    told = [one["text"] for one in stage.records() if one["kind"] == "note" and "log subscription" in one["text"]]
    assert told == ["log subscription Aliased runs a function's newest code, and not what its alias routes to"]


def test_a_composite_alarm_of_a_template_follows_its_children_until_the_stack_goes(stage: Stage) -> None:
    cloudwatch, cloudformation = stage.client("cloudwatch"), stage.client("cloudformation")
    child = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "child",
            "Namespace": "Test",
            "MetricName": "Nothing",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "ignore",
        },
    }

    def release(rule: str) -> tuple[str, list[str]]:
        properties = {"AlarmName": "whole", "AlarmRule": {"Fn::Sub": rule}}
        return deploy(
            stage, "whole", {"C": child, "W": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": properties}}
        )

    def state() -> str:
        (found,) = cloudwatch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        return str(found["StateValue"])

    assert release("ALARM(${C})") == ("CREATE_COMPLETE", [])
    cloudwatch.set_alarm_state(AlarmName="child", StateValue="ALARM", StateReason="a test")
    assert state() == "ALARM"
    assert release("OK(${C})") == ("UPDATE_COMPLETE", [])
    assert state() == "OK"
    assert release("ALARM(no-such-alarm)")[0] == "UPDATE_ROLLBACK_COMPLETE"
    cloudformation.delete_stack(StackName="whole")
    stage.time.advance(0)
    assert cloudwatch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def test_what_nothing_reads_in_a_nested_template_is_refused_too(stage: Stage) -> None:
    stage.client("s3").create_bucket(
        Bucket="nested", CreateBucketConfiguration={"LocationConstraint": stage.client("s3").meta.region_name}
    )
    body = json.dumps({"Transform": "Mine", "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    stage.client("s3").put_object(Bucket="nested", Key="child.json", Body=body.encode())
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": f"{stage.endpoint}/nested/child.json"},
    }
    status, failed = deploy(stage, "parent", {"Child": nested})
    assert status == "ROLLBACK_COMPLETE"
    assert any("No transform named Mine found" in reason for reason in failed), failed


def test_a_parameter_may_name_an_ssm_parameter_that_holds_the_version(stage: Stage) -> None:
    ssm = stage.client("ssm")

    def release(text: str) -> tuple[str, list[str]]:
        resources = {
            "F": function(text, FunctionName="pinned"),
            f"Version{text}": {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": "F"}},
            },
            "Application": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
            "Group": {
                "Type": "AWS::CodeDeploy::DeploymentGroup",
                "Properties": {
                    "ApplicationName": {"Ref": "Application"},
                    "DeploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
                    "ServiceRoleArn": ROLE,
                    "DeploymentStyle": {
                        "DeploymentType": "BLUE_GREEN",
                        "DeploymentOption": "WITH_TRAFFIC_CONTROL",
                    },
                },
            },
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "DependsOn": f"Version{text}",
                "Properties": {"FunctionName": {"Ref": "F"}, "Name": "live", "FunctionVersion": {"Ref": "Released"}},
                "UpdatePolicy": {
                    "CodeDeployLambdaAliasUpdate": {
                        "ApplicationName": {"Ref": "Application"},
                        "DeploymentGroupName": {"Ref": "Group"},
                    }
                },
            },
        }
        released = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/released"}
        return deploy(stage, "ssm", resources, Parameters={"Released": released})

    ssm.put_parameter(Name="/released", Value="1", Type="String")
    assert release("one") == ("CREATE_COMPLETE", [])
    assert release("two") == ("UPDATE_COMPLETE", []), "version 2 is deployed"
    live = {"FunctionName": "pinned", "Name": "live"}
    assert stage.client("lambda").get_alias(**live)["FunctionVersion"] == "1"
    ssm.put_parameter(Name="/released", Value="2", Type="String", Overwrite=True)
    assert release("two") == ("UPDATE_COMPLETE", []), "and now it is released"
    assert stage.client("lambda").get_alias(**live)["FunctionVersion"] == "2"
    moves = [one for one in stage.records() if one["kind"] == "weights" and one["function"] == "pinned"]
    assert [(one["main"], one["weights"]) for one in moves] == [("2", {})]
