"""CodeDeploy's API as whoever follows a Lambda deployment meets it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import Account, code
from tests.conformance.marks import UNKNOWN, claim, documented, modelled

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
PREDEFINED = {
    f"CodeDeployDefault.Lambda{name}"
    for name in (
        "AllAtOnce",
        *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
        "Linear10PercentEvery1Minute",
        *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
    )
}


def every(account: Account, operation: str, member: str, **request: Any) -> list[str]:
    pages = account.codedeploy.get_paginator(operation).paginate(**request)
    return [item for page in pages for item in page[member]]


@claim(
    documented("CodeDeploy User Guide: Working with deployment configurations in CodeDeploy"),
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_the_predefined_configurations_for_lambda_are_there(account: Account) -> None:
    assert set(every(account, "list_deployment_configs", "deploymentConfigsList")) >= PREDEFINED
    info = account.codedeploy.get_deployment_config(
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes"
    )["deploymentConfigInfo"]
    assert (info["computePlatform"], info["trafficRoutingConfig"]) == (
        "Lambda",
        {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5}},
    )


@claim(modelled("codedeploy.ListDeployments"))
def test_a_deployment_is_found_by_its_id_its_group_and_its_status(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(description="by hand")
    info = account.end(deployment)
    where = {"applicationName": account["Application"], "deploymentGroupName": account.name}
    assert deployment in every(account, "list_deployments", "deployments", **where, includeOnlyStatuses=["Succeeded"])
    assert deployment not in every(account, "list_deployments", "deployments", **where, includeOnlyStatuses=["Failed"])
    batch = account.codedeploy.batch_get_deployments(deploymentIds=[deployment])["deploymentsInfo"]
    assert [one["description"] for one in batch] == ["by hand"]
    assert (info["computePlatform"], info["creator"], info["deploymentOverview"]["Succeeded"]) == ("Lambda", "user", 1)


@claim(modelled("codedeploy.GetDeploymentGroup"))
def test_a_group_says_what_it_deployed_last(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    account.end(deployment)
    found = account.codedeploy.batch_get_deployment_groups(
        applicationName=account["Application"], deploymentGroupNames=[account.name]
    )["deploymentGroupsInfo"]
    (group,) = found
    assert group["lastSuccessfulDeployment"]["deploymentId"] == deployment
    assert group["lastAttemptedDeployment"]["deploymentId"] == deployment
    assert account.name in every(
        account, "list_deployment_groups", "deploymentGroups", applicationName=account["Application"]
    )


@claim(
    modelled("codedeploy.BatchGetDeploymentTargets"), danger=3, cost="A message or a report would name the wrong cause."
)
def test_a_deployment_has_one_target_that_names_the_alias_and_both_versions(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    account.end(deployment)
    target = account.target(deployment)
    assert target["status"] == "Succeeded"
    assert target["lambdaFunctionInfo"] == {
        "functionName": account["Service"],
        "functionAlias": account.name,
        "currentVersion": "1",
        "targetVersion": "2",
        "targetVersionWeight": 1.0,
    }


@claim(UNKNOWN, danger=2, cost="A message or a report would name the wrong cause.")
def test_the_appspec_of_a_deployment_is_found_by_its_checksum(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    spec = account.spec()
    account.end(account.start(spec))
    found = account.codedeploy.get_application_revision(
        applicationName=account["Application"],
        revision={"revisionType": "String", "string": {"sha256": hashlib.sha256(spec.encode()).hexdigest()}},
    )
    assert found["revision"]["string"]["content"] == spec


@claim(UNKNOWN)
def test_a_revision_can_be_registered_before_it_is_deployed_and_is_listed(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    spec = account.spec()
    revision = {"revisionType": "String", "string": {"content": spec}}
    where = {"applicationName": account["Application"]}
    account.codedeploy.register_application_revision(**where, description="a claim", revision=revision)
    deployment = account.start(spec)
    account.end(deployment)
    sha256 = hashlib.sha256(spec.encode()).hexdigest()
    key = {"revisionType": "String", "string": {"sha256": sha256}}
    (found,) = account.codedeploy.batch_get_application_revisions(**where, revisions=[key])["revisions"]
    info = found["genericRevisionInfo"]
    assert info["registerTime"] <= info["firstUsedTime"] <= info["lastUsedTime"]
    assert account.name in info["deploymentGroups"]
    pages = account.codedeploy.get_paginator("list_application_revisions").paginate(**where, deployed="include")
    listed = [one["string"]["sha256"] for page in pages for one in page["revisions"] if "string" in one]
    assert sha256 in listed


@claim(modelled("codedeploy.ListDeployments"))
def test_deployments_are_listed_by_the_time_of_their_creation(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    ended = account.end(deployment := account.start())
    where = {"applicationName": account["Application"], "deploymentGroupName": account.name}
    second = timedelta(seconds=1)
    for start, there in ((ended["createTime"] - second, True), (ended["completeTime"] + second, False)):
        found = every(account, "list_deployments", "deployments", **where, createTimeRange={"start": start})
        assert (deployment in found) is there


@claim(UNKNOWN)
def test_a_revision_that_is_no_appspec_is_refused(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    with pytest.raises(ClientError) as refused:
        account.start("no")
    assert code(refused.value) == "InvalidRevisionException"


@claim(modelled("codedeploy.GetDeployment"))
@pytest.mark.parametrize(
    ("operation", "asked", "error"),
    [
        ("get_deployment", {"deploymentId": "d-AAAAAAAAA"}, "DeploymentDoesNotExistException"),
        ("stop_deployment", {"deploymentId": "d-AAAAAAAAA"}, "DeploymentDoesNotExistException"),
        ("list_deployment_targets", {"deploymentId": "d-AAAAAAAAA"}, "DeploymentDoesNotExistException"),
        ("get_application", {"applicationName": "no-such-application"}, "ApplicationDoesNotExistException"),
        (
            "list_application_revisions",
            {"applicationName": "no-such-application"},
            "ApplicationDoesNotExistException",
        ),
        ("list_deployment_groups", {"applicationName": "no-such-application"}, "ApplicationDoesNotExistException"),
        ("get_deployment_config", {"deploymentConfigName": "no-such-config"}, "DeploymentConfigDoesNotExistException"),
        (
            "put_lifecycle_event_hook_execution_status",
            {"deploymentId": "d-AAAAAAAAA", "lifecycleEventHookExecutionId": "x", "status": "Succeeded"},
            "DeploymentDoesNotExistException",
        ),
    ],
)
def test_an_unknown_name_is_an_error_of_its_own(account: Account, operation: str, asked: Any, error: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(account.codedeploy, operation)(**asked)
    assert code(refused.value) == error


@claim(modelled("codedeploy.ListDeployments"))
@pytest.mark.parametrize(
    ("operation", "asked", "error"),
    [
        ("list_deployments", {"deploymentGroupName": "group"}, "ApplicationNameRequiredException"),
        ("list_deployments", {"includeOnlyStatuses": ["Done"]}, "InvalidDeploymentStatusException"),
        ("list_deployments", {"nextToken": "made up"}, "InvalidNextTokenException"),
        ("batch_get_deployments", {"deploymentIds": ["d-AAAAAAAAA"] * 26}, "BatchLimitExceededException"),
        ("get_application", {"applicationName": "a" * 101}, "InvalidApplicationNameException"),
        (
            "put_lifecycle_event_hook_execution_status",
            {"deploymentId": "d-AAAAAAAAA", "lifecycleEventHookExecutionId": "x", "status": "Skipped"},
            "InvalidLifecycleEventHookExecutionStatusException",
        ),
    ],
)
def test_a_request_that_is_none_is_refused_by_name(account: Account, operation: str, asked: Any, error: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(account.codedeploy, operation)(**asked)
    assert code(refused.value) == error


@claim(modelled("codedeploy.GetDeploymentGroup"))
def test_an_unknown_group_is_an_error_of_its_own(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        account.codedeploy.get_deployment_group(
            applicationName=account["Application"], deploymentGroupName="no-such-group"
        )
    assert code(refused.value) == "DeploymentGroupDoesNotExistException"
