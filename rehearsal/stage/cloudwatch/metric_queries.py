"""Queries as GetMetricData and alarms carry them, metrics and expressions, and what they come to. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.stage.cloudwatch.metric_functions import applied, choose, combine, fill
from rehearsal.stage.cloudwatch.metric_math import (
    Array,
    Call,
    MathError,
    Name,
    Node,
    Number,
    Operation,
    Series,
    Text,
    Value,
    parse,
)
from rehearsal.stage.cloudwatch.statistics import checked_statistic


@dataclass(frozen=True)
class Grid:
    """`count` periods of `period` seconds, the first of which begins at `start`."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.count

    @property
    def times(self) -> range:
        return range(self.start, self.end, self.period)


def aligned(start: float, end: float, period: int) -> Grid:
    """The periods between two moments, each beginning at a multiple of `period`; an unaligned start is rounded down."""
    first = int(start // period) * period
    return Grid(first, period, max(0, -int((first - end) // period)))


@dataclass(frozen=True)
class MetricStat:
    """One statistic of one metric. `dimensions` are exact and sorted by name; `unit` None takes every unit."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    period: int
    stat: str
    unit: str | None = None


@dataclass(frozen=True)
class Query:
    """A metric or an expression, by its id."""

    id: str
    metric: MetricStat | None = None
    expression: str | None = None
    label: str | None = None
    returned: bool = True


def dimensions_of(listed: Iterable[Mapping[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """`[{"Name", "Value"}, …]` as a sorted tuple of pairs."""
    return tuple(sorted((each["Name"], each["Value"]) for each in listed or ()))


def queries_of(listed: Iterable[Mapping[str, Any]]) -> tuple[Query, ...]:
    """MetricDataQuery structures as queries. Raises MathError for one that is neither a metric nor an expression."""
    queries = tuple(_query(each) for each in listed)
    seen: set[str] = set()
    for query in queries:
        if query.id in seen:
            raise MathError(f"The id '{query.id}' stands twice; each query needs its own")
        seen.add(query.id)
    return queries


def _query(raw: Mapping[str, Any]) -> Query:
    name = str(raw.get("Id", ""))
    if not re.fullmatch(r"[a-z]\w{0,254}", name, re.ASCII):
        raise MathError(f"'{name}' is not an id: it begins with a lower-case letter, then letters, digits and _ follow")
    stat, expression = raw.get("MetricStat"), raw.get("Expression")
    if bool(stat) == bool(expression):
        raise MathError(f"Query '{name}' needs either MetricStat or Expression")
    returned = str(raw.get("ReturnData", True)).lower() != "false"
    label = raw.get("Label")
    if expression:
        return Query(name, expression=str(expression), label=label, returned=returned)
    assert stat is not None
    metric = stat.get("Metric") or {}
    if not metric.get("MetricName") or not metric.get("Namespace") or not stat.get("Period") or not stat.get("Stat"):
        raise MathError(f"The MetricStat of '{name}' needs Metric.Namespace, Metric.MetricName, Period and Stat")
    found = MetricStat(
        namespace=metric["Namespace"],
        name=metric["MetricName"],
        dimensions=dimensions_of(metric.get("Dimensions")),
        period=checked_period(stat["Period"]),
        stat=checked_statistic(str(stat["Stat"])),
        unit=stat.get("Unit"),
    )
    return Query(name, metric=found, label=label, returned=returned)


def checked_period(period: Any) -> int:
    """A period in seconds that CloudWatch takes. Raises MathError for another."""
    seconds = int(period)
    if seconds not in (1, 5, 10, 20, 30) and (seconds < 60 or seconds % 60):
        raise MathError(f"Period {seconds} is not one of 1, 5, 10, 20, 30 or a multiple of 60 seconds")
    return seconds


class Solution:
    """The values of queries that may refer to each other."""

    def __init__(
        self, queries: Iterable[Query], fetch: Callable[[MetricStat, Grid], Series], grid_of: Callable[[int], Grid]
    ) -> None:
        self._queries = {query.id: query for query in queries}
        self._fetch = fetch
        self._grid_of = grid_of
        self._known: dict[str, Value] = {}
        self._open: list[str] = []

    def series(self, name: str) -> Series:
        """The one time series that query `name` comes to. Raises MathError when it comes to anything else."""
        value = self._value(name)
        if isinstance(value, Mapping):
            return value
        what = f"{len(value)} time series" if isinstance(value, tuple) else "a number"
        raise MathError(f"Error in expression '{name}': it returns {what}; the stage needs one time series")

    def _value(self, name: str) -> Value:
        if name in self._known:
            return self._known[name]
        query = self._queries.get(name)
        if query is None:
            raise MathError(f"there is no query '{name}' in this request")
        if name in self._open:
            raise MathError(f"'{name}' refers to itself")
        self._open.append(name)
        value = self._metric(query.metric) if query.metric else self._expression(name, query.expression or "")
        self._open.remove(name)
        self._known[name] = value
        return value

    def _metric(self, metric: MetricStat) -> Series:
        return self._fetch(metric, self._grid_of(metric.period))

    def _expression(self, name: str, expression: str) -> Value:
        try:
            node = parse(expression)
            periods = self._periods(node, ())
            if len(periods) > 1:
                raise MathError(f"the stage combines metrics of one period, not of {sorted(periods)} seconds")
            return self._solve(node, self._grid_of(periods.pop()) if periods else None)
        except MathError as error:
            if str(error).startswith("Error in expression"):
                raise
            raise MathError(f"Error in expression '{name}': {error}") from None

    def _periods(self, node: Node, via: tuple[str, ...]) -> set[int]:
        match node:
            case Name(name):
                query = self._queries.get(name)
                if query is None or name in via:
                    return set()  # said when it is asked for its value
                if query.metric:
                    return {query.metric.period}
                return self._periods(parse(query.expression or ""), (*via, name))
            case Call("METRICS", arguments):
                return {query.metric.period for query in self._metrics(arguments) if query.metric}
            case Call(_, parts) | Array(parts):
                return set().union(*(self._periods(part, via) for part in parts))
            case Operation(_, left, right):
                return self._periods(left, via) | self._periods(right, via)
        return set()

    def _metrics(self, arguments: tuple[Node, ...]) -> list[Query]:
        part = arguments[0] if arguments else Text("")
        if not isinstance(part, Text):
            raise MathError("METRICS takes a part of an id in quotes")
        return [query for query in self._queries.values() if query.metric and part.value in query.id]

    def _solve(self, node: Node, grid: Grid | None) -> Value:
        match node:
            case Number(value):
                return value
            case Name(name):
                return self._value(name)
            case Array(items):
                return tuple(self._solve(item, grid) for item in items)
            case Operation(sign, left, right):
                return combine(sign, self._solve(left, grid), self._solve(right, grid))
            case Call("METRICS", arguments):
                return tuple(self._value(query.id) for query in self._metrics(arguments))
            case Call("IF", (condition, then, *otherwise)):
                other = self._solve(otherwise[0], grid) if otherwise else {}
                return choose(self._solve(condition, grid), self._solve(then, grid), other)
            case Call("FILL", (what, with_)):
                if grid is None:
                    raise MathError("FILL needs a metric")
                filler = with_.value if isinstance(with_, Text) else self._solve(with_, grid)
                return fill(self._solve(what, grid), filler, grid.times)
            case Call("PERIOD", (what,)):
                return self._period(what)
            case Call("TIME_SERIES", (what,)):
                return self._everywhere(self._solve(what, grid), grid)
            case Call(function, (what,)):
                return applied(function, self._solve(what, grid))
        raise MathError(f"'{node.value if isinstance(node, Text) else node}' is not a value")

    @staticmethod
    def _everywhere(value: Value, grid: Grid | None) -> Series:
        if grid is None or not isinstance(value, float):
            raise MathError("TIME_SERIES needs a number that is made of a metric")
        return dict.fromkeys(grid.times, value)

    def _period(self, node: Node) -> float:
        query = self._queries.get(node.id) if isinstance(node, Name) else None
        if query is None or query.metric is None:
            raise MathError("PERIOD takes the id of a metric")
        return float(query.metric.period)


def check(queries: tuple[Query, ...]) -> None:
    """Raises MathError when a returned query could never come to one time series: tried on made-up data."""
    solution = Solution(queries, lambda _, grid: dict.fromkeys(grid.times, 1.0), lambda period: Grid(period, period, 3))
    for query in queries:
        if query.returned:
            solution.series(query.id)
