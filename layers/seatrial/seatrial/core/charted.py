"""A release as a chart: what was planned, what was counted, what the judge made of that, and what happened. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from seatrial.core import judging
from seatrial.core.board import Shown
from seatrial.core.chart import Bucket, Chart, Course, Mark, Told, Weight
from seatrial.core.counted import Counted, Minutes
from seatrial.core.delivery import Moments, moments
from seatrial.core.foresight import steps_of
from seatrial.core.release import ENDS, Release, State, Step
from seatrial.core.sides import ERRORS, OUTCOMES
from seatrial.core.verdict import Verdict

# Steps by what they are to the eye; all others are decisions.
_KINDS = {
    **dict.fromkeys(("opened", "slow", "foresight", "finding", "trial", "smoke"), "gate"),
    "answer": "hook",
}
_WAYS_BACK = frozenset({"going back", "returning", "returned", "not stopped", "not returned"})

_BAD_ENDS = ENDS - {State.RELEASED}

# What is true of the release as a whole …
_FACTS = ("besides", "cost")
# … and what is told long after the end, which would make the shift a thin line at the left, is no mark in it.
_NO_MARKS = frozenset({*_FACTS, "guard over", "nag", "healed"})

_MINUTE = 60.0


def chart(shown: Shown, now: datetime) -> Chart:
    """From the deployment's beginning to its end, its return, or now."""
    release, counted = shown.release, shown.counted
    when = moments(release, shown.steps)
    end = when.back or release.closed_at or now
    return Chart(
        stable=release.stable,
        candidate=release.candidate,
        seconds=max(0.0, _since_opened(release, end)),
        weights=_weights(release, when, now),
        requests=tuple(buckets(release, counted)) if counted else (),
        marks=tuple(
            Mark(_since_opened(release, step.at), _mark_kind(release, step), _brief(release, step))
            for step in shown.steps
            if step.kind not in _NO_MARKS
        ),
        bucket=_MINUTE,
        caption="minutes since the deployment began",
        bad="Bad outcomes" if counted is None or _metric(counted) == OUTCOMES else "Lambda errors",
        courses=tuple(courses(release, counted, shown.verdict)) if counted and shown.verdict else (),
        judged=tuple(told(counted, shown.verdict)) if counted and shown.verdict else (),
    )


def facts(shown: Shown) -> Iterator[str]:
    """What it changes besides code and what it did cost, each by the last word about it."""
    for kind in _FACTS:
        said = [step for step in shown.steps if step.kind == kind]
        if said:
            yield _brief(shown.release, max(said, key=lambda step: step.at))


def buckets(release: Release, counted: Counted) -> Iterator[Bucket]:
    """The minutes that the judge reads. After 100 % they hold the hour before beside the candidate: left out here."""
    metric = _metric(counted)
    for start, row in _each(release, counted.shift, metric):
        yield Bucket(start, *row)
    if counted.after:
        for start, row in _each(release, counted.after, metric):
            yield Bucket(start, 0, 0, row[2], row[3])


def courses(release: Release, counted: Counted, verdict: Verdict) -> Iterator[Course]:
    """The evidence by each metric, while both versions served and after 100 %, as far as it decided anything."""
    phases = (counted.shift, *([counted.after] if counted.after else []))
    for minutes, judged in zip(phases, verdict.parts, strict=False):
        for each in judged.parts:
            if each.course:
                limit = math.log(each.limit)
                reached = tuple((log - limit) / math.log(10) for log in each.course)
                yield Course(each.metric, _since_opened(release, minutes.since), each.limit, reached)


def told(counted: Counted, verdict: Verdict) -> Iterator[Told]:
    """A sentence for each metric, first while both versions served and then after 100 %, and what is nobody's fault."""
    for phase, when in zip(verdict.parts, ("", "since 100 %, "), strict=False):
        for each in phase.parts:
            yield Told(each.verdict, when + each.sentence)
    for beside in judging.besides(counted):
        yield Told("", beside)


def _each(release: Release, minutes: Minutes, metric: str) -> Iterator[tuple[float, tuple[int, int, int, int]]]:
    since = _since_opened(release, minutes.since)
    for number, row in enumerate(minutes.rows[metric]):
        if row.base_n or row.cand_n:
            yield since + _MINUTE * number, row


def _metric(counted: Counted) -> str:
    """What is drawn: outcomes where the service reports them, else what Lambda itself calls an error."""
    return OUTCOMES if OUTCOMES in counted.shift.rows else ERRORS


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
    return tuple(Weight(_since_opened(release, moment), share) for moment, share in kept)


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


def _since_opened(release: Release, moment: datetime) -> float:
    return (moment - release.opened_at).total_seconds()
