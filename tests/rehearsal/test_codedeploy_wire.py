"""The stage's CodeDeploy as boto3 sees it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import Stage
from rehearsal.stage.codedeploy import wire
from rehearsal.stage.codedeploy.wire import OPERATIONS
from tests.on_stage import ended

ROLE = "arn:aws:iam::111122223333:role/unknown"
STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as started:
        started.client("codedeploy").create_application(applicationName="app", computePlatform="Lambda")
        yield started


@pytest.fixture(scope="module")
def codedeploy(stage: Stage) -> Any:
    return stage.client("codedeploy")


@pytest.fixture(scope="module")
def function(stage: Stage) -> str:
    """A function with versions 1 and 2, whose alias `live` is version 1."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("index.py", "def handler(event, context):\n    return 1\n")
    functions = stage.client("lambda")
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
    return "service"


def revision(function: str, current: str = "1", target: str = "2", **hooks: str) -> dict[str, Any]:
    properties = {"Name": function, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    content = {
        "version": 0.0,
        "Resources": [{"service": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{name: hook} for name, hook in hooks.items()],
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}


def group(codedeploy: Any, name: str, **members: Any) -> None:
    codedeploy.create_deployment_group(
        applicationName="app",
        deploymentGroupName=name,
        serviceRoleArn=ROLE,
        deploymentStyle=STYLE,
        **{"deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce", **members},
    )


def code(of: pytest.ExceptionInfo[ClientError]) -> str:
    return str(of.value.response["Error"]["Code"])


def test_a_deployment_can_be_followed_to_its_end(stage: Stage, codedeploy: Any, function: str) -> None:
    group(codedeploy, "followed")
    started = codedeploy.create_deployment(
        applicationName="app", deploymentGroupName="followed", revision=revision(function), description="by hand"
    )["deploymentId"]
    assert ended(stage, started)["status"] == "Succeeded"
    info = codedeploy.get_deployment(deploymentId=started)["deploymentInfo"]
    assert (info["status"], info["description"], info["computePlatform"]) == ("Succeeded", "by hand", "Lambda")
    assert info["deploymentOverview"]["Succeeded"] == 1
    (target,) = codedeploy.list_deployment_targets(deploymentId=started)["targetIds"]
    found = codedeploy.get_deployment_target(deploymentId=started, targetId=target)["deploymentTarget"]["lambdaTarget"]
    assert found["lambdaFunctionInfo"] == {
        "functionName": "service",
        "functionAlias": "live",
        "currentVersion": "1",
        "targetVersion": "2",
        "targetVersionWeight": 1.0,
    }
    assert [(event["lifecycleEventName"], event["status"]) for event in found["lifecycleEvents"]] == [
        ("BeforeAllowTraffic", "Succeeded"),
        ("AllowTraffic", "Succeeded"),
        ("AfterAllowTraffic", "Succeeded"),
    ]
    sha256 = info["revision"]["appSpecContent"]["sha256"]
    read = codedeploy.get_application_revision(
        applicationName="app", revision={"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha256}}
    )
    assert read["revision"] == info["revision"]
    last = codedeploy.get_deployment_group(applicationName="app", deploymentGroupName="followed")
    assert last["deploymentGroupInfo"]["lastSuccessfulDeployment"]["deploymentId"] == started


def test_a_group_changes_only_where_the_update_says_so(codedeploy: Any) -> None:
    group(codedeploy, "old", alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]})
    codedeploy.update_deployment_group(
        applicationName="app",
        currentDeploymentGroupName="old",
        newDeploymentGroupName="new",
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
    )
    info = codedeploy.get_deployment_group(applicationName="app", deploymentGroupName="new")["deploymentGroupInfo"]
    assert info["alarmConfiguration"] == {
        "enabled": True,
        "ignorePollAlarmFailure": False,
        "alarms": [{"name": "errors"}],
    }
    assert info["autoRollbackConfiguration"] == {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    assert "old" not in codedeploy.list_deployment_groups(applicationName="app")["deploymentGroups"]


def test_a_custom_configuration_is_kept_and_not_deleted_while_a_group_uses_it(codedeploy: Any) -> None:
    routing = {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 25, "linearInterval": 3}}
    codedeploy.create_deployment_config(
        deploymentConfigName="quarters", computePlatform="Lambda", trafficRoutingConfig=routing
    )
    info = codedeploy.get_deployment_config(deploymentConfigName="quarters")["deploymentConfigInfo"]
    assert info["trafficRoutingConfig"] == routing
    group(codedeploy, "quarterly", deploymentConfigName="quarters")
    with pytest.raises(ClientError) as refused:
        codedeploy.delete_deployment_config(deploymentConfigName="quarters")
    assert code(refused) == "DeploymentConfigInUseException"


def test_every_operation_of_the_service_model_is_answered_but_those_of_servers_and_of_github(codedeploy: Any) -> None:
    known = set(codedeploy.meta.service_model.operation_names)
    assert set(OPERATIONS) <= known
    assert known - set(OPERATIONS) == {
        "AddTagsToOnPremisesInstances",
        "BatchGetOnPremisesInstances",
        "DeleteGitHubAccountToken",
        "DeleteResourcesByExternalId",
        "DeregisterOnPremisesInstance",
        "GetOnPremisesInstance",
        "ListGitHubAccountTokenNames",
        "ListOnPremisesInstances",
        "RegisterOnPremisesInstance",
        "RemoveTagsFromOnPremisesInstances",
    }


def test_no_error_has_a_name_that_the_service_model_does_not_know(codedeploy: Any) -> None:
    known = {shape for shape in codedeploy.meta.service_model.shape_names if shape.endswith("Exception")}
    sources = Path(wire.__file__).parent.glob("*.py")
    named = {name for source in sources for name in re.findall(r'"([A-Z]\w+Exception)"', source.read_text())}
    assert named <= known


def test_what_the_stage_does_not_do_is_refused_by_name(codedeploy: Any) -> None:
    with pytest.raises(ClientError, match="does not do ListGitHubAccountTokenNames"):
        codedeploy.list_git_hub_account_token_names()
    with pytest.raises(ClientError, match="don't know ecsServices"):
        group(codedeploy, "loud", ecsServices=[{"serviceName": "web", "clusterName": "one"}])


def test_a_groups_triggers_are_kept_and_a_trigger_without_a_topic_is_refused(codedeploy: Any) -> None:
    trigger = {
        "triggerName": "all",
        "triggerTargetArn": "arn:aws:sns:eu-west-1:111122223333:releases",
        "triggerEvents": ["DeploymentFailure"],
    }
    group(codedeploy, "told", triggerConfigurations=[trigger])
    names = {"applicationName": "app", "deploymentGroupName": "told"}
    assert codedeploy.get_deployment_group(**names)["deploymentGroupInfo"]["triggerConfigurations"] == [trigger]
    with pytest.raises(ClientError) as refused:
        group(codedeploy, "mute", triggerConfigurations=[{"triggerName": "all"}])
    assert code(refused) == "InvalidTriggerConfigException"


@pytest.mark.parametrize(
    ("operation", "request_", "name"),
    [
        ("get_deployment", {"deploymentId": "d-NONE"}, "DeploymentDoesNotExistException"),
        ("stop_deployment", {"deploymentId": "d-NONE"}, "DeploymentDoesNotExistException"),
        ("get_application", {"applicationName": "none"}, "ApplicationDoesNotExistException"),
        (
            "create_application",
            {"applicationName": "app", "computePlatform": "Lambda"},
            "ApplicationAlreadyExistsException",
        ),
        ("create_application", {"applicationName": "servers"}, "InvalidComputePlatformException"),
        (
            "create_application",
            {"applicationName": "a" * 101, "computePlatform": "Lambda"},
            "InvalidApplicationNameException",
        ),
        (
            "update_application",
            {"applicationName": "app", "newApplicationName": "a" * 101},
            "InvalidApplicationNameException",
        ),
        ("get_deployment", {"deploymentId": "not an id"}, "InvalidDeploymentIdException"),
        ("batch_get_deployments", {"deploymentIds": ["d-NONE"] * 26}, "BatchLimitExceededException"),
        ("batch_get_deployments", {"deploymentIds": []}, "DeploymentIdRequiredException"),
        ("batch_get_applications", {"applicationNames": ["app"] * 101}, "BatchLimitExceededException"),
        (
            "batch_get_deployment_groups",
            {"applicationName": "app", "deploymentGroupNames": ["one"] * 101},
            "BatchLimitExceededException",
        ),
        ("list_deployments", {"applicationName": "app"}, "DeploymentGroupNameRequiredException"),
        ("list_deployments", {"deploymentGroupName": "one"}, "ApplicationNameRequiredException"),
        ("list_deployments", {"includeOnlyStatuses": ["Done"]}, "InvalidDeploymentStatusException"),
        ("list_deployments", {"createTimeRange": {"start": 2, "end": 1}}, "InvalidTimeRangeException"),
        ("list_deployments", {"nextToken": "made up"}, "InvalidNextTokenException"),
        ("list_deployment_configs", {"nextToken": "made up"}, "InvalidNextTokenException"),
        (
            "create_deployment_config",
            {
                "deploymentConfigName": "servers",
                "computePlatform": "Lambda",
                "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1},
            },
            "InvalidMinimumHealthyHostValueException",
        ),
        (
            "get_deployment_group",
            {"applicationName": "app", "deploymentGroupName": "none"},
            "DeploymentGroupDoesNotExistException",
        ),
        (
            "create_deployment_group",
            {"applicationName": "app", "deploymentGroupName": "one", "serviceRoleArn": "deployer"},
            "InvalidRoleException",
        ),
        (
            "create_deployment_group",
            {
                "applicationName": "app",
                "deploymentGroupName": "one",
                "serviceRoleArn": ROLE,
                "triggerConfigurations": [
                    {"triggerName": str(n), "triggerTargetArn": f"arn:aws:sns:eu-west-1:111122223333:{n}"}
                    for n in range(11)
                ],
            },
            "TriggerTargetsLimitExceededException",
        ),
        ("get_deployment_config", {"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExistException"),
        ("put_lifecycle_event_hook_execution_status", {}, "DeploymentIdRequiredException"),
        (
            "put_lifecycle_event_hook_execution_status",
            {"deploymentId": "d-NONE", "lifecycleEventHookExecutionId": "x", "status": "Skipped"},
            "InvalidLifecycleEventHookExecutionStatusException",
        ),
        (
            "create_deployment",
            {"applicationName": "app", "deploymentGroupName": "none", "revision": revision("service")},
            "DeploymentGroupDoesNotExistException",
        ),
    ],
)
def test_an_error_has_the_name_of_the_service_model(codedeploy: Any, operation: str, request_: Any, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(codedeploy, operation)(**request_)
    assert code(refused) == name


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"targetInstances": {"autoScalingGroups": ["one"]}}, "InvalidTargetInstancesException"),
        ({"updateOutdatedInstancesOnly": True}, "InvalidUpdateOutdatedInstancesOnlyValueException"),
        ({"ignoreApplicationStopFailures": True}, "InvalidIgnoreApplicationStopFailuresValueException"),
        ({"fileExistsBehavior": "OVERWRITE"}, "InvalidFileExistsBehaviorException"),
        (
            {"overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": "a"}, {"name": "a"}]}},
            "InvalidAlarmConfigException",
        ),
        (
            {"overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": str(n)} for n in range(11)]}},
            "AlarmsLimitExceededException",
        ),
        ({"autoRollbackConfiguration": {"enabled": True, "events": []}}, "InvalidAutoRollbackConfigException"),
        ({"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExistException"),
    ],
)
def test_what_a_lambda_deployment_can_not_be_asked_is_refused(codedeploy: Any, members: Any, name: str) -> None:
    if "asked" not in codedeploy.list_deployment_groups(applicationName="app")["deploymentGroups"]:
        group(codedeploy, "asked")
    with pytest.raises(ClientError) as refused:
        codedeploy.create_deployment(
            applicationName="app", deploymentGroupName="asked", revision=revision("service"), **members
        )
    assert code(refused) == name
    assert codedeploy.list_deployments(applicationName="app", deploymentGroupName="asked")["deployments"] == []


