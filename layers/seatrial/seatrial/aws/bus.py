"""The event bus `seatrial`: every decision leaves as an event that machines can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsResultEntryTypeDef

SOURCE = "seatrial"

# PutEvents takes so many.
EVENTS_A_CALL = 10


class Bus:
    """Without a name there is nobody to tell, and publish does nothing."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client = client
        self._name = name

    def publish_together(self, events: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
        """Publish each event, one call for ten. For each event "", or the error that kept it from being sent.

        An event is its detail-type, as in events/leaving-*.json, and its detail.
        """
        errors: list[str] = []
        for some in batched(events if self._name else (), EVENTS_A_CALL, strict=False):
            try:
                answered = self._put(some)
            except (ClientError, BotoCoreError) as error:
                errors += [str(error)] * len(some)
                continue
            errors += [
                f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}" if "ErrorCode" in entry else ""
                for entry in answered
            ]
        return errors or [""] * len(events)

    def _put(self, events: Sequence[tuple[str, Mapping[str, str]]]) -> Sequence[PutEventsResultEntryTypeDef]:
        """What became of each, in their order (API reference of PutEvents)."""
        answer = self._client.put_events(
            Entries=[
                {"EventBusName": self._name, "Source": SOURCE, "DetailType": what, "Detail": json.dumps(dict(detail))}
                for what, detail in events
            ]
        )
        return answer["Entries"]
