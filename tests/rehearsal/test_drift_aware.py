"""Change sets that look at what the resources are, on the stage, spoken to with boto3 alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import Stage
from tests.on_stage import settled
from tests.rehearsal.test_codedeploy_stacks import alias, apply, deployments, physical, shifted, template

AT_ONCE, CANARY = "LambdaAllAtOnce", "LambdaCanary10Percent5Minutes"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as started:
        yield started


@pytest.fixture
def drifted(stage: Stage, request: pytest.FixtureRequest) -> str:
    """A stack that believes its alias to be on version 2, whose users were taken back to version 1."""
    name = f"drift-{abs(hash(request.node.name))}"
    assert apply(stage, name, release("1")) == "CREATE_COMPLETE"
    assert apply(stage, name, release("2")) == "UPDATE_COMPLETE"
    stage.client("lambda").update_alias(FunctionName=physical(stage, name, "Service"), Name="live", FunctionVersion="1")
    return name


def release(number: str, config: str = AT_ONCE, **alias_properties: Any) -> dict[str, Any]:
    made = template(number, shifted("Service", number, number, None, config, []), hook=False)
    made["Resources"]["ServiceAlias"]["Properties"] |= alias_properties
    return made


def revert(stage: Stage, name: str, what: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A drift-aware change set as it is described, and the status of the stack after its execution."""
    stacks = stage.client("cloudformation")
    given = {"StackName": name, "ChangeSetName": "revert"}
    stacks.create_change_set(
        **given, TemplateBody=json.dumps(what), Capabilities=["CAPABILITY_IAM"], DeploymentMode="REVERT_DRIFT"
    )
    described = stacks.describe_change_set(**given)
    if described["ExecutionStatus"] == "AVAILABLE":
        stacks.execute_change_set(**given)
    return described, settled(stage, name)


def change_of(described: dict[str, Any], resource: str) -> dict[str, Any]:
    (change,) = [
        one["ResourceChange"] for one in described["Changes"] if one["ResourceChange"]["LogicalResourceId"] == resource
    ]
    return dict(change)


def current_of(deployment: dict[str, Any]) -> str:
    (resource,) = json.loads(deployment["revision"]["string"]["content"])["Resources"]
    return str(next(iter(resource.values()))["Properties"]["CurrentVersion"])


def test_by_default_a_release_over_drift_is_refused_as_without_the_mode_and_users_stay_where_they_are(
    stage: Stage, drifted: str
) -> None:
    described, status = revert(stage, drifted, release("3"))
    assert (described["DeploymentMode"], described["StackDriftStatus"]) == ("REVERT_DRIFT", "DRIFTED")
    assert change_of(described, "ServiceAlias")["ResourceDriftStatus"] == "MODIFIED"
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    refused = deployments(stage, drifted)[-1]
    assert (current_of(refused), refused["errorInformation"]["code"]) == ("2", "INVALID_LAMBDA_CONFIGURATION")
    assert alias(stage, drifted) == ("1", {})


def test_by_its_switch_a_release_shifts_from_where_users_are_and_heals_the_stack(stage: Stage, drifted: str) -> None:
    stage.switch(drift_aware_shifts_from_actual=True)
    try:
        _, status = revert(stage, drifted, release("3", CANARY))
    finally:
        stage.switch(drift_aware_shifts_from_actual=False)
    assert status == "UPDATE_COMPLETE"
    healed = deployments(stage, drifted)[-1]
    assert (current_of(healed), healed["status"], alias(stage, drifted)) == ("1", "Succeeded", ("3", {}))
    moved = [one for one in stage.records() if one.get("deployment") == healed["deploymentId"]]
    assert {"3": 0.1} in [one["weights"] for one in moved if one["kind"] == "weights"], "with the canary kept"
    assert apply(stage, drifted, release("4")) == "UPDATE_COMPLETE", "a plain release works again"


