"""The ledger: the DynamoDB table of releases and of what happened to each, in order.

    pk                  sk                      what
    release#d-123       release                 the head: the release itself, its state, reason and alarms
    release#d-123       step#KIND#DISCRIMINATOR something that happened

Heads are in the index `service`; open ones also in the sparse index `open`, so that a tick with nothing open costs one
query. Everything is a conditional write: what arrives twice is written once, and what arrives late takes no state
backwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from seatrial.core.deployment import Deployment, Shift
from seatrial.core.release import ENDS, Release, State, Step, states_before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HEAD = "release"
_OPEN = "open"
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
        head = _head(release) | {_OPEN: _OPEN, "expires": self._expires(release.opened_at)}
        return release if self._put_new(head) else self.release(deployment.id)

    def settle(self, release: Release, *, alarms: Sequence[str], settings: Mapping[str, Any]) -> Release:
        """Write what the candidate's suite says: its alarms beside those of the group, and its settings.

        `settings` is the suite's `release` section as plain JSON. Nothing reads the package for it again.
        """
        both = tuple(dict.fromkeys((*release.alarms, *alarms)))
        self._update(
            release.deployment_id,
            "SET alarms = :alarms, settings = :settings",
            {":alarms": list(both), ":settings": json.dumps(settings, sort_keys=True)},
            when="attribute_exists(#head)",
            names={"#head": "pk"},
        )
        return self.release(release.deployment_id)

    def step(self, release: Release, step: Step) -> bool:
        """Write that something happened. False when it was written before, and so was told before."""
        return self._put_new(
            _key(release.deployment_id, f"step#{step.kind}#{step.discriminator}")
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
        return self._update(
            release.deployment_id,
            "SET reason = :reason, #by = :by",
            {":reason": reason, ":by": by, ":none": ""},
            when=f"attribute_exists(#{_OPEN}) AND reason = :none",
            names={"#by": "by", f"#{_OPEN}": _OPEN},
        )

    def move(self, release: Release, to: State, reason: str = "", by: str = "") -> bool:
        """Move an open release forward. False when it was there already, or further: then nothing is written."""
        told = "SET #state = :to" + (", reason = :reason, #by = :by" if reason else "")
        return self._update(
            release.deployment_id,
            told,
            {":to": to, **_earlier(to), **({":reason": reason, ":by": by} if reason else {})},
            when=_is_earlier(to),
            names={"#state": "state", **({"#by": "by"} if reason else {})},
        )

    def finish(self, release: Release, end: State, reason: str, by: str, at: datetime) -> bool:
        """Close it. True for whoever does so first, who then tells people; a closed release is never closed again."""
        if end not in ENDS:
            raise ValueError(f"{end!r} is no end of a release: move() is for states on the way")
        return self._update(
            release.deployment_id,
            f"SET #state = :to, reason = :reason, #by = :by, closed_at = :at REMOVE #{_OPEN}",
            {":to": end, ":reason": reason, ":by": by, ":at": _text(at), **_earlier(end)},
            when=_is_earlier(end),
            names={"#state": "state", "#by": "by", f"#{_OPEN}": _OPEN},
        )

    def find(self, deployment_id: str) -> Release | None:
        answer = self._client.get_item(
            TableName=self._table, Key=_stored(_key(deployment_id, _HEAD)), ConsistentRead=True
        )
        return _release(answer["Item"]) if "Item" in answer else None

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
        key = _key(deployment_id, f"step#{kind}#{discriminator}")
        answer = self._client.get_item(TableName=self._table, Key=_stored(key), ConsistentRead=True)
        return _step(answer["Item"]) if "Item" in answer else None

    def open_releases(self) -> tuple[Release, ...]:
        """All that are open, oldest first. The index lags by moments, so each is read again from the table itself."""
        items = self._items(
            IndexName=_OPEN,
            KeyConditionExpression=f"#{_OPEN} = :open",
            ExpressionAttributeNames={f"#{_OPEN}": _OPEN},
            ExpressionAttributeValues=_stored({":open": _OPEN}),
        )
        found = (self.find(_release(item).deployment_id) for item in items)
        return tuple(release for release in found if release and release.is_open)

    def releases_of(self, service: str, limit: int = 10) -> tuple[Release, ...]:
        """The newest releases of a service, newest first. `service` is `function` or `function:alias`."""
        function, _, alias = service.partition(":")
        items = self._items(
            IndexName="service",
            KeyConditionExpression="service = :service",
            ExpressionAttributeValues=_stored({":service": function}),
            ScanIndexForward=False,
        )
        releases = (_release(item) for item in items)
        return tuple(islice((release for release in releases if not alias or release.alias == alias), limit))

    def _put_new(self, item: Mapping[str, Any]) -> bool:
        return self._conditionally(
            lambda: self._client.put_item(
                TableName=self._table, Item=_stored(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def _update(
        self,
        deployment_id: str,
        change: str,
        values: Mapping[str, Any],
        *,
        when: str,
        names: Mapping[str, str],
    ) -> bool:
        return self._conditionally(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_stored(_key(deployment_id, _HEAD)),
                UpdateExpression=change,
                ConditionExpression=when,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_stored(values),
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

    def _items(self, **how: Any) -> Iterator[dict[str, Any]]:
        """The items of a query, page by page and only as far as they are read."""
        for page in self._client.get_paginator("query").paginate(TableName=self._table, **how):
            yield from page["Items"]

    def _expires(self, opened_at: datetime) -> int:
        return int((opened_at + self._keep).timestamp())


def _key(deployment_id: str, sk: str) -> dict[str, Any]:
    return {"pk": f"release#{deployment_id}", "sk": sk}


def _earlier(state: State) -> dict[str, str]:
    return {f":earlier{n}": earlier for n, earlier in enumerate(states_before(state))}


def _is_earlier(state: State) -> str:
    return f"#state IN ({', '.join(_earlier(state))})"


def _stored(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_dynamodb(str(value) if isinstance(value, str) else value) for name, value in plain.items()}


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC and of one length, so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _head(release: Release) -> dict[str, Any]:
    return _key(release.deployment_id, _HEAD) | {
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
    }


def _release(item: Mapping[str, Any]) -> Release:
    stored = {name: _from_dynamodb(value) for name, value in item.items()}
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
        closed_at=datetime.fromisoformat(stored["closed_at"]) if "closed_at" in stored else None,
    )


def _step(item: Mapping[str, Any]) -> Step:
    stored = {name: _from_dynamodb(value) for name, value in item.items()}
    return Step(
        stored["kind"],
        stored["discriminator"],
        stored["sentence"],
        datetime.fromisoformat(stored["at"]),
        stored["by"],
        stored["outcome"],
    )
