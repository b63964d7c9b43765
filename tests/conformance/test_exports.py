"""What CloudFormation does not do to exports that other stacks use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import Account
from tests.conformance.marks import claim, reported

EXPORT = "seatrial-certify-export"


def exporting(value: str, name: str = EXPORT) -> dict[str, Any]:
    output = {"Output": {"Value": value, "Export": {"Name": name}}} if name else {"Output": {"Value": value}}
    return {"Resources": {"Topic": topic(value)}, "Outputs": output}


def importing() -> dict[str, Any]:
    return {"Resources": {"Topic": topic({"Fn::ImportValue": EXPORT})}}


def topic(shown: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": shown}}


def rollback_reason(account: Account, stack: str) -> str:
    """The reason of the stack's last rollback."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return next(
        one.get("ResourceStatusReason", "")
        for one in events
        if one["LogicalResourceId"] == stack and one["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS")
    )


@pytest.fixture
def stacks(account: Account) -> Iterator[tuple[str, str]]:
    """A stack that exports a value, and one that imports it."""
    names = f"{account.prefix}-{account.name}-out", f"{account.prefix}-{account.name}-in"
    for name in reversed(names):
        if account.exists(name):
            account.delete(name)  # of a run that was broken off
    account.apply(names[0], exporting("one"))
    account.apply(names[1], importing())
    yield names
    for name in reversed(names):
        account.delete(name)


@claim(
    reported("linz/geostore#630"),
    minutes=4,
    danger=3,
    cost="A stack would stay in a state that only a person can repair.",
)
def test_an_export_in_use_is_neither_changed_nor_dropped(account: Account, stacks: tuple[str, str]) -> None:
    exporter, importer = stacks
    assert account.apply(exporter, exporting("two")) == "UPDATE_ROLLBACK_COMPLETE"
    said = rollback_reason(account, exporter)
    assert f"Export {EXPORT} cannot be updated as it is in use by {importer}" in said
    assert account.apply(exporter, exporting("one", name="")) == "UPDATE_ROLLBACK_COMPLETE"
    said = rollback_reason(account, exporter)
    assert f"Export {EXPORT} cannot be deleted as it is in use by {importer}" in said


@claim(
    reported("aws-solutions/aws-waf-security-automations#268"),
    minutes=3,
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_two_stacks_do_not_export_one_name(account: Account, stacks: tuple[str, str]) -> None:
    second = f"{stacks[0]}2"
    try:
        assert account.apply(second, exporting("three")) == "ROLLBACK_COMPLETE"
        said = rollback_reason(account, second)
        assert f"Export with name {EXPORT} is already exported by stack {stacks[0]}" in said
    finally:
        account.delete(second)


@claim(reported("users' reports of 'No export named' (no thread kept)"), minutes=3)
def test_a_change_set_that_imports_what_no_stack_exports_fails(account: Account, stacks: tuple[str, str]) -> None:
    missing = {"Resources": {"Topic": topic({"Fn::ImportValue": f"{EXPORT}-missing"})}}
    described = account.change_set(stacks[1], missing)
    assert described["Status"] == "FAILED"
    assert f"No export named {EXPORT}-missing found" in described["StatusReason"]


@claim(reported("rlister/stax#40"), minutes=3)
def test_a_stack_with_an_export_in_use_is_not_deleted(account: Account, stacks: tuple[str, str]) -> None:
    try:
        account.client("cloudformation").delete_stack(StackName=stacks[0])
    except ClientError as refused:
        assert EXPORT in str(refused)
    assert account.settled(stacks[0]) in ("CREATE_COMPLETE", "DELETE_FAILED")
    assert account.exists(stacks[0])
