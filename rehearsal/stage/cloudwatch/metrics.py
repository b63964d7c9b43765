"""Gap of MiniStack: AWS/Lambda metrics carry FunctionName alone, EMF lines are no metrics, GetMetricData knows no math.

Here invokes are counted in the dimension sets that Lambda uses, embedded metrics of a log become points, times come as
wall time and are kept as stage time, and a query without dimensions means the metric that has none.
"""

from __future__ import annotations

import bisect
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from rehearsal.stage.cloudwatch.emf import Point, emf_points
from rehearsal.stage.cloudwatch.metric_math import MathError, Series
from rehearsal.stage.cloudwatch.metric_queries import (
    BASIC_STATISTICS,
    BETWEEN,
    Grid,
    MetricStat,
    Query,
    Solution,
    aligned,
    checked_period,
    checked_statistic,
    queries_of,
)
from seatrial.settings import Clock

__all__ = ["Point", "Running", "absorb", "emf_points", "install", "record_invoke", "series"]

QUERIES_LIMIT = 500
DATAPOINTS_LIMIT = 100_800
CROWDED = 20_000
KEPT_SECONDS = 3 * 3600
"""A metric of more than CROWDED points keeps the newest three hours of stage time, an hour more at most."""

# Invokes are recorded by their own threads while requests and alarms read.
_lock = threading.RLock()


@dataclass(frozen=True)
class Running:
    """What turns wall time into the stage time that the store keeps."""

    clock: Clock

    def record_invoke(
        self,
        function: str,
        resource_qualifier: str | None,
        executed_version: str,
        *,
        started: float,
        duration_ms: float,
        error: bool,
        throttle: bool,
    ) -> None:
        at = self.clock.at(started)
        for dimensions in invoke_dimensions(function, resource_qualifier, executed_version, throttle=throttle):
            for name, value, unit in invoke_values(duration_ms, error=error, throttle=throttle):
                _store("AWS/Lambda", name, dimensions, at, unit, value)

    def absorb(self, log_text: str) -> int:
        now = time.time()
        stored = 0
        for line in log_text.splitlines():
            for point in emf_points(line, now):
                at = self.clock.at(point.time)
                for value in point.values:
                    _store(point.namespace, point.name, dict(point.dimensions), at, point.unit, value)
                    stored += 1
        return stored

    def put_metric_data(self, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        """Explicit times of a PutMetricData are the caller's wall time."""
        if is_cbor or is_json:
            listed = [
                {**datum, "Timestamp": self.clock.at(at)}
                if (at := cloudwatch._parse_ts(datum.get("Timestamp"))) is not None
                else datum
                for datum in data.get("MetricData", [])
            ]
            return _put_metric_data(params, {**data, "MetricData": listed}, is_cbor, is_json)
        for name in [name for name in params if re.fullmatch(r"MetricData\.member\.\d+\.Timestamp", name)]:
            at = cloudwatch._parse_ts(cloudwatch._p(params, name))
            if at is not None:
                params[name] = [repr(self.clock.at(at))]
        return _put_metric_data(params, data, is_cbor, is_json)


def invoke_dimensions(
    function: str, qualifier: str | None, version: str, *, throttle: bool
) -> Iterator[dict[str, str]]:
    """The dimension sets in which one invoke is counted; `qualifier` is what the caller named, if anything.

    ExecutedVersion stands beside an alias only, and a throttled invoke runs no version.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    resource = f"{function}:{qualifier}" if qualifier else function
    yield {}
    yield {"FunctionName": function}
    yield {"FunctionName": function, "Resource": resource}
    is_alias = bool(qualifier) and qualifier != "$LATEST" and not str(qualifier).isdigit()
    if is_alias and not throttle:
        yield {"FunctionName": function, "Resource": resource, "ExecutedVersion": version}


def invoke_values(duration_ms: float, *, error: bool, throttle: bool) -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of what one invoke adds. A throttled one is neither an invocation nor an error."""
    yield "Throttles", float(throttle), "Count"
    if not throttle:
        yield "Invocations", 1.0, "Count"
        yield "Errors", float(error), "Count"
        yield "Duration", duration_ms, "Milliseconds"


# The store: MiniStack's, with each metric's points kept in the order of their times


def _add(namespace: str, name: str, dimensions: Mapping[str, str], point: dict[str, Any]) -> None:
    with _lock:
        points = _bucket(namespace, name, dimensions)
        bisect.insort(points, point, key=_time_of)
        _thin_out(points)


def _bucket(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
    return cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))  # type: ignore[no-any-return]


