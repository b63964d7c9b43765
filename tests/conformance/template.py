"""The templates of the conformance suite: what the claims share, and a service that CloudFormation releases."""

from __future__ import annotations

import copy
from typing import Any

SERVICE = """
def handler(event, context):
    return {"version": context.function_version}
"""

HOOK = """
import json, os
import boto3

sqs = boto3.client("sqs")

def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["LETTERS"], MessageBody=json.dumps(event))
"""

OWN_HOOK = """
import json, os
import boto3
from botocore.exceptions import ClientError

codedeploy, sqs = boto3.client("codedeploy"), boto3.client("sqs")

def handler(event, context):
    denied = ""
    try:
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Succeeded",
        )
    except ClientError as refused:
        denied = refused.response["Error"]["Code"]
    found = {**event, "invoked": context.invoked_function_arn, "denied": denied}
    sqs.send_message(QueueUrl=os.environ["LETTERS"], MessageBody=json.dumps(found))
"""
"""It answers by itself and reports how it was invoked and whether its answer was denied."""

MADE_BY = "Made by Seatrial's make certify, which deletes it at the end."

DEPLOYER = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"


def _role(service: str, *managed: str, statements: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements or []}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "ManagedPolicyArns": list(managed),
            **({"Policies": [policy]} if statements else {}),
        },
    }


def _function(name: str, code: str, role: str = "Role", **variables: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Timeout": 20,
            "Role": {"Fn::GetAtt": [role, "Arn"]},
            "Code": {"ZipFile": code},
            **({"Environment": {"Variables": variables}} if variables else {}),
        },
    }


def _alarm(name: str) -> dict[str, Any]:
    """Nobody ever puts a datapoint, so it stays in the state that it is set to."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "Seatrial/Conformance",
            "MetricName": "Nothing",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "ignore",
        },
    }


def _config(kind: str, member: str, **numbers: int) -> dict[str, Any]:
    return {
        "Type": "AWS::CodeDeploy::DeploymentConfig",
        "Properties": {"ComputePlatform": "Lambda", "TrafficRoutingConfig": {"Type": kind, member: numbers}},
    }


def _allowed(service: str, action: str, resource: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource}],
    }


def shared(prefix: str) -> dict[str, Any]:
    """A service, hooks that report their calls, the role that deploys, alarms, and CodeDeploy's events in a queue."""
    letters = {"Fn::GetAtt": ["Letters", "Arn"]}
    resources: dict[str, Any] = {
        "Role": _role(
            "lambda.amazonaws.com",
            statements=[{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": letters}],
        ),
        "OwnHookRole": _role(
            "lambda.amazonaws.com",
            statements=[
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": letters},
                {
                    "Effect": "Allow",
                    "Action": "codedeploy:PutLifecycleEventHookExecutionStatus",
                    "Resource": {
                        "Fn::Sub": "arn:${AWS::Partition}:codedeploy:${AWS::Region}:${AWS::AccountId}"
                        f":deploymentgroup:{prefix}/*"
                    },
                },
            ],
        ),
        "DeployRole": _role("codedeploy.amazonaws.com", DEPLOYER),
        "Service": _function(f"{prefix}-service", SERVICE),
        "Hook": _function(f"CodeDeployHook_{prefix}", HOOK, LETTERS={"Ref": "Letters"}),
        "OwnHook": _function(f"CodeDeployHook_{prefix}-own", OWN_HOOK, "OwnHookRole", LETTERS={"Ref": "Letters"}),
        "ForbiddenHook": _function(f"{prefix}-hook-of-another-name", HOOK, LETTERS={"Ref": "Letters"}),
        "Letters": {"Type": "AWS::SQS::Queue"},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": _allowed("events.amazonaws.com", "sns:Publish", {"Ref": "Topic"}),
            },
        },
        "LettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Letters"}],
                "PolicyDocument": _allowed("sns.amazonaws.com", "sqs:SendMessage", letters),
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": letters,
                "RawMessageDelivery": True,
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.codedeploy"], "detail": {"application": [{"Ref": "Application"}]}},
                "Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}}],
            },
        },
        "Application": {
            "Type": "AWS::CodeDeploy::Application",
            # It goes first, with the groups that use the configurations.
            "DependsOn": ["OneMinute", "Steps"],
            "Properties": {"ApplicationName": prefix, "ComputePlatform": "Lambda"},
        },
        "OneMinute": _config("TimeBasedCanary", "TimeBasedCanary", CanaryPercentage=50, CanaryInterval=1),
        "Steps": _config("TimeBasedLinear", "TimeBasedLinear", LinearPercentage=40, LinearInterval=1),
        "Alarm": _alarm(f"{prefix}-alarm"),
        "StackAlarm": _alarm(f"{prefix}-stack-alarm"),
    }
    named = ("Service", "Hook", "OwnHook", "ForbiddenHook", "Letters", "Application", "OneMinute", "Steps")
    named += ("Alarm", "StackAlarm")
    outputs: dict[str, Any] = {name: {"Value": {"Ref": name}} for name in named}
    outputs |= {name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in ("DeployRole", "Role")}
    return {"Description": MADE_BY, "Resources": resources, "Outputs": outputs}