def test_deployments_are_listed_by_status_and_by_the_time_of_their_creation(
    stage: Stage, codedeploy: Any, function: str
) -> None:
    group(codedeploy, "listed")
    where = {"applicationName": "app", "deploymentGroupName": "listed"}

    def refused() -> Any:
        """A deployment that ends at once, for its alias is not what it says."""
        started = codedeploy.create_deployment(**where, revision=revision(function, current="99"))["deploymentId"]
        with pytest.raises(Exception, match="Failed"):
            assert ended(stage, started)["status"] == "Succeeded"
        return codedeploy.get_deployment(deploymentId=started)["deploymentInfo"]

    def listed(**how: Any) -> list[str]:
        return list(codedeploy.list_deployments(**where, **how)["deployments"])

    first = refused()
    stage.time.advance(2)
    second = refused()
    ids = [second["deploymentId"], first["deploymentId"]]
    assert listed(includeOnlyStatuses=["Failed"]) == ids
    assert listed(includeOnlyStatuses=["Succeeded", "Stopped"]) == []
    between = first["createTime"] + (second["createTime"] - first["createTime"]) / 2
    assert listed(createTimeRange={"start": between}) == ids[:1]
    assert listed(createTimeRange={"end": between}) == ids[1:]
    assert listed(createTimeRange={}) == ids
    assert listed(externalId="arn:aws:cloudformation:eu-west-1:111122223333:stack/one/1") == []
    assert codedeploy.list_deployments()["deployments"][:2] == ids


