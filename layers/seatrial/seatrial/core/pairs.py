"""The notation of `judge.metrics`: counts that a service keeps in CloudWatch, added and subtracted. Pure.

`Declined` is a metric of the namespace Seatrial, `Shop:Declined` one of another. Each is taken in the dimensions of the
outcome line, {service, version}. Products of counts are no counts, so there are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from seatrial.core import bounds
from seatrial.core.values import UnfitError, nearest, shown

NAMESPACE = "Seatrial"
REQUESTS, BAD_OUTCOMES, CLIENT_ERRORS = "Requests", "BadOutcomes", "ClientErrors"

_NAME = re.compile(r"(?:(?P<namespace>[A-Za-z][\w./#-]*):)?(?P<name>\w[\w./#-]*)", re.ASCII)
_SIGNS = {"+": 1, "-": -1}


@dataclass(frozen=True)
class Term:
    """One metric of a sum; `sign` is 1 or -1."""

    sign: int
    namespace: str
    name: str


def read(text: str) -> tuple[Term, ...]:
    """The terms of `Shop:Declined + Shop:Expired - Retried`. Raises UnfitError."""
    first, *rest = text.split()
    signs = rest[::2]
    for sign in signs:
        if sign not in _SIGNS:
            raise UnfitError(
                f"holds {shown(text)}, where {shown(sign)} is no + or -: counts are added and subtracted, with spaces "
                "around the sign, as 'Declined + Shop:Expired'"
            )
    bounds.TERMS.check_size([*rest[1::2], first])
    if len(rest) % 2:
        raise UnfitError(f"holds {shown(text)}, which ends where a metric is missing")
    return tuple(_term(word, _SIGNS[sign]) for sign, word in zip(["+", *signs], [first, *rest[1::2]], strict=True))


def _term(word: str, sign: int) -> Term:
    found = _NAME.fullmatch(word)
    if not found:
        raise UnfitError(f"holds {shown(word)}, which names no metric; write Name, or Namespace:Name")
    namespace, name = found["namespace"], found["name"]
    if namespace is None:
        _check_own(name)
    for part in (namespace or NAMESPACE, name):
        try:
            bounds.METRIC_NAME.check_size(part)
        except UnfitError as unfit:
            raise UnfitError(f"holds {shown(part)}: the name or namespace of a metric {unfit}") from unfit
    return Term(sign, namespace or NAMESPACE, name)


def _check_own(name: str) -> None:
    """A name alone is a metric of Seatrial's namespace: one that looks like something else is a slip."""
    if "/" in name:
        raise UnfitError(f"holds {shown(name)}, which names no metric; did you mean '{':'.join(name.rsplit('/', 1))}'?")
    meant = nearest(name, (REQUESTS, BAD_OUTCOMES, CLIENT_ERRORS))
    if meant and meant != name:
        raise UnfitError(f"holds {shown(name)}, which no outcome line reports; did you mean '{meant}'?")
