"""A service that CloudFormation releases, as the claims about stacks need it."""

from __future__ import annotations

from typing import Any

from tests.conformance import template
from tests.conformance.account import Account


def released(account: Account, number: str) -> dict[str, Any]:
    return template.released(number, account["Hook"], account["DeployRole"], (account["StackAlarm"],))


def physical(account: Account, stack: str, resource: str) -> str:
    found = account.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=resource)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def deployments(account: Account, stack: str, group: str = "Group") -> list[str]:
    """The group's, oldest first."""
    found = account.codedeploy.list_deployments(
        applicationName=physical(account, stack, "Application"), deploymentGroupName=physical(account, stack, group)
    )["deployments"]
    return list(reversed(found))


def started(account: Account, stack: str, before: int = 0, group: str = "Group") -> str:
    """The group's next deployment after the first `before`."""
    return str(account.until(lambda: deployments(account, stack, group)[before:], 3)[0])


def release(account: Account, stack: str, number: str) -> None:
    """A release that its hook lets pass."""
    before = len(deployments(account, stack))
    account.begin(stack, released(account, number))
    account.answer(account.asked(started(account, stack, before), 3))
    assert account.settled(stack) == "UPDATE_COMPLETE"


def move_the_alias(account: Account, stack: str) -> None:
    """To version 1, as people do who take users back behind CloudFormation's back."""
    account.functions.update_alias(FunctionName=physical(account, stack, "Service"), Name="live", FunctionVersion="1")
