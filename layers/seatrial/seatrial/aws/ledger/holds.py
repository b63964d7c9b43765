"""Holds in the ledger: the last word about each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from seatrial.aws.ledger.table import Table, text
from seatrial.core.holds import Hold

_PARTITION = "hold"


class Holds:
    def __init__(self, table: Table) -> None:
        self._table = table

    def place(self, hold: Hold) -> bool:
        """False when a later word about it has arrived before this one."""
        return self._say(hold, held=True)

    def lift(self, hold: Hold) -> bool:
        """`hold` says which, who lifts it, why and when. False when a later word has arrived before this one."""
        return self._say(hold, held=False)

    def standing(self) -> tuple[Hold, ...]:
        """Those that are not lifted. An odd entry holds too: only what says that it was lifted does not."""
        return tuple(_read(item) for item in self._table.partition(_PARTITION) if item.get("held") is not False)

    def _say(self, hold: Hold, *, held: bool) -> bool:
        since = text(hold.since)
        key = {"pk": _PARTITION, "sk": hold.service}
        return self._table.put_if(
            key | {"held": held, "reason": hold.reason, "who": hold.who, "since": since},
            "attribute_not_exists(#since) OR #since < :since OR (#since = :since AND #held <> :held)",
            {"#since": "since", "#held": "held"},
            {":since": since, ":held": held},
        )


def _read(item: Mapping[str, Any]) -> Hold:
    try:
        since = datetime.fromisoformat(item["since"])
    except (LookupError, TypeError, ValueError):
        since = datetime.fromtimestamp(0, UTC)
    return Hold(item["sk"], str(item.get("reason", "unknown")), str(item.get("who", "unknown")), since)
