"""A case of a suite: the event it sends and what it expects, with what tables and earlier cases fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.core import expect
from seatrial.core.expect import Expectation
from seatrial.core.paths import Path
from seatrial.core.sections import Body, Effects, On
from seatrial.core.values import Json, filled, merged, names_in


@dataclass(frozen=True)
class EventPart:
    """A part of an event. `written` in the suite itself, where each `$name` is filled in; a file is taken as it is."""

    data: Json
    written: bool


@dataclass(frozen=True)
class Case:
    """One event and what must hold of the response to it.

    `expect` maps a path to what stands on its right, with its `$name`s; `row` holds the values of the table's columns.
    `needs` names the captures of earlier cases without which it can't run, `capture` what it keeps for later ones.
    `body` says whether the bodies of event and response are JSON or, as API Gateway sends them, text.
    """

    name: str
    event: tuple[EventPart, ...] = ()
    expect: Mapping[str, Json] = field(default_factory=dict)
    row: Mapping[str, Json] = field(default_factory=dict)
    smoke: bool = False
    effects: Effects = "none"
    on: On = "candidate"
    capture: Mapping[str, Path] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    compare: bool = True
    body: Body = "text"

    @property
    def expects_an_error(self) -> bool:
        """Whether the invoke is to fail, so that Lambda counts it in its own metric Errors."""
        errors = [right for path, right in self.expect.items() if re.match(r"error\b", path)]
        return any(right is not None and right != {"absent": True} for right in errors)

    def request(self, captured: Mapping[str, Json]) -> Json:
        """The event to invoke with: its parts merged left to right. `captured` must hold all that the case needs.

        Raises UnfitError for one that becomes too large.
        """
        known = {**captured, **self.row}
        event: Json = {}
        for part in self.event:
            event = merged(event, filled(part.data, known) if part.written else part.data)
        return _with_text_body(event) if self.body == "json" else event

    def expectations(self, captured: Mapping[str, Json]) -> tuple[Expectation, ...]:
        """What must hold of the response. Raises UnfitError for a capture that no matcher can work with."""
        return tuple(expect.read(path, right) for path, right in self.expected(captured).items())

    def expected(self, captured: Mapping[str, Json]) -> dict[str, Json]:
        """The same as it is written, with its `$name`s filled in: what stands on the right of each path."""
        known = {**captured, **self.row}
        return {path: filled_right(right, known) for path, right in self.expect.items()}


def filled_right(right: Json, known: Mapping[str, Json]) -> Json:
    """The right side of an expectation with its `$name`s filled in; a regular expression keeps its dollars.

    Raises KeyError for a name not in `known`, and UnfitError for one that becomes too large.
    """
    if not isinstance(right, dict):
        return filled(right, known)
    return {word: operand if word == "matches" else filled(operand, known) for word, operand in right.items()}


def names_in_right(right: Json) -> frozenset[str]:
    """The names that `filled_right` will ask for."""
    if not isinstance(right, dict):
        return names_in(right)
    return names_in([operand for word, operand in right.items() if word != "matches"])


def _with_text_body(event: Json) -> Json:
    """The event with its body as the string that API Gateway sends."""
    if not isinstance(event, dict) or isinstance(event.get("body"), str | None):
        return event
    encoded = {"isBase64Encoded": False} if event.get("isBase64Encoded") else {}
    return {**event, "body": json.dumps(event["body"], ensure_ascii=False), **encoded}
