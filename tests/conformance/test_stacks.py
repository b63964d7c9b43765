"""What CloudFormation makes of an alias with an UpdatePolicy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import Account
from tests.conformance.captures import as_captured, capture
from tests.conformance.marks import captured, claim, documented, published, reported
from tests.conformance.stacks import deployments, move_the_alias, physical, release, released, started


def alias_events(account: Account, stack: str) -> list[dict[str, str]]:
    """What the stack says of its alias, oldest first."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [event for event in reversed(events) if event["LogicalResourceId"] == "Alias"]


def said(events: list[dict[str, str]]) -> Callable[[str], int]:
    """Where in the events a reason is that contains a text; raises StopIteration where none does."""
    return lambda text: next(at for at, one in enumerate(events) if text in one.get("ResourceStatusReason", ""))


@claim(
    documented("CloudFormation User Guide: UpdatePolicy attribute"),
    minutes=4,
    long=True,
    danger=3,
    cost="A bad candidate would get production traffic without a check.",
)
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


@claim(
    published("stack events of a failed release, published by their owner"),
    minutes=4,
    long=True,
    danger=3,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_hook_that_refuses_rolls_the_stack_back_without_a_third_deployment(account: Account, stack: str) -> None:
    account.begin(stack, released(account, "Two"))
    deployment = started(account, stack)
    account.answer(account.asked(deployment, 3), "Failed")
    assert account.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    back = account.info(deployment)["rollbackInfo"]["rollbackDeploymentId"]
    assert deployments(account, stack) == [deployment, back]


@claim(reported("users' reports of UPDATE_IN_PROGRESS errors (no thread kept)"), minutes=4, long=True)
def test_a_stack_that_releases_takes_no_second_update_and_is_not_deleted(account: Account, stack: str) -> None:
    account.begin(stack, released(account, "Two"))
    call = account.asked(started(account, stack), 3)
    with pytest.raises(ClientError, match="can not be updated"):
        account.change_set(stack, released(account, "Three"))
    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        account.client("cloudformation").delete_stack(StackName=stack)
    account.answer(call)
    assert account.settled(stack) == "UPDATE_COMPLETE"


@claim(
    captured("observed-cfn-alias-update-failed"),
    minutes=4,
    danger=2,
    cost="A message or a report would name the wrong cause.",
)
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


@claim(
    documented("CloudFormation User Guide: Using drift-aware change sets"),
    minutes=6,
    long=True,
    danger=2,
    cost="A stack would stay in a state that only a person can repair.",
)
def test_a_drift_aware_change_set_shows_an_alias_that_was_moved_and_one_that_looks_at_templates_alone_does_not(
    account: Account, stack: str
) -> None:
    release(account, stack, "Two")
    move_the_alias(account, stack)
    unchanged = account.change_set(stack, released(account, "Two"))
    assert (unchanged["Status"], unchanged["Changes"]) == ("FAILED", [])
    described = account.change_set(stack, released(account, "Two"), DeploymentMode="REVERT_DRIFT")
    changes = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in described["Changes"]}
    assert (described["StackDriftStatus"], changes["Alias"]["ResourceDriftStatus"]) == ("DRIFTED", "MODIFIED")


@claim(
    documented("CloudFormation User Guide: Using drift-aware change sets"),
    minutes=10,
    long=True,
    danger=2,
    cost="A stack would stay in a state that only a person can repair.",
)
def test_a_drift_aware_change_set_whose_template_meets_what_is_there_leaves_the_alias_alone_and_heals_the_stack(
    account: Account, stack: str
) -> None:
    release(account, stack, "Two")
    move_the_alias(account, stack)
    as_it_is = released(account, "Two")
    as_it_is["Resources"]["Alias"]["Properties"]["FunctionVersion"] = "1"
    account.change_set(stack, as_it_is, DeploymentMode="REVERT_DRIFT", execute=True)
    assert account.settled(stack) == "UPDATE_COMPLETE"
    before = deployments(account, stack)
    account.begin(stack, released(account, "Three"))
    deployment = started(account, stack, len(before))
    account.answer(account.asked(deployment, 3))
    assert account.settled(stack) == "UPDATE_COMPLETE"
    assert account.target(deployment)["lambdaFunctionInfo"]["currentVersion"] == "1"


@claim(
    documented("CloudFormation User Guide: Using drift-aware change sets"),
    minutes=6,
    long=True,
    danger=3,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_drift_aware_release_that_is_refused_goes_back_to_what_was_there_and_not_to_what_was_deployed(
    account: Account, stack: str
) -> None:
    name = physical(account, stack, "Service")
    account.functions.update_function_configuration(FunctionName=name, Timeout=33)
    account.functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    account.change_set(stack, released(account, "Two"), DeploymentMode="REVERT_DRIFT", execute=True)
    account.answer(account.asked(started(account, stack), 3), "Failed")
    assert account.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.functions.get_function_configuration(FunctionName=name)["Timeout"] == 33
