"""A head: a release as its item has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from seatrial.aws.ledger.table import Item, moment, readable, text
from seatrial.core import bounds, sections
from seatrial.core.release import Release, State

# The attribute of those that somebody must still look at, and the index of all that have it.
OPEN = "open"

# The attribute of the one item in that index that is no head: the ids of the releases that the last tick left.
LEFT = "left"


def key(deployment_id: str) -> Item:
    return {"pk": partition(deployment_id), "sk": "release"}


def partition(deployment_id: str) -> str:
    return f"release#{deployment_id}"


def expires(release: Release, keep: timedelta) -> Item:
    """When DynamoDB may delete what belongs to the release: its time to live, in epoch seconds."""
    return {"expires": int((release.opened_at + keep).timestamp())}


def written(release: Release) -> Item:
    """Without what only comes later: when everybody came to it, until when it bakes, verdicts, when it was closed."""
    settings = {
        "bake": release.bake,
        "guard": release.guard,
        "dry_run": release.dry_run,
        "judge": asdict(release.judge),
        "slow_above": release.slow_above,
    }
    return {
        "deployment_id": release.deployment_id,
        "application": release.application,
        "deployment_group": release.group,
        "service": release.function,
        "alias": release.alias,
        "stable": release.stable,
        "candidate": release.candidate,
        "opened_at": text(release.opened_at),
        "state": release.state,
        "configuration": release.configuration,
        "alarms": list(release.alarms),
        "reason": release.reason,
        "by": release.by,
        "settings": json.dumps(settings, sort_keys=True),
        "hook": release.hook,
        "fix": release.fix,
        **({"made_at": text(release.made_at)} if release.made_at else {}),
        **({"traffic_from": text(release.traffic_from)} if release.traffic_from else {}),
        **({"traffic_until": text(release.traffic_until)} if release.traffic_until else {}),
    }


def read_all(items: Iterable[Mapping[str, Any]]) -> Iterator[Release]:
    """Those that can be read."""
    return readable(items, read)


def read(item: Mapping[str, Any]) -> Release:
    """What other versions of Seatrial have stored is clamped to the bounds of this one."""
    settings = json.loads(item["settings"])
    return Release(
        deployment_id=item["deployment_id"],
        application=item["application"],
        group=item["deployment_group"],
        function=item["service"],
        alias=item["alias"],
        stable=item["stable"],
        candidate=item["candidate"],
        opened_at=datetime.fromisoformat(item["opened_at"]),
        state=State(item["state"]),
        configuration=item["configuration"],
        alarms=tuple(item["alarms"])[: bounds.ALARMS_OF_A_RELEASE],
        reason=item["reason"],
        by=item["by"],
        closed_at=moment(item, "closed_at"),
        bake=bounds.BAKE.clamped(settings.get("bake"), 0.0),
        guard=bounds.GUARD.clamped(settings.get("guard"), 0.0),
        dry_run=settings.get("dry_run", False),
        hook=item["hook"],
        bake_until=moment(item, "bake_until"),
        fix=item["fix"],
        made_at=moment(item, "made_at"),
        compared=item.get("compared", False),
        everybody_at=moment(item, "everybody_at"),
        judge=sections.stored_judge(settings.get("judge", {})),
        slow_above=settings.get("slow_above"),
        verdict=item.get("verdict", ""),
        costed_until=moment(item, "costed_until"),
        traffic_from=moment(item, "traffic_from"),
        traffic_until=moment(item, "traffic_until"),
    )
