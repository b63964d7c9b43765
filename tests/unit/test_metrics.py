"""What the stage makes of invokes, embedded metrics and the math of queries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import metrics, store
from rehearsal.stage.cloudwatch.emf import Point, emf_points
from rehearsal.stage.cloudwatch.metric_math import MathError, Series
from rehearsal.stage.cloudwatch.metric_queries import Grid, MetricStat, Solution, aligned, queries_of
from rehearsal.stage.stage_time import keep_stage_time

NOON = 1795521600
NOON_MS = NOON * 1000
ACCOUNT, REGION = "444455556666", "eu-west-1"


# The embedded metric format


def a_line(**changes: Any) -> dict[str, Any]:
    directive = {
        "Namespace": "Seatrial",
        "Dimensions": [["service"], ["service", "version"]],
        "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "BadOutcomes", "Unit": "Count"}],
    }
    line = {
        "_aws": {"Timestamp": NOON_MS, "CloudWatchMetrics": [directive]},
        "service": "payments",
        "version": "8",
        "Requests": 1,
        "BadOutcomes": 0,
    }
    return {**line, **changes}


def directed(**changes: Any) -> dict[str, Any]:
    """A line whose only directive is changed."""
    line = a_line()
    line["_aws"]["CloudWatchMetrics"][0].update(changes)
    return line


def test_a_line_counts_each_metric_in_each_of_its_dimension_sets() -> None:
    alone, versioned = (("service", "payments"),), (("service", "payments"), ("version", "8"))
    assert emf_points(json.dumps(a_line()), NOON) == (
        Point("Seatrial", "Requests", alone, "Count", NOON, (1.0,)),
        Point("Seatrial", "BadOutcomes", alone, "Count", NOON, (0.0,)),
        Point("Seatrial", "Requests", versioned, "Count", NOON, (1.0,)),
        Point("Seatrial", "BadOutcomes", versioned, "Count", NOON, (0.0,)),
    )


@pytest.mark.parametrize(
    ("line", "values"),
    [
        pytest.param(a_line(Requests=[1, 2.5]), (1.0, 2.5), id="a list of values"),
        pytest.param(a_line(Requests=[1] * 100), (1.0,) * 100, id="a hundred values"),
        pytest.param(directed(Dimensions=[[]]), (1.0,), id="no dimensions"),
        pytest.param(directed(Dimensions=[["region"], ["service"]]), (1.0,), id="an unknown member"),
        pytest.param(directed(Metrics=[{"Name": "Requests"}]), (1.0,), id="no unit"),
        pytest.param(directed(Metrics=[{"Name": "Requests", "StorageResolution": 1}]), (1.0,), id="high resolution"),
    ],
)
def test_a_metric_may_have_one_value_or_up_to_a_hundred(line: dict[str, Any], values: tuple[float, ...]) -> None:
    first = emf_points(json.dumps(line), NOON)[0]
    assert (first.name, first.values) == ("Requests", values)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="nothing"),
        pytest.param('the handler mentions "_aws"', id="prose"),
        pytest.param('{"_aws": ', id="half a document"),
        pytest.param('[{"_aws": {}}]', id="a list"),
        pytest.param('{"_aws": 1}', id="no metadata"),
        pytest.param("INFO " + json.dumps(a_line()), id="something stands before it"),
        pytest.param(json.dumps(a_line(_aws={"CloudWatchMetrics": []})), id="no time"),
        pytest.param(json.dumps(a_line(_aws={"Timestamp": NOON_MS, "CloudWatchMetrics": 3})), id="no directives"),
        pytest.param(json.dumps(a_line(Requests="1", BadOutcomes=None)), id="values that are no numbers"),
        pytest.param(json.dumps(a_line(Requests=True, BadOutcomes=[])), id="a truth value and an empty list"),
        pytest.param(json.dumps(a_line(Requests=[1] * 101, BadOutcomes=[0, "0"])), id="too many and mixed values"),
        pytest.param(json.dumps(a_line(Requests=float("nan"), BadOutcomes=float("inf"))), id="not a number"),
        pytest.param(json.dumps(directed(Namespace="")), id="no namespace"),
        pytest.param(json.dumps(directed(Dimensions=["service"])), id="a dimension set that is no list"),
        pytest.param(json.dumps(a_line(service=7)), id="a dimension that is no text"),
    ],
)
def test_what_is_no_document_of_the_format_is_ignored(line: str) -> None:
    assert emf_points(line, NOON) == ()


@pytest.mark.parametrize(
    ("hours", "taken"), [(-14 * 24 + 1, True), (-14 * 24 - 1, False), (1, True), (3, False)], ids=str
)
def test_a_time_is_taken_from_14_days_ago_to_2_hours_ahead(hours: int, taken: bool) -> None:
    line = a_line()
    line["_aws"]["Timestamp"] += hours * 3600 * 1000
    assert bool(emf_points(json.dumps(line), NOON)) is taken


# Math


GRID = Grid(NOON, 60, 4)


def minutes(*values: float | None) -> Series:
    """A series whose first value belongs to NOON; None is a missing one."""
    return {NOON + 60 * at: value for at, value in enumerate(values) if value is not None}


DATA = {
    "errors": minutes(1, 0, None, 3),
    "calls": minutes(10, 0, 5, 12),
    "late": minutes(None, 4, None, 8),
    "silent": minutes(),
}


def solved(expression: str, data: Mapping[str, Series] = DATA) -> Series:
    listed = [{"Id": "e", "Expression": expression}]
    for name in data:
        stat = {"Metric": {"Namespace": "N", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        listed.append({"Id": name, "MetricStat": stat, "ReturnData": False})  # type: ignore[dict-item]
    return Solution(queries_of(listed), lambda metric, _: data[metric.name], lambda _: GRID).series("e")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("errors + calls", minutes(11, 0, None, 15), id="both must have a value"),
        pytest.param("100 * errors / calls", minutes(10, None, None, 25), id="no datapoint for a division by zero"),
        pytest.param("calls - 2 * 3", minutes(4, -6, -1, 6), id="times binds more than minus"),
        pytest.param("(calls - 2) * 3", minutes(24, -6, 9, 30), id="parentheses"),
        pytest.param("calls - 4 - 1", minutes(5, -5, 0, 7), id="from the left"),
        pytest.param("-calls + 1", minutes(-9, 1, -4, -11), id="a negative"),
        pytest.param("calls * -.5e1", minutes(-50, 0, -25, -60), id="a negative number in a product"),
        pytest.param("errors >= 1", minutes(1, 0, None, 1), id="a comparison is 1 or 0"),
        pytest.param("errors == 0", minutes(0, 1, None, 0), id="equal"),
        pytest.param("errors > 0 AND calls > 10", minutes(0, 0, None, 1), id="and"),
        pytest.param("errors > 2 || calls == 10", minutes(1, 0, None, 1), id="or"),
        pytest.param("calls > 0 OR errors > 0 AND calls < 0", minutes(1, 0, None, 1), id="and binds more than or"),
        pytest.param("IF(errors >= 1, calls)", minutes(10, None, None, 12), id="nothing where it doesn't hold"),
        pytest.param("IF(errors >= 1, calls, 0)", minutes(10, 0, None, 12), id="a number instead"),
        pytest.param("IF(calls, errors, late)", minutes(1, 4, None, 3), id="the chosen one may be missing"),
        pytest.param("IF(1, calls, errors)", minutes(10, 0, 5, 12), id="a condition that is a number"),
        pytest.param("FILL(errors, 0)", minutes(1, 0, 0, 3), id="filled with a number"),
        pytest.param("FILL(late, REPEAT)", minutes(None, 4, 4, 8), id="filled with the value before"),
        pytest.param("FILL(silent, 7)", minutes(7, 7, 7, 7), id="filled where there is nothing at all"),
        pytest.param("FILL(errors, 0) / FILL(calls, 1)", minutes(0.1, None, 0, 0.25), id="functions in a formula"),
        pytest.param("SUM([errors, calls])", minutes(11, 0, 5, 15), id="of an array, whatever is there"),
        pytest.param("SUM(METRICS())", minutes(11, 4, 5, 23), id="of all metrics"),
        pytest.param("MAX(METRICS('a'))", minutes(10, 4, 5, 12), id="of the metrics whose id has an a"),
        pytest.param("AVG([errors, calls])", minutes(5.5, 0, 5, 7.5), id="the mean of those that are there"),
        pytest.param("MIN([calls, late])", minutes(10, 0, 5, 8), id="the smallest"),
        pytest.param("100 * errors / MAX([errors, calls])", minutes(10, None, None, 25), id="the usual rate of errors"),
        pytest.param("calls / SUM(calls)", minutes(10 / 27, 0, 5 / 27, 12 / 27), id="of one series, a number"),
        pytest.param("SUM(METRICS('s') * 2)", minutes(22, 0, 10, 30), id="an array in a product"),
        pytest.param("RATE(calls)", minutes(None, -10 / 60, 5 / 60, 7 / 60), id="change per second"),
        pytest.param("DIFF(calls)", minutes(None, -10, 5, 7), id="change"),
        pytest.param("DIFF(errors) / DIFF_TIME(errors)", minutes(None, -1 / 60, None, 3 / 120), id="and its time"),
        pytest.param("RUNNING_SUM(errors)", minutes(1, 1, None, 4), id="the sum so far"),
        pytest.param("calls / PERIOD(calls)", minutes(10 / 60, 0, 5 / 60, 12 / 60), id="calls a second"),
        pytest.param("ABS(errors - calls)", minutes(9, 0, None, 9), id="without its sign"),
        pytest.param("CEIL(calls / 3)", minutes(4, 0, 2, 4), id="rounded up"),
        pytest.param("FLOOR(calls / 3)", minutes(3, 0, 1, 4), id="rounded down"),
        pytest.param("LOG10(calls * 10)", minutes(2, None, 1.69897, 2.0791812), id="no logarithm of nothing"),
        pytest.param("LOG(errors)", minutes(0, None, None, 1.0986123), id="the natural logarithm"),
        pytest.param("DATAPOINT_COUNT([errors, late])", minutes(1, 2, None, 2), id="how many have a value"),
        pytest.param("calls * DATAPOINT_COUNT(errors)", minutes(30, 0, 15, 36), id="of one series, a number too"),
        pytest.param("calls / METRIC_COUNT([errors, calls])", minutes(5, 0, 2.5, 6), id="how many metrics"),
        pytest.param("FIRST([errors, calls])", minutes(1, 0, None, 3), id="the first of an array"),
        pytest.param("LAST([errors, calls])", minutes(10, 0, 5, 12), id="the last of an array"),
        pytest.param("TIME_SERIES(MAX(calls))", minutes(12, 12, 12, 12), id="a number at every period"),
        pytest.param("calls + SUM(silent)", minutes(), id="nothing comes of nothing"),
    ],
)
def test_an_expression_comes_to(expression: str, expected: Series) -> None:
    assert solved(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("SEARCH('{AWS/Lambda}', 'Sum')", "the function SEARCH is not supported by the stage, which knows SUM, AVG"),
        ("errors ^ 2", "'^' is not expected there, or not supported by the stage"),
        ("PI", "'PI' is not supported by the stage"),
        ("errors calls", "'calls' is not expected there"),
        ("(errors", "')' is missing before 'the end'"),
        ("IF(errors)", "IF takes 2 to 3 arguments, not 1"),
        ("FILL(errors, LINEAR)", "'LINEAR' is not supported by the stage"),
        ("FILL(1, 0)", "FILL needs a metric"),
        ("PERIOD(errors + calls)", "PERIOD takes the id of a metric"),
        ("METRIC_COUNT(errors)", "METRIC_COUNT needs an array of time series"),
        ("TIME_SERIES(errors)", "TIME_SERIES needs a number"),
        ("calls + unknown", "there is no query 'unknown' in this request"),
        ("e + 1", "'e' refers to itself"),
        ("5", "it returns a number"),
        ("[errors, calls]", "it returns 2 time series"),
        ("'errors'", "'errors' is not a value"),
        ("", "it ends where a value is missing"),
    ],
)
def test_what_the_stage_does_not_have_is_refused_by_name(expression: str, reason: str) -> None:
    with pytest.raises(MathError, match="Error in expression 'e'") as refused:
        solved(expression or " ")
    assert reason in str(refused.value)


def a_stat(period: int = 60, **changes: Any) -> dict[str, Any]:
    return {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": period, "Stat": "Sum", **changes}


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([{"Id": "M1", "MetricStat": a_stat()}], "'M1' is not an id"),
        ([{"Id": "m", "MetricStat": a_stat()}, {"Id": "m", "Expression": "1"}], "The id 'm' stands twice"),
        ([{"Id": "m"}], "needs either MetricStat or Expression"),
        ([{"Id": "m", "MetricStat": a_stat(period=45)}], "Period 45 is not one of"),
        ([{"Id": "m", "MetricStat": a_stat(Stat="TM(90%:10%)")}], "'TM(90%:10%)' is not a statistic of CloudWatch"),
        ([{"Id": "m", "MetricStat": {"Period": 60, "Stat": "Sum"}}], "The MetricStat of 'm' needs Metric.Namespace"),
    ],
)
def test_a_query_that_is_none_is_refused_by_name(listed: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(MathError) as refused:
        queries_of(listed)
    assert reason in str(refused.value)


def test_metrics_of_different_periods_are_not_combined_in_silence() -> None:
    listed = [
        {"Id": "e", "Expression": "a + b"},
        {"Id": "a", "MetricStat": a_stat(60)},
        {"Id": "b", "MetricStat": a_stat(300)},
    ]
    with pytest.raises(MathError, match=r"combines metrics of one period, not of \[60, 300\] seconds"):
        Solution(queries_of(listed), lambda *_: {}, lambda _: GRID).series("e")


def test_an_expression_may_use_another_one() -> None:
    listed = [
        {"Id": "e", "Expression": "half + FILL(half, 1)"},
        {"Id": "half", "Expression": "m / 2", "ReturnData": False},
        {"Id": "m", "MetricStat": a_stat(), "ReturnData": False},
    ]
    solution = Solution(queries_of(listed), lambda *_: minutes(2, None, 4), lambda _: GRID)
    assert solution.series("e") == minutes(2, None, 4)


@pytest.mark.parametrize(
    ("start", "end", "grid"),
    [
        (NOON, NOON + 120, Grid(NOON, 60, 2)),
        (NOON + 59, NOON + 60, Grid(NOON, 60, 1)),
        (NOON, NOON + 61, Grid(NOON, 60, 2)),
    ],
)
def test_periods_begin_at_multiples_of_themselves_and_the_end_is_exclusive(start: int, end: int, grid: Grid) -> None:
    assert aligned(start, end, 60) == grid


# The store


@pytest.fixture
def stage() -> Iterator[StageClock]:
    """An empty account on a stage whose minute takes two seconds and that began at noon. To MiniStack it is noon."""
    hands = [NOON]
    clock = StageClock(minute=2, measured=False, wall_time=lambda: hands[0])
    metrics.install(clock)
    keep_stage_time(cloudwatch, StageClock(manual=True, wall_time=lambda: NOON))
    hands[0] += 3600  # what the tests put is of the past
    with request_scope(ACCOUNT, REGION):
        yield clock
        cloudwatch.reset()
    cloudwatch.time = time


def invoked(qualifier: str | None = "live", version: str = "8", started: float = NOON, **changes: Any) -> None:
    how: dict[str, Any] = {"duration_ms": 12.0, "error": False, "throttle": False, **changes}
    metrics.record_invoke("payments", qualifier, version, started=started, **how)


def total(name: str, stat: str = "Sum", namespace: str = "AWS/Lambda", grid: Grid = GRID, **dimensions: str) -> Series:
    return metrics.series(MetricStat(namespace, name, tuple(sorted(dimensions.items())), 60, stat), grid)


def dimension_sets(name: str) -> list[dict[str, str]]:
    return [dict(points[0]["Dimensions"]) for (_, metric, _), points in cloudwatch._metrics.items() if metric == name]


@pytest.mark.parametrize(
    ("qualifier", "resource"), [(None, "payments"), ("8", "payments:8"), ("$LATEST", "payments:$LATEST")]
)
def test_an_invoke_without_an_alias_is_counted_without_executed_version(
    stage: StageClock, qualifier: str | None, resource: str
) -> None:
    invoked(qualifier)
    function = {"FunctionName": "payments"}
    assert dimension_sets("Invocations") == [{}, function, {**function, "Resource": resource}]


def test_an_invoke_through_an_alias_is_counted_for_the_version_that_ran(stage: StageClock) -> None:
    invoked("live", "7", error=True)
    invoked("live", "8")
    of_alias = {"FunctionName": "payments", "Resource": "payments:live"}
    assert total("Invocations", **of_alias) == minutes(2)
    assert total("Errors", **of_alias, ExecutedVersion="7") == minutes(1)
    assert total("Errors", **of_alias, ExecutedVersion="8") == minutes(0)
    assert total("Duration", "Average", FunctionName="payments") == minutes(12)


def test_a_throttled_request_is_neither_an_invocation_nor_an_error_and_runs_no_version(stage: StageClock) -> None:
    invoked(throttle=True, error=True)
    assert total("Throttles", FunctionName="payments") == minutes(1)
    assert total("Invocations", FunctionName="payments") == total("Errors", FunctionName="payments") == {}
    assert not any("ExecutedVersion" in dimensions for dimensions in dimension_sets("Throttles"))


def test_an_invoke_is_counted_at_its_start_in_stage_time(stage: StageClock) -> None:
    invoked(started=NOON + 3.9)  # 117 s of stage time after noon
    assert total("Invocations", FunctionName="payments") == minutes(None, 1)


def test_embedded_metrics_of_a_log_are_kept_in_stage_time(stage: StageClock) -> None:
    wall = time.time()
    line = a_line(BadOutcomes=[1, 1, 0])
    line["_aws"]["Timestamp"] = int(wall * 1000)
    stored = metrics.absorb(f"START\n{json.dumps(line)}\nnothing else\n")
    assert stored == 8
    minute = int(stage.at(wall) // 60) * 60
    around = Grid(minute - 60, 60, 3)
    assert total("BadOutcomes", "Sum", "Seatrial", around, service="payments") == {minute: 2}
    assert total("BadOutcomes", "SampleCount", "Seatrial", around, service="payments", version="8") == {minute: 3}


def test_points_are_found_though_they_came_out_of_order(stage: StageClock) -> None:
    for second in (4, 0, 2, 6, 0):
        invoked(started=NOON + second)
    assert total("Invocations", FunctionName="payments") == minutes(2, 1, 1, 1)


def asked(operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
    status, _, body = getattr(cloudwatch, operation)({}, request, False, True)
    return status, json.loads(body)


def data_asked(*queries: dict[str, Any], **changes: Any) -> tuple[int, dict[str, Any]]:
    request = {"StartTime": NOON, "EndTime": NOON + 240, "MetricDataQueries": list(queries), **changes}
    return asked("_get_metric_data", **request)


def a_query(name: str, metric: str, stat: str = "Sum", **dimensions: str) -> dict[str, Any]:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    whose = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": listed}
    return {"Id": name, "MetricStat": {"Metric": whose, "Period": 60, "Stat": stat}}


def test_metric_data_comes_newest_first(stage: StageClock) -> None:
    invoked(started=NOON)
    invoked(started=NOON + 2)
    query = a_query("calls", "Invocations", FunctionName="payments")
    _, answer = data_asked(query)
    assert answer["MetricDataResults"] == [
        {
            "Id": "calls",
            "Label": "Invocations",
            "Timestamps": [NOON + 60, NOON],
            "Values": [1.0, 1.0],
            "StatusCode": "Complete",
        }
    ]
    _, answer = data_asked(query, ScanBy="TimestampAscending")
    assert answer["MetricDataResults"][0]["Timestamps"] == [NOON, NOON + 60]


def test_metric_data_has_math_and_hides_what_is_not_to_be_returned(stage: StageClock) -> None:
    for error in (True, False, False, False):
        invoked(error=error)
    errors = {**a_query("errors", "Errors", FunctionName="payments"), "ReturnData": False}
    calls = {**a_query("calls", "Invocations", FunctionName="payments"), "ReturnData": False}
    _, answer = data_asked(
        {"Id": "share", "Expression": "100 * errors / calls", "Label": "of a hundred"}, errors, calls
    )
    (result,) = answer["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"]) == ("share", "of a hundred", [25.0])


def test_a_query_without_dimensions_means_the_metric_that_has_none(stage: StageClock) -> None:
    cloudwatch.record_metric("Shop", "Orders", 3, "Count", {"shop": "north"})
    whose = {"Metric": {"Namespace": "Shop", "MetricName": "Orders"}, "Period": 60, "Stat": "Sum"}
    span = {"StartTime": NOON, "EndTime": 9_999_999_999}
    _, answer = data_asked({"Id": "orders", "MetricStat": {**whose, "Period": 86400}}, **span)
    assert answer["MetricDataResults"][0]["Values"] == []


@pytest.mark.parametrize(
    ("stat", "expected"), [("p50", 50.0), ("p100", 100.0), ("TC(90:)", 10.0), ("PR(:80)", 80.0), ("TC(10:20)", 10.0)]
)
def test_percentiles_and_ranges_are_of_the_values_themselves(stage: StageClock, stat: str, expected: float) -> None:
    for duration in range(101 if stat == "p50" else 100):
        invoked(duration_ms=float(duration if stat == "p50" else duration + 1))
    assert total("Duration", stat, FunctionName="payments") == minutes(expected)


def test_too_many_queries_are_refused(stage: StageClock) -> None:
    status, answer = data_asked(*[a_query(f"q{number}", "Errors") for number in range(501)])
    assert (status, answer["__type"]) == (400, "ValidationError")
    assert "length less than or equal to 500" in answer["message"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"EndTime": NOON}, "The parameter StartTime must be less than the parameter EndTime."),
        ({"StartTime": None}, "StartTime and EndTime are required"),
    ],
)
def test_a_span_that_is_none_is_refused(stage: StageClock, changes: dict[str, Any], reason: str) -> None:
    status, answer = data_asked(a_query("errors", "Errors"), **changes)
    assert (status, answer["message"]) == (400, reason)


def test_times_that_a_caller_puts_are_wall_time(stage: StageClock) -> None:
    datum = {"MetricName": "Orders", "Value": 5, "Timestamp": NOON + 4}  # 120 s of stage time after noon
    asked("_put_metric_data", Namespace="Shop", MetricData=[datum])
    assert total("Orders", namespace="Shop") == minutes(None, None, 5)


def test_the_query_protocol_means_the_same(stage: StageClock) -> None:
    put = {
        "Namespace": ["Shop"],
        "MetricData.member.1.MetricName": ["Orders"],
        "MetricData.member.1.Value": ["5"],
        "MetricData.member.1.Timestamp": ["2026-11-24T12:00:04Z"],
    }
    cloudwatch._put_metric_data(put, {}, False)
    query = "MetricDataQueries.member.1."
    get = {
        "StartTime": ["2026-11-24T12:00:00Z"],
        "EndTime": ["2026-11-24T13:00:00Z"],
        f"{query}Id": ["orders"],
        f"{query}MetricStat.Metric.Namespace": ["Shop"],
        f"{query}MetricStat.Metric.MetricName": ["Orders"],
        f"{query}MetricStat.Period": ["60"],
        f"{query}MetricStat.Stat": ["Sum"],
    }
    status, _, body = cloudwatch._get_metric_data(get, {}, False)
    assert status == 200
    assert b"<Timestamps><member>2026-11-24T12:02:00Z</member></Timestamps><Values><member>5.0</member>" in body


def test_published_statistic_sets_and_counted_values_add_up(stage: StageClock) -> None:
    sets = {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}
    at = {"MetricName": "Orders", "Timestamp": NOON}
    data = [{**at, "StatisticValues": sets}, {**at, "Values": [1, 5], "Counts": [2, 1]}, {**at, "Value": 3}]
    asked("_put_metric_data", Namespace="Shop", MetricData=data)
    assert total("Orders", namespace="Shop") == minutes(20)
    assert total("Orders", "SampleCount", "Shop") == minutes(8)
    assert total("Orders", "Maximum", "Shop") == minutes(5)


def test_metric_statistics_match_dimensions_exactly_and_come_in_order(stage: StageClock) -> None:
    invoked(started=NOON + 2)
    invoked(started=NOON, error=True)
    request = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "payments"}],
        "StartTime": NOON,
        "EndTime": NOON + 240,
        "Period": 60,
        "Statistics": ["Sum", "SampleCount"],
        "ExtendedStatistics": ["p99"],
    }
    _, answer = asked("_get_metric_statistics", **request)
    assert answer["Datapoints"] == [
        {"Timestamp": NOON, "Unit": "None", "Sum": 1.0, "SampleCount": 1.0, "ExtendedStatistics": {"p99": 1.0}},
        {"Timestamp": NOON + 60, "Unit": "None", "Sum": 0.0, "SampleCount": 1.0, "ExtendedStatistics": {"p99": 0.0}},
    ]


def test_a_crowded_metric_keeps_its_newest_hours(stage: StageClock) -> None:
    seconds = [2 * number for number in range(store.CROWDED + 1)]  # of stage time: eleven hours
    data = [{"MetricName": "Orders", "Value": 1, "Timestamp": NOON + second * stage.minute / 60} for second in seconds]
    asked("_put_metric_data", Namespace="Shop", MetricData=data)
    kept = sorted(total("Orders", namespace="Shop", grid=Grid(NOON, 60, 24 * 60)))
    assert kept[-1] == NOON + seconds[-1] // 60 * 60
    assert 3 * 3600 - 60 <= kept[-1] - kept[0] <= 4 * 3600


def test_accounts_and_regions_do_not_see_each_other(stage: StageClock) -> None:
    invoked()
    with request_scope(ACCOUNT, "us-east-1"):
        assert total("Invocations", FunctionName="payments") == {}


# High resolution


@pytest.mark.parametrize("period", [1, 5, 10, 20, 30])
def test_below_a_minute_only_high_resolution_is_seen(stage: StageClock, period: int) -> None:
    at = {"MetricName": "Orders", "Timestamp": NOON}
    data = [{**at, "Value": 3, "StorageResolution": 1}, {**at, "Value": 4}, {**at, "Value": 5, "StorageResolution": 60}]
    asked("_put_metric_data", Namespace="Shop", MetricData=data)
    invoked()
    metric = MetricStat("Shop", "Orders", (), period, "Sum")
    assert metrics.series(metric, Grid(NOON, period, 1)) == {NOON: 3}
    assert total("Orders", namespace="Shop") == minutes(12)
    calls = MetricStat("AWS/Lambda", "Invocations", (("FunctionName", "payments"),), period, "Sum")
    assert metrics.series(calls, Grid(NOON, period, 1)) == {}


def test_an_embedded_metric_says_its_resolution_itself(stage: StageClock) -> None:
    line = directed(Metrics=[{"Name": "Requests", "StorageResolution": 1}, {"Name": "BadOutcomes"}])
    line["_aws"]["Timestamp"] = time.time() * 1000
    metrics.absorb(json.dumps(line))
    began = int(stage.at(line["_aws"]["Timestamp"] / 1000) // 10) * 10
    requests, bad = (
        metrics.series(MetricStat("Seatrial", name, (("service", "payments"),), 10, "Sum"), Grid(began, 10, 1))
        for name in ("Requests", "BadOutcomes")
    )
    assert (requests, bad) == ({began: 1.0}, {})


def test_equal_values_of_two_resolutions_are_two_points(stage: StageClock) -> None:
    for resolution in (1, 60, 1):
        store.keep("Shop", "Orders", {}, NOON, "None", 1.0, resolution)
    assert metrics.series(MetricStat("Shop", "Orders", (), 10, "Sum"), Grid(NOON, 10, 1)) == {NOON: 2.0}


@pytest.mark.parametrize(
    ("datum", "says"),
    [
        ({"StorageResolution": 5, "Value": 1}, "MetricData.member.1.StorageResolution is invalid"),
        ({"Values": [1, 2], "Counts": [1]}, "must be of the same length"),
    ],
)
def test_data_that_cant_be_kept_are_refused(stage: StageClock, datum: dict[str, Any], says: str) -> None:
    status, answer = asked("_put_metric_data", Namespace="Shop", MetricData=[{"MetricName": "Orders", **datum}])
    assert (status, answer["__type"]) == (400, "InvalidParameterValue")
    assert says in answer["message"]
    assert total("Orders", namespace="Shop") == {}


# Pages


def test_datapoints_come_in_pages_and_what_comes_meanwhile_moves_none(stage: StageClock) -> None:
    for wall in (NOON, NOON + 2, NOON + 4):
        invoked(started=wall)
    queries = [a_query(name, "Invocations", FunctionName="payments") for name in ("a", "b")]
    seen: list[tuple[str, list[int], str]] = []
    token: dict[str, Any] = {}
    while True:
        _, answer = data_asked(*queries, MaxDatapoints=2, **token)
        seen += [(one["Id"], one["Timestamps"], one["StatusCode"]) for one in answer["MetricDataResults"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
        invoked(started=NOON + 6)
    last, middle, first = NOON + 120, NOON + 60, NOON
    assert seen == [
        ("a", [last, middle], "PartialData"),
        ("a", [first], "Complete"),
        ("b", [NOON + 180], "PartialData"),
        ("b", [last, middle], "PartialData"),
        ("b", [first], "Complete"),
    ]


def test_a_token_that_is_none_of_this_request_is_refused(stage: StageClock) -> None:
    for token in ("made up", "WyJvdGhlciIsIDFd"):
        status, answer = data_asked(a_query("errors", "Errors"), NextToken=token)
        assert (status, answer["__type"]) == (400, "InvalidNextToken")


def test_an_order_that_is_none_is_refused(stage: StageClock) -> None:
    status, answer = data_asked(a_query("errors", "Errors"), ScanBy="Newest")
    assert (status, answer["__type"]) == (400, "ValidationError")
    assert "enum value set: [TimestampDescending, TimestampAscending]" in answer["message"]


def test_an_expression_is_made_of_several_metrics_at_high_resolution_too(stage: StageClock) -> None:
    at = {"Timestamp": NOON, "StorageResolution": 1}
    data = [{**at, "MetricName": "Bad", "Value": 1}, {**at, "MetricName": "All", "Value": 4}]
    asked("_put_metric_data", Namespace="Shop", MetricData=data)

    def hidden(name: str, metric: str) -> dict[str, Any]:
        whose = {"Metric": {"Namespace": "Shop", "MetricName": metric}, "Period": 10, "Stat": "Sum"}
        return {"Id": name, "MetricStat": whose, "ReturnData": False}

    share = {"Id": "share", "Expression": "100 * bad / SUM([bad, every])"}
    _, answer = data_asked(share, hidden("bad", "Bad"), hidden("every", "All"))
    assert answer["MetricDataResults"][0]["Values"] == [20.0]


def test_metric_statistics_have_at_most_1440_datapoints(stage: StageClock) -> None:
    request = {"Namespace": "Shop", "MetricName": "Orders", "Statistics": ["Sum"], "Period": 60}
    status, answer = asked("_get_metric_statistics", **request, StartTime=NOON, EndTime=NOON + 60 * 1441)
    assert (status, answer["__type"]) == (400, "InvalidParameterCombination")
    assert "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440." in answer["message"]


@pytest.mark.parametrize(("hours", "period", "there"), [(2, 10, True), (4, 10, False), (4, 60, True)])
def test_below_a_minute_data_are_kept_for_three_hours(stage: StageClock, hours: int, period: int, there: bool) -> None:
    then = NOON - hours * 3600
    store.keep("Shop", "Orders", {}, then, "None", 1.0, store.HIGH)
    whose = {"Metric": {"Namespace": "Shop", "MetricName": "Orders"}, "Period": period, "Stat": "Sum"}
    _, answer = data_asked({"Id": "orders", "MetricStat": whose}, StartTime=then)
    assert bool(answer["MetricDataResults"][0]["Values"]) is there
