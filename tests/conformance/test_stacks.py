"""What CloudFormation makes of an alias with an UpdatePolicy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import template
from tests.conformance.account import Account
from tests.conformance.captures import as_captured, capture
from tests.conformance.marks import CAPTURED, DOCUMENTED, claim


@pytest.fixture
def stack(account: Account) -> str:
    """A released service, version 1, its hook and its alarm the shared ones. Left to the account's own end."""
    name = f"{account.prefix}-{account.name}"
    if account.exists(name):
        account.delete(name)  # of a run that was broken off
    account.apply(name, released(account, "One"))
    return name


def released(account: Account, number: str) -> dict[str, object]:
    return template.released(number, account["Hook"], account["DeployRole"], (account["StackAlarm"],))


def physical(account: Account, stack: str, resource: str) -> str:
    found = account.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=resource)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def deployments(account: Account, stack: str) -> list[str]:
    """The group's, oldest first."""
    found = account.codedeploy.list_deployments(
        applicationName=physical(account, stack, "Application"), deploymentGroupName=physical(account, stack, "Group")
    )["deployments"]
    return list(reversed(found))


def started(account: Account, stack: str) -> str:
    return str(account.until(lambda: deployments(account, stack), 3)[0])


def alias_events(account: Account, stack: str) -> list[dict[str, str]]:
    """What the stack says of its alias, oldest first."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [event for event in reversed(events) if event["LogicalResourceId"] == "Alias"]


def said(events: list[dict[str, str]]) -> Callable[[str], int]:
    """Where in the events a reason is that contains a text; raises StopIteration where none does."""
    return lambda text: next(at for at, one in enumerate(events) if text in one.get("ResourceStatusReason", ""))


@claim(DOCUMENTED, minutes=4, long=True)
def test_a_stack_is_created_without_a_deployment_and_its_update_starts_one_and_waits(
    account: Account, stack: str
) -> None:
    assert deployments(account, stack) == []
    account.begin(stack, released(account, "Two"))
    deployment = started(account, stack)
    call = account.asked(deployment, 3)
    assert account.status(stack) == "UPDATE_IN_PROGRESS"
    account.answer(call)
    assert account.settled(stack) == "UPDATE_COMPLETE"
    info = account.info(deployment)
    assert (info["status"], info["creator"]) == ("Succeeded", "user")
    said(alias_events(account, stack))(f"CodeDeploy deployment started: {deployment}")


@claim(DOCUMENTED, minutes=4, long=True)
def test_a_hook_that_refuses_rolls_the_stack_back_without_a_third_deployment(account: Account, stack: str) -> None:
    account.begin(stack, released(account, "Two"))
    deployment = started(account, stack)
    account.answer(account.asked(deployment, 3), "Failed")
    assert account.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    back = account.info(deployment)["rollbackInfo"]["rollbackDeploymentId"]
    assert deployments(account, stack) == [deployment, back]


@claim(CAPTURED, capture="observed-cfn-alias-update-failed", minutes=4)
def test_when_an_alarm_stops_the_release_the_stack_says_so_in_codedeploys_words_and_rolls_back(
    account: Account, stack: str
) -> None:
    account.rings("StackAlarm")
    account.begin(stack, released(account, "Two"))
    deployment = started(account, stack)
    assert account.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    events = alias_events(account, stack)
    at = said(events)
    failed = at(f"{deployment} failed.")
    assert at(f"CodeDeploy deployment started: {deployment}") < at("CodeDeploy rollback deployment started: ") < failed
    captured = {**capture("observed-cfn-alias-update-failed"), "LogicalResourceId": "Alias"}
    given, expected = as_captured(events[failed], captured)
    assert given == expected
