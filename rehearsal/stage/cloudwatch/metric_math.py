"""Metric math: what an expression says, and what its operations and functions come to. Pure.

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

type Series = Mapping[int, float]
"""Values by the epoch second at which their period begins. A period without data isn't in it."""
type Value = float | Series | tuple[Value, ...]


class MathError(ValueError):
    """A query that can't be answered. The text names the query and the reason."""


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
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)"
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


def aggregate(function: str, value: Value) -> Value:
    """Of an array, a series of what it has at each period; of one series, one number."""
    of = _AGGREGATES[function]
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        return float(of(list(value.values()))) if value else {}
    series = [_series(each, function) for each in value]
    times = sorted({time for each in series for time in each})
    return {time: float(of([each[time] for each in series if time in each])) for time in times}


def choose(condition: Value, then: Value, otherwise: Value) -> Value:
    """IF: at each period the one or the other, and no datapoint where the chosen one has none."""
    if isinstance(condition, float):
        return then if condition else otherwise
    if isinstance(condition, tuple) or isinstance(then, tuple) or isinstance(otherwise, tuple):
        raise MathError("IF with an array is not supported by the stage")
    chosen = {time: _value_at(then if holds else otherwise, time) for time, holds in condition.items()}
    return {time: value for time, value in chosen.items() if value is not None}


def fill(value: Value, filler: Value | str, times: Iterable[int]) -> Value:
    """`value` with `filler` at the `times` where it has nothing: a number, or REPEAT for the last value before."""
    if isinstance(value, tuple):
        return tuple(fill(each, filler, times) for each in value)
    series = _series(value, "FILL")
    constant = filler if isinstance(filler, float) else None
    if constant is None and filler != "REPEAT":
        raise MathError("FILL takes a number or REPEAT; the stage has no other")
    filled: dict[int, float] = {}
    last: float | None = None
    for time in times:
        last = series.get(time, last)
        found = series.get(time, last if constant is None else constant)
        if found is not None:
            filled[time] = found
    return filled


def rate(value: Value) -> Value:
    """The change per second since the value before."""
    if isinstance(value, tuple):
        return tuple(rate(each) for each in value)
    series = _series(value, "RATE")
    pairs = itertools.pairwise(sorted(series))
    return {later: (series[later] - series[sooner]) / (later - sooner) for sooner, later in pairs}


def _series(value: Value, function: str) -> Series:
    if not isinstance(value, Mapping):
        raise MathError(f"{function} needs a time series there")
    return value
