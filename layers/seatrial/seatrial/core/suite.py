"""The suite: the cases a version is tried with, and how its service wants to be judged and released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.core import bounds, sections, written
from seatrial.core.cases import Case
from seatrial.core.sections import Body, CompareSettings, JudgeSettings, ReleaseSettings
from seatrial.core.source import Entry, Reading, Source
from seatrial.core.values import Json, UnfitError

__all__ = ["Case", "CompareSettings", "JudgeSettings", "ReleaseSettings", "Suite", "parse"]

TOP = ("defaults", "cases", "compare", "judge", "release", "redact")
DEFAULTS = ("body", "expect")


@dataclass(frozen=True)
class Suite:
    """What travels with the code of a version."""

    cases: tuple[Case, ...]
    release: ReleaseSettings = field(default_factory=ReleaseSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    compare: CompareSettings = field(default_factory=CompareSettings)
    # Names of keys and headers whose values are never shown, beside those of seatrial.core.redaction.
    redact: tuple[str, ...] = ()


def parse(source: Source, files: Mapping[str, bytes]) -> Suite:
    """The suite that a source describes. `files` are those beside it, by their path from there (`events/get.json`).

    Raises SuiteError with every mistake at once.
    """
    reading = Reading(source)
    top = reading.mapping(source.data, (), "", "the suite")
    reading.words(top, TOP, (), "")
    release = ReleaseSettings(**reading.section(sections.RELEASE, top.get("release"), "release"))
    judge = JudgeSettings(**reading.section(sections.JUDGE, top.get("judge"), "judge"))
    compare = CompareSettings(**reading.section(sections.COMPARE, top.get("compare"), "compare"))
    redact = _redact(reading, top.get("redact"))
    shared = written.Shared(files, release.allow_effects, *_defaults(reading, top.get("defaults")))
    cases = _cases(reading, top.get("cases"), shared)
    reading.finish()
    return Suite(cases, release, judge, compare, redact)


def _redact(reading: Reading, value: Json) -> tuple[str, ...]:
    try:
        return () if value is None else sections.REDACT(value)
    except UnfitError as unfit:
        reading.note(("redact",), "", f"'redact' {unfit}")
        return ()


def _defaults(reading: Reading, value: Json) -> tuple[Body, Mapping[str, Json]]:
    """What holds for every case that says nothing else: the kind of body, and expectations."""
    entry = Entry(reading, ("defaults",), "defaults", reading.mapping(value, ("defaults",), "", "defaults"))
    entry.words(DEFAULTS)
    return entry.value("body", sections.BODY, "text"), entry.mapping("expect")


def _cases(reading: Reading, value: Json, shared: written.Shared) -> tuple[Case, ...]:
    if not isinstance(value, list) or not value:
        reading.note(
            ("cases",), "", "'cases' must be a list of at least one case, as '- {name: …, event: …, expect: …}'"
        )
        return ()
    cases: list[Case] = []
    names: set[str] = set()
    for index, item in enumerate(value):
        if len(cases) > bounds.CASES.most:
            break
        for case in written.read(reading, item, index, shared, cases):
            if case.name in names:
                reading.note(
                    ("cases", index, "name"), f"case '{case.name}'", "this name stands twice; each case needs its own"
                )
            names.add(case.name)
            cases.append(case)
    reading.check(lambda: bounds.CASES.check_size(cases), ("cases",), "", "a suite")
    if cases and all(case.on == "stable" for case in cases):
        reading.note(("cases",), "", "every case is 'on: stable', so that none tries the candidate; add one that does")
    return tuple(cases)
