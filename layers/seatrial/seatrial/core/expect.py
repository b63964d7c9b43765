"""Expectations: what must hold of a response, and one sentence for each that does not."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from seatrial.core import matchers, paths
from seatrial.core.matchers import About, Above, Below, Matcher
from seatrial.core.paths import Path
from seatrial.core.redaction import DEFAULT, Redaction
from seatrial.core.values import Json, UnfitError, plain, read_json

# Figures that an invoke may come without: a warm start has no init, and a log level can hide Lambda's REPORT line.
_MEASURED = frozenset({"duration", "init"})


@dataclass(frozen=True)
class Response:
    """What one invoke came to.

    `payload` is what the function returned, `error` the object {errorType, errorMessage, …} when it failed instead.
    `duration` and `init` are Lambda's own figures in milliseconds and `log` the last 4 kB, each None when unknown.
    `version` is the one that answered.
    """

    payload: Json = None
    error: Json = None
    duration: float | None = None
    init: float | None = None
    log: str | None = None
    version: str | None = None

    def document(self) -> dict[str, Json]:
        """What the paths of a suite are followed in."""
        return {
            "response": self.payload,
            "error": self.error,
            "duration": self.duration,
            "init": self.init,
            "log": self.log,
        }


def with_json_body(response: Response) -> Response:
    """The response with its `body` read as JSON, where API Gateway wants a string; as it is when there is no JSON."""
    payload = response.payload
    if not (isinstance(payload, dict) and isinstance(payload.get("body"), str)):
        return response
    text: Json = payload["body"]
    try:
        if payload.get("isBase64Encoded") is True:
            text = base64.b64decode(str(text), validate=True).decode()
        return replace(response, payload={**payload, "body": read_json(str(text))})
    except (UnfitError, json.JSONDecodeError, UnicodeDecodeError, binascii.Error):
        return response


@dataclass(frozen=True)
class Expectation:
    """All matchers must hold of what the path finds."""

    path: Path
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True)
class Mismatch:
    """An expectation that does not hold, as one sentence for people."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def read(path: str, right: Json) -> Expectation:
    """An expectation from the two sides of its line in a suite. Raises UnfitError with a whole sentence."""
    where = paths.read(path)
    try:
        return Expectation(where, matchers.read(right, timed=where.roots <= _MEASURED))
    except UnfitError as unfit:
        raise UnfitError(f"'{path}': {unfit}") from unfit


def check(
    expectations: Iterable[Expectation], response: Response, redaction: Redaction = DEFAULT
) -> tuple[Mismatch, ...]:
    """Every expectation that does not hold. A function error is one, and the only one, unless `error` is expected.

    The sentences quote values as far as `redaction` lets them.
    """
    expected = tuple(expectations)
    if response.error is not None and not any("error" in expectation.path.roots for expectation in expected):
        return (Mismatch("error", f"the function failed with {described(response.error, redaction)}"),)
    document = response.document()
    return tuple(mismatch for expectation in expected for mismatch in _mismatches(expectation, document, redaction))


def unmeasured(expectations: Iterable[Expectation], response: Response) -> tuple[str, ...]:
    """The paths that wanted a figure this invoke came without: told, but not failed, for no figure is not a bad one."""
    document = response.document()
    return tuple(
        expectation.path.text
        for expectation in expectations
        if _needs_figure(expectation) and _missing(expectation.path, document)
    )


def described(error: Json, redaction: Redaction = DEFAULT) -> str:
    """A function error in a few words: `ValueError: no such currency`."""
    if not isinstance(error, dict):
        return redaction.shown(error)
    stated = [error[key] for key in ("errorType", "errorMessage") if error.get(key)]
    words = [each if isinstance(each, str) else redaction.shown(each) for each in stated]
    return shorten(redaction.text(": ".join(words))) if words else redaction.shown(error)


def shorten(text: str, limit: int = 160) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text[: 10 * limit].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _needs_figure(expectation: Expectation) -> bool:
    figures = all(isinstance(matcher, Above | Below | About) for matcher in expectation.matchers)
    return figures and expectation.path.roots <= _MEASURED


def _missing(path: Path, document: Mapping[str, Json]) -> bool:
    return all(document[root] is None for root in path.roots)


def _mismatches(expectation: Expectation, document: Mapping[str, Json], redaction: Redaction) -> Iterable[Mismatch]:
    path = expectation.path
    if _needs_figure(expectation) and _missing(path, document):
        return
    try:
        actual = path.find(document)
    except paths.UnreadableError as error:
        yield Mismatch(path.text, f"{path} {error}")
        return
    unit = "ms" if path.text in _MEASURED else ""
    is_now = plain(actual, unit) if unit and isinstance(actual, int | float) else redaction.shown(actual, path.text)

    def shown(value: Json) -> str:
        return redaction.shown(value, path.text)

    for matcher in expectation.matchers:
        if not matchers.holds(matcher, actual):
            expected = matchers.wanted(matcher, unit, shown)
            yield Mismatch(path.text, f"{path} is {is_now}, expected {expected}{_hint(path, document, redaction)}")


def _hint(path: Path, document: Mapping[str, Json], redaction: Redaction) -> str:
    """Why a path into the body finds nothing: the body was a text."""
    payload = document["response"]
    if "response.body." in path.text and isinstance(payload, dict) and isinstance(payload.get("body"), str):
        return f" (the body is not JSON but the text {redaction.shown(payload['body'], limit=60)})"
    return ""
