"""The board: open releases first, then the last ones, each with its chart, and how delivery goes. Pure.

How it looks is said in board_html.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .chart import Bucket, Chart, Mark, Weight
from .delivery import Delivery, Moments, moments
from .foresight import steps_of
from .release import ENDS, Release, State, Step

# Steps by what they are to the eye; all others are decisions.
_KINDS = {"opened": "gate", "trial": "gate", "smoke": "gate", "finding": "gate", "answer": "hook"}
_WAYS_BACK = frozenset({"going back", "returned", "not stopped", "not returned"})

_BAD_ENDS = ENDS - {State.RELEASED}

# What is told long after the end would make the shift a thin line at the left.
_LATER = frozenset({"guard over", "nag", "healed"})


@dataclass(frozen=True)
class Shown:
    """A release on the board. `requests` are by minute (`bucket` seconds), empty when its service counts none."""

    release: Release
    steps: tuple[Step, ...] = ()
    requests: tuple[Bucket, ...] = ()
    bucket: int = 60


@dataclass(frozen=True)
class Board:
    """What is shown at `now`. `open` and `last` are newest first; `service` is "" for every one.

    `more_open` is how many are open besides those in `open`. `wounds` are the releases that somebody must heal, however
    long ago they were.
    """

    now: datetime
    since: datetime
    until: datetime
    service: str
    delivery: Delivery
    open: tuple[Shown, ...]
    last: tuple[Shown, ...]
    more_open: int = 0
    wounds: tuple[Release, ...] = ()


def chart_of(shown: Shown, now: datetime) -> Chart:
    """The release as a chart: from the deployment's beginning to its end, its return, or now."""
    release = shown.release
    when = moments(release, shown.steps)
    end = when.back or release.closed_at or now

    def t(moment: datetime) -> float:
        return (moment - release.opened_at).total_seconds()

    return Chart(
        stable=release.stable,
        candidate=release.candidate,
        seconds=max(0.0, t(end)),
        weights=_weights(release, when, now),
        requests=shown.requests,
        marks=tuple(
            Mark(t(step.at), _mark_kind(release, step), _brief(release, step))
            for step in shown.steps
            if step.kind not in _LATER
        ),
        bucket=shown.bucket,
        caption="minutes since the deployment began",
    )


def _weights(release: Release, when: Moments, now: datetime) -> tuple[Weight, ...] | None:
    """The plan that the configuration's name tells, as far as it was carried out; None when the name tells none."""
    plan = _plan(release.configuration)
    if when.users is None or when.users > now:
        return ()
    if plan is None:
        return None
    planned = [(when.users + after, share) for after, share in plan]
    goes_back = when.decided or when.back
    ends = min(moment for moment in (when.everybody, goes_back, release.closed_at, now) if moment)
    kept = [(moment, share) for moment, share in planned if moment < ends]
    if when.everybody:
        kept.append((when.everybody, 1.0))
    if goes_back:
        kept.append((goes_back, 0.0))
    return tuple(Weight((moment - release.opened_at).total_seconds(), share) for moment, share in kept)


def _plan(configuration: str) -> list[tuple[timedelta, float]] | None:
    """How long after its beginning a shift gives which share to the candidate; None for a name that doesn't say."""
    steps = steps_of(configuration)
    if steps is None:
        return None
    plan, reached = [], timedelta()
    for step in steps:
        plan.append((reached, step.share))
        reached += timedelta(minutes=step.minutes)
    return [*plan, (reached, 1.0)]


def _mark_kind(release: Release, step: Step) -> str:
    if step.kind in _WAYS_BACK or (step.kind == "closed" and release.state in _BAD_ENDS):
        return "rollback"
    return _KINDS.get(step.kind, "decision")


def _brief(release: Release, step: Step) -> str:
    """The sentence without the service's name, which stands above."""
    return step.sentence.removeprefix(f"{release.service}: ")
