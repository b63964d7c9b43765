"""Metric math: what an expression says. Pure.

Known are + - * /, comparisons, AND, OR, numbers, [arrays] and the functions below; whatever else CloudWatch may know is
refused by name. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
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
    "DIFF": (1, 1),
    "DIFF_TIME": (1, 1),
    "RUNNING_SUM": (1, 1),
    "ABS": (1, 1),
    "CEIL": (1, 1),
    "FLOOR": (1, 1),
    "LOG": (1, 1),
    "LOG10": (1, 1),
    "DATAPOINT_COUNT": (1, 1),
    "METRIC_COUNT": (1, 1),
    "FIRST": (1, 1),
    "LAST": (1, 1),
    "PERIOD": (1, 1),
    "TIME_SERIES": (1, 1),
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