def _thin_out(points: list[dict[str, Any]]) -> None:
    newest = _time_of(points[-1])
    if len(points) > CROWDED and _time_of(points[0]) < newest - KEPT_SECONDS - 3600:
        del points[: bisect.bisect_left(points, newest - KEPT_SECONDS, key=_time_of)]


def _time_of(point: Mapping[str, Any]) -> float:
    return float(point["Timestamp"])


def _store(namespace: str, name: str, dimensions: Mapping[str, str], at: float, unit: str, value: float) -> None:
    """Keep one value. Equal ones of one second, CloudWatch's resolution, are one point with a count."""
    second = float(int(at))
    with _lock:
        points = _bucket(namespace, name, dimensions)
        place = bisect.bisect_right(points, second, key=_time_of)
        for same in reversed(points[bisect.bisect_left(points, second, key=_time_of) : place]):
            if same["Value"] == value and same["Unit"] == unit and "_stat" not in same:
                same["Count"] = same.get("Count", 1.0) + 1
                return
        points.insert(place, {"Timestamp": second, "Unit": unit, "Dimensions": dimensions, "Value": value})
        _thin_out(points)


def _store_datum(
    namespace: str,
    name: str,
    dims: dict[str, str],
    ts: float,
    unit: str,
    value: Any,
    values: Any,
    counts: Any,
    stats: Any,
) -> None:
    """In the place of MiniStack's: the same points, in order."""
    base = {"Timestamp": ts, "Unit": unit, "Dimensions": dims}
    if values is not None:
        for each, count in zip(values, counts or [1.0] * len(values), strict=False):
            _add(namespace, name, dims, {**base, "Value": float(each), "Count": float(count)})
    elif stats is not None:
        count = float(stats.get("SampleCount", 0))
        mean = float(stats.get("Sum", 0)) / count if count else 0.0
        _add(namespace, name, dims, {**base, "Value": mean, "_stat": stats})
    else:
        _add(namespace, name, dims, {**base, "Value": float(value or 0)})


def _record_metric(
    namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
) -> None:
    """In the place of MiniStack's, for its own services: now is stage time already."""
    _store(namespace, metric_name, dict(dimensions or {}), cloudwatch.time.time(), unit, float(value))


def _keep_all() -> None:
    """In the place of MiniStack's eviction, which copies every metric on every request."""


