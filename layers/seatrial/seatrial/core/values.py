"""Small values that a suite is written in: durations, percentages, JSON that is compared, merged and shown."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping

from seatrial.core import bounds
from seatrial.core.bounds import Bound
from seatrial.core.bounds import UnfitError as UnfitError

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s?%")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def milliseconds(value: Json) -> float:
    """`800ms`, `1.5s`, `5m` or `1h` in milliseconds; 0 needs no unit. Raises UnfitError."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise UnfitError(f"is {shown(value)}, which is not a duration; write one as 800ms, 30s, 5m or 1h")
    milliseconds = float(found[1]) * _MILLISECONDS[found[2]]
    bounds.DURATION.check(milliseconds / 1_000, shown(value))
    return milliseconds


def seconds(value: Json) -> float:
    """A duration in seconds. Raises UnfitError."""
    return milliseconds(value) / 1_000


def fraction(value: Json) -> float:
    """`5%` as 0.05. Raises UnfitError."""
    found = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise UnfitError(f"is {shown(value)}, which is not a percentage; write one as 5% or 0.5%")
    fraction = float(found[1]) / 100
    bounds.PERCENTAGE.check(fraction, shown(value))
    return fraction


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


def read_json(text: str | bytes) -> Json:
    """JSON of a function or a file, within the bounds of both. Raises JSONDecodeError, UnicodeDecodeError, UnfitError.

    Values are counted before they are made, by what stands between them: commas in texts count as well.
    """
    content = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    bounds.JSON_VALUES.check(sum(content.count(mark) for mark in (b",", b"[", b"{")))
    try:
        value: Json = json.loads(content.decode("utf-8-sig", "surrogatepass"))
    except RecursionError:
        raise UnfitError(f"must {bounds.JSON_DEPTH.allowed}") from None
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            raise
        raise UnfitError("holds a number of more than 4,300 digits") from None
    return bounded(value, bounds.JSON_DEPTH)


def bounded(value: Json, depth: Bound) -> Json:
    """The value itself. Raises UnfitError where it nests too deep, or holds NaN or Infinity, which are not JSON."""
    level, levels = [value], 0
    while level:
        nested: list[Json] = []
        for item in level:
            if isinstance(item, float) and not math.isfinite(item):
                raise UnfitError(f"holds {shown(item)}, which is not JSON")
            if isinstance(item, dict | list):
                nested.extend(item.values() if isinstance(item, dict) else item)
        levels += any(isinstance(item, dict | list) for item in level)
        if levels > depth.most:
            raise UnfitError(f"must {depth.allowed}")
        level = nested
    return value


def merged(left: Json, right: Json) -> Json:
    """Right over left: mappings are merged key by key, everything else is replaced."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return right
    both = {key: merged(left[key], right[key]) for key in left.keys() & right.keys()}
    return {**left, **right, **both}


def shown(value: object, limit: int = 80) -> str:
    """A value as JSON for a sentence, cut to `limit` characters; null is shown as `absent`.

    Only as much is written as is shown: a value of 6 MB, or one that nests 100,000 deep, costs no more than another.
    """
    if value is None:
        return "absent"
    text = ""
    try:
        for piece in _ENCODER.iterencode(value[:limit] if isinstance(value, str) else value):
            text += piece[: limit + 1]
            if len(text) > limit:
                return text[: limit - 1] + "…"
    except ValueError:  # Python writes no number of more than 4,300 digits
        text += "a very long number…"
    return text


# iterencode writes piece by piece; what JSON has no form for is shown by the name of its type.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=lambda value: type(value).__name__)


def quoted(value: object, limit: int = 200) -> str:
    """A value of an event as Python writes it, cut to `limit` characters; also of one that nests without end."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"a {type(value).__name__} that nests too deep"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def spoken_time(milliseconds: float) -> str:
    """A time with the two digits that people read: `28 s`, `1.2 s`, `830 ms`, `0.85 ms`."""
    seconds = milliseconds / 1_000
    for number, unit in ((seconds / 3_600, "h"), (seconds / 60, "min"), (seconds, "s")):
        if number >= (1 if unit == "s" else 2):
            return f"{_two_digits(number)} {unit}"
    return f"{_two_digits(milliseconds)} ms"


def _two_digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else plain(float(f"{number:.2g}"))


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

    Done in one pass, so that a dollar inside a replacement stays a dollar. Raises KeyError for a name not in `known`,
    and UnfitError before more is written than an event may hold.
    """
    texts = {name: _as_text(known[name]) for name in names_in(value)}
    bounds.EVENT.check(_size_filled(value, texts))
    return _filled(value, known, texts)


def _filled(value: Json, known: Mapping[str, Json], texts: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {key: _filled(item, known, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known, texts) for item in value]
    if not isinstance(value, str):
        return value
    alone = _BLANK.fullmatch(value)
    if alone and alone[1] != "$":
        return known[alone[1]]
    return _BLANK.sub(lambda found: "$" if found[1] == "$" else texts[found[1]], value)


def _size_filled(value: Json, texts: Mapping[str, str]) -> int:
    """How many characters the value has at least, once every `$name` in it is a text."""
    if isinstance(value, dict):
        return sum(len(key) + _size_filled(item, texts) for key, item in value.items())
    if isinstance(value, list):
        return sum(_size_filled(item, texts) for item in value)
    if not isinstance(value, str):
        return 1
    return len(value) + sum(len(texts[name]) for name in _BLANK.findall(value) if name != "$")


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
