"""Everything that is to be found out about one response: expectations, figures that are missing, captures. Pure.

Patterns and most JMESPaths are programs of the suite: a short one can compute for years, or fill the memory, in C code
that no other thread of Python can interrupt. `is_quick` tells what may run in a hook's own process; all else runs in
another one (seatrial.flows.examiner).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.core import bounds, expect, paths
from seatrial.core.expect import Response
from seatrial.core.matchers import Matches
from seatrial.core.paths import UnreadableError
from seatrial.core.redaction import Redaction
from seatrial.core.values import Json, UnfitError


@dataclass(frozen=True)
class Sought:
    """What a case wants to know: `expect` maps paths to their right sides, filled in; `capture` names to paths."""

    expect: Mapping[str, Json] = field(default_factory=dict)
    capture: Mapping[str, str] = field(default_factory=dict)
    # Names whose values are secret, beside those of seatrial.core.redaction.
    redact: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examined:
    """`wrong` has a sentence for each expectation or capture that failed; `unmeasured` are paths without a figure."""

    wrong: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()
    captured: Mapping[str, Json] = field(default_factory=dict)


def is_quick(sought: Sought) -> bool:
    """Whether no pattern is sought and every path is plain: then the time grows with the response alone."""
    read = [expect.read(path, right) for path, right in sought.expect.items()]
    patterns = any(isinstance(matcher, Matches) for expectation in read for matcher in expectation.matchers)
    captures = map(paths.read, sought.capture.values())
    return not patterns and all(path.is_plain for path in (*(one.path for one in read), *captures))


def examine(sought: Sought, response: Response) -> Examined:
    """Raises UnfitError for a right side that no matcher can work with."""
    expectations = tuple(expect.read(path, right) for path, right in sought.expect.items())
    wrong = [str(mismatch) for mismatch in expect.check(expectations, response, Redaction(tuple(sought.redact)))]
    captured: dict[str, Json] = {}
    for name, path in sought.capture.items():
        try:
            captured[name] = _captured(path, response)
        except UnfitError as unfit:
            wrong.append(f"'{name}' can't be captured: {unfit}")
    return Examined(tuple(wrong), expect.unmeasured(expectations, response), captured)


def _captured(path: str, response: Response) -> Json:
    try:
        value = paths.read(path).find(response.document())
    except UnreadableError as error:
        raise UnfitError(f"{path} {error}") from error
    if value is None:
        raise UnfitError(f"{path} is absent")
    try:
        bounds.CAPTURED.check_size(json.dumps(value))
    except UnfitError as unfit:
        raise UnfitError(f"{path} {unfit}") from unfit
    return value
