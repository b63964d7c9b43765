"""Bounds: how large a value may be that a suite, a response, a tag, an event or an AppSpec sets. Pure.

The readers take every bound from here, and docs/suites.md lists them (a test compares the two). A value that an older
version of Seatrial has stored is clamped to the same bounds where the ledger is read.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Final, Literal

type Unit = Literal["seconds", "share", "times", "number", "characters", "bytes", "levels", "entries"]


class UnfitError(ValueError):
    """A value that its place cannot take. Its text continues a sentence that begins with the name of the place."""


@dataclass(frozen=True)
class Bound:
    """`least` and `most` are both allowed; a share is a fraction (0.05 is 5 %). `reason` says why not more."""

    subject: str
    most: float
    unit: Unit
    least: float = 0
    reason: str = ""

    def check(self, value: float, got: str = "") -> None:
        """Raises UnfitError with both ends and `got`, the value as it was written."""
        if not self.least <= value <= self.most:  # NaN is in no range
            because = f" ({self.reason})" if self.reason else ""
            raise UnfitError(f"must {self.allowed}, got {got or self._written(value)}{because}")

    def check_size(self, value: Sized) -> None:
        """The same for a length or a number of entries."""
        self.check(len(value))

    def clamped(self, value: object, default: float) -> float:
        """The nearest allowed value; the default for what is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return default
        return max(self.least, min(self.most, value))

    @property
    def allowed(self) -> str:
        """What continues "must": `be 0 to 50m`, `have at most 255 characters`, `nest at most 50 levels deep`."""
        most = self._written(self.most)
        if self.unit in ("seconds", "share", "times", "number"):
            return f"be {self._written(self.least)} to {most}"
        if self.unit == "levels":
            return f"nest at most {most} levels deep"
        return f"have {f'{self.least:g} to' if self.least > 1 else 'at most'} {most} {self.unit}"

    @property
    def span(self) -> str:
        """Both ends for a table: `0 to 50m`, `at most 255 characters`."""
        if self.unit in ("seconds", "share", "times", "number"):
            return self.allowed.removeprefix("be ")
        return f"at most {self._written(self.most)} {self.unit}"

    def _written(self, value: float) -> str:
        match self.unit:
            case "seconds":
                return _duration(value)
            case "share":
                return f"{value * 100:,.10g} %"
            case "number" if abs(value) >= 1e15:
                return f"{value:g}"
            case _:
                return f"{value:,.10g}"