def released(number: str, hook: str, role: str, alarms: tuple[str, ...] = ()) -> dict[str, Any]:
    """A service that CloudFormation releases at once. Each `number` is another version of it."""
    return {
        "Resources": {
            "Role": _role("lambda.amazonaws.com"),
            "Service": {
                **(function := _function("", f"RELEASE = {number!r}\n{SERVICE}")),
                "Properties": {key: value for key, value in function["Properties"].items() if key != "FunctionName"},
            },
            f"Version{number}": {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": "Service"}},
            },
            "Application": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
            "Group": {
                "Type": "AWS::CodeDeploy::DeploymentGroup",
                "Properties": {
                    "ApplicationName": {"Ref": "Application"},
                    "ServiceRoleArn": role,
                    "DeploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
                    "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
                    "AlarmConfiguration": {"Enabled": bool(alarms), "Alarms": [{"Name": name} for name in alarms]},
                    "AutoRollbackConfiguration": {
                        "Enabled": True,
                        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
                    },
                },
            },
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "Name": "live",
                    "FunctionName": {"Ref": "Service"},
                    "FunctionVersion": {"Fn::GetAtt": [f"Version{number}", "Version"]},
                },
                "UpdatePolicy": {
                    "CodeDeployLambdaAliasUpdate": {
                        "ApplicationName": {"Ref": "Application"},
                        "DeploymentGroupName": {"Ref": "Group"},
                        "BeforeAllowTrafficHook": hook,
                    }
                },
            },
        }
    }


def with_another_alias(service: dict[str, Any]) -> dict[str, Any]:
    """The service with a second alias, whose group is a copy of the first one's without its alarms."""
    resources = copy.deepcopy(service["Resources"])
    alias, group = copy.deepcopy(resources["Alias"]), copy.deepcopy(resources["Group"])
    alias["Properties"]["Name"] = "other"
    alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] = {"Ref": "OtherGroup"}
    del group["Properties"]["AlarmConfiguration"]
    return {"Resources": {**resources, "OtherAlias": alias, "OtherGroup": group}}


ECHO = """
import json

def handler(event, context):
    return json.loads(event["queryStringParameters"]["returned"])
"""


def http_api() -> dict[str, Any]:
    """An HTTP API: `/one` and `/two` invoke a function by payload formats 1.0 and 2.0; it allows GET alone."""
    resources: dict[str, Any] = {
        "Role": _role("lambda.amazonaws.com"),
        "Echo": {
            **(function := _function("", ECHO)),
            "Properties": {key: value for key, value in function["Properties"].items() if key != "FunctionName"},
        },
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "certify", "ProtocolType": "HTTP"}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
        "May": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Echo"},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/GET/*"
                },
            },
        },
    }
    for path, version in (("one", "1.0"), ("two", "2.0")):
        resources[f"Integration{path}"] = {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": ["Echo", "Arn"]},
                "PayloadFormatVersion": version,
            },
        }
        for method in ("GET", "POST"):
            resources[f"Route{method}{path}"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": f"{method} /{path}",
                    "Target": {"Fn::Join": ["/", ["integrations", {"Ref": f"Integration{path}"}]]},
                },
            }
    return {"Resources": resources, "Outputs": {"Api": {"Value": {"Ref": "Api"}}}}


def _permission(service: str, hook: str, source: Any) -> dict[str, Any]:
    properties = {
        "FunctionName": hook,
        "Action": "lambda:InvokeFunction",
        "Principal": service,
        "SourceArn": source,
    }
    return {"May": {"Type": "AWS::Lambda::Permission", "Properties": properties}}


def rule(source: str, hook: str, *, allowed: bool) -> dict[str, Any]:
    """A rule that sends the events of `source` to a function."""
    properties = {"EventPattern": {"source": [source]}, "Targets": [{"Id": "hook", "Arn": hook}]}
    rule = {"Rule": {"Type": "AWS::Events::Rule", "Properties": properties}}
    permission = _permission("events.amazonaws.com", hook, {"Fn::GetAtt": ["Rule", "Arn"]})
    return {"Resources": {**rule, **(permission if allowed else {})}}


def topic(hook: str, *, allowed: bool) -> dict[str, Any]:
    """A topic that sends its messages to a function."""
    subscription = {"TopicArn": {"Ref": "Topic"}, "Protocol": "lambda", "Endpoint": hook}
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
    }
    return {"Resources": {**resources, **(_permission("sns.amazonaws.com", hook, {"Ref": "Topic"}) if allowed else {})}}


def bucket(hook: str) -> dict[str, Any]:
    """A bucket that would notify a function which does not allow it."""
    configuration = {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": hook}]}
    properties = {"NotificationConfiguration": configuration}
    return {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


def flag(name: str) -> dict[str, Any]:
    """A configuration that is deployed at once and then bakes for ten minutes."""
    resources: dict[str, Any] = {
        "Application": {"Type": "AWS::AppConfig::Application", "Properties": {"Name": name}},
        "Environment": {
            "Type": "AWS::AppConfig::Environment",
            "Properties": {"ApplicationId": {"Ref": "Application"}, "Name": "all"},
        },
        "Profile": {
            "Type": "AWS::AppConfig::ConfigurationProfile",
            "Properties": {"ApplicationId": {"Ref": "Application"}, "Name": "flags", "LocationUri": "hosted"},
        },
        "Version": {
            "Type": "AWS::AppConfig::HostedConfigurationVersion",
            "Properties": {
                "ApplicationId": {"Ref": "Application"},
                "ConfigurationProfileId": {"Ref": "Profile"},
                "Content": "{}",
                "ContentType": "application/json",
            },
        },
        "Strategy": {
            "Type": "AWS::AppConfig::DeploymentStrategy",
            "Properties": {
                "Name": name,
                "DeploymentDurationInMinutes": 0,
                "GrowthFactor": 100,
                "FinalBakeTimeInMinutes": 10,
                "ReplicateTo": "NONE",
            },
        },
    }
    outputs: dict[str, Any] = {each: {"Value": {"Ref": each}} for each in resources}
    return {"Resources": resources, "Outputs": outputs}
