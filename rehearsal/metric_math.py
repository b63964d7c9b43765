"""Metric math: queries as GetMetricData and alarms carry them, and what their expressions come to. Pure.

Known are + - * /, comparisons, AND, OR, numbers, [arrays], SUM AVG MIN MAX, METRICS, IF, FILL and RATE; whatever else
CloudWatch may know is refused by name. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

type Series = Mapping[int, float]
"""Values by the epoch second at which their period begins. A period without data isn't in it."""
type Value = float | Series | tuple[Value, ...]


class MathError(ValueError):
    """A query that can't be answered. The text names the query and the reason."""


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
        stat=str(stat["Stat"]),
        unit=stat.get("Unit"),
    )
    return Query(name, metric=found, label=label, returned=returned)


def checked_period(period: Any) -> int:
    """A period in seconds that CloudWatch takes. Raises MathError for another."""
    seconds = int(period)
    if seconds not in (1, 5, 10, 20, 30) and (seconds < 60 or seconds % 60):
        raise MathError(f"Period {seconds} is not one of 1, 5, 10, 20, 30 or a multiple of 60 seconds")
    return seconds


# The language


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    id: str


@dataclass(frozen=True)
class Array:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Operation:
    sign: str
    left: Node
    right: Node


type Node = Number | Text | Name | Array | Call | Operation

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign>&&|\|\||[<>=!]=|[^\s\w]))"
)
_BINDS = {
    **dict.fromkeys(("OR", "||"), 1),
    **dict.fromkeys(("AND", "&&"), 2),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/"), 5),
}
_ARGUMENTS = {
    "SUM": (1, 1),
    "AVG": (1, 1),
    "MIN": (1, 1),
    "MAX": (1, 1),
    "METRICS": (0, 1),
    "IF": (2, 3),
    "FILL": (2, 2),
    "RATE": (1, 1),
}
_KNOWN = ", ".join(_ARGUMENTS)


