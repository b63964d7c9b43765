"""Matchers: the few words on the right of a path, what each holds of, and how each is said in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seatrial.core import bounds
from seatrial.core.values import (
    Json,
    UnfitError,
    fraction,
    instead,
    is_number,
    listed,
    milliseconds,
    plain,
    same,
    shown,
)

TYPES = ("array", "boolean", "null", "number", "object", "string")
MATCHERS = ("equals", "above", "below", "about", "within", "matches", "type", "absent")


@dataclass(frozen=True)
class Equals:
    value: Json


@dataclass(frozen=True)
class Above:
    limit: float


@dataclass(frozen=True)
class Below:
    limit: float


@dataclass(frozen=True)
class About:
    """Not further from `value` than `within`, in the value's own unit."""

    value: float
    within: float


@dataclass(frozen=True)
class Matches:
    pattern: str


@dataclass(frozen=True)
class Type:
    name: str


@dataclass(frozen=True)
class Absent:
    absent: bool


type Matcher = Equals | Above | Below | About | Matches | Type | Absent


def read(right: Json, timed: bool = False) -> tuple[Matcher, ...]:
    """The matchers that stand on the right of a path; anything but a mapping is what the path's value must equal.

    `timed`: the path finds milliseconds, so that `800ms` is a number too. Raises UnfitError.
    """
    if not isinstance(right, dict):
        return (Equals(right),)
    check_words(right)
    return tuple(_read(right, timed))


def check_words(right: dict[str, Json]) -> None:
    """A mapping holds matchers, never a value to compare with: a slip would become a comparison. Raises UnfitError."""
    for word in right:
        if word not in MATCHERS:
            cure = f"{instead(word, MATCHERS)} (a whole object is compared by {{equals: {{…}}}})"
            raise UnfitError(f"'{word}' is not a matcher; {cure}")
    if not right:
        raise UnfitError(f"nothing is expected; write a value, or a matcher: {listed(MATCHERS)}")
    if ("about" in right) != ("within" in right):
        raise UnfitError("about and within need each other, as {about: 1.08, within: 5%}")


def _read(right: dict[str, Json], timed: bool) -> Iterator[Matcher]:
    for word, operand in right.items():
        match word:
            case "equals":
                yield Equals(operand)
            case "above":
                yield Above(_number(word, operand, timed))
            case "below":
                yield Below(_number(word, operand, timed))
            case "about":
                value = _number(word, operand, timed)
                yield About(value, _distance(right["within"], value, timed))
            case "matches":
                yield Matches(_pattern(operand))
            case "type":
                yield Type(_type(operand))
            case "absent":
                yield Absent(_truth(operand))


def _number(word: str, operand: Json, timed: bool) -> float:
    if isinstance(operand, int | float) and not isinstance(operand, bool):
        return _within_bounds(operand)
    if not timed:
        raise UnfitError(f"'{word}' is {shown(operand)}, which is not a number")
    try:
        return milliseconds(operand)
    except UnfitError as unfit:
        raise UnfitError(f"'{word}' {unfit}") from unfit


def _within_bounds(number: float) -> float:
    bounds.NUMBER.check(number, shown(number))
    return number


def _distance(operand: Json, value: float, timed: bool) -> float:
    if isinstance(operand, str) and operand.endswith("%"):
        return abs(value) * fraction(operand)  # both are bounded
    return _number("within", operand, timed)


def _pattern(operand: Json) -> str:
    if not isinstance(operand, str):
        raise UnfitError(f"'matches' is {shown(operand)}, which is not a regular expression in quotes")
    try:
        bounds.PATTERN.check_size(operand)
        re.compile(operand)
    except UnfitError as unfit:
        raise UnfitError(f"'matches' {unfit}") from unfit
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise UnfitError(f"'matches' is {shown(operand)}, which is not a regular expression: {error}") from error
    return operand


def _type(operand: Json) -> str:
    if operand not in TYPES:
        raise UnfitError(f"'type' is {shown(operand)}; {instead(str(operand), TYPES)}")
    return str(operand)


def _truth(operand: Json) -> bool:
    if not isinstance(operand, bool):
        raise UnfitError(f"'absent' is {shown(operand)}; it can be true or false")
    return operand


def holds(matcher: Matcher, actual: Json) -> bool:
    """Whether the matcher is satisfied by what a path found; null is what it finds where nothing stands."""
    match matcher:
        case Equals(value):
            return same(actual, value)
        case Matches(pattern):
            return isinstance(actual, str) and re.search(pattern, actual) is not None
        case Type(name):
            return _type_of(actual) == name
        case Absent(absent):
            return (actual is None) == absent
    if not isinstance(actual, int | float) or not is_number(actual):
        return False
    match matcher:
        case Above(limit):
            return actual > limit
        case Below(limit):
            return actual < limit
        case About(value, within):
            # A hair wider: 1.134 is within 5 % of 1.08, though binary fractions say otherwise.
            return abs(actual) <= bounds.NUMBER.most and abs(actual - value) <= within * (1 + 1e-9)


def wanted(matcher: Matcher, unit: str = "", shown: Callable[[Json], str] = shown) -> str:
    """The matcher as the end of a sentence: `… , expected below 800 ms`. `shown` writes a value to equal."""
    match matcher:
        case Equals(value):
            return shown(value)
        case Above(limit):
            return f"above {plain(limit, unit)}"
        case Below(limit):
            return f"below {plain(limit, unit)}"
        case About(value, within):
            return f"{plain(value)} ± {plain(within, unit)}"
        case Matches(pattern):
            return f"a text that matches {pattern}"
        case Type(name):
            return f"a value of type {name}"
        case Absent(absent):
            return "nothing there" if absent else "something there"


def _type_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
