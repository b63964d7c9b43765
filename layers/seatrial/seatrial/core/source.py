"""A suite as it was written: its data, where each part of it stands, and every mistake in it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.core import bounds
from seatrial.core.values import Json, UnfitError, instead

# How many mistakes a message names; `seatrial suite check` prints all.
_NAMED = 3

type At = tuple[str | int, ...]
"""The way to a part of the data: keys and indexes from the top, as ("cases", 0, "expect")."""


@dataclass(frozen=True)
class Mark:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """JSON data with the file it comes from and the mark of each of its parts."""

    data: Json
    file: str
    marks: Mapping[At, Mark] = field(default_factory=dict)

    def mark(self, at: At) -> Mark:
        """The mark of a part, or of the nearest part around it."""
        while at and at not in self.marks:
            at = at[:-1]
        return self.marks.get(at, Mark(1, 1))


@dataclass(frozen=True)
class Mistake:
    """One mistake: `seatrial/suite.yaml:14, case 'refund': …`. `part` is "" for the whole file."""

    file: str
    mark: Mark
    part: str
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.mark.line}"
        whole = f"{place}, {self.part}: {self.sentence}" if self.part else f"{place}: {self.sentence}"
        return bounds.short(whole)


class SuiteError(Exception):
    """The suite is not one. `mistakes` are all of them, in the order of the file; the text names the first few."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        told = dict.fromkeys(mistakes)  # a table would else tell the same mistake for each of its rows
        self.mistakes = tuple(sorted(told, key=lambda mistake: (mistake.mark.line, mistake.mark.column)))
        more = [f"and {len(self.mistakes) - _NAMED} more mistakes"] if len(self.mistakes) > _NAMED else []
        super().__init__("; ".join([*map(str, self.mistakes[:_NAMED]), *more]))


class NoSuiteError(Exception):
    """There is nothing to try the version with."""


class Reading:
    """Reads values out of a source and collects what is wrong, so that one reading finds every mistake."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.mistakes: list[Mistake] = []

    def note(self, at: At, part: str, sentence: str) -> None:
        self.mistakes.append(Mistake(self.source.file, self.source.mark(at), part, sentence))

    def check(self, check: Callable[[], object], at: At, part: str, subject: str) -> bool:
        """False, and a mistake, when the check raises UnfitError: it continues a sentence about the subject."""
        try:
            check()
        except UnfitError as unfit:
            self.note(at, part, f"{subject} {unfit}")
            return False
        return True

    def mapping(self, value: Json, at: At, part: str, name: str) -> dict[str, Json]:
        """The value if it is a mapping; else {} and a mistake. Nothing at all is an empty mapping."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.note(at, part, f"'{name}' must be a mapping of keys to values")
        return {}

    def words(self, mapping: Mapping[str, Json], known: Iterable[str], at: At, part: str) -> None:
        """A mistake for each key that is not known: an unknown word is never a default."""
        known = tuple(known)
        for key in mapping:
            if key not in known:
                self.note((*at, key), part, f"'{key}' is not a key here; {instead(key, known)}")

    def value[T](self, read: Callable[[Json], T], value: Json, at: At, part: str, name: str) -> T | None:
        """What `read` makes of the value; None and a mistake when it is unfit."""
        try:
            return read(value)
        except UnfitError as unfit:
            self.note(at, part, f"'{name}' {unfit}")
            return None

    def section(self, readers: Mapping[str, Callable[[Json], object]], value: Json, name: str) -> dict[str, Any]:
        """The fit values of the section `name` at the top of the file, whose keys are those of `readers`."""
        written = self.mapping(value, (name,), "", name)
        self.words(written, readers, (name,), name)
        stated = {
            key: self.value(readers[key], right, (name, key), name, key)
            for key, right in written.items()
            if key in readers
        }
        return {key: found for key, found in stated.items() if found is not None}

    def finish(self) -> None:
        """Raises SuiteError with everything that was noted, if anything was."""
        if self.mistakes:
            raise SuiteError(self.mistakes)


@dataclass(frozen=True)
class Entry:
    """A mapping of the suite while it is read: its keys, where it stands and how people call it."""

    reading: Reading
    at: At
    part: str
    written: dict[str, Json]

    def note(self, key: str, sentence: str) -> None:
        self.reading.note((*self.at, key), self.part, sentence)

    def words(self, known: Iterable[str]) -> None:
        self.reading.words(self.written, known, self.at, self.part)

    def value[T](self, key: str, read: Callable[[Json], T], default: T) -> T:
        """What `read` makes of a key; the default when it is not written, or unfit and noted."""
        if key not in self.written:
            return default
        found = self.reading.value(read, self.written[key], (*self.at, key), self.part, key)
        return default if found is None else found

    def check(self, key: str, check: Callable[[], object], subject: str) -> bool:
        """False, and a mistake, when the check raises UnfitError."""
        return self.reading.check(check, (*self.at, key), self.part, subject)

    def mapping(self, key: str) -> dict[str, Json]:
        return self.reading.mapping(self.written.get(key), (*self.at, key), self.part, key)
