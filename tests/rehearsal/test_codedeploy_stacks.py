"""Releases by CloudFormation on the stage, spoken to with boto3 alone."""

from __future__ import annotations

import copy
import json
import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import Stage
from tests.on_stage import settled, until

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com", "codedeploy.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "Policies": [
            {
                "PolicyName": "everything",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                },
            }
        ],
    },
}

SERVICE = "def handler(event, context):\n    return {text!r}\n"

# Fails a candidate that says `bad`; passes everything else, also what goes back.
HOOK = """
import boto3
codedeploy, functions = boto3.client("codedeploy"), boto3.client("lambda")

def handler(event, context):
    target = codedeploy.batch_get_deployment_targets(
        deploymentId=event["DeploymentId"],
        targetIds=codedeploy.list_deployment_targets(deploymentId=event["DeploymentId"])["targetIds"],
    )["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"]
    said = functions.invoke(FunctionName=target["functionName"], Qualifier=target["targetVersion"])["Payload"].read()
    codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed" if b"bad" in said else "Succeeded",
    )
"""


def function(code: str, *depends: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        **({"DependsOn": list(depends)} if depends else {}),
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Timeout": 20,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": code},
        },
    }


def shifted(name: str, text: str, release: str, hook: Any, config: str, alarms: list[str]) -> dict[str, Any]:
    """A service behind an alias that CodeDeploy shifts: each release has a version of its own."""
    return {
        name: function(SERVICE.format(text=text)),
        f"{name}Version{release}": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": name}},
        },
        f"{name}Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": name},
                "FunctionVersion": {"Fn::GetAtt": [f"{name}Version{release}", "Version"]},
            },
            "UpdatePolicy": {
                "CodeDeployLambdaAliasUpdate": {
                    "ApplicationName": {"Ref": "Application"},
                    "DeploymentGroupName": {"Ref": f"{name}Group"},
                    **({"BeforeAllowTrafficHook": hook} if hook else {}),
                }
            },
        },
        f"{name}Group": {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "ServiceRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DeploymentConfigName": f"CodeDeployDefault.{config}",
                "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
                "AlarmConfiguration": {"Enabled": bool(alarms), "Alarms": [{"Name": alarm} for alarm in alarms]},
                "AutoRollbackConfiguration": {
                    "Enabled": True,
                    "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
                },
            },
        },
    }


APPLICATION = {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}}


def template(release: str, *services: dict[str, Any], hook: bool = True) -> dict[str, Any]:
    resources = {"Role": ROLE, "Application": APPLICATION, **({"Hook": function(HOOK)} if hook else {})}
    for service in services:
        resources.update(service)
    return {"Resources": resources, "Description": f"release {release}"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as started:
        yield started


def apply(stage: Stage, name: str, what: dict[str, Any], **parameters: str) -> str:
    """Create or update a stack by a change set, as `sam deploy` does. The status that it ends in."""
    stacks = stage.client("cloudformation")
    known = {stack["StackName"] for stack in stacks.list_stacks()["StackSummaries"]}
    kind = "UPDATE" if name in known else "CREATE"
    change_set = stacks.create_change_set(
        StackName=name,
        ChangeSetName=f"c{uuid.uuid4().hex}",
        ChangeSetType=kind,
        TemplateBody=json.dumps(what),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )["Id"]
    described = stacks.describe_change_set(ChangeSetName=change_set)
    if described["Status"] == "FAILED":
        stacks.delete_change_set(ChangeSetName=change_set)
        return str(described["StatusReason"])
    stacks.execute_change_set(ChangeSetName=change_set)
    return settled(stage, name)


def reasons(stage: Stage, name: str, resource: str) -> list[tuple[str, str]]:
    """What the stack's events say of a resource, oldest first, without what says nothing."""
    events = stage.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [
        (event["ResourceStatus"], event["ResourceStatusReason"])
        for event in reversed(events)
        if event["LogicalResourceId"] == resource and event.get("ResourceStatusReason")
    ]


def physical(stage: Stage, name: str, resource: str) -> str:
    found = stage.client("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId=resource)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def alias(stage: Stage, name: str, service: str = "Service") -> tuple[str, dict[str, float]]:
    found = stage.client("lambda").get_alias(FunctionName=physical(stage, name, service), Name="live")
    return found["FunctionVersion"], found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def deployments(stage: Stage, name: str, service: str = "Service") -> list[dict[str, Any]]:
    """The group's deployments, oldest first."""
    codedeploy = stage.client("codedeploy")
    ids = codedeploy.list_deployments(
        applicationName=physical(stage, name, "Application"),
        deploymentGroupName=physical(stage, name, f"{service}Group"),
    )["deployments"]
    return [codedeploy.get_deployment(deploymentId=one)["deploymentInfo"] for one in reversed(ids)]


def follow(stage: Stage) -> str:
    """The URL of a queue that gets CodeDeploy's events from now on, by a rule on the default bus and a topic."""
    queue = stage.client("sqs").create_queue(QueueName="states")["QueueUrl"]
    described = stage.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    topic = stage.client("sns").create_topic(Name="states")["TopicArn"]
    stage.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=described["Attributes"]["QueueArn"])
    stage.client("events").put_rule(
        Name="states",
        EventPattern=json.dumps(
            {"source": ["aws.codedeploy"], "detail-type": ["CodeDeploy Deployment State-change Notification"]}
        ),
    )
    stage.client("events").put_targets(Rule="states", Targets=[{"Id": "topic", "Arn": topic}])
    return str(queue)


def states(stage: Stage, queue: str, count: int) -> list[tuple[str, str]]:
    """The next `count` state changes: (deployment, state)."""
    found: list[tuple[str, str]] = []
    while len(found) < count:
        got = stage.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=1)
        assert got.get("Messages"), f"no more than {found}"
        for message in got["Messages"]:
            stage.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            detail = json.loads(json.loads(message["Body"])["Message"])["detail"]
            found.append((detail["deploymentId"], detail["state"]))
    return found