def test_what_servers_alone_have_is_refused_for_a_lambda_deployment(codedeploy: Any, function: str) -> None:
    group(codedeploy, "serverless")
    deployment = codedeploy.create_deployment(
        applicationName="app", deploymentGroupName="serverless", revision=revision(function, current="99")
    )["deploymentId"]
    for operation, name in (
        ("continue_deployment", "UnsupportedActionForDeploymentTypeException"),
        ("skip_wait_time_for_instance_termination", "UnsupportedActionForDeploymentTypeException"),
        ("list_deployment_instances", "InvalidComputePlatformException"),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(codedeploy, operation)(deploymentId=deployment)
        assert code(refused) == name


def test_a_target_is_listed_by_its_status_and_asked_for_by_its_id(stage: Stage, codedeploy: Any, function: str) -> None:
    group(codedeploy, "targeted")
    deployment = codedeploy.create_deployment(
        applicationName="app", deploymentGroupName="targeted", revision=revision(function, current="99")
    )["deploymentId"]
    with pytest.raises(Exception, match="Failed"):
        assert ended(stage, deployment)["status"] == "Succeeded"

    def listed(*statuses: str) -> list[str]:
        found = codedeploy.list_deployment_targets(
            deploymentId=deployment, targetFilters={"TargetStatus": list(statuses)}
        )
        return list(found["targetIds"])

    assert (listed("Failed"), listed("Succeeded")) == (["service:live"], [])
    for asked, name in (
        ({"targetIds": []}, "DeploymentTargetIdRequiredException"),
        ({"targetIds": ["service:other"]}, "DeploymentTargetDoesNotExistException"),
        ({"targetIds": ["service:live"] * 26}, "DeploymentTargetListSizeExceededException"),
    ):
        with pytest.raises(ClientError) as refused:
            codedeploy.batch_get_deployment_targets(deploymentId=deployment, **asked)
        assert code(refused) == name


def test_by_its_switch_alarms_that_are_enabled_must_list_one(stage: Stage, codedeploy: Any) -> None:
    group(codedeploy, "empty", alarmConfiguration={"enabled": True, "alarms": []})
    stage.switch(empty_alarms_refused=True)
    with pytest.raises(ClientError) as refused:
        group(codedeploy, "emptier", alarmConfiguration={"enabled": True, "alarms": []})
    stage.switch(empty_alarms_refused=False)
    assert code(refused) == "InvalidAlarmConfigException"


def test_a_revision_that_is_no_appspec_is_refused(codedeploy: Any) -> None:
    group(codedeploy, "picky")
    with pytest.raises(ClientError) as refused:
        codedeploy.create_deployment(
            applicationName="app",
            deploymentGroupName="picky",
            revision={"revisionType": "String", "string": {"content": "no"}},
        )
    assert code(refused) == "InvalidRevisionException"


def test_with_aws_managed_policy_alone_only_hooks_of_the_right_name_are_invoked(
    stage: Stage, codedeploy: Any, function: str
) -> None:
    stage.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")
    stage.client("iam").attach_role_policy(
        RoleName="deployer", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
    )
    group(codedeploy, "strict")
    codedeploy.update_deployment_group(
        applicationName="app",
        currentDeploymentGroupName="strict",
        serviceRoleArn="arn:aws:iam::111122223333:role/deployer",
    )
    main = stage.client("lambda").get_alias(FunctionName="service", Name="live")["FunctionVersion"]
    started = codedeploy.create_deployment(
        applicationName="app",
        deploymentGroupName="strict",
        revision=revision(function, main, "2" if main == "1" else "1", BeforeAllowTraffic="service"),
    )["deploymentId"]
    with pytest.raises(Exception, match="Failed"):
        assert ended(stage, started)["status"] == "Succeeded"
    info = codedeploy.get_deployment(deploymentId=started)["deploymentInfo"]
    assert info["errorInformation"]["code"] == "IAM_ROLE_PERMISSIONS"
    assert "arn:aws:iam::111122223333:role/deployer" in info["errorInformation"]["message"]


def test_lists_come_in_pages_and_what_is_new_moves_no_item(codedeploy: Any, stage: Stage) -> None:
    codedeploy.create_application(applicationName="long", computePlatform="Lambda")
    names = [f"group-{n:03}" for n in range(101)]
    for name in names:
        codedeploy.create_deployment_group(applicationName="long", deploymentGroupName=name, serviceRoleArn=ROLE)
    first = codedeploy.list_deployment_groups(applicationName="long")
    assert first["deploymentGroups"] == names[:100]
    rest = codedeploy.list_deployment_groups(applicationName="long", nextToken=first["nextToken"])
    assert (rest["deploymentGroups"], rest.get("nextToken")) == (names[100:], None)
    with pytest.raises(ClientError) as refused:
        codedeploy.list_deployment_groups(applicationName="long", nextToken="made up")
    assert code(refused) == "InvalidNextTokenException"


def test_groups_and_deployments_follow_an_application_that_is_renamed(codedeploy: Any, function: str) -> None:
    codedeploy.create_application(applicationName="before", computePlatform="Lambda")
    codedeploy.create_deployment_group(applicationName="before", deploymentGroupName="one", serviceRoleArn=ROLE)
    started = codedeploy.create_deployment(
        applicationName="before", deploymentGroupName="one", revision=revision(function, current="99")
    )["deploymentId"]
    codedeploy.update_application(applicationName="before", newApplicationName="after")
    info = codedeploy.batch_get_applications(applicationNames=["after"])["applicationsInfo"]
    assert [one["applicationName"] for one in info] == ["after"]
    found = codedeploy.batch_get_deployment_groups(applicationName="after", deploymentGroupNames=["one", "two"])
    assert [one["deploymentGroupName"] for one in found["deploymentGroupsInfo"]] == ["one"]
    assert "two" in found["errorMessage"]
    assert codedeploy.list_deployments(applicationName="after", deploymentGroupName="one")["deployments"] == [started]
    with pytest.raises(ClientError) as gone:
        codedeploy.get_application(applicationName="before")
    assert code(gone) == "ApplicationDoesNotExistException"


def test_tags_of_applications_and_groups_are_kept(codedeploy: Any) -> None:
    codedeploy.create_application(
        applicationName="tagged", computePlatform="Lambda", tags=[{"Key": "team", "Value": "shop"}]
    )
    arn = "arn:aws:codedeploy:eu-west-1:111122223333:application:tagged"
    codedeploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "low"}])
    codedeploy.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert codedeploy.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "low"}]
    with pytest.raises(ClientError) as refused:
        codedeploy.list_tags_for_resource(ResourceArn=f"{arn}-not")
    assert code(refused) == "ApplicationDoesNotExistException"