def series(metric: MetricStat, grid: Grid) -> Series:
    """The statistic of a metric in each period of `grid` that has data, in the current account and Region."""
    with _lock:
        points = cloudwatch._metrics.get((metric.namespace, metric.name, cloudwatch._dims_key(dict(metric.dimensions))))
        if not points:
            return {}
        first = bisect.bisect_left(points, float(grid.start), key=_time_of)
        found = points[first : bisect.bisect_left(points, float(grid.end), key=_time_of)]
    periods: dict[int, list[dict[str, Any]]] = {}
    for point in found:
        if metric.unit is None or point["Unit"] == metric.unit:
            begins = grid.start + int((point["Timestamp"] - grid.start) // grid.period) * grid.period
            periods.setdefault(begins, []).append(point)
    values = {begins: statistic(in_period, metric.stat) for begins, in_period in periods.items()}
    return {begins: value for begins, value in values.items() if value is not None}


def statistic(points: list[dict[str, Any]], stat: str) -> float | None:
    """One statistic of MiniStack's points, or None where they have none (percentiles of published statistic sets)."""
    if stat in BASIC_STATISTICS:
        value = cloudwatch._calc_stats(points).get(stat)
        return None if value is None else float(value)
    samples: list[tuple[float, float]] | None = cloudwatch._percentile_samples(points)
    if samples is None:
        return None
    if between := BETWEEN.fullmatch(stat):
        kind, low, high = between.groups()
        inside = [
            weight
            for value, weight in samples
            if (not low or value > float(low)) and (not high or value <= float(high))
        ]
        share = sum(inside) if kind == "TC" else 100 * sum(inside) / sum(weight for _, weight in samples)
        return float(share)
    return float(cloudwatch._percentile(samples, float(stat[1:])))


# GetMetricData and GetMetricStatistics


def unflattened(params: Mapping[str, Any]) -> dict[str, Any]:
    """A request of the Query protocol (`A.member.1.B=c`) as the nested one of the others, all values being text."""
    root: dict[str, Any] = {}
    for name in params:
        parts = [part for part in name.split(".") if part != "member"]
        at = root
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = cloudwatch._p(params, name)
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(inner) for key, inner in value.items()}


def _span(data: Mapping[str, Any]) -> tuple[float, float]:
    start, end = (cloudwatch._parse_ts(data.get(name)) for name in ("StartTime", "EndTime"))
    if start is None or end is None:
        raise MathError("StartTime and EndTime are required")
    if start >= end:
        raise MathError("The parameter StartTime must be less than the parameter EndTime.")
    return float(start), float(end)


