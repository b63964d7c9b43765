"""What a rehearsal found: the values of report.json. How they look is said in page, chart and table."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from rehearsal.telling.needed import Needed
from seatrial.core.chart import Bucket, Chart, Course, Mark, Told, Weight

RESULTS: Final = ("released", "refused", "taken back")
VERDICTS: Final = ("ok", "worse", "inconclusive", "")
KINDS: Final = ("hook", "gate", "alarm", "decision", "rollback", "stack", "oncall")
BUCKET: Final = 10  # stage seconds that one bucket of requests covers


class ReportError(Exception):
    """A report.json that isn't one; the text says where and what."""


@dataclass(frozen=True)
class Check:
    """One thing that was expected of a release, and what happened."""

    what: str
    expected: str
    happened: str
    ok: bool


@dataclass(frozen=True)
class RehearsedRelease:
    """One release. Every `t` and `seconds` is stage time in seconds since its deployment began.

    `won` is who took it back first, `functions/rollback` or `CodeDeploy's alarm poll`, or None where nobody had to.
    Each bucket of `requests` covers BUCKET seconds, and a mark's `kind` is one of KINDS. `requests` are users' own
    answers; `courses` and `judged` are what the judge made of CloudWatch's.
    """

    id: str
    title: str
    service: str
    deployment: str
    stable: str
    candidate: str
    configuration: str
    result: str
    reason: str
    won: str | None
    ok: bool
    checks: tuple[Check, ...]
    seconds: float
    weights: tuple[Weight, ...]
    requests: tuple[Bucket, ...]
    marks: tuple[Mark, ...]
    courses: tuple[Course, ...]
    judged: tuple[Told, ...]
    story: tuple[str, ...]

    @property
    def chart(self) -> Chart:
        return Chart(
            stable=self.stable,
            candidate=self.candidate,
            seconds=self.seconds,
            weights=self.weights,
            requests=self.requests,
            marks=self.marks,
            bucket=BUCKET,
            caption="minutes of stage time since the deployment began",
            courses=self.courses,
            judged=self.judged,
        )


@dataclass(frozen=True)
class Report:
    """A whole rehearsal. `started` is ISO 8601 in UTC; `minute` is how many wall seconds a stage minute took.

    `needed` is what the longest lane of the rehearsal needs of `wall_seconds`.
    """

    seatrial: str
    started: str
    minute: float
    wall_seconds: float
    needed: Needed
    ok: bool
    releases: tuple[RehearsedRelease, ...]

    @property
    def unexpected(self) -> tuple[RehearsedRelease, ...]:
        """The releases that didn't end as they should."""
        return tuple(release for release in self.releases if not release.ok)


def read(path: Path) -> Report:
    """The report in a file. Raises ReportError."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ReportError(f"{path}: not JSON ({error}); write it again with a rehearsal") from None


def from_json(document: Any) -> Report:
    """The report that a parsed report.json holds. Raises ReportError."""
    values = _object(document, Report, "report")
    releases = [_release(item, f"releases[{i}]") for i, item in enumerate(values["releases"])]
    needed = Needed(**_object(values["needed"], Needed, "needed"))
    return Report(**{**values, "needed": needed, "releases": tuple(releases)})


def to_json(report: Report) -> dict[str, Any]:
    """What stands in report.json: `from_json` backwards."""
    return {**asdict(report), "releases": [_release_to_json(release) for release in report.releases]}


def _release(item: Any, where: str) -> RehearsedRelease:
    values = _object(item, RehearsedRelease, where)
    _one_of(values["result"], RESULTS, f"{where}.result")
    marks = [Mark(**_object(mark, Mark, f"{where}.marks[{i}]")) for i, mark in enumerate(values["marks"])]
    for i, mark in enumerate(marks):
        _one_of(mark.kind, KINDS, f"{where}.marks[{i}].kind")
    courses = [Course(**_object(one, Course, f"{where}.courses[{i}]")) for i, one in enumerate(values["courses"])]
    judged = [Told(*_row(row, 2, f"{where}.judged")) for row in values["judged"]]
    for i, told in enumerate(judged):
        _one_of(told.word, VERDICTS, f"{where}.judged[{i}]")
    checks = [Check(**_object(check, Check, f"{where}.checks[{i}]")) for i, check in enumerate(values["checks"])]
    return RehearsedRelease(
        **{
            **values,
            "checks": tuple(checks),
            "weights": tuple(Weight(*_row(row, 2, f"{where}.weights")) for row in values["weights"]),
            "requests": tuple(Bucket(*_row(row, 5, f"{where}.requests")) for row in values["requests"]),
            "marks": tuple(sorted(marks, key=lambda mark: mark.t)),
            "courses": tuple(replace(course, reached=tuple(course.reached)) for course in courses),
            "judged": tuple(judged),
            "story": tuple(values["story"]),
        }
    )


def _release_to_json(release: RehearsedRelease) -> dict[str, Any]:
    return {
        **asdict(release),
        "checks": [asdict(check) for check in release.checks],
        "weights": [list(asdict(weight).values()) for weight in release.weights],
        "requests": [list(asdict(bucket).values()) for bucket in release.requests],
        "marks": [asdict(mark) for mark in release.marks],
        "courses": [{**asdict(course), "reached": list(course.reached)} for course in release.courses],
        "judged": [[told.word, told.sentence] for told in release.judged],
        "story": list(release.story),
    }


def _object(value: Any, kind: type, where: str) -> Mapping[str, Any]:
    """`value`, if its keys are just the fields of the dataclass `kind`."""
    if not isinstance(value, dict):
        raise ReportError(f"{where}: expected an object, found {type(value).__name__}")
    names = [field.name for field in fields(kind)]
    for name in value:
        _one_of(name, names, where)
    if missing := [name for name in names if name not in value]:
        raise ReportError(f"{where}: {missing[0]!r} is missing")
    return value


def _row(value: Any, length: int, where: str) -> Iterable[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise ReportError(f"{where}: expected rows of {length} numbers, found {value!r}")
    return value


def _one_of(word: Any, known: Iterable[str], where: str) -> None:
    known = list(known)
    if word not in known:
        near = difflib.get_close_matches(str(word), known, n=1)
        raise ReportError(f"{where}: {word!r} is not one of {', '.join(known)}" + (f"; {near[0]}?" if near else ""))
