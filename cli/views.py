"""What the command line shows, as values and lines of text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cli.standing import Standing
from seatrial.core import rollback_story
from seatrial.core.fix import Grant
from seatrial.core.holds import ALL, Hold
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
    said = {"at": shown.at.isoformat(), "kind": shown.kind, "sentence": shown.sentence, "by": shown.by}
    return said | ({"detail": shown.detail} if shown.detail else {})


def standing(found: Standing) -> dict[str, Any]:
    return {
        "releases": [release(one) for one in found.releases],
        "holds": [
            {"service": one.service, "who": one.who, "reason": one.reason, "since": one.since.isoformat()}
            for one in found.holds
        ],
        "grants": [
            {
                "service": one.service,
                "who": one.who,
                "reason": one.reason,
                "until": one.until.isoformat(),
                "release": one.release or None,
            }
            for one in found.grants
        ],
    }


def status(found: Standing, service: str = "") -> list[str]:
    """Holds and grants first, since they decide about the next release; then one line a release, newest first."""
    none = f"the ledger has no release of {service}" if service else "no release is open"
    releases = [_line(one) for one in found.releases] or [none]
    wounds = [rollback_story.to_be_healed(one) for one in found.releases if one.is_to_be_healed]
    return [*map(_hold, found.holds), *map(_grant, found.grants), *releases, *wounds]


def to_be_healed(releases: Sequence[Release]) -> str:
    """What there is to heal after a late rollback, with the commands; "" when there is nothing."""
    wounded = next((one for one in releases if one.is_to_be_healed), None)
    return rollback_story.to_be_healed(wounded) if wounded else ""


def _hold(hold: Hold) -> str:
    whom, lift = ("every service", "--all") if hold.service == ALL else (hold.service, hold.service)
    return (
        f"HOLD on {whom} since {hold.since:%Y-%m-%d %H:%M} UTC by {hold.who}: {hold.reason}. "
        f"Next: seatrial resume {lift} --reason …"
    )


def _grant(grant: Grant) -> str:
    use = (
        f"release {grant.release} uses it" if grant.release else f"unused, open until {grant.until:%Y-%m-%d %H:%M} UTC"
    )
    return f"HOTFIX GRANT for {grant.service} by {grant.who}: {grant.reason}; {use}"


def _line(one: Release) -> str:
    by = f" by {one.by}" if one.by and one.reason else ""
    why = f": {one.reason}" if one.reason else ""
    opened = f"{one.opened_at:%Y-%m-%d %H:%M:%S}"
    return f"{opened}  {one.deployment_id}  {one.service}  {one.stable} → {one.candidate}  {one.state}{by}{why}"