def test_a_stack_is_created_without_a_deployment_and_its_update_waits_for_one(stage: Stage) -> None:
    hook = {"Ref": "Hook"}
    first = template("1", shifted("Service", "one", "1", hook, "LambdaCanary10Percent5Minutes", []))
    assert apply(stage, "good", first) == "CREATE_COMPLETE"
    assert deployments(stage, "good") == []
    second = template("2", shifted("Service", "two", "2", hook, "LambdaCanary10Percent5Minutes", []))
    assert apply(stage, "good", second) == "UPDATE_COMPLETE"
    (deployment,) = deployments(stage, "good")
    assert (deployment["status"], deployment["creator"]) == ("Succeeded", "user")
    assert alias(stage, "good") == ("2", {})
    assert reasons(stage, "good", "ServiceAlias") == [
        ("UPDATE_IN_PROGRESS", f"CodeDeploy deployment started: {deployment['deploymentId']}")
    ]
    took = deployment["completeTime"] - deployment["startTime"]
    assert 300 <= took.total_seconds() < 900
    moves = [(one["main"], one["weights"]) for one in stage.records() if one["kind"] == "weights"]
    assert moves == [("1", {"2": 0.1}), ("2", {})]


def test_a_candidate_that_a_hook_refuses_serves_nobody_and_the_stack_rolls_back(stage: Stage) -> None:
    hook = {"Fn::GetAtt": ["Hook", "Arn"]}
    assert apply(stage, "dark", template("1", shifted("Service", "one", "1", hook, "LambdaAllAtOnce", []))) == (
        "CREATE_COMPLETE"
    )
    bad = template("2", shifted("Service", "bad", "2", hook, "LambdaAllAtOnce", []))
    assert apply(stage, "dark", bad) == "UPDATE_ROLLBACK_COMPLETE"
    failed, back = deployments(stage, "dark")
    assert (failed["status"], failed["errorInformation"]["code"]) == ("Failed", "HOOK_EXECUTION_FAILURE")
    assert (back["status"], back["creator"]) == ("Succeeded", "codeDeployRollback")
    assert alias(stage, "dark") == ("1", {})
    started, rollback, update_failed = reasons(stage, "dark", "ServiceAlias")
    assert started[1] == f"CodeDeploy deployment started: {failed['deploymentId']}"
    assert rollback[1] == f"CodeDeploy rollback deployment started: {back['deploymentId']}"
    assert update_failed[0] == "UPDATE_FAILED"
    assert update_failed[1].startswith(
        f'Resource handler returned message: "{failed["deploymentId"]} failed. The deployment failed because one or '
        'more of the lifecycle event validation functions failed." (RequestToken: '
    )
    assert update_failed[1].endswith("HandlerErrorCode: InternalFailure)")


