"""What each claim and question carries: why it is believed, what a wrong guess would cost, and its minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

DOCUMENTATION, MODEL, TRANSFORM, CAPTURE, REPORT, NOTHING = (
    "documentation page",
    "service model",
    "transform run",
    "capture",
    "public report",
    "nothing",
)
UNVERIFIED = "UNVERIFIED"
MINOR = "A test on the local AWS would mislead; no release depends on it."


@dataclass(frozen=True)
class Source:
    """Why something is believed: `kind` is one of the constants above, `what` names the page, file or thread."""

    kind: str
    what: str = ""

    def __str__(self) -> str:
        return UNVERIFIED if self.kind == NOTHING else f"{self.kind}: {self.what}"


def documented(page: str) -> Source:
    """A page of AWS's documentation, as `GUIDE: TITLE`."""
    return Source(DOCUMENTATION, page)


def modelled(operation: str) -> Source:
    """What a service's model in botocore says of an operation, as `service.Operation`."""
    return Source(MODEL, operation)


def captured(name: str) -> Source:
    """A capture from a real account or a sample of the documentation: the name of a file in tests/data/aws."""
    return Source(CAPTURE, name)


def published(where: str) -> Source:
    """A capture that its owner published and that is not kept here."""
    return Source(CAPTURE, f"{where}, not kept here")


def reported(where: str) -> Source:
    """A public report of a user, as `owner/repository#number` or a page."""
    return Source(REPORT, where)


UNKNOWN = Source(NOTHING)


def claim(
    why: Source, *, minutes: float = 1, danger: int = 1, cost: str = MINOR, long: bool = False
) -> Callable[[Any], Any]:
    """A claim about AWS. `minutes` is its time in an account.

    `danger` is 1 to 3 and orders `make certify`; `cost` says what happens to a release if the claim is wrong.
    A `long` claim is left out of `make test`.
    """
    return pytest.mark.claim(why, minutes=minutes, danger=danger, cost=cost, long=long)


def question(switch: str, *, danger: int, cost: str, why: Source = UNKNOWN, minutes: float = 1) -> Callable[[Any], Any]:
    """A question about AWS without a sure answer: the test observes the answer and passes it to `answered`.

    On the local AWS it runs once for each answer of the switch, and must observe each. `why` is the reason for the
    switch's default.
    """
    return pytest.mark.question(switch, why=why, minutes=minutes, danger=danger, cost=cost)
