"""The ledger: the DynamoDB table of releases and of what happened to each, in order.

    pk                  sk                      what
    release#d-123       release                 the head: the release itself, its state, reason and alarms
    release#d-123       step#KIND#DISCRIMINATOR something that happened
    alarm#NAME          release#d-123           a copy of the head, for as long as the alarm may take the release back
    alarm#NAME          taken-back#FUNCTION:ALIAS   when the alarm last took a release of that service back
    hold                FUNCTION, FUNCTION:ALIAS or *   a hold, or that one was lifted
    fix                 FUNCTION:ALIAS          the last grant of the fix lane

Heads are in the index `service`; those that somebody must still look at (open, guarded or not healed) also in the
sparse index `open`, so that a tick with nothing to do costs one query. Everything is a conditional write: what arrives
twice is written once, and what arrives late takes no state backwards.

One query of an alarm's partition says all about the alarm, however many services there are. Copies are written under
the same conditions as their head.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from seatrial.core.deployment import Deployment, Shift
from seatrial.core.fix import Grant, Stand
from seatrial.core.holds import Hold
from seatrial.core.release import ENDS, Release, State, Step, states_before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HEAD = "release"
_OPEN = "open"
_TAKEN_BACK = "taken-back#"
_to_dynamodb = TypeSerializer().serialize
_from_dynamodb = TypeDeserializer().deserialize


class ReleaseUnknownError(Exception):
    """The ledger has no such release. Its text is a sentence for people."""


class Ledger:
    """`keep` is how long a release stays in the table after it was opened."""

    def __init__(self, client: DynamoDBClient, table: str, keep: timedelta) -> None:
        self._client = client
        self._table = table
        self._keep = keep

    def open(self, deployment: Deployment, shift: Shift, alarms: Sequence[str]) -> Release:
        """Open a release. One that is there already is given as it is: hooks are retried, and events race with them."""
        release = Release(
            deployment_id=deployment.id,
            application=deployment.application,
            group=deployment.group,
            function=shift.function,
            alias=shift.alias,
            stable=shift.stable,
            candidate=shift.candidate,
            opened_at=deployment.created,
            configuration=deployment.configuration,
            alarms=tuple(alarms),
        )
        head = _key(release) | _head(release) | {_OPEN: _OPEN, "expires": self._expires(release.opened_at)}
        opened = release if self._put_new(head) else self.release(deployment.id)
        self._copy(opened)
        return opened

    def settle(self, release: Release, *, alarms: Sequence[str], settings: Mapping[str, Any]) -> Release:
        """Write what the candidate's suite says: its alarms beside those of the group, and its settings.

        `settings` is the suite's `release` section as plain JSON. Nothing reads the package for it again.
        """
        both = tuple(dict.fromkeys((*release.alarms, *alarms)))
        self._write(
            _key(release),
            {"alarms": list(both), "settings": json.dumps(settings, sort_keys=True)},
        )
        settled = self.release(release.deployment_id)
        self._copy(settled)
        return settled

    def as_the_fix(self, release: Release, fix: str) -> Release:
        """It may pass ringing alarms: `fix` says who granted that and why."""
        fixing = replace(release, fix=fix)
        self._write(_key(release), {"fix": fix})
        self._copy(fixing, afresh=True)
        return fixing

    def step(self, release: Release, step: Step) -> bool:
        """Write that something happened. False when it was written before, and so was told before."""
        return self._put_new(
            _keyed(release.deployment_id, f"step#{step.kind}#{step.discriminator}")
            | {
                "kind": step.kind,
                "discriminator": step.discriminator,
                "sentence": step.sentence,
                "at": _text(step.at),
                "by": step.by,
                "outcome": step.outcome,
                "expires": self._expires(release.opened_at),
            }
        )

    def explain(self, release: Release, reason: str, by: str) -> bool:
        """Say why it is going to end, before it has. The first reason stays."""
        return self._write(
            _key(release), {"reason": reason, "by": by}, "reason = :none AND state", states_before(State.RELEASED)
        )

    def move(self, release: Release, to: State, reason: str = "", by: str = "") -> bool:
        """Move a release forward. False when it was there already, or further: then nothing is written."""
        told = {"reason": reason, "by": by} if reason else {}
        watched = {_OPEN: _OPEN} if to is State.RETURNING else {}  # its guard may have been over
        return self._advance(release, {"state": to, **told, **watched}, to)

    def bake(self, release: Release, hook: str, until: datetime) -> bool:
        """It waits in a hook that stays unanswered until then. False when it is going back already."""
        return self._advance(release, {"state": State.BAKING, "hook": hook, "bake_until": _text(until)}, State.BAKING)

    def finish(self, release: Release, end: State, reason: str, by: str, at: datetime) -> bool:
        """Close it. True for whoever does so first, who then tells people; a closed release is never closed again.

        One that is released stays watched until `unwatch`: its guard begins.
        """
        if end not in ENDS:
            raise ValueError(f"{end!r} is no end of a release: move() is for states on the way")
        finished = self._advance(release, {"state": end, "reason": reason, "by": by, "closed_at": _text(at)}, end)
        if finished and end is not State.RELEASED:
            self.unwatch(release)
        return finished

    def unwatch(self, release: Release) -> None:
        """Nothing more is expected of it, and no alarm takes it back any more."""
        for alarm in release.alarms:
            self._client.delete_item(TableName=self._table, Key=_stored(_copy_key(alarm, release.deployment_id)))
        self._conditionally(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_stored(_key(release)),
                UpdateExpression="REMOVE #open",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#open": _OPEN},
            )
        )

    def naming(self, alarm: str) -> tuple[tuple[Release, ...], dict[str, datetime]]:
        """The releases that the alarm may take back, and by service when it last did: one query, whatever there is."""
        releases, taken_back = [], {}
        for item in self._items(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=_stored({":pk": f"alarm#{alarm}"}),
            ConsistentRead=True,
        ):
            stored = _plain(item)
            if "head" in stored:
                releases.append(_release(stored["head"]))
            else:
                taken_back[stored["sk"].removeprefix(_TAKEN_BACK)] = datetime.fromisoformat(stored["at"])
        return tuple(releases), taken_back

    def took_back(self, alarm: str, release: Release, at: datetime) -> None:
        """The alarm has taken a release of this service back: its cool-down begins."""
        key = {"pk": f"alarm#{alarm}", "sk": f"{_TAKEN_BACK}{release.service}"}
        self._put(key | {"at": _text(at), "expires": int((at + timedelta(days=1)).timestamp())})

    def hold(self, hold: Hold) -> bool:
        """False when a later word about it has arrived before this one."""
        return self._say(hold, held=True)

    def lift(self, hold: Hold) -> bool:
        """`hold` says which, who lifts it, why and when. False when a later word has arrived before this one."""
        return self._say(hold, held=False)

    def _say(self, hold: Hold, *, held: bool) -> bool:
        since = _text(hold.since)
        key = {"pk": "hold", "sk": hold.service}
        word = {"held": held, "reason": hold.reason, "who": hold.who, "since": since}
        return self._conditionally(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=_stored(key | word),
                ConditionExpression=(
                    "attribute_not_exists(pk) OR #since < :since OR (#since = :since AND #held <> :held)"
                ),
                ExpressionAttributeNames={"#since": "since", "#held": "held"},
                ExpressionAttributeValues=_stored({":since": since, ":held": held}),
            )
        )

    def holds(self) -> tuple[Hold, ...]:
        """Those that are not lifted."""
        items = self._items(
            KeyConditionExpression="pk = :pk", ExpressionAttributeValues=_stored({":pk": "hold"}), ConsistentRead=True
        )
        found = [_plain(item) for item in items]
        return tuple(
            Hold(one["sk"], one["reason"], one["who"], datetime.fromisoformat(one["since"]))
            for one in found
            if one["held"]
        )

    def grant(self, grant: Grant) -> bool:
        """Write a grant down. False while another one stands, or when a later one has been closed since."""
        return self._conditionally(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=_stored(_grant_key(grant.service) | _written(grant)),
                ConditionExpression="attribute_not_exists(pk) OR (#stand = :closed AND #at < :at)",
                ExpressionAttributeNames={"#stand": "stand", "#at": "granted_at"},
                ExpressionAttributeValues=_stored({":closed": Stand.CLOSED, ":at": _text(grant.granted_at)}),
            )
        )

    def confirm(self, grant: Grant) -> None:
        """The group's alarms are off, and that was read back."""
        self._write(_grant_key(grant.service), {"stand": Stand.OPEN})

    def claim(self, grant: Grant, release: Release) -> bool:
        """Let this release use the grant. False when another one does."""
        return self._conditionally(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_stored(_grant_key(grant.service)),
                UpdateExpression="SET #release = :release",
                ConditionExpression="#stand = :open AND #release IN (:none, :release)",
                ExpressionAttributeNames={"#release": "release", "#stand": "stand"},
                ExpressionAttributeValues=_stored(
                    {":release": release.deployment_id, ":none": "", ":open": Stand.OPEN}
                ),
            )
        )

    def close_grant(self, grant: Grant) -> None:
        self._write(_grant_key(grant.service), {"stand": Stand.CLOSED})

    def grant_of(self, service: str) -> Grant | None:
        """The last grant of `function:alias`."""
        answer = self._client.get_item(TableName=self._table, Key=_stored(_grant_key(service)), ConsistentRead=True)
        return _read_grant(_plain(answer["Item"])) if "Item" in answer else None

    def grants(self) -> tuple[Grant, ...]:
        """Those that are not closed."""
        items = self._items(
            KeyConditionExpression="pk = :pk", ExpressionAttributeValues=_stored({":pk": "fix"}), ConsistentRead=True
        )
        found = [_read_grant(_plain(item)) for item in items]
        return tuple(grant for grant in found if grant.stand is not Stand.CLOSED)

    def find(self, deployment_id: str) -> Release | None:
        answer = self._client.get_item(
            TableName=self._table, Key=_stored(_keyed(deployment_id, _HEAD)), ConsistentRead=True
        )
        return _release(_plain(answer["Item"])) if "Item" in answer else None

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
        items = self._items(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :step)",
            ExpressionAttributeValues=_stored({":pk": f"release#{deployment_id}", ":step": "step#"}),
            ConsistentRead=True,
        )
        return tuple(sorted((_step(item) for item in items), key=lambda step: step.at))

    def find_step(self, deployment_id: str, kind: str, discriminator: str) -> Step | None:
        key = _keyed(deployment_id, f"step#{kind}#{discriminator}")
        answer = self._client.get_item(TableName=self._table, Key=_stored(key), ConsistentRead=True)
        return _step(answer["Item"]) if "Item" in answer else None

    def watched(self) -> tuple[Release, ...]:
        """All that are open, guarded or not healed, oldest first. The index lags by moments: each is read again."""
        items = self._items(
            IndexName=_OPEN,
            KeyConditionExpression=f"#{_OPEN} = :open",
            ExpressionAttributeNames={f"#{_OPEN}": _OPEN},
            ExpressionAttributeValues=_stored({":open": _OPEN}),
        )
        found = (self.find(_plain(item)["deployment_id"]) for item in items)
        return tuple(release for release in found if release)

    def open_releases(self) -> tuple[Release, ...]:
        """Those whose deployment is open, oldest first."""
        return tuple(release for release in self.watched() if release.is_open)

    def releases_of(self, service: str, limit: int = 10) -> tuple[Release, ...]:
        """The newest releases of a service, newest first. `service` is `function` or `function:alias`."""
        function, _, alias = service.partition(":")
        items = self._items(
            IndexName="service",
            KeyConditionExpression="service = :service",
            ExpressionAttributeValues=_stored({":service": function}),
            ScanIndexForward=False,
        )
        releases = (_release(_plain(item)) for item in items)
        return tuple(islice((release for release in releases if not alias or release.alias == alias), limit))

    def opened_between(self, since: datetime, until: datetime, service: str = "") -> tuple[Release, ...]:
        """The releases opened in that time, newest first: those of `function` or `function:alias`, or of all services.

        For all it reads the whole index, which has the heads alone: people look at a board, no release waits for it.
        """
        function, _, alias = service.partition(":")
        span = {":since": _text(since), ":until": _text(until)}
        if function:
            items = self._items(
                IndexName="service",
                KeyConditionExpression="service = :service AND opened_at BETWEEN :since AND :until",
                ExpressionAttributeValues=_stored({":service": function, **span}),
            )
        else:
            items = self._items(
                "scan",
                IndexName="service",
                FilterExpression="opened_at BETWEEN :since AND :until",
                ExpressionAttributeValues=_stored(span),
            )
        found = (_release(_plain(item)) for item in items)
        kept = [release for release in found if not alias or release.alias == alias]
        return tuple(sorted(kept, key=lambda release: release.opened_at, reverse=True))

    def _put_new(self, item: Mapping[str, Any]) -> bool:
        return self._conditionally(
            lambda: self._client.put_item(
                TableName=self._table, Item=_stored(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def _put(self, item: Mapping[str, Any]) -> None:
        self._client.put_item(TableName=self._table, Item=_stored(item))

    def _advance(self, release: Release, values: Mapping[str, Any], to: State) -> bool:
        """The head, and its copies before it where a copy that is late would have an alarm pass by.

        Any other copy that is late only has a stop tried once more.
        """
        if to is State.SHIFTING:
            self._advance_copies(release, values, to)
        moved = self._write(_key(release), values, "state", states_before(to))
        if to is not State.SHIFTING:
            self._advance_copies(release, values, to)
        return moved

    def _advance_copies(self, release: Release, values: Mapping[str, Any], to: State) -> None:
        for alarm in release.alarms:
            self._write(_copy_key(alarm, release.deployment_id), values, "state", states_before(to), within="#head.")

    def _copy(self, release: Release, *, afresh: bool = False) -> None:
        """A copy for each alarm; one that is there, and so may know more, stays unless it is to be made `afresh`."""
        if not release.is_open:
            return
        for alarm in release.alarms:
            item = _copy_key(alarm, release.deployment_id) | {
                "head": _head(release),
                "expires": self._expires(release.opened_at),
            }
            if afresh:
                self._put(item)
            elif not self._put_new(item):
                fresh = {name: value for name, value in _head(release).items() if name in ("alarms", "settings")}
                self._write(_copy_key(alarm, release.deployment_id), fresh, within="#head.")

    def _write(
        self,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        condition: str = "",
        states: Sequence[State] = (),
        *,
        within: str = "",
    ) -> bool:
        """Set attributes of an item that exists. `condition` may end in `state`, which must then be one of `states`.

        `within` leads to the attributes where they are not the item's own.
        """
        names = {f"#n{n}": name for n, name in enumerate(values)} | ({"#head": "head"} if within else {})
        stored = {f":v{n}": value for n, value in enumerate(values.values())}
        holds = ["attribute_exists(pk)"]
        if states:
            names["#state"] = "state"
            stored |= {f":s{n}": state for n, state in enumerate(states)}
            rest, _, _ = condition.rpartition("state")
            listed = ", ".join(f":s{n}" for n in range(len(states)))
            holds.append(f"{rest}{within}#state IN ({listed})")
        if ":none" in condition:
            stored[":none"] = ""
        return self._conditionally(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_stored(key),
                UpdateExpression="SET " + ", ".join(f"{within}#n{n} = :v{n}" for n in range(len(values))),
                ConditionExpression=" AND ".join(holds),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_stored(stored),
            )
        )

    @staticmethod
    def _conditionally(write: Callable[[], object]) -> bool:
        """Whether the write's condition held."""
        try:
            write()
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _items(self, operation: Literal["query", "scan"] = "query", **how: Any) -> Iterator[dict[str, Any]]:
        """The items of a query or a scan, page by page and only as far as they are read."""
        for page in self._client.get_paginator(operation).paginate(TableName=self._table, **how):
            yield from page["Items"]

    def _expires(self, opened_at: datetime) -> int:
        return int((opened_at + self._keep).timestamp())


def _key(release: Release) -> dict[str, Any]:
    return _keyed(release.deployment_id, _HEAD)


def _keyed(deployment_id: str, sk: str) -> dict[str, Any]:
    return {"pk": f"release#{deployment_id}", "sk": sk}


def _copy_key(alarm: str, deployment_id: str) -> dict[str, Any]:
    return {"pk": f"alarm#{alarm}", "sk": f"release#{deployment_id}"}


def _stored(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_dynamodb(_unadorned(value)) for name, value in plain.items()}


def _unadorned(value: Any) -> Any:
    """boto3's serializer knows no enumerations."""
    if isinstance(value, str):
        return str(value)
    return {name: _unadorned(one) for name, one in value.items()} if isinstance(value, dict) else value


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _from_dynamodb(value) for name, value in item.items()}


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC and of one length, so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _head(release: Release) -> dict[str, Any]:
    settings = {"bake": release.bake, "guard": release.guard, "dry_run": release.dry_run}
    return {
        "deployment_id": release.deployment_id,
        "application": release.application,
        "deployment_group": release.group,
        "service": release.function,
        "alias": release.alias,
        "stable": release.stable,
        "candidate": release.candidate,
        "opened_at": _text(release.opened_at),
        "state": release.state,
        "configuration": release.configuration,
        "alarms": list(release.alarms),
        "reason": release.reason,
        "by": release.by,
        "settings": json.dumps(settings, sort_keys=True),
        "hook": release.hook,
        "fix": release.fix,
    }


def _release(stored: Mapping[str, Any]) -> Release:
    settings = json.loads(stored["settings"])
    return Release(
        deployment_id=stored["deployment_id"],
        application=stored["application"],
        group=stored["deployment_group"],
        function=stored["service"],
        alias=stored["alias"],
        stable=stored["stable"],
        candidate=stored["candidate"],
        opened_at=datetime.fromisoformat(stored["opened_at"]),
        state=State(stored["state"]),
        configuration=stored["configuration"],
        alarms=tuple(stored["alarms"]),
        reason=stored["reason"],
        by=stored["by"],
        closed_at=_moment(stored, "closed_at"),
        bake=settings.get("bake", 0.0),
        guard=settings.get("guard", 0.0),
        dry_run=settings.get("dry_run", False),
        hook=stored["hook"],
        bake_until=_moment(stored, "bake_until"),
        fix=stored["fix"],
    )


def _grant_key(service: str) -> dict[str, Any]:
    return {"pk": "fix", "sk": service}


def _written(grant: Grant) -> dict[str, Any]:
    return {
        "event": grant.event,
        "application": grant.application,
        "deployment_group": grant.group,
        "alarms": list(grant.alarms),
        "were_on": grant.were_on,
        "who": grant.who,
        "reason": grant.reason,
        "granted_at": _text(grant.granted_at),
        "until": _text(grant.until),
        "stand": grant.stand,
        "release": grant.release,
    }


def _read_grant(stored: Mapping[str, Any]) -> Grant:
    return Grant(
        event=stored["event"],
        service=stored["sk"],
        application=stored["application"],
        group=stored["deployment_group"],
        alarms=tuple(stored["alarms"]),
        were_on=stored["were_on"],
        who=stored["who"],
        reason=stored["reason"],
        granted_at=datetime.fromisoformat(stored["granted_at"]),
        until=datetime.fromisoformat(stored["until"]),
        stand=Stand(stored["stand"]),
        release=stored["release"],
    )


def _moment(stored: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(stored[name]) if name in stored else None


def _step(item: Mapping[str, Any]) -> Step:
    stored = _plain(item)
    return Step(
        stored["kind"],
        stored["discriminator"],
        stored["sentence"],
        datetime.fromisoformat(stored["at"]),
        stored["by"],
        stored["outcome"],
    )