def _get_metric_data(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    request = data if is_cbor or is_json else unflattened(params)
    try:
        results = _metric_data(request)
    except MathError as error:
        return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
    if is_cbor:
        return cloudwatch._cbor_ok(
            {"MetricDataResults": [cloudwatch._cbor_metric_data_result(each) for each in results]}
        )
    if is_json:
        return cloudwatch._json_ok({"MetricDataResults": results})
    members = _members("MetricDataResults", (_result_xml(each) for each in results))
    return cloudwatch._xml(200, "GetMetricDataResponse", f"<GetMetricDataResult>{members}</GetMetricDataResult>")


def _metric_data(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = request.get("MetricDataQueries") or []
    if len(listed) > QUERIES_LIMIT:
        raise MathError(
            "1 validation error detected: Value at 'metricDataQueries' failed to satisfy constraint: "
            f"Member must have length less than or equal to {QUERIES_LIMIT}"
        )
    start, end = _span(request)
    queries = queries_of(listed)
    solution = Solution(queries, series, lambda period: aligned(start, end, period))
    newest_first = request.get("ScanBy") != "TimestampAscending"
    results = [_result(query, solution.series(query.id), newest_first) for query in queries if query.returned]
    if sum(len(each["Values"]) for each in results) > DATAPOINTS_LIMIT:
        raise MathError(
            f"The answer has more than {DATAPOINTS_LIMIT} datapoints and the stage has no pages: ask for less"
        )
    return results


def _result(query: Query, values: Series, newest_first: bool) -> dict[str, Any]:
    times = sorted(values, reverse=newest_first)
    return {
        "Id": query.id,
        "Label": query.label or (query.metric.name if query.metric else query.id),
        "Timestamps": [cloudwatch._ts_iso(at) for at in times],
        "Values": [values[at] for at in times],
        "StatusCode": "Complete",
    }


def _result_xml(result: Mapping[str, Any]) -> str:
    return (
        f"<Id>{result['Id']}</Id><Label>{escape(result['Label'])}</Label><StatusCode>{result['StatusCode']}</StatusCode>"
        f"{_members('Timestamps', result['Timestamps'])}{_members('Values', map(str, result['Values']))}"
    )


def _members(name: str, items: Iterable[str]) -> str:
    return f"<{name}>{''.join(f'<member>{item}</member>' for item in items)}</{name}>"


def _get_metric_statistics(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    request = data if is_cbor or is_json else unflattened(params)
    try:
        datapoints = _metric_statistics(request)
    except MathError as error:
        return cloudwatch._error("InvalidParameterValue", str(error), 400, use_json=is_json, use_cbor=is_cbor)
    label = request.get("MetricName")
    if is_cbor:
        listed = [cloudwatch._cbor_datapoint(each) for each in datapoints]
        return cloudwatch._cbor_ok({"Datapoints": listed, "Label": label})
    if is_json:
        return cloudwatch._json_ok({"Datapoints": datapoints, "Label": label})
    members = _members("Datapoints", (_datapoint_xml(each) for each in datapoints))
    answer = f"<GetMetricStatisticsResult>{members}<Label>{escape(str(label))}</Label></GetMetricStatisticsResult>"
    return cloudwatch._xml(200, "GetMetricStatisticsResponse", answer)


def _metric_statistics(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    basic, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
    if not basic and not extended:
        raise MathError("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    start, end = _span(request)
    grid = aligned(start, end, checked_period(request.get("Period") or 60))
    dimensions = tuple(sorted(cloudwatch._dims_from_list(request.get("Dimensions") or []).items()))
    found: dict[int, dict[str, Any]] = {}
    unit = request.get("Unit")
    for stat in map(checked_statistic, (*basic, *extended)):
        metric = MetricStat(request["Namespace"], request["MetricName"], dimensions, grid.period, stat, unit)
        for at, value in series(metric, grid).items():
            point = found.setdefault(at, {"Timestamp": cloudwatch._ts_iso(at), "Unit": unit or "None"})
            (point if stat in basic else point.setdefault("ExtendedStatistics", {}))[stat] = value
    return [found[at] for at in sorted(found)]


def _datapoint_xml(point: Mapping[str, Any]) -> str:
    plain = "".join(f"<{name}>{value}</{name}>" for name, value in point.items() if name != "ExtendedStatistics")
    entries = "".join(
        f"<entry><key>{name}</key><value>{value}</value></entry>"
        for name, value in point.get("ExtendedStatistics", {}).items()
    )
    return f"{plain}<ExtendedStatistics>{entries}</ExtendedStatistics>" if entries else plain


_put_metric_data = cloudwatch._put_metric_data
_running: Running | None = None


def install(clock: Clock) -> Running:
    """Put this in the place of MiniStack's metrics. `clock` is the stage's."""
    global _running
    _running = Running(clock)
    cloudwatch._store_datum = _store_datum
    cloudwatch.record_metric = _record_metric
    cloudwatch._evict_old_metrics = _keep_all
    cloudwatch._put_metric_data = _running.put_metric_data
    cloudwatch._get_metric_data = _get_metric_data
    cloudwatch._get_metric_statistics = _get_metric_statistics
    return _running


def _installed() -> Running:
    if _running is None:
        raise RuntimeError(
            "rehearsal.stage.cloudwatch.metrics.install has not been called: there is no stage to count on"
        )
    return _running


def record_invoke(
    function: str,
    resource_qualifier: str | None,
    executed_version: str,
    *,
    started: float,
    duration_ms: float,
    error: bool,
    throttle: bool,
) -> None:
    """Count one invoke in AWS/Lambda, in the current account and Region. `started` is wall time, in epoch seconds."""
    _installed().record_invoke(
        function,
        resource_qualifier,
        executed_version,
        started=started,
        duration_ms=duration_ms,
        error=error,
        throttle=throttle,
    )


def absorb(log_text: str) -> int:
    """Keep the embedded metrics of an invoke's log, in the current account and Region; how many values there were."""
    return _installed().absorb(log_text)
