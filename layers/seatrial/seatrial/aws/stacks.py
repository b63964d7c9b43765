"""CloudFormation: what happened in a stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from seatrial.core.besides import StackEvent

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# An update of the largest stack (500 resources) has two events for each.
_MOST = 1_100


class StackUnreadableError(Exception):
    """There is no such stack, or Seatrial may not look at it: asking again would change nothing."""


class Stacks:
    def __init__(self, client: CloudFormationClient) -> None:
        self._client = client

    def events(self, stack: str) -> Iterator[StackEvent]:
        """Newest first, page by page and only as far as they are read. Raises StackUnreadableError."""
        for event in self._told(stack):
            physical_id = event.get("PhysicalResourceId", "")
            yield StackEvent(
                at=event["Timestamp"],
                logical_id=event.get("LogicalResourceId", ""),
                physical_id=physical_id,
                type=event.get("ResourceType", ""),
                status=event.get("ResourceStatus", ""),
                is_stack=physical_id == event["StackId"],
                reason=event.get("ResourceStatusReason", ""),
                properties=event.get("ResourceProperties", ""),
            )

    def _told(self, stack: str) -> Iterator[Any]:
        pages = self._client.get_paginator("describe_stack_events").paginate(
            StackName=stack, PaginationConfig={"MaxItems": _MOST}
        )
        try:
            for page in pages:
                yield from page["StackEvents"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "ValidationError"):
                raise StackUnreadableError(error.response["Error"]["Message"]) from error
            raise
