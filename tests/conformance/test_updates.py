"""What CloudFormation says of an update, and what it takes as one."""

from __future__ import annotations

import copy

from tests.conformance.account import Account
from tests.conformance.marks import claim, documented, reported
from tests.conformance.stacks import physical, released


def events(account: Account, stack: str) -> list[dict[str, str]]:
    """The stack's events, oldest first."""
    return list(reversed(account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]))


@claim(documented("CloudFormation User Guide: Understanding update behaviors of stack resources"), minutes=2)
def test_an_update_has_events_of_what_it_creates_or_changes_alone(account: Account, stack: str) -> None:
    before = len(events(account, stack))
    changed = released(account, "One")
    changed["Resources"]["Service"]["Properties"]["Timeout"] = 21
    changed["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic"}
    assert account.apply(stack, changed) == "UPDATE_COMPLETE"
    told = [one for one in events(account, stack)[before:] if one["LogicalResourceId"] != stack]
    assert {(one["LogicalResourceId"], one["ResourceStatus"]) for one in told} == {
        ("Service", "UPDATE_IN_PROGRESS"),
        ("Service", "UPDATE_COMPLETE"),
        ("Topic", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_COMPLETE"),
    }
    ids = {one["PhysicalResourceId"] for one in told if one["LogicalResourceId"] == "Service"}
    assert ids == {physical(account, stack, "Service")}


@claim(reported("users' reports of change sets without resource changes (no thread kept)"), minutes=1)
def test_a_change_of_outputs_alone_is_an_update(account: Account, stack: str) -> None:
    more = {**released(account, "One"), "Outputs": {"More": {"Value": "1"}}}
    described = account.change_set(stack, more, execute=True)
    assert (described["Status"], described["Changes"]) == ("CREATE_COMPLETE", [])
    assert account.settled(stack) == "UPDATE_COMPLETE"
    (found,) = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert [one["OutputKey"] for one in found["Outputs"]] == ["More"]


@claim(
    reported("users' reports of 'Cannot find alias arn' (no thread kept)"),
    minutes=2,
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_a_permission_for_an_alias_that_is_not_there_fails(account: Account, stack: str) -> None:
    early = copy.deepcopy(released(account, "One"))
    early["Resources"]["May"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Fn::Sub": "${Service}:nowhere"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        },
    }
    assert account.apply(stack, early) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [one.get("ResourceStatusReason", "") for one in events(account, stack)]
    assert any("Cannot find alias arn" in reason for reason in reasons)
