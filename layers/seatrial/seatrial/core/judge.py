"""The judge: is the candidate worse than stable, is it cleared, or is there too little to tell? Pure.

A verdict may be asked for after every closed minute, and of all minutes again at each look, so that what arrives late
counts: whoever looks often gets no more false alarms than who looks once (seatrial.core.evidence).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from seatrial.core import evidence
from seatrial.core.evidence import STAKES, Row, Stakes
from seatrial.core.sections import JudgeSettings
from seatrial.core.verdict import BEFORE, STABLE, Rival, Verdict, Weighed, minutes

# What is tolerated while a candidate warms up: cold starts fail, and are slow.
TOLERATED_WARMING_UP = 5.0

# Harm, for `ok`: so many times what is tolerated. Between the two lies what is neither cleared nor worse.
HARMFUL = 2.0

# `ok` is wrong about one harmful candidate in so many at most, however often one looks …
CLEARED_AT = 20.0
# … and isn't said while the candidate looks worse than not.
LEANS_TO_WORSE = 1.1

# After 100 % there is only the time before to compare with: other hours, other users, other neighbours.
AFTER_TOLERATES, AFTER_DEMANDS = 2.0, 10.0

# A forecast beyond this helps nobody.
FORESEEABLE_MINUTES = 1_000


@dataclass(frozen=True)
class Look:
    """What the evidence has come to after a minute, as logarithms, and how many requests the candidate has had."""

    minute: int
    harm: float
    no_harm: float
    requests: int
    # The share that the minute was held against, where stable has too few requests.
    fixed: float | None = None


def judge(
    rows: Sequence[tuple[int, int, int, int]],
    settings: JudgeSettings,
    *,
    share: float = 1.0,
    metric: str = "errors",
    rival: Rival = STABLE,
    stakes: Stakes = STAKES,
) -> Verdict:
    """The verdict on one metric, from all its closed minutes in order (see Row).

    `share` is the metric's part of `false_alarms` (verdict.shares). Of the settings it reads `worse_than`, `warm_up`,
    `false_alarms`, `absolute_limit` and `min_requests`; the others say what to count and what to do about the verdict.
    """
    counted = [Row(*row) for row in rows]
    limit = 1 / (settings.false_alarms * share)
    looks = list(_until_worse(_looks(counted, settings, stakes), math.log(limit)))
    last = looks[-1] if looks else Look(minute=0, harm=0.0, no_harm=0.0, requests=0)
    weighed = Weighed(
        metric=metric,
        rival=rival,
        minute=last.minute,
        total=_total(counted[: last.minute]),
        harm=last.harm,
        limit=limit,
        no_harm=last.no_harm,
        clear_limit=CLEARED_AT,
        harmful=HARMFUL * settings.worse_than,
        course=tuple(look.harm for look in looks),
        fixed=last.fixed,
    )
    if last.harm >= math.log(limit):
        return weighed.worse()
    if clear := list(takewhile(partial(_clears, settings), reversed(looks))):
        return weighed.ok(since=clear[-1].minute)
    return weighed.inconclusive(_missing(weighed, settings))


def judge_after(
    rows: Sequence[tuple[int, int, int, int]], settings: JudgeSettings, *, share: float = 1.0, metric: str = "errors"
) -> Verdict:
    """The verdict on minutes in which the candidate serves everybody, each beside one of the hour before the release.

    What hits the service after the shift no longer hits both versions, so it tolerates AFTER_TOLERATES times as much
    and demands AFTER_DEMANDS times the evidence: its false alarms come on top of the shift's, a tenth of them.
    """
    stricter = replace(
        settings,
        worse_than=settings.worse_than * AFTER_TOLERATES,
        false_alarms=settings.false_alarms / AFTER_DEMANDS,
        min_requests=0,
    )
    return judge(rows, stricter, share=share, metric=metric, rival=BEFORE)


def judge_slow(
    rows: Sequence[tuple[int, int, int, int]],
    settings: JudgeSettings,
    *,
    share: float = 1.0,
    metric: str = "slow",
    judged: Callable[..., Verdict] = judge,
) -> Verdict:
    """The verdict on latency: a bad request is one slower than a threshold that was fixed before the release.

    The candidate's warm-up does not count at all, for there a cold start is nothing but slow; the minute still counts
    from the first row. `judged` is judge, or judge_after. There is no absolute limit: to be slow is not to fail.
    """
    counted = [Row(*row) for row in rows]
    kept = warmed_up(counted, settings)
    verdict = judged(kept, replace(settings, warm_up=0.0, absolute_limit=1.0), share=share, metric=metric)
    uncounted = len(counted) - len(kept)
    return replace(verdict, minute=verdict.minute + uncounted, course=(0.0,) * uncounted + verdict.course)


def warmed_up(rows: Sequence[Row], settings: JudgeSettings) -> list[Row]:
    """The rows after the candidate's warm-up."""
    return [row for row, warming_up in zip(rows, _warming_up(rows, settings), strict=True) if not warming_up]


