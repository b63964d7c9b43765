"""What comes of a bake: how long it takes, and whether it ends well, waits for a verdict or ends badly. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from .bounds import BAKE
from .release import Release, State
from .verdict import Word


class End(Enum):
    """What comes of a bake at the moment."""

    NOT_YET = auto()
    WAITS = auto()  # its time is over, but the judge can't tell yet and its suite says `wait`
    PASSES = auto()
    UNJUDGED = auto()  # passes, and people must know that there is no verdict
    FAILS = auto()


def until(release: Release, now: datetime) -> datetime:
    """When a bake that begins now is over."""
    return min(now + timedelta(seconds=release.bake), waits_until(release, now))


def waits_until(release: Release, now: datetime) -> datetime:
    """Bake and wait together leave time to go back within CodeDeploy's hour, which began when everybody came."""
    return (release.everybody_at or now) + timedelta(seconds=BAKE.most)


def waits_for_a_verdict(release: Release) -> bool:
    """A fix waits for no verdict, and a dry run for nothing."""
    return release.judge.on_inconclusive == "wait" and not release.fix and not release.dry_run


def end(release: Release, verdict: Word | None, now: datetime) -> End:
    """`verdict` is None while what was counted can't be read: no bake ends well on that, until it must."""
    if release.state is not State.BAKING or release.bake_until is None or now < release.bake_until:
        return End.NOT_YET
    if verdict == "ok" or release.dry_run:
        return End.PASSES
    if verdict == "worse":  # it is on its way back, or will be at the next tick
        return End.NOT_YET
    if now < waits_until(release, release.bake_until):
        if verdict is None:
            return End.NOT_YET
        if waits_for_a_verdict(release):
            return End.WAITS
    if release.judge.on_inconclusive == "stop" and not release.fix:
        return End.FAILS
    return End.PASSES if verdict and release.judge.on_inconclusive == "continue" else End.UNJUDGED
