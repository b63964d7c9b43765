"""How a deployment is stopped or refused, and what is left of it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import NO_ROLLBACK, Account, code
from tests.conformance.marks import UNKNOWN, claim, documented, modelled, reported

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
APPSPEC_IS_WRONG = (
    "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is missing "
    "or has an invalid configuration."
)


@claim(
    documented("CodeDeploy API Reference: StopDeployment"),
    minutes=2,
    danger=3,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_stop_with_rollback_takes_users_back(account: Account) -> None:
    account.alias()
    account.group()
    deployment = account.start()
    account.until_it_shifts()
    account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    ended = account.end(deployment)
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert account.routes() == ("1", {})


@claim(
    documented("CodeDeploy User Guide: Troubleshoot AWS Lambda deployment issues"),
    minutes=2,
    danger=2,
    cost="A stack would stay in a state that only a person can repair.",
)
def test_a_stop_without_rollback_leaves_the_weights_and_the_next_deployment_is_refused(account: Account) -> None:
    account.alias()
    account.group(autoRollbackConfiguration=NO_ROLLBACK)
    deployment = account.start()
    account.until_it_shifts()
    account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)
    assert "rollbackInfo" not in account.end(deployment)
    assert account.routes() == ("1", {"2": 0.5})
    refused = account.end(account.start())
    assert (refused["status"], refused["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert account.routes() == ("1", {"2": 0.5})


@claim(
    modelled("codedeploy.StopDeployment"),
    danger=2,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_what_has_ended_can_not_be_stopped(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    account.end(deployment)
    with pytest.raises(ClientError) as refused:
        account.codedeploy.stop_deployment(deploymentId=deployment)
    assert code(refused.value) == "DeploymentAlreadyCompletedException"


@claim(
    reported("aws/serverless-application-model#291"),
    danger=3,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_an_alias_whose_main_version_is_not_the_appspecs_is_refused_and_left_alone(account: Account) -> None:
    account.alias("2")
    account.group(AT_ONCE)
    ended = account.end(account.start(account.spec(current="1", target="2")))
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert ended["errorInformation"]["message"].startswith(APPSPEC_IS_WRONG)
    assert "does not match the current version in AppSpec file" in ended["errorInformation"]["message"]
    assert account.routes() == ("2", {})


@claim(
    reported("users' reports of INVALID_LAMBDA_CONFIGURATION (no thread kept)"),
    minutes=2,
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_a_canary_to_the_version_that_the_alias_has_fails(account: Account) -> None:
    account.alias()
    account.group()
    ended = account.end(account.start(account.spec(current="1", target="1")))
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert ended["errorInformation"]["message"].startswith(APPSPEC_IS_WRONG)
    assert account.routes() == ("1", {})


@claim(reported("terraform-aws-modules/terraform-aws-lambda#75"))
def test_a_hook_that_is_listed_without_a_function_fails_the_deployment(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    spec = json.loads(account.spec())
    ended = account.end(account.start(json.dumps({**spec, "Hooks": [{"AfterAllowTraffic": None}]})))
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert "The Lambda function name cannot be null or empty" in ended["errorInformation"]["message"]
    assert account.routes() == ("1", {})


@claim(
    modelled("codedeploy.CreateDeployment"),
    danger=2,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_deployments_own_automatic_rollback_counts_instead_of_its_groups(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    spec = account.spec(after=account["Hook"])
    deployment = account.start(spec, autoRollbackConfiguration=NO_ROLLBACK)
    account.answer(account.asked(deployment), "Failed")
    assert "rollbackInfo" not in account.end(deployment)
    assert account.routes() == ("2", {})


@claim(UNKNOWN)
def test_a_group_can_be_changed_while_its_deployment_runs(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    call = account.asked(deployment)
    account.group(account["OneMinute"])
    account.answer(call)
    ended = account.end(deployment)
    assert (ended["status"], ended["deploymentConfigName"]) == ("Succeeded", AT_ONCE)