def _warming_up(rows: Sequence[Row], settings: JudgeSettings) -> Iterator[bool]:
    """Whether each minute is one of the candidate's first with traffic."""
    served = 0
    for row in rows:
        served += row.cand_n > 0
        yield served * 60 < settings.warm_up + 60


def _tolerances(rows: Sequence[Row], settings: JudgeSettings) -> Iterator[float]:
    """The multiple of stable's share that each minute tolerates."""
    warming_up_tolerates = max(TOLERATED_WARMING_UP, settings.worse_than) if settings.warm_up else settings.worse_than
    for warming_up in _warming_up(rows, settings):
        yield warming_up_tolerates if warming_up else settings.worse_than


def _looks(rows: Sequence[Row], settings: JudgeSettings, stakes: Stakes) -> Iterator[Look]:
    tolerances = list(_tolerances(rows, settings))
    if settings.worse_than == max(tolerances, default=0.0):
        stakes = stakes.without_warm_up()
    held = list(zip(rows, tolerances, strict=True))
    minutes = evidence.weighed(held, settings.absolute_limit)
    harms = evidence.of_harm(held, stakes, absolute_limit=settings.absolute_limit)
    requests = 0
    looks = zip(minutes, harms, _no_harm(rows, settings), strict=True)
    for number, (minute, harm, no_harm) in enumerate(looks, start=1):
        requests += minute.row.cand_n
        yield Look(number, harm, no_harm, requests, minute.fixed)


def _no_harm(rows: Sequence[Row], settings: JudgeSettings) -> Iterator[float]:
    return evidence.of_no_harm(rows, HARMFUL * settings.worse_than, likely=(1.0, settings.worse_than))


def _until_worse(looks: Iterator[Look], log_limit: float) -> Iterator[Look]:
    """The looks up to the first with enough evidence of harm; what comes after it decides nothing any more."""
    for look in looks:
        yield look
        if look.harm >= log_limit:
            return


def _clears(settings: JudgeSettings, look: Look) -> bool:
    return (
        look.no_harm >= math.log(CLEARED_AT)
        and look.harm < math.log(LEANS_TO_WORSE)
        and look.requests >= settings.min_requests
    )


def _total(rows: Sequence[Row]) -> Row:
    return Row(*map(sum, zip(*rows, strict=True))) if rows else Row(0, 0, 0, 0)


def _missing(weighed: Weighed, settings: JudgeSettings) -> str:
    """What would have to come for a verdict."""
    requests = weighed.total.cand_n
    if not requests:
        return "users of the candidate"
    if weighed.harm >= math.log(LEANS_TO_WORSE):
        return weighed.looks_worse()
    if requests < settings.min_requests:
        return f"{settings.min_requests - requests:,} more requests of the candidate (min_requests)"
    return _forecast(weighed.total, weighed.minute, settings)


def _forecast(total: Row, judged: int, settings: JudgeSettings) -> str:
    """How much longer until `ok`, to within a tenth, if everything goes on as it went in the minutes judged."""
    needed = judged + 1
    while next(_no_harm([_times(total, needed / judged)], settings)) < math.log(CLEARED_AT):
        needed = math.ceil(needed * 1.1)
        if needed > FORESEEABLE_MINUTES:
            return (
                f"a clearer difference: with such traffic and such shares no verdict comes within "
                f"{minutes(FORESEEABLE_MINUTES)}; let more users in at once, or take longer"
            )
    more = needed - judged
    requests = float(f"{max(1.0, total.cand_n * more / judged):.2g}")
    return f"about {requests:,.0f} more requests of the candidate, {minutes(more)} as they come"


def _times(row: Row, factor: float) -> Row:
    return Row(*(round(count * factor) for count in row))
