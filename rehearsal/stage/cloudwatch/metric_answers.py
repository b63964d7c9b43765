"""Gap of MiniStack: its GetMetricData knows no math and no pages; here it and GetMetricStatistics answer from `store`.

A query without dimensions means the metric that has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from rehearsal.stage.cloudwatch import pages
from rehearsal.stage.cloudwatch.metric_math import MathError, Series
from rehearsal.stage.cloudwatch.metric_queries import (
    Grid,
    MetricStat,
    Query,
    Solution,
    aligned,
    checked_period,
    dimensions_of,
    queries_of,
)
from rehearsal.stage.cloudwatch.requests import answer, refusal, request_of
from rehearsal.stage.cloudwatch.statistics import checked_statistic
from rehearsal.stage.cloudwatch.store import STANDARD, series

QUERIES_LIMIT = 500
DATAPOINTS_LIMIT = 100_800
STATISTICS_LIMIT = 1_440
"""Datapoints of one GetMetricStatistics, which has no pages."""
FINE_SECONDS = 3 * 3600
"""How long CloudWatch keeps what periods of less than a minute are made of."""
SCANS = ("TimestampDescending", "TimestampAscending")


class _TooMuchError(MathError):
    """GetMetricStatistics was asked for more than it answers."""


def _span(data: Mapping[str, Any]) -> tuple[float, float]:
    start, end = (cloudwatch._parse_ts(data.get(name)) for name in ("StartTime", "EndTime"))
    if start is None or end is None:
        raise MathError("StartTime and EndTime are required")
    if start >= end:
        raise MathError("The parameter StartTime must be less than the parameter EndTime.")
    return float(start), float(end)


def _get_metric_data(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    try:
        page = metric_data(request_of(params, data, is_cbor, is_json))
    except pages.TokenError as error:
        return refusal("InvalidNextToken", str(error), is_cbor, is_json)
    except MathError as error:
        return refusal("ValidationError", str(error), is_cbor, is_json)
    token = {"NextToken": page.token} if page.token else {}
    results = [_result_json(each) for each in page.results]
    body = {"MetricDataResults": [cloudwatch._cbor_metric_data_result(each) if is_cbor else each for each in results]}
    xml = _members("MetricDataResults", (_result_xml(each) for each in results))
    xml += "".join(f"<NextToken>{value}</NextToken>" for value in token.values())
    return answer("GetMetricData", {**body, **token}, xml, is_cbor, is_json)


def metric_data(request: Mapping[str, Any]) -> pages.Page:
    """A page of what the queries of a GetMetricData come to. Raises MathError and TokenError."""
    listed = request.get("MetricDataQueries") or []
    if len(listed) > QUERIES_LIMIT:
        raise MathError(
            "1 validation error detected: Value at 'metricDataQueries' failed to satisfy constraint: "
            f"Member must have length less than or equal to {QUERIES_LIMIT}"
        )
    scan = request.get("ScanBy") or SCANS[0]
    if scan not in SCANS:
        raise MathError(
            f"1 validation error detected: Value '{scan}' at 'scanBy' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(SCANS)}]"
        )
    start, end = _span(request)
    queries = queries_of(listed)
    solution = Solution(queries, _answered, lambda period: aligned(start, end, period))
    results = [_result(query, solution.series(query.id), scan == SCANS[0]) for query in queries if query.returned]
    most = min(int(request.get("MaxDatapoints") or DATAPOINTS_LIMIT), DATAPOINTS_LIMIT)
    return pages.page(results, most, request.get("NextToken"))


def _answered(metric: MetricStat, grid: Grid) -> Series:
    """What is left of a metric: below a minute, the last three hours."""
    found = series(metric, grid)
    if grid.period >= STANDARD:
        return found
    oldest = cloudwatch.time.time() - FINE_SECONDS
    return {at: value for at, value in found.items() if at >= oldest}


def _result(query: Query, values: Series, newest_first: bool) -> pages.Result:
    label = query.label or (query.metric.name if query.metric else query.id)
    return pages.Result(query.id, label, tuple(sorted(values.items(), reverse=newest_first)))


def _result_json(result: pages.Result) -> dict[str, Any]:
    return {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [cloudwatch._ts_iso(at) for at, _ in result.points],
        "Values": [value for _, value in result.points],
        "StatusCode": "Complete" if result.complete else "PartialData",
    }


def _result_xml(result: Mapping[str, Any]) -> str:
    return (
        f"<Id>{result['Id']}</Id><Label>{escape(result['Label'])}</Label><StatusCode>{result['StatusCode']}</StatusCode>"
        f"{_members('Timestamps', result['Timestamps'])}{_members('Values', map(str, result['Values']))}"
    )


def _members(name: str, items: Iterable[str]) -> str:
    return f"<{name}>{''.join(f'<member>{item}</member>' for item in items)}</{name}>"


def _get_metric_statistics(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    request = request_of(params, data, is_cbor, is_json)
    try:
        datapoints = _metric_statistics(request)
    except _TooMuchError as error:
        return refusal("InvalidParameterCombination", str(error), is_cbor, is_json)
    except MathError as error:
        return refusal("InvalidParameterValue", str(error), is_cbor, is_json)
    label = request.get("MetricName")
    listed = [cloudwatch._cbor_datapoint(each) if is_cbor else each for each in datapoints]
    members = _members("Datapoints", (_datapoint_xml(each) for each in datapoints))
    xml = f"{members}<Label>{escape(str(label))}</Label>"
    return answer("GetMetricStatistics", {"Datapoints": listed, "Label": label}, xml, is_cbor, is_json)


def _metric_statistics(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    basic, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
    if not basic and not extended:
        raise MathError("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    start, end = _span(request)
    grid = aligned(start, end, checked_period(request.get("Period") or 60))
    if grid.count > STATISTICS_LIMIT:
        raise _TooMuchError(
            f"You have requested up to {grid.count:,} datapoints, which exceeds the limit of {STATISTICS_LIMIT:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    found: dict[int, dict[str, Any]] = {}
    unit = request.get("Unit")
    dimensions = dimensions_of(request.get("Dimensions"))
    for stat in map(checked_statistic, (*basic, *extended)):
        metric = MetricStat(request["Namespace"], request["MetricName"], dimensions, grid.period, stat, unit)
        for at, value in _answered(metric, grid).items():
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


def install() -> None:
    """Put these in the place of MiniStack's."""
    cloudwatch._get_metric_data = _get_metric_data
    cloudwatch._get_metric_statistics = _get_metric_statistics
