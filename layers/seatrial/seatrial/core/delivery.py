"""How fast and how safely a team delivers, and how long the parts of one release took. Pure; docs/board.md defines it.

Everything is counted from the ledger alone, in the ledger's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from .release import Release, State, Step

# Their deployments ended well: for a while at least, everybody was on the candidate.
_REACHED_EVERYBODY = frozenset({State.RELEASED, State.RETURNING, State.RETURNED, State.HEALED})

# Users met the candidate, and it did not stay. A refusal is none of these: nobody met it.
_FAILED = frozenset({State.TAKEN_BACK, State.STRANDED, State.RETURNING, State.RETURNED, State.HEALED})

# The metrics of what a release took.
OF_A_DEPLOYMENT = ("ReleaseDuration", "TrialDuration")
OF_A_DEPLOYMENT_STEPS = ("opened", "trial")
"""The kinds of steps that these metrics need. Each release has at most one of each kind."""
OF_A_WAY_BACK = ("TimeToDetect", "TimeToRecover")

_PRE_TRAFFIC, _POST_TRAFFIC, _MONITOR = "functions/pre_traffic", "functions/post_traffic", "functions/monitor"


@dataclass(frozen=True)
class Moments:
    """When a release came to what, as its steps say; None for what has not happened or left no step.

    `tried`: the trial's result. `users`: the first of them could meet the candidate. `everybody`: all of them did.
    `decided`: it is to go back. `back`: they all are on stable again.
    """

    tried: datetime | None = None
    users: datetime | None = None
    everybody: datetime | None = None
    decided: datetime | None = None
    back: datetime | None = None


def moments(release: Release, steps: Iterable[Step]) -> Moments:
    """A release that is refused has no users, even if pre_traffic had let it begin: an alarm was faster."""
    oldest_first = sorted(steps, key=lambda step: step.at)

    def first(*wanted: tuple[str, str, str]) -> datetime | None:
        """Of the steps of these kinds, by and outcome; "" is any."""
        found = (step.at for step in oldest_first for each in wanted if _is(step, *each))
        return next(found, None)

    tried = first(("trial", "", ""))
    if release.state is State.REFUSED:
        return Moments(tried)
    returned = first(("returned", "", ""))
    decided = first(
        ("going back", "", ""),
        ("answer", _POST_TRAFFIC, "Failed"),
        ("answer", _MONITOR, "Failed"),  # at the end of a bake
        ("returning", "", ""),
        ("returned", "", ""),
    )
    confirmed = first(("smoke", "", ""), ("baking", "", ""), ("answer", _POST_TRAFFIC, ""))
    return Moments(
        tried=tried,
        users=first(("answer", _PRE_TRAFFIC, "Succeeded"), ("hands off", "", ""), ("shifting", "", "")),
        everybody=release.everybody_at or confirmed or everybody_at(release),
        decided=decided,
        back=release.closed_at if release.state is State.TAKEN_BACK else returned,
    )


def everybody_at(release: Release) -> datetime | None:
    """When all users had the candidate; where nobody noted it, its deployment's end, less the bake before it."""
    if release.everybody_at or release.state not in _REACHED_EVERYBODY:
        return release.everybody_at
    return release.bake_until - timedelta(seconds=release.bake) if release.bake_until else release.closed_at


def has_failed(release: Release) -> bool:
    """Whether users met it and it did not stay."""
    return release.state in _FAILED


def spans(release: Release, steps: Sequence[Step]) -> dict[str, timedelta]:
    """What a closed release, or its way back after that, took, by the metric that tells it: only what is known."""
    when = moments(release, steps)
    opened = next((step.at for step in steps if step.kind == "opened"), None)
    known = {
        "ReleaseDuration": (release.opened_at, release.closed_at),
        "TrialDuration": (opened, when.tried),
        "TimeToDetect": (when.users, when.decided),
        "TimeToRecover": (when.decided, when.back),
    }
    return {name: max(to - since, timedelta()) for name, (since, to) in known.items() if since and to}


@dataclass(frozen=True)
class Delivery:
    """The four figures over `days`. Medians are None where there is nothing to take them of.

    `released` reached everybody, `failed` met users and did not stay (some after they had reached everybody), `refused`
    met none, `stranded` failed and has no known end.
    """

    days: float
    released: int
    failed: int
    refused: int
    stranded: int
    met_users: int
    lead: timedelta | None
    restore: timedelta | None

    @property
    def a_day(self) -> float:
        return self.released / self.days

    @property
    def failure_rate(self) -> float | None:
        """The share of releases that users met and that did not stay, 0.0 to 1.0."""
        return self.failed / self.met_users if self.met_users else None


def delivery(releases: Iterable[Release], steps: Mapping[str, Sequence[Step]], days: float) -> Delivery:
    """`steps` has those of the releases that failed, by deployment; open releases don't count yet."""
    closed = [release for release in releases if not release.is_open]
    reached = [release for release in closed if release.state in _REACHED_EVERYBODY]
    failed = [release for release in closed if has_failed(release)]
    leads = [
        max(everybody - (release.made_at or release.opened_at), timedelta())
        for release in reached
        if (everybody := everybody_at(release))
    ]
    ends = [moments(release, steps.get(release.deployment_id, ())) for release in failed]
    return Delivery(
        days=days,
        released=len(reached),
        failed=len(failed),
        refused=sum(release.state is State.REFUSED for release in closed),
        stranded=sum(release.state is State.STRANDED for release in closed),
        met_users=sum(release.state in _REACHED_EVERYBODY | _FAILED for release in closed),
        lead=_median(leads),
        restore=_median([end.back - end.users for end in ends if end.back and end.users]),
    )


def _is(step: Step, kind: str, by: str, outcome: str) -> bool:
    return step.kind == kind and by in ("", step.by) and outcome in ("", step.outcome)


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(span.total_seconds() for span in spans)) if spans else None
