"""Small values that a suite is written in: durations, percentages, JSON that is compared, merged and shown."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s?%")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


class UnfitError(ValueError):
    """A value that its place can't take. Its text continues a sentence that begins with the name of the place."""


def milliseconds(value: Json) -> float:
    """`800ms`, `1.5s`, `5m` or `1h` in milliseconds; 0 needs no unit. Raises UnfitError."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise UnfitError(f"is {shown(value)}, which is not a duration; write one as 800ms, 30s, 5m or 1h")
    return float(found[1]) * _MILLISECONDS[found[2]]


def seconds(value: Json) -> float:
    """A duration in seconds. Raises UnfitError."""
    return milliseconds(value) / 1_000


def fraction(value: Json) -> float:
    """`5%` as 0.05. Raises UnfitError."""
    found = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise UnfitError(f"is {shown(value)}, which is not a percentage; write one as 5% or 0.5%")
    return float(found[1]) / 100


def is_number(value: Json) -> bool:
    """JSON's numbers; Python also counts true and false among them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: 1 is 1.0, but 1 is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def merged(left: Json, right: Json) -> Json:
    """Right over left: mappings are merged key by key, everything else is replaced."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return right
    both = {key: merged(left[key], right[key]) for key in left.keys() & right.keys()}
    return {**left, **right, **both}


def shown(value: Json, limit: int = 80) -> str:
    """A value as JSON for a sentence, cut to `limit` characters; null is shown as `absent`."""
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(number: float, unit: str = "") -> str:
    """A number as people write it: `800 ms`, `0.25`, never `800.0`."""
    return f"{number:.10g}{' ' + unit if unit else ''}"


def listed(words: Iterable[str], joint: str = "or") -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} {joint} {last}" if most else last


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, if one is near enough."""
    known = {known.lower(): known for known in words}
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return known[near[0]] if near else None


def instead(word: str, words: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: what to write instead."""
    known = list(words)
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near else f"it can be {listed(known)}"


_BLANK = re.compile(r"\$(\$|[A-Za-z_]\w*)")


def names_in(value: Json) -> frozenset[str]:
    """Every `name` that stands as `$name` in the texts of a value; `$$` is a plain dollar. Keys are not looked at."""
    if isinstance(value, dict):
        return names_in(list(value.values()))
    if isinstance(value, list):
        return frozenset[str]().union(*map(names_in, value))
    if isinstance(value, str):
        return frozenset(_BLANK.findall(value)) - {"$"}
    return frozenset()


def filled(value: Json, known: Mapping[str, Json]) -> Json:
    """The value with each `$name` replaced. A text that is only `$name` becomes the value itself and keeps its type.

    Done in one pass, so that a dollar inside a replacement stays a dollar. Raises KeyError for a name not in `known`.
    """
    if isinstance(value, dict):
        return {key: filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if not isinstance(value, str):
        return value
    alone = _BLANK.fullmatch(value)
    if alone and alone[1] != "$":
        return known[alone[1]]
    return _BLANK.sub(lambda found: "$" if found[1] == "$" else _as_text(known[found[1]]), value)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