def test_an_alarm_stops_the_shift_and_stack_and_alias_go_back_together(stage: Stage) -> None:
    stage.client("cloudwatch").put_metric_alarm(
        AlarmName="bad-outcomes",
        Namespace="Test",
        MetricName="Bad",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    queue = follow(stage)
    config = "LambdaLinear10PercentEvery10Minutes"
    first = template("1", shifted("Service", "one", "1", None, config, ["bad-outcomes"]), hook=False)
    assert apply(stage, "watched", first) == "CREATE_COMPLETE"
    stage.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Bad", "Value": 5.0}])
    second = template("2", shifted("Service", "two", "2", None, config, ["bad-outcomes"]), hook=False)
    assert apply(stage, "watched", second) == "UPDATE_ROLLBACK_COMPLETE"
    stopped, back = deployments(stage, "watched")
    assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert stopped["rollbackInfo"]["rollbackDeploymentId"] == back["deploymentId"]
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == stopped["deploymentId"]
    assert alias(stage, "watched") == ("1", {})

    assert states(stage, queue, 4) == [
        (stopped["deploymentId"], "START"),
        (stopped["deploymentId"], "STOP"),
        (back["deploymentId"], "START"),
        (back["deploymentId"], "SUCCESS"),
    ]


def moves(stage: Stage, *deployed: str) -> list[tuple[str, str, dict[str, float]]]:
    """How the weights moved in these deployments, in order: (deployment, main version, weights)."""
    return [
        (one["deployment"], one["main"], one["weights"])
        for one in stage.records()
        if one["kind"] == "weights" and one["deployment"] in deployed
    ]


def test_a_dozen_aliases_shift_at_the_same_time(stage: Stage) -> None:
    names = [f"Service{letter}" for letter in "ABCDEFGHIJKL"]

    def release(number: str) -> dict[str, Any]:
        config = "LambdaCanary10Percent5Minutes"
        return template(number, *(shifted(one, number, number, None, config, []) for one in names), hook=False)

    assert apply(stage, "dozen", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "dozen", release("2")) == "UPDATE_COMPLETE"
    made = [deployment for name in names for deployment in deployments(stage, "dozen", name)]
    assert len(made) == 12
    assert max(one["startTime"] for one in made) < min(one["completeTime"] for one in made)
    assert {alias(stage, "dozen", name) == ("2", {}) for name in names} == {True}


def test_when_one_alias_fails_the_one_that_had_shifted_goes_back_by_a_deployment_with_hooks(stage: Stage) -> None:
    def release(number: str, second: str) -> dict[str, Any]:
        later = shifted("Later", second, number, None, "LambdaCanary10Percent5Minutes", [])
        later["LaterAlias"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["AfterAllowTrafficHook"] = {"Ref": "Hook"}
        early = shifted("Early", f"early {number}", number, {"Ref": "Hook"}, "LambdaAllAtOnce", [])
        return template(number, early, later)

    assert apply(stage, "pair", release("1", "later 1")) == "CREATE_COMPLETE"
    assert apply(stage, "pair", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    forward, back = deployments(stage, "pair", "Early")
    assert [one["status"] for one in (forward, back)] == ["Succeeded", "Succeeded"]
    spec = json.loads(back["revision"]["string"]["content"])
    assert spec["Resources"][0][physical(stage, "pair", "Early")]["Properties"]["TargetVersion"] == "1"
    assert spec["Hooks"] == [{"BeforeAllowTraffic": physical(stage, "pair", "Hook")}]
    assert (alias(stage, "pair", "Early"), alias(stage, "pair", "Later")) == (("1", {}), ("1", {}))


def test_by_its_switch_an_alias_that_had_shifted_is_set_back_without_a_deployment(stage: Stage) -> None:
    def release(number: str, second: str) -> dict[str, Any]:
        later = shifted("Later", second, number, None, "LambdaCanary10Percent5Minutes", [])
        later["LaterAlias"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["AfterAllowTrafficHook"] = {"Ref": "Hook"}
        early = shifted("Early", f"early {number}", number, None, "LambdaAllAtOnce", [])
        return template(number, early, later)

    assert apply(stage, "set-back", release("1", "later 1")) == "CREATE_COMPLETE"
    stage.switch(stack_goes_back_by_deployment=False)
    try:
        assert apply(stage, "set-back", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    finally:
        stage.switch(stack_goes_back_by_deployment=True)
    (forward,) = deployments(stage, "set-back", "Early")
    assert (forward["status"], alias(stage, "set-back", "Early")) == ("Succeeded", ("1", {}))


@pytest.mark.parametrize(("drops", "left"), [(False, {"1": 0.25}), (True, {})])
def test_by_its_switch_an_update_of_an_alias_keeps_or_drops_weights_that_its_template_does_not_state(
    stage: Stage, drops: bool, left: dict[str, float]
) -> None:
    def release(number: str, description: str) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, None, "LambdaAllAtOnce", []), hook=False)
        del made["Resources"]["ServiceAlias"]["UpdatePolicy"]
        made["Resources"]["ServiceAlias"]["Properties"]["Description"] = description
        return made

    name = f"weights-{drops}"
    assert apply(stage, name, release("1", "one")) == "CREATE_COMPLETE"
    assert apply(stage, name, release("2", "one")) == "UPDATE_COMPLETE"
    routing = {"AdditionalVersionWeights": {"1": 0.25}}
    stage.client("lambda").update_alias(
        FunctionName=physical(stage, name, "Service"), Name="live", RoutingConfig=routing
    )
    stage.switch(alias_update_drops_weights=drops)
    try:
        assert apply(stage, name, release("2", "two")) == "UPDATE_COMPLETE"
    finally:
        stage.switch(alias_update_drops_weights=False)
    assert alias(stage, name) == ("2", left)


def test_when_one_alias_fails_the_one_that_still_shifts_is_stopped_and_taken_back(stage: Stage) -> None:
    def release(number: str, second: str) -> dict[str, Any]:
        return template(
            number,
            shifted("Slow", f"slow {number}", number, None, "LambdaLinear10PercentEvery10Minutes", []),
            shifted("Quick", second, number, {"Ref": "Hook"}, "LambdaAllAtOnce", []),
        )

    assert apply(stage, "both", release("1", "quick 1")) == "CREATE_COMPLETE"
    assert apply(stage, "both", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    stopped, back = deployments(stage, "both", "Slow")
    assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert back["creator"] == "codeDeployRollback"
    assert reasons(stage, "both", "SlowAlias")[-1] == ("UPDATE_FAILED", "Resource update cancelled")
    assert (alias(stage, "both", "Slow"), alias(stage, "both", "Quick")) == (("1", {}), ("1", {}))


def test_by_its_switch_the_one_that_still_shifts_goes_on_and_is_sent_back_by_a_deployment(stage: Stage) -> None:
    def release(number: str, second: str) -> dict[str, Any]:
        return template(
            number,
            shifted("Slow", f"slow {number}", number, None, "LambdaCanary10Percent10Minutes", []),
            shifted("Quick", second, number, {"Ref": "Hook"}, "LambdaAllAtOnce", []),
        )

    assert apply(stage, "goes-on", release("1", "quick 1")) == "CREATE_COMPLETE"
    stage.switch(stack_stops_what_it_cancels=False)
    try:
        assert apply(stage, "goes-on", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    finally:
        stage.switch(stack_stops_what_it_cancels=True)
    forward, back = deployments(stage, "goes-on", "Slow")
    assert [(one["status"], one["creator"]) for one in (forward, back)] == [("Succeeded", "user")] * 2
    assert (alias(stage, "goes-on", "Slow"), alias(stage, "goes-on", "Quick")) == (("1", {}), ("1", {}))


def test_a_shift_that_is_cancelled_is_taken_back_also_where_the_group_has_no_automatic_rollback(stage: Stage) -> None:
    def release(number: str, second: str) -> dict[str, Any]:
        config = "LambdaLinear10PercentEvery10Minutes"
        made = template(
            number,
            shifted("First", f"first {number}", number, None, config, []),
            shifted("Later", f"later {number}", number, None, config, []),
            shifted("Quick", second, number, {"Ref": "Hook"}, "LambdaAllAtOnce", []),
        )
        for group in ("FirstGroup", "LaterGroup"):
            made["Resources"][group]["Properties"]["AutoRollbackConfiguration"] = {"Enabled": False}
        return made

    assert apply(stage, "left", release("1", "quick")) == "CREATE_COMPLETE"
    assert apply(stage, "left", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    assert alias(stage, "left", "Quick") == ("1", {})
    for service in ("First", "Later"):
        (stopped, back) = deployments(stage, "left", service)
        assert (stopped["status"], back["creator"]) == ("Stopped", "codeDeployRollback"), (
            "a cancelled one is taken back"
        )


def test_cancelling_a_stacks_update_takes_its_release_back(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        slow = "LambdaLinear10PercentEvery10Minutes"
        return template(number, shifted("Service", number, number, None, slow, []), hook=False)

    assert apply(stage, "cancelled", release("1")) == "CREATE_COMPLETE"
    cancel = threading.Thread(target=cancel_at_the_first_weight, args=(stage, "cancelled"))
    cancel.start()
    assert apply(stage, "cancelled", release("2")) == "UPDATE_ROLLBACK_COMPLETE"
    cancel.join()
    stopped, back = deployments(stage, "cancelled")
    assert (stopped["status"], back["creator"]) == ("Stopped", "codeDeployRollback")
    assert alias(stage, "cancelled") == ("1", {})


def test_a_stack_that_releases_takes_no_other_operation(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        slow = "LambdaLinear10PercentEvery10Minutes"
        return template(number, shifted("Service", number, number, None, slow, []), hook=False)

    assert apply(stage, "busy", release("1")) == "CREATE_COMPLETE"
    stacks, given = stage.client("cloudformation"), {"StackName": "busy"}
    body = {"TemplateBody": json.dumps(release("2")), "Capabilities": ["CAPABILITY_IAM"]}
    waiting = stacks.create_change_set(**given, **body, ChangeSetName="waiting")["Id"]
    stacks.update_stack(**given, **body)
    for operation, asked, state in (
        (stacks.create_change_set, {**given, **body, "ChangeSetName": "second"}, "can not be updated"),
        (stacks.execute_change_set, {"ChangeSetName": waiting}, "can not be updated"),
        (stacks.delete_stack, given, "cannot be deleted while in status UPDATE_IN_PROGRESS"),
    ):
        with pytest.raises(ClientError, match=state):
            operation(**asked)
    cancel_at_the_first_weight(stage, "busy")
    assert settled(stage, "busy") == "UPDATE_ROLLBACK_COMPLETE"
    assert alias(stage, "busy") == ("1", {})


def test_a_release_whose_rollback_was_switched_off_goes_back_when_asked(stage: Stage) -> None:
    def release(number: str, text: str) -> dict[str, Any]:
        early = shifted("Early", f"early {number}", number, None, "LambdaAllAtOnce", [])
        return template(number, early, shifted("Later", text, number, {"Ref": "Hook"}, "LambdaAllAtOnce", []))

    assert apply(stage, "kept", release("1", "one")) == "CREATE_COMPLETE"
    stacks = stage.client("cloudformation")
    stacks.update_stack(
        StackName="kept",
        TemplateBody=json.dumps(release("2", "bad")),
        Capabilities=["CAPABILITY_IAM"],
        DisableRollback=True,
    )
    assert settled(stage, "kept") == "UPDATE_FAILED"
    assert alias(stage, "kept", "Later") == ("1", {}), "CodeDeploy has taken it back all the same"
    stacks.rollback_stack(StackName="kept")
    assert settled(stage, "kept") == "UPDATE_ROLLBACK_COMPLETE"
    assert (alias(stage, "kept", "Early"), alias(stage, "kept", "Later")) == (("1", {}), ("1", {}))


def cancel_at_the_first_weight(stage: Stage, name: str, service: str = "Service", root: str = "") -> None:
    until(stage, "the first weight", lambda: alias(stage, name, service)[1])
    stage.client("cloudformation").cancel_update_stack(StackName=root or name)


def test_two_aliases_of_one_function_shift_at_once_each_by_its_own_configuration(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        made = template(
            number, shifted("Service", number, number, None, "LambdaCanary10Percent10Minutes", []), hook=False
        )
        resources = made["Resources"]
        resources["OtherAlias"] = copy.deepcopy(resources["ServiceAlias"])
        resources["OtherAlias"]["Properties"]["Name"] = "internal"
        policy = resources["OtherAlias"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        policy["DeploymentGroupName"] = {"Ref": "OtherGroup"}
        resources["OtherGroup"] = copy.deepcopy(resources["ServiceGroup"])
        resources["OtherGroup"]["Properties"]["DeploymentConfigName"] = (
            "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        )
        return made

    assert apply(stage, "two", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "two", release("2")) == "UPDATE_COMPLETE"
    (live,), (internal,) = deployments(stage, "two"), deployments(stage, "two", "Other")
    ten_minutes, five_minutes = live["deploymentId"], internal["deploymentId"]
    assert sorted(moves(stage, ten_minutes, five_minutes)[:2]) == sorted(
        [(ten_minutes, "1", {"2": 0.1}), (five_minutes, "1", {"2": 0.1})]
    )
    assert moves(stage, ten_minutes, five_minutes)[2:] == [(five_minutes, "2", {}), (ten_minutes, "2", {})]


def test_a_hook_may_be_the_alias_of_another_stack(stage: Stage) -> None:
    hooks = template("1")
    hooks["Resources"] |= {
        "HookVersion": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Hook"}}},
        "HookAlias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Hook"},
                "FunctionVersion": {"Fn::GetAtt": ["HookVersion", "Version"]},
            },
        },
    }
    hooks["Outputs"] = {"Hook": {"Value": {"Ref": "HookAlias"}, "Export": {"Name": "shared-hook"}}}
    assert apply(stage, "hooks", hooks) == "CREATE_COMPLETE"
    imported = {"Fn::ImportValue": "shared-hook"}
    for release, text, status in (("1", "one", "CREATE"), ("2", "two", "UPDATE"), ("3", "bad", "UPDATE_ROLLBACK")):
        adopted = template(release, shifted("Service", text, release, imported, "LambdaAllAtOnce", []), hook=False)
        assert apply(stage, "adopter", adopted) == f"{status}_COMPLETE"
    assert alias(stage, "adopter") == ("2", {})


def test_a_hook_may_be_a_version(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, {"Ref": "HookVersion"}, "LambdaAllAtOnce", []))
        made["Resources"]["HookVersion"] = {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Hook"}},
        }
        return made

    assert apply(stage, "version-hook", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "version-hook", release("2")) == "UPDATE_COMPLETE"
    (deployment,) = deployments(stage, "version-hook")
    (hook,) = json.loads(deployment["revision"]["string"]["content"])["Hooks"]
    assert hook["BeforeAllowTraffic"].endswith(f"{physical(stage, 'version-hook', 'Hook')}:1")


def test_another_configuration_alone_starts_no_deployment_nor_does_a_group_without_an_alias(stage: Stage) -> None:
    def release(number: str, config: str) -> dict[str, Any]:
        made = template(number, shifted("Service", "one", "1", None, config, []), hook=False)
        made["Resources"]["LonelyGroup"] = copy.deepcopy(made["Resources"]["ServiceGroup"])
        return made

    assert apply(stage, "still", release("1", "LambdaAllAtOnce")) == "CREATE_COMPLETE"
    assert apply(stage, "still", release("2", "LambdaCanary10Percent5Minutes")) == "UPDATE_COMPLETE"
    assert (deployments(stage, "still"), deployments(stage, "still", "Lonely")) == ([], [])
    group = stage.client("codedeploy").get_deployment_group(
        applicationName=physical(stage, "still", "Application"),
        deploymentGroupName=physical(stage, "still", "ServiceGroup"),
    )["deploymentGroupInfo"]
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"


def test_an_alias_that_users_were_taken_back_on_is_refused_until_it_is_healed(stage: Stage) -> None:
    def release(number: str, *, shift: bool = True) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, None, "LambdaAllAtOnce", []), hook=False)
        if not shift:
            del made["Resources"]["ServiceAlias"]["UpdatePolicy"]
        return made

    assert apply(stage, "drift", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "drift", release("2")) == "UPDATE_COMPLETE"
    stage.client("lambda").update_alias(
        FunctionName=physical(stage, "drift", "Service"), Name="live", FunctionVersion="1"
    )
    assert apply(stage, "drift", release("3")) == "UPDATE_ROLLBACK_COMPLETE"
    refused = deployments(stage, "drift")[-1]
    assert refused["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    said = "The Lambda function alias version does not match the current version in AppSpec file"
    assert refused["errorInformation"]["message"].endswith(f"is missing or has an invalid configuration. {said}")
    assert alias(stage, "drift") == ("1", {})
    assert apply(stage, "drift", release("4", shift=False)) == "UPDATE_COMPLETE"
    assert apply(stage, "drift", release("5")) == "UPDATE_COMPLETE"
    assert len(deployments(stage, "drift")) == 3


def test_one_update_may_bring_group_configuration_and_policy_and_start_its_first_release(stage: Stage) -> None:
    def release(number: str, *, shifts: bool) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, None, "LambdaAllAtOnce", []), hook=False)
        resources = made["Resources"]
        if not shifts:
            del resources["ServiceAlias"]["UpdatePolicy"], resources["ServiceGroup"], resources["Application"]
            return made
        canary = {"CanaryPercentage": 30, "CanaryInterval": 2}
        resources["Config"] = {
            "Type": "AWS::CodeDeploy::DeploymentConfig",
            "Properties": {
                "ComputePlatform": "Lambda",
                "TrafficRoutingConfig": {"Type": "TimeBasedCanary", "TimeBasedCanary": canary},
            },
        }
        resources["ServiceGroup"]["Properties"]["DeploymentConfigName"] = {"Ref": "Config"}
        fourth = {"Fn::Select": [4, {"Fn::Split": ["-", {"Ref": "AWS::StackId"}]}]}
        resources["ServiceGroup"]["Properties"]["DeploymentGroupName"] = {"Fn::Join": ["-", ["group", fourth]]}
        return made

    assert apply(stage, "adopts", release("1", shifts=False)) == "CREATE_COMPLETE"
    assert apply(stage, "adopts", release("2", shifts=True)) == "UPDATE_COMPLETE"
    (deployment,) = deployments(stage, "adopts")
    assert deployment["deploymentConfigName"] == physical(stage, "adopts", "Config")
    assert re.fullmatch("group-[0-9a-f]{4}", deployment["deploymentGroupName"])
    assert moves(stage, deployment["deploymentId"]) == [
        (deployment["deploymentId"], "1", {"2": 0.3}),
        (deployment["deploymentId"], "2", {}),
    ]


def test_a_groups_topic_is_told_in_json_whose_members_are_json(stage: Stage) -> None:
    inbox = stage.client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    arn = stage.client("sqs").get_queue_attributes(QueueUrl=inbox, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    topic = stage.client("sns").create_topic(Name="releases")["TopicArn"]
    stage.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def release(number: str, text: str) -> dict[str, Any]:
        made = template(number, shifted("Service", text, number, {"Ref": "Hook"}, "LambdaAllAtOnce", []))
        made["Resources"]["ServiceGroup"]["Properties"]["TriggerConfigurations"] = [
            {"TriggerName": "bad", "TriggerTargetArn": topic, "TriggerEvents": ["DeploymentFailure"]}
        ]
        return made

    assert apply(stage, "told", release("1", "one")) == "CREATE_COMPLETE"
    assert apply(stage, "told", release("2", "bad")) == "UPDATE_ROLLBACK_COMPLETE"
    (message,) = stage.client("sqs").receive_message(QueueUrl=inbox)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    failed, back = deployments(stage, "told")
    assert (told["deploymentId"], told["status"], told["eventTriggerName"]) == (failed["deploymentId"], "FAILED", "bad")
    assert json.loads(told["errorInformation"])["ErrorCode"] == "HOOK_EXECUTION_FAILURE"
    assert json.loads(told["rollbackInformation"])["RollbackDeploymentId"] == back["deploymentId"]


def test_a_parameter_that_only_flips_a_condition_is_a_change_and_switches_shifting(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, None, "LambdaAllAtOnce", []), hook=False)
        policy = made["Resources"]["ServiceAlias"]["UpdatePolicy"]
        made["Resources"]["ServiceAlias"]["UpdatePolicy"] = {"Fn::If": ["Shifts", policy, {"Ref": "AWS::NoValue"}]}
        made["Parameters"] = {"Shift": {"Type": "String", "Default": "yes"}}
        made["Conditions"] = {"Shifts": {"Fn::Equals": [{"Ref": "Shift"}, "yes"]}}
        return made

    assert apply(stage, "flip", release("1"), Shift="yes") == "CREATE_COMPLETE"
    assert "didn't contain changes" in apply(stage, "flip", release("1"), Shift="yes")
    assert apply(stage, "flip", release("1"), Shift="no") == "UPDATE_COMPLETE"
    assert apply(stage, "flip", release("2"), Shift="no") == "UPDATE_COMPLETE"
    assert (deployments(stage, "flip"), alias(stage, "flip")) == ([], ("2", {}))
    assert apply(stage, "flip", release("3"), Shift="yes") == "UPDATE_COMPLETE"
    assert (len(deployments(stage, "flip")), alias(stage, "flip")) == (1, ("3", {}))


def sam(text: str) -> dict[str, Any]:
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {
            "Shift": {"Type": "String", "Default": "false", "AllowedValues": ["true", "false"]},
            "Type": {"Type": "String", "Default": "AllAtOnce"},
        },
        "Conditions": {"Shifts": {"Fn::Equals": [{"Ref": "Shift"}, "true"]}},
        "Resources": {
            "Role": ROLE,
            "Service": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "InlineCode": SERVICE.format(text=text),
                    "AutoPublishAlias": "live",
                    "DeploymentPreference": {
                        "Enabled": {"Ref": "Shift"},
                        "Type": {"Ref": "Type"},
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    },
                },
            },
        },
    }


def test_sam_gets_the_stacks_own_parameters(stage: Stage) -> None:
    assert apply(stage, "sam", sam("one"), Shift="true", Type="Canary10Percent10Minutes") == "CREATE_COMPLETE"
    application = physical(stage, "sam", "ServerlessDeploymentApplication")
    group = physical(stage, "sam", "ServiceDeploymentGroup")
    codedeploy = stage.client("codedeploy")
    info = codedeploy.get_deployment_group(applicationName=application, deploymentGroupName=group)
    assert info["deploymentGroupInfo"]["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent10Minutes"
    assert apply(stage, "sam", sam("two"), Shift="true", Type="AllAtOnce") == "UPDATE_COMPLETE"
    assert len(codedeploy.list_deployments(applicationName=application, deploymentGroupName=group)["deployments"]) == 1
    assert apply(stage, "sam", sam("three"), Shift="false", Type="AllAtOnce") == "UPDATE_COMPLETE"
    assert alias(stage, "sam")[0] == "3"
    assert codedeploy.list_applications()["applications"].count(application) == 0


def test_an_unnamed_configuration_is_replaced_when_it_changes_and_a_stack_takes_everything_away(stage: Stage) -> None:
    def release(number: str, percent: int) -> dict[str, Any]:
        made = template(number, shifted("Service", number, number, None, "LambdaAllAtOnce", []), hook=False)
        canary = {"CanaryPercentage": percent, "CanaryInterval": 1}
        made["Resources"]["Config"] = {
            "Type": "AWS::CodeDeploy::DeploymentConfig",
            "Properties": {
                "ComputePlatform": "Lambda",
                "TrafficRoutingConfig": {"Type": "TimeBasedCanary", "TimeBasedCanary": canary},
            },
        }
        made["Resources"]["ServiceGroup"]["Properties"]["DeploymentConfigName"] = {"Ref": "Config"}
        return made

    codedeploy = stage.client("codedeploy")
    before = codedeploy.list_deployment_configs()["deploymentConfigsList"]
    assert apply(stage, "custom", release("1", 20)) == "CREATE_COMPLETE"
    first = physical(stage, "custom", "Config")
    assert apply(stage, "custom", release("2", 40)) == "UPDATE_COMPLETE"
    (deployment,) = deployments(stage, "custom")
    assert deployment["deploymentConfigName"] == physical(stage, "custom", "Config") != first
    moves = [
        one["weights"]
        for one in stage.records()
        if one.get("deployment") == deployment["deploymentId"] and one["kind"] == "weights"
    ]
    assert moves == [{"2": 0.4}, {}]
    application = physical(stage, "custom", "Application")
    stage.client("cloudformation").delete_stack(StackName="custom")
    stage.time.advance(0)
    assert codedeploy.list_deployment_configs()["deploymentConfigsList"] == before
    assert application not in codedeploy.list_applications()["applications"]
