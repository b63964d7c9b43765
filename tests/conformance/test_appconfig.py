"""What AppConfig and CloudFormation do with deployments in templates and in one environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance import template
from tests.conformance.account import Account, code
from tests.conformance.marks import claim, modelled, reported


def deployed(name: str) -> dict[str, Any]:
    """A configuration that the template deploys in a minute."""
    flag = template.flag(name)
    strategy = flag["Resources"]["Strategy"]["Properties"]
    strategy |= {"DeploymentDurationInMinutes": 1, "GrowthFactor": 50, "FinalBakeTimeInMinutes": 0}
    flag["Resources"]["Deployment"] = {
        "Type": "AWS::AppConfig::Deployment",
        "Properties": {
            "ApplicationId": {"Ref": "Application"},
            "EnvironmentId": {"Ref": "Environment"},
            "ConfigurationProfileId": {"Ref": "Profile"},
            "ConfigurationVersion": {"Ref": "Version"},
            "DeploymentStrategyId": {"Ref": "Strategy"},
        },
    }
    return flag


@pytest.fixture
def deploying(account: Account) -> Iterator[tuple[str, dict[str, Any]]]:
    """A stack whose configuration is being deployed: its name, and the environment as requests name it."""
    name = f"{account.prefix}-{account.name}"
    if account.exists(name):
        account.delete(name)  # of a run that was broken off
    account.begin(name, deployed(account.name))
    stacks, appconfig = account.client("cloudformation"), account.client("appconfig")

    def started() -> dict[str, Any] | None:
        found = {
            one["LogicalResourceId"]: one.get("PhysicalResourceId")
            for one in stacks.describe_stack_resources(StackName=name)["StackResources"]
        }
        if not found.get("Environment") or not found.get("Strategy"):
            return None
        where = {"ApplicationId": found["Application"], "EnvironmentId": found["Environment"]}
        return (
            {**where, "_strategy": found["Strategy"], "_profile": found["Profile"]}
            if (appconfig.list_deployments(**where)["Items"])
            else None
        )

    yield name, account.until(started, 2)
    account.settled(name)
    account.delete(name)


@claim(reported("hashicorp and CDK users' reports that AWS::AppConfig::Deployment waits (no thread kept)"), minutes=4)
def test_a_stack_waits_until_its_configuration_is_deployed(account: Account, deploying: Any) -> None:
    name, known = deploying
    where = {key: value for key, value in known.items() if not key.startswith("_")}
    appconfig = account.client("appconfig")
    (first,) = appconfig.list_deployments(**where)["Items"]
    assert first["State"] in ("DEPLOYING", "BAKING")
    assert account.status(name) == "CREATE_IN_PROGRESS"
    with pytest.raises(ClientError) as refused:
        appconfig.start_deployment(
            **where,
            ConfigurationProfileId=known["_profile"],
            DeploymentStrategyId=known["_strategy"],
            ConfigurationVersion="1",
        )
    assert code(refused.value) == "ConflictException"
    assert account.settled(name) == "CREATE_COMPLETE"
    assert [one["State"] for one in appconfig.list_deployments(**where)["Items"]] == ["COMPLETE"]


@claim(modelled("appconfig.DeleteEnvironment"), minutes=4)
def test_an_environment_is_not_deleted_while_it_deploys(account: Account, deploying: Any) -> None:
    _, known = deploying
    where = {key: value for key, value in known.items() if not key.startswith("_")}
    with pytest.raises(ClientError) as refused:
        account.client("appconfig").delete_environment(**where)
    assert code(refused.value) == "ConflictException"