def test_without_a_new_version_the_alias_is_put_back_at_once_and_by_its_switch_with_a_shift(
    stage: Stage, drifted: str
) -> None:
    plain = stage.client("cloudformation")
    unchanged = plain.create_change_set(
        StackName=drifted, ChangeSetName="plain", TemplateBody=json.dumps(release("2")), Capabilities=["CAPABILITY_IAM"]
    )["Id"]
    assert plain.describe_change_set(ChangeSetName=unchanged)["Status"] == "FAILED", "templates alone see no drift"
    before = len(deployments(stage, drifted))
    described, status = revert(stage, drifted, release("2"))
    (detail,) = change_of(described, "ServiceAlias")["Details"]
    assert (detail["Target"]["BeforeValue"], detail["Target"]["AfterValue"]) == ("1", "2")
    assert (detail["Target"]["BeforeValueFrom"], detail["Target"]["Drift"]["PreviousValue"]) == ("ACTUAL_STATE", "2")
    assert (status, alias(stage, drifted)) == ("UPDATE_COMPLETE", ("2", {}))
    assert len(deployments(stage, drifted)) == before


def test_a_template_that_meets_what_is_there_changes_nothing_and_heals(stage: Stage, drifted: str) -> None:
    what = release("2", FunctionVersion="1")
    described, status = revert(stage, drifted, what)
    assert (status, alias(stage, drifted)) == ("UPDATE_COMPLETE", ("1", {}))
    assert len(deployments(stage, drifted)) == 1
    change = change_of(described, "ServiceAlias")
    assert (change["Action"], change["ResourceDriftStatus"]) == ("SyncWithActual", "MODIFIED")
    assert apply(stage, drifted, release("3")) == "UPDATE_COMPLETE", "the next release shifts from version 1"
    assert current_of(deployments(stage, drifted)[-1]) == "1"


def test_a_rollback_goes_back_to_what_was_there_and_not_to_what_was_deployed(stage: Stage, drifted: str) -> None:
    function = physical(stage, drifted, "Service")
    stage.client("lambda").update_function_configuration(FunctionName=function, Timeout=33)
    broken = release("2")
    broken["Resources"]["Service"]["Properties"]["Timeout"] = 44
    broken["Resources"]["Broken"] = {
        "Type": "AWS::Lambda::Function",
        "DependsOn": "Service",
        "Properties": {**broken["Resources"]["Service"]["Properties"], "Runtime": "java21"},
    }
    _, status = revert(stage, drifted, broken)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.client("lambda").get_function_configuration(FunctionName=function)["Timeout"] == 33
    assert alias(stage, drifted) == ("1", {})


def test_what_was_deleted_is_made_again(stage: Stage, drifted: str) -> None:
    function = physical(stage, drifted, "Service")
    stage.client("lambda").delete_alias(FunctionName=function, Name="live")
    described, status = revert(stage, drifted, release("2"))
    change = change_of(described, "ServiceAlias")
    assert (change["Action"], change["ResourceDriftStatus"]) == ("Add", "DELETED")
    assert (status, alias(stage, drifted)) == ("UPDATE_COMPLETE", ("2", {}))


def test_drift_detection_sees_an_alias_that_was_moved(stage: Stage, drifted: str) -> None:
    found = stage.client("cloudformation").detect_stack_resource_drift(
        StackName=drifted, LogicalResourceId="ServiceAlias"
    )["StackResourceDrift"]
    (difference,) = found["PropertyDifferences"]
    assert (found["StackResourceDriftStatus"], difference["PropertyPath"]) == ("MODIFIED", "/FunctionVersion")
    assert (difference["ExpectedValue"], difference["ActualValue"]) == ("2", "1")


def test_another_mode_is_refused_by_name(stage: Stage) -> None:
    with pytest.raises(ClientError, match="'deploymentMode'"):
        stage.client("cloudformation").create_change_set(
            StackName="any", ChangeSetName="any", TemplateBody="{}", DeploymentMode="FORGET"
        )
