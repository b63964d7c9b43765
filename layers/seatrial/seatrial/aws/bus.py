"""The event bus `seatrial`: every decision leaves as an event that machines can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "seatrial"


class Bus:
    """Without a name there is nobody to tell, and publish does nothing."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, what: str, detail: Mapping[str, str]) -> None:
        """`what` is the detail-type, as in events/leaving-*.json. Raises ClientError also for an entry that fails."""
        if not self._name:
            return
        answer = self._client.put_events(
            Entries=[
                {"EventBusName": self._name, "Source": SOURCE, "DetailType": what, "Detail": json.dumps(dict(detail))}
            ]
        )
        if answer["FailedEntryCount"]:
            (entry,) = answer["Entries"]
            code, message = entry.get("ErrorCode", "Unknown"), entry.get("ErrorMessage", "")
            raise ClientError({"Error": {"Code": code, "Message": message}}, "PutEvents")
