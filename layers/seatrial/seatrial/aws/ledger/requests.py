"""What was done about each on-call request, for the command that waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from seatrial.aws.ledger.table import Item, Table, text
from seatrial.core.oncall import Answer
from seatrial.core.printable import printable

# The message that was sent says the same, and stays.
_KEEP = timedelta(days=7)


class Requests:
    def __init__(self, table: Table) -> None:
        self._table = table

    def answer(self, event_id: str, answers: Sequence[Answer], at: datetime) -> bool:
        """Write the answers to a request, by its event's id. False when it was answered before: that answer stays."""
        stored: list[dict[str, Any]] = [
            {"action": answer.action, "sentence": printable(answer.sentence)} for answer in answers
        ]
        expires = int((at + _KEEP).timestamp())
        return self._table.put_new(_key(event_id) | {"answers": stored, "at": text(at), "expires": expires})

    def first_arrival(self, event_id: str, at: datetime) -> datetime:
        """When a request arrived first, by its event's id: `at`, unless it was delivered before."""
        key = {"pk": _partition(event_id), "sk": "arrival"}
        if self._table.put_new(key | {"at": text(at), "expires": int((at + _KEEP).timestamp())}):
            return at
        before = self._table.get(key)
        return datetime.fromisoformat(before["at"]) if before else at

    def find(self, event_id: str) -> tuple[Answer, ...] | None:
        """None while the request has no answer."""
        item = self._table.get(_key(event_id))
        return tuple(Answer(one["action"], one["sentence"]) for one in item["answers"]) if item else None


def _key(event_id: str) -> Item:
    return {"pk": _partition(event_id), "sk": "answer"}


def _partition(event_id: str) -> str:
    return f"request#{event_id}"