def _duration(seconds: float) -> str:
    for letter, size in (("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.10g}{letter}"
    return f"{seconds:.10g}s" if seconds else "0"


_MINUTE, _HOUR = 60.0, 3_600.0

# The files of a suite.
SUITE_FILE: Final = Bound("suite.yaml", 100_000, "bytes", reason="a hook must read it within seconds")
SUITE_DEPTH: Final = Bound("nesting of suite.yaml", 50, "levels")
FILES: Final = Bound("files in seatrial/", 500, "entries")
FILE: Final = Bound("a file in seatrial/", 1_000_000, "bytes")
FOLDER: Final = Bound("all files in seatrial/", 10_000_000, "bytes", reason="a hook reads them all into memory")
FILE_NAME: Final = Bound("the name of a file in seatrial/", 255, "characters")

# Cases.
CASES: Final = Bound("cases, counting each row of a table", 500, "entries")
ROWS: Final = Bound("rows of a table", 200, "entries")
COLUMNS: Final = Bound("columns of a table", 50, "entries")
NAME: Final = Bound("the name of a case", 200, "characters")
EVENT_PARTS: Final = Bound("parts of an event", 20, "entries")
EVENT: Final = Bound("a part of an event, or of an expectation, filled in", 1_000_000, "characters")
EXPECTATIONS: Final = Bound("expectations of a case", 100, "entries")
CAPTURES: Final = Bound("captures of a case", 20, "entries")
CAPTURE_NAME: Final = Bound("the name of a capture", 50, "characters")
CAPTURED: Final = Bound("a captured value, as JSON", 10_000, "bytes")
PATH: Final = Bound("a JMESPath", 500, "characters")
PATH_DEPTH: Final = Bound("nesting of a JMESPath", 50, "levels")
PATTERN: Final = Bound("a pattern of matches", 500, "characters")
NUMBER: Final = Bound("a number", 1e100, "number", least=-1e100)
DURATION: Final = Bound("a duration", 168 * _HOUR, "seconds")
PERCENTAGE: Final = Bound("a percentage", 10.0, "share")
CHECK: Final = Bound("computing time for the expectations of a case", 1.0, "seconds")

# `redact`.
REDACT: Final = Bound("redact", 50, "entries")
REDACT_NAME: Final = Bound("a name in redact", 100, "characters")

# `compare`.
PATHS: Final = Bound("paths in compare.ignore, unordered and tolerate, each", 100, "entries")

# `judge`.
WORSE_THAN: Final = Bound("judge.worse_than", 100.0, "times", least=1.0)
WARM_UP: Final = Bound("judge.warm_up", _HOUR, "seconds")
FALSE_ALARMS: Final = Bound("judge.false_alarms", 0.5, "share", least=0.00001)
MIN_REQUESTS: Final = Bound("judge.min_requests", 1_000_000, "number")
ABSOLUTE_LIMIT: Final = Bound("judge.absolute_limit", 1.0, "share", least=0.01)
METRICS: Final = Bound("judge.metrics", 10, "entries")
TERMS: Final = Bound("metrics added or subtracted in one count", 5, "entries")
METRIC_NAME: Final = Bound("the name or namespace of a metric", 255, "characters", reason="CloudWatch takes no more")

# `release`.
BAKE: Final = Bound("release.bake", 50 * _MINUTE, "seconds", reason="CodeDeploy waits one hour for the hook")
GUARD: Final = Bound("release.guard", 168 * _HOUR, "seconds")
EFFECTS: Final = Bound("release.allow_effects", 2, "entries")
WINDOWS: Final = Bound("release.windows", 20, "entries")
WINDOW: Final = Bound("a release window", 100, "characters")
ALARMS: Final = Bound("release.alarms", 20, "entries", reason="each is one write at every change of state")
ALARM_NAME: Final = Bound("the name of an alarm", 255, "characters", reason="CloudWatch takes no more")

# What functions return. A response above 6 MB never arrives (Lambda's quota for synchronous invokes).
JSON_DEPTH: Final = Bound("nesting of a response or an event file", 100, "levels")
JSON_VALUES: Final = Bound("values in a response or an event file", 500_000, "entries", reason="memory of the hooks")

# Deployments and tags.
APPSPEC: Final = Bound("an AppSpec", 100_000, "characters")

# Sentences: to the log, the ledger, SNS, the bus and the screen. The detail of a step has the full text.
SENTENCE: Final = Bound("a sentence", 1_000, "characters")
DETAIL: Final = Bound("the detail of a step", 50_000, "characters", reason="DynamoDB takes 400 KB an item")

# CodeDeploy takes at most 10 alarms a group.
ALARMS_OF_A_RELEASE: Final = int(ALARMS.most) + 10


def short(text: str, bound: Bound = SENTENCE) -> str:
    """The text, cut to the bound: `… (312 more characters)` stands for the rest."""
    if len(text) <= bound.most:
        return text
    kept = int(bound.most) - len("… (999,999,999 more characters)")
    return f"{text[:kept]}… ({len(text) - kept:,} more characters)"


def in_suites() -> tuple[Bound, ...]:
    """All bounds that a suite's author meets, in the order of docs/suites.md."""
    return tuple(
        bound for name, bound in globals().items() if isinstance(bound, Bound) and name not in ("APPSPEC", "DETAIL")
    )
