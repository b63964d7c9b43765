"""Gap of MiniStack: no event tells of a stack's status. AWS sends `CloudFormation Stack Status Change`.

Source: CloudFormation's user guide, "EventBridge event detail". Only the last status of an operation is sent here.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import eventbridge


def send(stack: dict[str, Any]) -> None:
    """Called when an operation on the stack is over."""
    status = {"status": stack.get("StackStatus", ""), "status-reason": stack.get("StackStatusReason", "")}
    detail = {"stack-id": stack["StackId"], "status-details": status, "client-request-token": ""}
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Resources": [stack["StackId"]],
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
