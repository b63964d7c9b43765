"""MiniStack keeps metrics in the order in which they came: here each metric's points stand in the order of their times.

A point knows whether it was put at high resolution: only such points are seen in periods of less than a minute.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html#high-resolution-metrics
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch

from rehearsal.stage.cloudwatch import statistics
from rehearsal.stage.cloudwatch.metric_math import Series
from rehearsal.stage.cloudwatch.metric_queries import Grid, MetricStat

HIGH, STANDARD = RESOLUTIONS = (1, 60)
"""StorageResolution, in seconds."""
CROWDED = 20_000
KEPT_SECONDS = 3 * 3600
"""A metric of more than CROWDED points keeps the newest three hours of stage time, an hour more at most."""

type Point = dict[str, Any]

# Invokes are recorded by their own threads while requests and alarms read.
_lock = threading.RLock()


def keep_datum(
    namespace: str, datum: Mapping[str, Any], dimensions: Mapping[str, str], at: float, resolution: int
) -> None:
    """One MetricDatum: each of its Values as often as its Counts say, a statistic set, or a single Value."""
    base = {"Timestamp": at, "Unit": datum.get("Unit") or "None", "Dimensions": dimensions, "Resolution": resolution}
    name = str(datum["MetricName"])
    if values := datum.get("Values"):
        for value, count in zip(values, datum.get("Counts") or [1.0] * len(values), strict=True):
            _add(namespace, name, dimensions, {**base, "Value": float(value), "Count": float(count)})
    elif stats := datum.get("StatisticValues"):
        numbers = {key: float(value) for key, value in stats.items()}
        count = numbers.get("SampleCount", 0.0)
        mean = numbers.get("Sum", 0.0) / count if count else 0.0
        _add(namespace, name, dimensions, {**base, "Value": mean, "_stat": numbers})
    else:
        _add(namespace, name, dimensions, {**base, "Value": float(datum.get("Value") or 0)})


def keep(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    at: float,
    unit: str,
    value: float,
    resolution: int = STANDARD,
) -> None:
    """One value. Equal ones of one second, CloudWatch's resolution, are one point with a count."""
    second = float(int(at))
    new = {"Timestamp": second, "Unit": unit, "Dimensions": dimensions, "Resolution": resolution, "Value": value}
    with _lock:
        points = _bucket(namespace, name, dimensions)
        place = bisect.bisect_right(points, second, key=_time_of)
        for same in reversed(points[bisect.bisect_left(points, second, key=_time_of) : place]):
            if "_stat" not in same and all(same[key] == new[key] for key in ("Value", "Unit", "Resolution")):
                same["Count"] = same.get("Count", 1.0) + 1
                return
        points.insert(place, new)
        _thin_out(points)


def series(metric: MetricStat, grid: Grid) -> Series:
    """The statistic of a metric in each period of `grid` that has data, in the current account and Region."""
    with _lock:
        points = cloudwatch._metrics.get((metric.namespace, metric.name, cloudwatch._dims_key(dict(metric.dimensions))))
        if not points:
            return {}
        first = bisect.bisect_left(points, float(grid.start), key=_time_of)
        found = points[first : bisect.bisect_left(points, float(grid.end), key=_time_of)]
    periods: dict[int, list[Point]] = {}
    for point in found:
        in_view = grid.period >= STANDARD or point["Resolution"] == HIGH
        if in_view and (metric.unit is None or point["Unit"] == metric.unit):
            begins = grid.start + int((point["Timestamp"] - grid.start) // grid.period) * grid.period
            periods.setdefault(begins, []).append(point)
    values = {begins: statistic(in_period, metric.stat) for begins, in_period in periods.items()}
    return {begins: value for begins, value in values.items() if value is not None}


def statistic(points: list[Point], stat: str) -> float | None:
    """One statistic of some points, or None where they have none (extended ones of published statistic sets)."""
    if stat in statistics.BASIC_STATISTICS:
        value = cloudwatch._calc_stats(points).get(stat)
        return None if value is None else float(value)
    samples: list[tuple[float, float]] | None = cloudwatch._percentile_samples(points)
    return None if samples is None else statistics.of(samples, stat)


def _add(namespace: str, name: str, dimensions: Mapping[str, str], point: Point) -> None:
    with _lock:
        points = _bucket(namespace, name, dimensions)
        bisect.insort(points, point, key=_time_of)
        _thin_out(points)


def _bucket(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Point]:
    return cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))  # type: ignore[no-any-return]


def _thin_out(points: list[Point]) -> None:
    newest = _time_of(points[-1])
    if len(points) > CROWDED and _time_of(points[0]) < newest - KEPT_SECONDS - 3600:
        del points[: bisect.bisect_left(points, newest - KEPT_SECONDS, key=_time_of)]


def _time_of(point: Mapping[str, Any]) -> float:
    return float(point["Timestamp"])


def _record_metric(
    namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
) -> None:
    """In the place of MiniStack's, for its own services: now is stage time already."""
    keep(namespace, metric_name, dict(dimensions or {}), cloudwatch.time.time(), unit, float(value))


def _keep_all() -> None:
    """In the place of MiniStack's eviction, which copies every metric on every request."""


def install() -> None:
    """Put this in the place of MiniStack's store."""
    cloudwatch.record_metric = _record_metric
    cloudwatch._evict_old_metrics = _keep_all
