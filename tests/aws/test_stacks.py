"""The CloudFormation adapter: a stack's history, newest first, and the client that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from seatrial.aws.stacks import Stacks, StackUnreadableError
from seatrial.core.besides import StackEvent
from tests.small_account import REGION

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1"


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(boto3.client("cloudformation", **REGION)) as stub:
        yield stub


def stacks(stub: Stubber) -> Stacks:
    client: Any = stub.client
    return Stacks(client)


def told(name: str, physical_id: str, type: str, status: str) -> dict[str, Any]:
    return {
        "StackId": STACK,
        "StackName": "shop",
        "EventId": f"{name}-{status}",
        "Timestamp": AT,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical_id,
        "ResourceType": type,
        "ResourceStatus": status,
    }


def test_a_stacks_history_is_read_no_further_than_it_is_asked_for(stub: Stubber) -> None:
    alarm = told("Errors", "shop-errors", "AWS::CloudWatch::Alarm", "UPDATE_COMPLETE")
    begins = told("shop", STACK, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS")
    stub.add_response("describe_stack_events", {"StackEvents": [alarm, begins], "NextToken": "more"})
    history = stacks(stub).events("shop")
    assert next(history) == StackEvent(AT, "Errors", "shop-errors", "AWS::CloudWatch::Alarm", "UPDATE_COMPLETE")
    assert next(history).is_stack


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError"])
def test_what_asking_again_would_not_change_is_an_error_of_its_own(stub: Stubber, code: str) -> None:
    stub.add_client_error("describe_stack_events", code, "Stack [shop] does not exist")
    with pytest.raises(StackUnreadableError, match="does not exist"):
        list(stacks(stub).events("shop"))


def test_a_throttled_look_is_one_that_may_be_tried_again(stub: Stubber) -> None:
    stub.add_client_error("describe_stack_events", "Throttling")
    with pytest.raises(ClientError):
        list(stacks(stub).events("shop"))
