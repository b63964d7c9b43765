"""The fix lane's grants in the ledger: the last one of each service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seatrial.aws.ledger.table import Item, Table, readable, text
from seatrial.core.fix import Grant, Stand
from seatrial.core.release import Release

_PARTITION = "fix"


class Grants:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, grant: Grant) -> bool:
        """Write a grant down. False while another one stands, or when a later one has been closed since."""
        return self._table.put_if(
            _key(grant.service) | _written(grant),
            "attribute_not_exists(#at) OR (#stand = :closed AND #at < :at)",
            {"#stand": "stand", "#at": "granted_at"},
            {":closed": Stand.CLOSED, ":at": text(grant.granted_at)},
        )

    def confirm(self, grant: Grant) -> None:
        """The group's alarms are off, and that was read back."""
        self._table.change(_key(grant.service), {"stand": Stand.OPEN})

    def claim(self, grant: Grant, release: Release) -> bool:
        """Let this release use the grant. False when another one does."""
        return self._table.update(
            _key(grant.service),
            "SET #release = :release",
            "#stand = :open AND #release IN (:none, :release)",
            {"#release": "release", "#stand": "stand"},
            release=release.deployment_id,
            none="",
            open=Stand.OPEN,
        )

    def close(self, grant: Grant) -> None:
        self._table.change(_key(grant.service), {"stand": Stand.CLOSED})

    def last(self, service: str) -> Grant | None:
        """The last grant of `function:alias`."""
        item = self._table.get(_key(service))
        return next(readable([item] if item else [], _read), None)

    def standing(self) -> tuple[Grant, ...]:
        """Those that are not closed."""
        grants = readable(self._table.partition(_PARTITION), _read)
        return tuple(grant for grant in grants if grant.stand is not Stand.CLOSED)


def _key(service: str) -> Item:
    return {"pk": _PARTITION, "sk": service}


def _written(grant: Grant) -> Item:
    return {
        "event": grant.event,
        "application": grant.application,
        "deployment_group": grant.group,
        "alarms": list(grant.alarms),
        "were_on": grant.were_on,
        "who": grant.who,
        "reason": grant.reason,
        "granted_at": text(grant.granted_at),
        "until": text(grant.until),
        "stand": grant.stand,
        "release": grant.release,
    }


def _read(item: Mapping[str, Any]) -> Grant:
    return Grant(
        event=item["event"],
        service=item["sk"],
        application=item["application"],
        group=item["deployment_group"],
        alarms=tuple(item["alarms"]),
        were_on=item["were_on"],
        who=item["who"],
        reason=item["reason"],
        granted_at=datetime.fromisoformat(item["granted_at"]),
        until=datetime.fromisoformat(item["until"]),
        stand=Stand(item["stand"]),
        release=item["release"],
    )