@functools.lru_cache(maxsize=512)
def parse(expression: str) -> Node:
    """The tree of an expression. Raises MathError for what the language doesn't have."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._tokens = [(found.lastgroup, found.group(found.lastgroup or 0)) for found in _TOKEN.finditer(expression)]
        self._at = 0

    def whole(self) -> Node:
        node = self._operation(1)
        if self._at < len(self._tokens):
            raise MathError(f"'{self._text()}' is not expected there, or not supported by the stage")
        return node

    def _text(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"

    def _take(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise MathError(f"'{sign}' is missing before '{self._text()}'")

    def _operation(self, binds: int) -> Node:
        left = self._operand()
        while _BINDS.get(sign := self._text(), 0) >= binds:
            self._at += 1
            left = Operation(sign, left, self._operation(_BINDS[sign] + 1))
        return left

    def _operand(self) -> Node:
        if self._take("-"):
            return Operation("-", Number(0.0), self._operation(_BINDS["*"]))
        if self._take("("):
            inside = self._operation(1)
            self._expect(")")
            return inside
        if self._take("["):
            return Array(self._until("]"))
        if self._at >= len(self._tokens):
            raise MathError("it ends where a value is missing")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Number(float(text))
        if kind == "text":
            return Text(text[1:-1])
        if kind == "word" and text == "REPEAT":
            return Text(text)
        if kind == "word" and self._take("("):
            return self._call(text)
        if kind == "word" and text[0].islower():
            return Name(text)
        raise MathError(f"'{text}' is not supported by the stage")

    def _call(self, function: str) -> Node:
        if function not in _ARGUMENTS:
            raise MathError(f"the function {function} is not supported by the stage, which knows {_KNOWN}")
        arguments = self._until(")")
        least, most = _ARGUMENTS[function]
        if not least <= len(arguments) <= most:
            raise MathError(f"{function} takes {least} to {most} arguments, not {len(arguments)}")
        return Call(function, arguments)

    def _until(self, end: str) -> tuple[Node, ...]:
        if self._take(end):
            return ()
        items = [self._operation(1)]
        while self._take(","):
            items.append(self._operation(1))
        self._expect(end)
        return tuple(items)


# What it comes to


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None  # CloudWatch has no datapoint where it would divide by zero


_OPERATIONS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    **{
        sign: lambda left, right, holds=holds: float(holds(left, right))  # type: ignore[misc]
        for sign, holds in {
            "==": operator.eq,
            "!=": operator.ne,
            "<": operator.lt,
            "<=": operator.le,
            ">": operator.gt,
            ">=": operator.ge,
            "AND": lambda left, right: bool(left and right),
            "&&": lambda left, right: bool(left and right),
            "OR": lambda left, right: bool(left or right),
            "||": lambda left, right: bool(left or right),
        }.items()
    },
}


def _average(values: list[float]) -> float:
    return sum(values) / len(values)


_AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {"SUM": sum, "AVG": _average, "MIN": min, "MAX": max}


def combine(sign: str, left: Value, right: Value) -> Value:
    """One operation. Of two series, only the periods that both have; of an array, each of its series."""
    if isinstance(left, tuple):
        return tuple(combine(sign, each, right) for each in left)
    if isinstance(right, tuple):
        return tuple(combine(sign, left, each) for each in right)
    operation = _OPERATIONS[sign]
    if isinstance(left, float) and isinstance(right, float):
        result = operation(left, right)
        return {} if result is None else result
    times = left.keys() if isinstance(left, Mapping) else right.keys()  # type: ignore[union-attr]
    results = {}
    for time in times:
        first, second = _value_at(left, time), _value_at(right, time)
        if first is not None and second is not None:
            results[time] = operation(first, second)
    return {time: result for time, result in results.items() if result is not None}


def _value_at(value: float | Series, time: int) -> float | None:
    return value.get(time) if isinstance(value, Mapping) else value


def _aggregate(function: str, value: Value) -> Value:
    """Of an array, a series of what it has at each period; of one series, one number."""
    of = _AGGREGATES[function]
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        return float(of(list(value.values()))) if value else {}
    series = [_series(each, function) for each in value]
    times = sorted({time for each in series for time in each})
    return {time: float(of([each[time] for each in series if time in each])) for time in times}


def _choose(condition: Value, then: Value, otherwise: Value) -> Value:
    if isinstance(condition, float):
        return then if condition else otherwise
    if isinstance(condition, tuple) or isinstance(then, tuple) or isinstance(otherwise, tuple):
        raise MathError("IF with an array is not supported by the stage")
    chosen = {time: _value_at(then if holds else otherwise, time) for time, holds in condition.items()}
    return {time: value for time, value in chosen.items() if value is not None}


def _fill(value: Value, filler: Value | str, grid: Grid) -> Value:
    if isinstance(value, tuple):
        return tuple(_fill(each, filler, grid) for each in value)
    series = _series(value, "FILL")
    filled: dict[int, float] = {}
    last: float | None = None
    for time in grid.times:
        last = series.get(time, last)
        missing = last if filler == "REPEAT" else filler
        if not isinstance(missing, float | None):
            raise MathError("FILL takes a number or REPEAT; the stage has no other")
        found = series.get(time, missing)
        if found is not None:
            filled[time] = found
    return filled


def _rate(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_rate(each) for each in value)
    series = _series(value, "RATE")
    pairs = itertools.pairwise(sorted(series))
    return {later: (series[later] - series[sooner]) / (later - sooner) for sooner, later in pairs}


def _series(value: Value, function: str) -> Series:
    if not isinstance(value, Mapping):
        raise MathError(f"{function} needs a time series there")
    return value


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
                return _choose(self._solve(condition, grid), self._solve(then, grid), other)
            case Call("FILL", (what, with_)):
                if grid is None:
                    raise MathError("FILL needs a metric")
                filler = with_.value if isinstance(with_, Text) else self._solve(with_, grid)
                return _fill(self._solve(what, grid), filler, grid)
            case Call("RATE", (what,)):
                return _rate(self._solve(what, grid))
            case Call(function, (what,)):
                return _aggregate(function, self._solve(what, grid))
        raise MathError(f"'{node.value if isinstance(node, Text) else node}' is not a value")


def check(queries: tuple[Query, ...]) -> None:
    """Raises MathError when a returned query could never come to one time series: tried on made-up data."""
    solution = Solution(queries, lambda _, grid: dict.fromkeys(grid.times, 1.0), lambda period: Grid(period, period, 3))
    for query in queries:
        if query.returned:
            solution.series(query.id)
