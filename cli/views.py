"""What the command line shows, as values and lines of text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seatrial.core import rollback_story
from seatrial.core.release import Release, Step


def release(shown: Release) -> dict[str, Any]:
    """A release for `--json`; moments are ISO 8601 in UTC."""
    return {
        "deployment": shown.deployment_id,
        "service": shown.service,
        "stable": shown.stable,
        "candidate": shown.candidate,
        "state": str(shown.state),
        "open": shown.is_open,
        "reason": shown.reason,
        "by": shown.by,
        "opened_at": shown.opened_at.isoformat(),
        "closed_at": shown.closed_at.isoformat() if shown.closed_at else None,
    }


def step(shown: Step) -> dict[str, Any]:
    return {"at": shown.at.isoformat(), "kind": shown.kind, "sentence": shown.sentence, "by": shown.by}


def status(releases: Sequence[Release], service: str = "") -> list[str]:
    """One line a release, newest first: of `service`, or all that are open."""
    if not releases:
        return [f"the ledger has no release of {service}" if service else "no release is open"]
    newest_first = sorted(releases, key=lambda one: one.opened_at, reverse=True)
    wounds = [rollback_story.to_be_healed(one) for one in newest_first if one.is_to_be_healed]
    return [*(_line(one) for one in newest_first), *wounds]


def to_be_healed(releases: Sequence[Release]) -> str:
    """What there is to heal after a late rollback, with the commands; "" when there is nothing."""
    wounded = next((one for one in releases if one.is_to_be_healed), None)
    return rollback_story.to_be_healed(wounded) if wounded else ""


def _line(one: Release) -> str:
    by = f" by {one.by}" if one.by and one.reason else ""
    why = f": {one.reason}" if one.reason else ""
    opened = f"{one.opened_at:%Y-%m-%d %H:%M:%S}"
    return f"{opened}  {one.deployment_id}  {one.service}  {one.stable} → {one.candidate}  {one.state}{by}{why}"
