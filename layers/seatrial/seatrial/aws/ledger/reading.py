"""Finding releases again, and what happened to each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from seatrial.aws.ledger import heads, steps
from seatrial.aws.ledger.table import Item, Table, readable, text
from seatrial.core.release import Release, Step


class ReleaseUnknownError(Exception):
    """The ledger has no such release. Its text is a sentence for people."""


class ReleaseUnreadableError(Exception):
    """The ledger's entry of a release is odd. Its text is a sentence for people."""


class Reading:
    """What the ledger tells about releases; nothing here writes."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, deployment_id: str) -> Release | None:
        """Raises ReleaseUnreadableError."""
        item = self._table.get(heads.key(deployment_id))
        found = next(heads.read_all([item] if item else []), None)
        if item and found is None:
            raise ReleaseUnreadableError(f"the ledger's entry of {deployment_id} can't be read; the log says why")
        return found

    def find_all(self, deployment_ids: Iterable[str]) -> dict[str, Release]:
        """Those that are known, by their ids, as they are now: one call for a hundred. No id may come twice."""
        items = self._table.get_all(heads.key(one) for one in deployment_ids)
        return {release.deployment_id: release for release in heads.read_all(items)}

    def release(self, deployment_id: str) -> Release:
        """Raises ReleaseUnknownError."""
        found = self.find(deployment_id)
        if found is None:
            raise ReleaseUnknownError(
                f"the ledger has no release {deployment_id}: it may be older than the ledger keeps, or no hook or "
                "event of its deployment reached Seatrial"
            )
        return found

    def steps(self, deployment_id: str) -> tuple[Step, ...]:
        """What happened, oldest first."""
        items = self._table.partition(heads.partition(deployment_id), steps.PREFIX)
        return tuple(sorted(readable(items, steps.read), key=lambda step: step.at))

    def steps_of(self, deployment_ids: Iterable[str], kinds: Sequence[str]) -> dict[str, list[Step]]:
        """Of many releases the steps of these kinds without a discriminator, in no order: one call for a hundred."""
        found: dict[str, list[Step]] = {id: [] for id in deployment_ids}
        keys = {(key["pk"], key["sk"]): id for id in found for kind in kinds for key in [steps.key(id, kind, "")]}
        for item in self._table.get_all({"pk": pk, "sk": sk} for pk, sk in keys):
            found[keys[item["pk"], item["sk"]]] += readable([item], steps.read)
        return found

    def find_step(self, deployment_id: str, kind: str, discriminator: str) -> Step | None:
        item = self._table.get(steps.key(deployment_id, kind, discriminator))
        return steps.read(item) if item else None

    def listed(self) -> tuple[Release, ...]:
        """All that are open, guarded or not healed, in agenda()'s order. The index lags by moments."""
        return self.agenda()[0]

    def agenda(self) -> tuple[tuple[Release, ...], bool]:
        """What a tick looks at, and whether the last tick left any of it.

        What was left comes first, in its order, and then the oldest.
        """
        items = self._table.items(
            IndexName=heads.OPEN,
            KeyConditionExpression="#open = :open",
            ExpressionAttributeNames={"#open": heads.OPEN},
            ExpressionAttributeValues={":open": heads.OPEN},
        )
        left: list[str] = []
        kept: list[Item] = []
        for item in items:
            if heads.LEFT in item:
                left = item[heads.LEFT]
            else:
                kept.append(item)
        place = {id: number for number, id in enumerate(left)}
        releases = sorted(heads.read_all(kept), key=lambda one: place.get(one.deployment_id, len(place)))
        return tuple(releases), bool(left)

    def watched(self) -> tuple[Release, ...]:
        """Those that are listed, oldest first, each as it is now."""
        listed = [release.deployment_id for release in self.listed()]
        found = self.find_all(listed)
        return tuple(found[one] for one in listed if one in found)

    def open_releases(self) -> tuple[Release, ...]:
        """Those whose deployment is open, oldest first."""
        return tuple(release for release in self.watched() if release.is_open)

    def releases_of(self, service: str, limit: int = 10) -> tuple[Release, ...]:
        """The newest releases of a service, newest first. `service` is `function` or `function:alias`."""
        function, _, alias = service.partition(":")
        items = self._table.items(
            IndexName="service",
            KeyConditionExpression="service = :service",
            ExpressionAttributeValues={":service": function},
            ScanIndexForward=False,
        )
        releases = heads.read_all(items)
        return tuple(islice((release for release in releases if not alias or release.alias == alias), limit))

    def opened_between(self, since: datetime, until: datetime, service: str = "") -> tuple[Release, ...]:
        """The releases opened in that time, newest first: those of `function` or `function:alias`, or of all services.

        For all it reads the whole index, which has the heads alone: people look at a board, no release waits for it.
        """
        function, _, alias = service.partition(":")
        span = {":since": text(since), ":until": text(until)}
        if function:
            items = self._table.items(
                IndexName="service",
                KeyConditionExpression="service = :service AND opened_at BETWEEN :since AND :until",
                ExpressionAttributeValues={":service": function, **span},
            )
        else:
            items = self._table.items(
                "scan",
                IndexName="service",
                FilterExpression="opened_at BETWEEN :since AND :until",
                ExpressionAttributeValues=span,
            )
        found = heads.read_all(items)
        kept = [release for release in found if not alias or release.alias == alias]
        return tuple(sorted(kept, key=lambda release: release.opened_at, reverse=True))
