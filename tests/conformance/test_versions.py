"""When Lambda publishes a version, and when CloudFormation fails because it does not."""

from __future__ import annotations

import copy
from typing import Any

from tests.conformance.account import Account
from tests.conformance.marks import UNKNOWN, claim, documented, reported
from tests.conformance.stacks import deployments, physical, released


def reasons(account: Account, stack: str, resource: str) -> list[str]:
    """What the stack's events give as reasons for one resource, newest first."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [one.get("ResourceStatusReason", "") for one in events if one["LogicalResourceId"] == resource]


def as_number(service: dict[str, Any], number: str) -> dict[str, Any]:
    """The template of a service with its Version resource under another logical id: code and function unchanged."""
    changed = copy.deepcopy(service)
    (version,) = (name for name in changed["Resources"] if name.startswith("Version"))
    changed["Resources"][f"Version{number}"] = changed["Resources"].pop(version)
    properties = changed["Resources"]["Alias"]["Properties"]
    properties["FunctionVersion"] = {"Fn::GetAtt": [f"Version{number}", "Version"]}
    return changed


@claim(
    documented("Lambda API Reference: PublishVersion"),
    minutes=2,
    danger=3,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_publish_version_returns_the_last_version_while_nothing_has_changed(account: Account, stack: str) -> None:
    functions, name = account.functions, physical(account, stack, "Service")

    def publish(**changes: Any) -> str:
        if changes:
            functions.update_function_configuration(FunctionName=name, **changes)
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        return str(functions.publish_version(FunctionName=name)["Version"])

    assert publish() == "1"
    assert publish(Timeout=21) == "2"
    assert publish(Timeout=21) == "2"
    assert publish(Description="another") == "3"
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"team": "red"})
    assert publish() == "3"
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    functions.delete_function_concurrency(FunctionName=name)
    assert publish() == "3"


@claim(
    reported("aws/serverless-application-model#3281"),
    minutes=4,
    danger=3,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_a_new_version_resource_of_an_unchanged_function_fails(account: Account, stack: str) -> None:
    tagged = as_number(released(account, "One"), "Two")
    tagged["Resources"]["Service"]["Properties"]["Tags"] = [{"Key": "team", "Value": "red"}]
    assert account.apply(stack, tagged) == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists ( 1 )" in "".join(reasons(account, stack, "VersionTwo"))
    assert deployments(account, stack) == []


@claim(UNKNOWN, minutes=8, danger=3, cost="A good release would fail, and nothing of ours would explain it.")
def test_the_same_artifact_fails_after_its_rollback_until_its_description_differs(account: Account, stack: str) -> None:
    account.rings("StackAlarm")
    assert account.apply(stack, released(account, "Two")) == "UPDATE_ROLLBACK_COMPLETE"
    account.rings("StackAlarm", "OK")
    before = deployments(account, stack)
    assert account.apply(stack, released(account, "Two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists ( 2 )" in reasons(account, stack, "VersionTwo")[0]
    assert deployments(account, stack) == before
    again = released(account, "Two")
    again["Resources"]["Service"]["Properties"]["Description"] = "deployed again"
    del again["Resources"]["Alias"]["UpdatePolicy"]
    assert account.apply(stack, again) == "UPDATE_COMPLETE"
    found = account.functions.get_alias(FunctionName=physical(account, stack, "Service"), Name="live")
    assert found["FunctionVersion"] == "3"


@claim(
    reported("aws-samples/bedrock-chat#653"),
    minutes=6,
    long=True,
    danger=3,
    cost="A bad candidate would get production traffic without a check.",
)
def test_a_snapstart_version_that_fails_to_initialize_fails_its_stack(account: Account, stack: str) -> None:
    broken = released(account, "Two")
    properties = broken["Resources"]["Service"]["Properties"]
    properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    properties["Code"] = {"ZipFile": "raise RuntimeError('never works')\n"}
    assert account.apply(stack, broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("did not stabilize" in reason for reason in reasons(account, stack, "VersionTwo"))
    assert deployments(account, stack) == []
