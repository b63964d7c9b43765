"""Which release an alarm belongs to, when one that had traffic has been rolled back. Pure.

CloudWatch evaluates the data of several periods together. An alarm that fired on the traffic of a release therefore
goes on firing after the rollback of that release, and says nothing yet about the version that has the traffic again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .events import AlarmChanged
from .release import Release, State

# CloudWatch retrieves more data points than it evaluates, so that it has enough where some are missing ("Evaluating
# an alarm", user guide: five for three). A sparse metric therefore stays in ALARM for that much longer.
_RETRIEVED_BESIDES = 2

# No alarm may wait longer: the longest evaluation that CloudWatch allows for periods below an hour is a day.
LONGEST_SPAN = timedelta(days=1)

# For an alarm that does not say how long it evaluates.
UNKNOWN_SPAN = timedelta(minutes=15)

# A composite alarm may name composite alarms; deeper ones are not followed.
DEEPEST = 3

_NAMED = re.compile(
    r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]{1,255})"|'([^']{1,255})'|([^\s"')]{1,255}))\s*\)"""
)


@dataclass(frozen=True)
class Watch:
    """How an alarm looks at its data. `span` is how long data of the past can keep it in ALARM.

    `fires`: it is in ALARM now. `keeps`: missing data leave its state as it is, so that its being in ALARM says nothing
    about data of today.
    """

    span: timedelta = LONGEST_SPAN
    fires: bool = True
    keeps: bool = False


@dataclass(frozen=True)
class Owner:
    """The release whose traffic an alarm speaks of. `until` is when that ends; None while it may have traffic."""

    release: Release
    until: datetime | None


# Rolled back, or on its way: these releases had traffic and are no longer to have any.
_ROLLED_BACK = frozenset(
    {
        State.GOING_BACK,
        State.TAKEN_BACK,
        State.STRANDED,
        State.RETURNING,
        State.RETURNED,
        State.HEALED,
    }
)

# Their traffic has ended. A ledger from before `traffic_until` says at least when their deployment ended.
_ENDED = frozenset({State.TAKEN_BACK, State.RETURNED, State.HEALED})


def span(period: int | None, evaluation_periods: int | None) -> timedelta:
    """How long one alarm looks back: `period` is in seconds, both are None where CloudWatch does not give them."""
    if not period or not evaluation_periods:
        return UNKNOWN_SPAN
    return min(timedelta(seconds=period * (evaluation_periods + _RETRIEVED_BESIDES)), LONGEST_SPAN)


def children(rule: str) -> tuple[str, ...]:
    """The alarms that a composite alarm's rule names. A name may be given as an ARN."""
    found = ("".join(groups) for groups in _NAMED.findall(rule))
    return tuple(dict.fromkeys(one.split(":alarm:", 1)[-1] for one in found))


def together(watches: Iterable[Watch], *, fires: bool) -> Watch:
    """A composite alarm by its children: it looks back as far as the one that looks back farthest."""
    known = list(watches)
    firing = [one for one in known if one.fires]
    return Watch(
        span=max((one.span for one in known), default=UNKNOWN_SPAN),
        fires=fires,
        keeps=bool(firing) and all(one.keeps for one in firing),
    )


def owner(release: Release, alarm: AlarmChanged, among: Sequence[Release], look_back: timedelta) -> Owner | None:
    """The other release that the alarm belongs to; None when it is this one's.

    That is a later release of the same service, or one of another service that names the alarm, which was rolled back,
    by whomever, and whose data were in the alarm's evaluation when it fired. Of several the one that lasts longest.
    """
    found = [
        Owner(one, _until(one, look_back))
        for one in among
        if one.state in _ROLLED_BACK and _may_own(one, release, alarm) and _fired_on(one, alarm, look_back)
    ]
    return max(found, key=lambda one: (one.until is None, one.until or alarm.at), default=None)


def _may_own(one: Release, release: Release, alarm: AlarmChanged) -> bool:
    if one.service == release.service:
        return one.opened_at > release.opened_at
    return alarm.alarm in one.alarms


def _fired_on(one: Release, alarm: AlarmChanged, look_back: timedelta) -> bool:
    until = _until(one, look_back)
    return (one.traffic_from or one.opened_at) <= alarm.at and (until is None or alarm.at <= until)


def _until(one: Release, look_back: timedelta) -> datetime | None:
    """A release that is rolling back, or whose rollback failed, may have traffic still."""
    ended = one.traffic_until or (one.closed_at if one.state in _ENDED else None)
    return ended + look_back if ended else None
