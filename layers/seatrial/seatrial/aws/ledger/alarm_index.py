"""Alarm to release: a copy of the head under each alarm that may take the release back.

One query of an alarm's partition says all about the alarm, however many services there are. Copies are written under
the same conditions as their head.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from seatrial.aws.ledger import heads
from seatrial.aws.ledger.table import Item, Table, Write, readable, text
from seatrial.core.alarm_owner import LONGEST_SPAN
from seatrial.core.release import Release, State, states_before

_COPY = "head"
_TAKEN_BACK = "taken-back#"


class AlarmIndex:
    """`keep` is how long a copy stays when nobody forgets it."""

    def __init__(self, table: Table, keep: timedelta) -> None:
        self._table = table
        self._keep = keep

    def naming(self, alarm: str) -> tuple[tuple[Release, ...], dict[str, datetime]]:
        """The releases that the alarm may take back, and by service when it last did: one query, whatever there is."""
        releases: list[Release] = []
        taken_back: dict[str, datetime] = {}
        for item in self._table.partition(_partition(alarm)):
            if _COPY in item:
                releases += heads.read_all([item[_COPY]])
            else:
                taken_back |= dict(readable([item], _took_back))
        return tuple(releases), taken_back

    def took_back(self, alarm: str, release: Release, at: datetime) -> None:
        """The alarm has taken a release of this service back: its cool-down begins."""
        key = {"pk": _partition(alarm), "sk": f"{_TAKEN_BACK}{release.service}"}
        self._table.put(key | {"at": text(at), "expires": int((at + timedelta(days=1)).timestamp())})

    def copy(self, release: Release, *, afresh: bool = False) -> None:
        """A copy for each alarm; one that is there, and so may know more, stays unless it is to be made `afresh`."""
        if not release.is_open:
            return
        head = heads.written(release)
        for alarm in release.alarms:
            key = _key(alarm, release)
            item = key | {_COPY: head} | heads.expires(release, self._keep)
            if afresh:
                self._table.put(item)
            elif not self._table.put_new(item):
                fresh = {name: head[name] for name in ("alarms", "settings")}
                self._table.change(key, fresh, within=_COPY)

    def advance(self, release: Release, values: Mapping[str, Any], to: State) -> None:
        for alarm in release.alarms:
            self._table.change(_key(alarm, release), values, states=states_before(to), within=_COPY)

    def advancing(self, release: Release, values: Mapping[str, Any], to: State) -> tuple[Write, ...]:
        """As advance()."""
        states = states_before(to)
        return tuple(
            self._table.changing(_key(alarm, release), values, states=states, within=_COPY) for alarm in release.alarms
        )

    def retire(self, release: Release) -> None:
        """The release was rolled back: its alarms may fire on its data for a while, and must not be held against
        another. DynamoDB deletes the copies some time after that."""
        for item in self._retired(release):
            self._table.put(item)

    def retiring(self, release: Release) -> tuple[Write, ...]:
        """As retire()."""
        return tuple(self._table.putting(item) for item in self._retired(release))

    def forgetting(self, release: Release) -> tuple[Write, ...]:
        """As forget()."""
        return tuple(self._table.removing(_key(alarm, release)) for alarm in release.alarms)

    def forget(self, release: Release) -> None:
        for alarm in release.alarms:
            self._table.remove(_key(alarm, release))

    @staticmethod
    def _retired(release: Release) -> list[Item]:
        last = release.traffic_until or release.closed_at or release.opened_at
        head = heads.written(release) | ({"closed_at": text(release.closed_at)} if release.closed_at else {})
        expires = int((last + LONGEST_SPAN).timestamp())
        return [_key(alarm, release) | {_COPY: head, "expires": expires} for alarm in release.alarms]


def _took_back(item: Mapping[str, Any]) -> tuple[str, datetime]:
    return item["sk"].removeprefix(_TAKEN_BACK), datetime.fromisoformat(item["at"])


def _partition(alarm: str) -> str:
    return f"alarm#{alarm}"


def _key(alarm: str, release: Release) -> Item:
    return {"pk": _partition(alarm), "sk": heads.partition(release.deployment_id)}
