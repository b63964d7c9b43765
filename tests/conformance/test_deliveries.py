"""What EventBridge, SNS and S3 do with a function whose resource policy does not allow them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance import template
from tests.conformance.account import Account
from tests.conformance.marks import claim, documented, reported
from tests.conformance.stacks import physical

COST = "A service would work on the local AWS and get no event in production."


@pytest.fixture
def name(account: Account) -> Iterator[str]:
    """The name of a stack that is deleted at the end."""
    stack = f"{account.prefix}-{account.name}"
    if account.exists(stack):
        account.delete(stack)  # of a run that was broken off
    yield stack
    account.delete(stack)


def hook(account: Account) -> str:
    found = account.functions.get_function(FunctionName=account["Hook"])
    return str(found["Configuration"]["FunctionArn"])


def mentions(text: str, letter: dict[str, Any]) -> bool:
    return text in json.dumps(letter)


@claim(
    documented("EventBridge User Guide: Using resource-based policies for Amazon EventBridge"),
    minutes=5,
    danger=2,
    cost=COST,
)
def test_a_rule_invokes_only_a_function_that_allows_it(account: Account, name: str) -> None:
    def send(text: str) -> None:
        entry = {"Source": name, "DetailType": "test", "Detail": json.dumps({"text": text})}
        account.client("events").put_events(Entries=[entry])

    account.apply(name, template.rule(name, hook(account), allowed=False))
    send("lost")
    account.time.go_on(60.0)
    account.apply(name, template.rule(name, hook(account), allowed=True))
    send("delivered")
    account.until(lambda: account.received(lambda one: mentions("delivered", one)), 2)
    assert account.received(lambda one: mentions("lost", one)) is None


@claim(
    documented("SNS Developer Guide: Fanout to Lambda functions as Amazon SNS subscribers"),
    minutes=5,
    danger=2,
    cost=COST,
)
def test_a_topic_invokes_only_a_function_that_allows_it(account: Account, name: str) -> None:
    account.apply(name, template.topic(hook(account), allowed=False))
    topic = physical(account, name, "Topic")
    account.client("sns").publish(TopicArn=topic, Message="first message")
    account.time.go_on(60.0)
    assert account.received(lambda one: mentions("first message", one)) is None
    account.apply(name, template.topic(hook(account), allowed=True))
    account.client("sns").publish(TopicArn=topic, Message="second message")
    account.until(lambda: account.received(lambda one: mentions("second message", one)), 2)


@claim(reported("hashicorp/terraform#19756"), minutes=2, danger=2, cost="A stack would fail on AWS alone.")
def test_a_bucket_takes_no_notification_for_a_function_that_does_not_allow_it(account: Account, name: str) -> None:
    assert account.apply(name, template.bucket(hook(account))) == "ROLLBACK_COMPLETE"
    events = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = "".join(one.get("ResourceStatusReason", "") for one in events)
    assert "Unable to validate the following destination configurations" in reasons
