"""The statistics of CloudWatch, of values that each came so and so often. Pure.

Percentiles, percentile ranks and trimmed statistics:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rehearsal.stage.cloudwatch.metric_math import MathError

BASIC_STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")

_SHORT = re.compile(r"(p|P|tm|tc|ts|wm)(\d{1,2}(?:\.\d+)?|100)")
_NUMBER = r"(-?(?:\d+\.?\d*|\.\d+)%?)?"
_LONG = re.compile(rf"(PR|TC|TM|TS|WM)\({_NUMBER}:{_NUMBER}\)")

type Samples = Iterable[tuple[float, float]]
"""Values and how often each came, which needn't be a whole number."""


@dataclass(frozen=True)
class Percentile:
    percent: float


@dataclass(frozen=True)
class Between:
    """`kind` is PR, TC, TM, TS or WM. A bound that is None is no bound; both are values, or both percentages.

    The lower bound is excluded, the upper included.
    """

    kind: str
    low: float | None
    high: float | None
    percent: bool


def checked_statistic(stat: str) -> str:
    """A statistic that CloudWatch has. Raises MathError for another."""
    if stat not in BASIC_STATISTICS:
        extended(stat)
    return stat


def extended(stat: str) -> Percentile | Between:
    """What an extended statistic's name says. Raises MathError."""
    if stat == "IQM":
        return Between("TM", 25.0, 75.0, percent=True)
    if found := _SHORT.fullmatch(stat):
        kind, percent = found.groups()
        return Percentile(float(percent)) if kind in "pP" else Between(kind.upper(), None, float(percent), percent=True)
    if (found := _LONG.fullmatch(stat)) and any(found.groups()[1:]):
        kind, *bounds = found.groups()
        signs = {bound[-1] == "%" for bound in bounds if bound}
        low, high = (float(bound.rstrip("%")) if bound else None for bound in bounds)
        percent = signs == {True}
        in_order = low is None or high is None or low < high
        in_a_hundred = all(0 <= bound <= 100 for bound in (low, high) if bound is not None)
        if len(signs) == 1 and in_order and (in_a_hundred and kind != "PR" if percent else True):
            return Between(kind, low, high, percent)
    known = ", ".join((*BASIC_STATISTICS, "p0 to p100, tm99, tc99, ts99, wm99, IQM, PR(a:b), TC, TM, TS and WM"))
    raise MathError(f"'{stat}' is not a statistic of CloudWatch, which has {known}")


def of(samples: Samples, stat: str) -> float | None:
    """An extended statistic of at least one value, or None where it leaves none."""
    ordered = sorted(samples)
    match extended(stat):
        case Percentile(percent):
            return _percentile(ordered, percent)
        case Between(kind="PR") as rank:
            return 100 * _weight(_kept(ordered, rank)) / _weight(ordered)
        case Between(kind="TC") as count:
            return _weight(_kept(ordered, count))
        case Between(kind="TS") as total:
            return _sum(_kept(ordered, total))
        case Between(kind="TM") as mean:
            kept = _kept(ordered, mean)
            return _sum(kept) / _weight(kept) if kept else None
        case Between() as winsorized:
            return _sum(_clamped(ordered, winsorized)) / _weight(ordered)


def problem_of_alarm(stat: str, *, open_ranks: bool, between_values: bool) -> str | None:
    """Why no alarm may watch this statistic, or None.

    PutMetricAlarm documents PR(n:m) and TC, TM, TS and WM of percentages alone. ? Whether it takes PR with one bound
    (`open_ranks`) and the others between values (`between_values`).
    """
    if stat in BASIC_STATISTICS:
        return None
    match extended(stat):
        case Between(kind="PR", low=None) | Between(kind="PR", high=None) if not open_ranks:
            return f"The ExtendedStatistic '{stat}' of an alarm needs both bounds, as PR(n:m)"
        case Between(kind=kind, percent=False) if kind != "PR" and not between_values:
            return f"The ExtendedStatistic '{stat}' of an alarm needs percentages, as {kind}(X%:X%)"
    return None


def _kept(ordered: list[tuple[float, float]], between: Between) -> list[tuple[float, float]]:
    if not between.percent:
        low, high = between.low, between.high
        return [
            (value, weight)
            for value, weight in ordered
            if (low is None or value > low) and (high is None or value <= high)
        ]
    whole = _weight(ordered)
    first = whole * (between.low or 0.0) / 100
    last = whole * (100.0 if between.high is None else between.high) / 100
    kept, seen = [], 0.0
    for value, weight in ordered:
        inside = min(seen + weight, last) - max(seen, first)
        if inside > 0:
            kept.append((value, inside))
        seen += weight
    return kept


def _clamped(ordered: list[tuple[float, float]], between: Between) -> list[tuple[float, float]]:
    """What lies outside the bounds counts as the bound that it is beyond."""
    low, high = between.low, between.high
    if between.percent:
        low = None if low is None else _percentile(ordered, low)
        high = None if high is None else _percentile(ordered, high)
    least = ordered[0][0] if low is None else low
    most = ordered[-1][0] if high is None else high
    return [(min(max(value, least), most), weight) for value, weight in ordered]


def _percentile(ordered: list[tuple[float, float]], percent: float) -> float:
    """Between the two nearest ranks, as if each value stood there as often as it came."""
    rank = percent / 100 * max(_weight(ordered) - 1, 0.0)
    below, above = _at(ordered, int(rank)), _at(ordered, int(rank) + 1)
    return below + (above - below) * (rank - int(rank))


def _at(ordered: list[tuple[float, float]], index: int) -> float:
    seen = 0.0
    for value, weight in ordered:
        seen += weight
        if index < seen:
            return value
    return ordered[-1][0]


def _weight(samples: Samples) -> float:
    return float(sum(weight for _, weight in samples))


def _sum(samples: Samples) -> float:
    return float(sum(value * weight for value, weight in samples))
