"""A release's way through the ledger: opened, moved forward alone, closed once. Its copies follow its head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from seatrial.aws.ledger import heads, steps
from seatrial.aws.ledger.alarm_index import AlarmIndex
from seatrial.aws.ledger.cases import Cases
from seatrial.aws.ledger.flags import Flags
from seatrial.aws.ledger.foreign_alarms import ForeignAlarms
from seatrial.aws.ledger.grants import Grants
from seatrial.aws.ledger.heads import OPEN
from seatrial.aws.ledger.holds import Holds
from seatrial.aws.ledger.notices import Notices
from seatrial.aws.ledger.reading import Reading
from seatrial.aws.ledger.requests import Requests
from seatrial.aws.ledger.table import Table, Write, text
from seatrial.core import bounds
from seatrial.core.deployment import Deployment, Shift
from seatrial.core.printable import printable
from seatrial.core.release import ENDS, Release, State, Step, states_before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Ending:
    """How a release ends, and the step that says so."""

    release: Release
    end: State
    reason: str
    by: str
    at: datetime
    step: Step
    # when the candidate no longer received traffic, for one that was rolled back
    traffic_until: datetime | None = None

    @property
    def ended(self) -> Release:
        """The release as it is after its end."""
        return replace(
            self.release,
            state=self.end,
            reason=self.reason,
            by=self.by,
            closed_at=self.at,
            traffic_until=self.traffic_until or self.release.traffic_until,
        )


class Ledger(Reading):
    """`keep` is how long a release stays in the table after it was opened."""

    def __init__(self, client: DynamoDBClient, table: str, keep: timedelta) -> None:
        super().__init__(Table(client, table))
        self._keep = keep
        self.alarms = AlarmIndex(self._table, keep)
        self.holds = Holds(self._table)
        self.grants = Grants(self._table)
        self.foreign_alarms = ForeignAlarms(self._table, keep)
        self.requests = Requests(self._table)
        self.notices = Notices(self._table, keep)
        self.flags = Flags(self._table, keep)
        self.cases = Cases(self._table, keep)

    def open(
        self, deployment: Deployment, shift: Shift, alarms: Sequence[str], made_at: datetime | None = None
    ) -> Release:
        """Open a release. One that is there already is given as it is: hooks are retried, and events race with them."""
        release = replace(Release.begun_by(deployment, shift), alarms=tuple(alarms), made_at=made_at)
        head = _key(release) | heads.written(release) | {OPEN: OPEN} | heads.expires(release, self._keep)
        opened = release if self._table.put_new(head) else self.release(deployment.id)
        self.alarms.copy(opened)
        return opened

    def settle(self, release: Release, *, alarms: Sequence[str], settings: Mapping[str, Any]) -> Release:
        """Write what the candidate's suite says: its alarms beside those of the group, and its settings.

        `settings` is the suite's `release` section as plain JSON, with its `judge` section under that name and
        `slow_above`. Nothing reads the package for it again.
        """
        both = tuple(dict.fromkeys((*release.alarms, *alarms)))
        values = {"alarms": list(both), "settings": json.dumps(settings, sort_keys=True)}
        head = self._table.changed(_key(release), values)
        settled = heads.read(head) if head else self.release(release.deployment_id)
        self.alarms.copy(settled)
        return settled

    def as_the_fix(self, release: Release, fix: str) -> Release:
        """It may pass ringing alarms: `fix` says who granted that and why."""
        fixing = replace(release, fix=fix)
        self._table.change(_key(release), {"fix": fix})
        self.alarms.copy(fixing, afresh=True)
        return fixing

    def step(self, release: Release, step: Step) -> bool:
        """Write that something happened. False when it was written before, and so was told before."""
        return self._table.put_new(self._step(release, step))

    def steps_together(self, happened: Sequence[tuple[Release, Step]]) -> None:
        """As step(), for many: one call for a hundred."""
        written = self._table.together([(self._table.putting_new(self._step(*each)),) for each in happened])
        for each, is_written in zip(happened, written, strict=True):
            if not is_written:
                self.step(*each)

    def compared(self, release: Release) -> None:
        """What it changes besides code has been told."""
        self._table.change(_key(release), {"compared": True})

    def explain(self, release: Release, reason: str, by: str) -> bool:
        """Say why it is going to end, before it has. The first reason stays."""
        return self._table.change(
            _key(release),
            _told(reason, by),
            while_empty="reason",
            states=states_before(State.RELEASED),
        )

    def move(
        self, release: Release, to: State, reason: str = "", by: str = "", *, traffic: datetime | None = None
    ) -> bool:
        """Move a release forward. False when it was there already, or further: then nothing is written.

        `traffic` is when the candidate began to receive traffic, for SHIFTING, or no longer received any.
        """
        told = _told(reason, by) if reason else {}
        watched = {OPEN: OPEN} if to is State.RETURNING else {}  # its guard may have been over
        name = "traffic_from" if to is State.SHIFTING else "traffic_until"
        changed = {name: text(traffic)} if traffic else {}
        return self._advance(release, {"state": to, **told, **watched, **changed}, to)

    def reach_everybody(self, release: Release, at: datetime) -> bool:
        """The candidate has got all users. The first time that is told stays."""
        values = {"state": State.CONFIRMING, "everybody_at": text(at)}
        return self._advance(release, values, State.CONFIRMING)

    def judged(self, release: Release, verdict: str) -> None:
        """The judge's word that was told last."""
        self._table.change(_key(release), {"verdict": verdict})

    def costed(self, release: Release, until: datetime) -> None:
        """It is known for good what it did cost its users until then."""
        self._table.change(_key(release), {"costed_until": text(until)})

    def bake(self, release: Release, hook: str, until: datetime) -> bool:
        """It waits in a hook that stays unanswered until then. False when it is going back already."""
        return self._advance(release, {"state": State.BAKING, "hook": hook, "bake_until": text(until)}, State.BAKING)

    def finish(
        self,
        release: Release,
        end: State,
        reason: str,
        by: str,
        at: datetime,
        traffic_until: datetime | None = None,
    ) -> bool:
        """Close it. True for whoever does so first, who then tells people; a closed release is never closed again.

        `traffic_until` is when the candidate no longer received traffic, for one that was rolled back.

        One that users met stays watched until `unwatch`: its guard begins, or what it did cost them is still counted.
        """
        values = _ended(end, reason, by, at, traffic_until)
        finished = self._advance(release, values, end)
        if finished and end is State.REFUSED:
            self.unwatch(release)
        elif finished and end is not State.RELEASED:
            self.alarms.retire(replace(release, state=end, closed_at=at, traffic_until=traffic_until))
        return finished

    def finish_together(self, endings: Sequence[Ending]) -> list[bool]:
        """As step() and finish() for each ending, each of them whole: one call for a hundred writes.

        Which of them were written. What was not, because it was closed before or somebody else writes, is to be
        written by step() and finish().
        """
        return self._table.together([self._ending(ending) for ending in endings])

    def leave(self, deployment_ids: Sequence[str]) -> None:
        """Keep which releases the tick did not come to. It is read with the index `open`, so that no call is added."""
        first = {OPEN: OPEN, "opened_at": "0"} if deployment_ids else {}
        self._table.put({"pk": "tick", "sk": "left", heads.LEFT: list(deployment_ids)} | first)

    def unwatch(self, release: Release) -> None:
        """Nothing more is expected of it, and no alarm takes it back any more."""
        if release.lost_its_traffic:
            self.alarms.retire(release)
        else:
            self.alarms.forget(release)
        self._table.drop(_key(release), OPEN)

    def _ending(self, ending: Ending) -> tuple[Write, ...]:
        release, end = ending.release, ending.end
        values = _ended(end, ending.reason, ending.by, ending.at, ending.traffic_until)
        drop = OPEN if end is State.REFUSED else ""
        head = self._table.changing(_key(release), values, states=states_before(end), drop=drop)
        if end is State.RELEASED:
            copies = self.alarms.advancing(release, values, end)
        elif end is State.REFUSED:
            copies = self.alarms.forgetting(release)
        else:
            copies = self.alarms.retiring(ending.ended)
        return (self._table.putting_new(self._step(release, ending.step)), head, *copies)

    def _step(self, release: Release, step: Step) -> dict[str, Any]:
        key = steps.key(release.deployment_id, step.kind, step.discriminator)
        return key | steps.written(step) | heads.expires(release, self._keep)

    def _advance(self, release: Release, values: Mapping[str, Any], to: State) -> bool:
        """The head, and its copies before it where a copy that is late would have an alarm pass by.

        Any other copy that is late only has a stop tried once more.
        """
        if to is State.SHIFTING:
            self.alarms.advance(release, values, to)
        moved = self._table.change(_key(release), values, states=states_before(to))
        if to is not State.SHIFTING:
            self.alarms.advance(release, values, to)
        return moved


def _told(reason: str, by: str) -> dict[str, str]:
    return {"reason": bounds.short(printable(reason)), "by": printable(by)}


def _key(release: Release) -> dict[str, Any]:
    return heads.key(release.deployment_id)


def _ended(end: State, reason: str, by: str, at: datetime, traffic_until: datetime | None) -> dict[str, Any]:
    if end not in ENDS:
        raise ValueError(f"{end!r} is no end of a release: move() is for states on the way")
    values = {"state": end, **_told(reason, by), "closed_at": text(at)}
    return values | ({"traffic_until": text(traffic_until)} if traffic_until else {})
