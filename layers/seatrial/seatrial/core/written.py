"""Cases as they are written: checked word by word, and the rows of a table made cases of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from seatrial.core import bounds, expect, matchers, paths, sections
from seatrial.core.cases import Case, EventPart, filled_right, names_in_right
from seatrial.core.paths import Path
from seatrial.core.sections import Body, Effects
from seatrial.core.source import Entry, Reading
from seatrial.core.values import Json, UnfitError, filled, listed, names_in, nearest, read_json, shown

CASE = ("name", "smoke", "event", "expect", "table", "effects", "on", "capture", "compare", "body")


@dataclass(frozen=True)
class Shared:
    """What all cases of a suite share: the files beside it, the effects it allows, and its defaults.

    `events` are the files that were read: a file of many cases and rows is read, and kept in memory, once.
    """

    files: Mapping[str, bytes]
    allowed: tuple[Effects, ...]
    body: Body
    expect: Mapping[str, Json]
    events: dict[str, Json] = field(default_factory=dict)


def read(reading: Reading, item: Json, index: int, shared: Shared, earlier: Sequence[Case]) -> Iterator[Case]:
    """The case at `index`, or one for each row of its table. Every mistake is noted in `reading`."""
    entry = _entry(reading, item, index)
    rows = _rows(entry)
    captures = {name: case for case in earlier for name in case.capture}
    shape = _shape(entry, shared, captures, columns=frozenset[str]().union(*rows))
    names = [shown_name for row in rows if (shown_name := _name(entry, shape.name, row)) is not None]
    for number, (row, name) in enumerate(zip(rows, names, strict=False), start=1):
        distinct = name if names.count(name) == 1 else f"{name} (row {number})"
        case = replace(shape, name=distinct, row=row, event=tuple(_event(entry, shared, row)))
        _check_expectations(entry, case)
        yield case


def _entry(reading: Reading, item: Json, index: int) -> Entry:
    name = item.get("name") if isinstance(item, dict) else None
    part = f"case '{bounds.short(name, bounds.NAME)}'" if isinstance(name, str) else f"case {index + 1}"
    entry = Entry(reading, ("cases", index), part, reading.mapping(item, ("cases", index), part, "a case"))
    entry.words(CASE)
    if "name" not in entry.written:
        entry.note("name", "a case needs a name, as 'name: health answers'")
    return entry


def _shape(entry: Entry, shared: Shared, captures: Mapping[str, Case], columns: frozenset[str]) -> Case:
    """The case without what depends on a row."""
    expected = {**shared.expect, **entry.mapping("expect")}
    if not entry.check("expect", lambda: bounds.EXPECTATIONS.check_size(expected), "'expect'"):
        expected = {}
    shape = Case(
        name=entry.value("name", sections.text, entry.part),
        expect=expected,
        smoke=entry.value("smoke", sections.truth, False),
        effects=entry.value("effects", sections.EFFECTS, "none"),
        on=entry.value("on", sections.ON, "candidate"),
        capture=dict(_capture(entry, columns, captures)),
        needs=_needs(entry, expected, columns, captures),
        compare=entry.value("compare", sections.truth, True),
        body=entry.value("body", sections.BODY, shared.body),
    )
    _check_effects(entry, shape, shared.allowed)
    _check_smoke(entry, shape, captures)
    return shape


def _rows(entry: Entry) -> list[dict[str, Json]]:
    """The table's rows; a case without one has a single row without columns. Dollars in a row are taken as they are."""
    if "table" not in entry.written:
        return [{}]
    table = entry.written["table"]
    rows = [row for row in table if isinstance(row, dict) and row] if isinstance(table, list) else []
    if not isinstance(table, list) or not rows or len(rows) < len(table):
        entry.note("table", "'table' must be a list of rows, as '- {amount: 12.50, currency: EUR}'")
        return [{}]
    columns = {column for row in rows for column in row}
    if not (
        entry.check("table", lambda: bounds.ROWS.check_size(rows), "'table'")
        and entry.check("table", lambda: bounds.COLUMNS.check_size(columns), "a row of 'table'")
    ):
        return [{}]
    for number, row in enumerate(rows, start=1):
        if missing := columns - row.keys():
            entry.note(
                "table", f"row {number} of 'table' has no {listed(sorted(missing), 'and')}; every row has every column"
            )
    return rows


def _written_parts(entry: Entry) -> list[Json]:
    event = entry.written.get("event")
    return event if isinstance(event, list) else [] if event is None else [event]


def _needs(
    entry: Entry, expected: Mapping[str, Json], columns: frozenset[str], captures: Mapping[str, Case]
) -> frozenset[str]:
    """The captures that event and expectations ask for; a mistake for each `$name` that nobody fills in."""
    inline: list[Json] = [part for part in _written_parts(entry) if isinstance(part, dict)]
    asked = {"event": names_in(inline), "expect": frozenset[str]().union(*map(names_in_right, expected.values()))}
    for key, names in asked.items():
        for name in sorted(names - columns - captures.keys()):
            _note_unknown(entry, key, name, [*columns, *captures])
    for path in expected:
        for name in sorted(names_in(path) & (columns | captures.keys())):
            entry.note(
                "expect", f"'${name}' stands in the path '{path}', where nothing is filled in; write it on the right"
            )
    return (asked["event"] | asked["expect"]) & (captures.keys() - columns)


def _note_unknown(entry: Entry, key: str, name: str, known: Sequence[str]) -> None:
    near = nearest(name, known)
    cure = f"did you mean '${near}'?" if near else f"write '$${name}' for a plain dollar"
    entry.note(key, f"'${name}' in '{key}' is neither a column of a table nor the capture of an earlier case; {cure}")


def _name(entry: Entry, name: str, row: Mapping[str, Json]) -> str | None:
    try:
        named = str(filled(name, row))
        bounds.NAME.check_size(named)
        return named
    except UnfitError as unfit:
        entry.note("name", f"the name of a case {unfit}")
        return None
    except KeyError as unknown:
        _note_unknown(entry, "name", unknown.args[0], list(row))
        return None


def _event(entry: Entry, shared: Shared, row: Mapping[str, Json]) -> Iterator[EventPart]:
    parts = _written_parts(entry)
    if not entry.check("event", lambda: bounds.EVENT_PARTS.check_size(parts), "'event'"):
        return
    for part in parts:
        if isinstance(part, dict):
            yield EventPart(part, written=True)
        elif isinstance(part, str):
            try:
                yield EventPart(_file(str(filled(part, row)), shared), written=False)
            except KeyError as unknown:
                _note_unknown(entry, "event", unknown.args[0], list(row))
            except UnfitError as unfit:
                entry.note("event", str(unfit))
        else:
            entry.note(
                "event", f"'event' holds {shown(part)}; it is made of files, as events/get.json, and of mappings"
            )


def _file(name: str, shared: Shared) -> Json:
    if name not in shared.events:
        shared.events[name] = _read_file(name, shared.files)
    return shared.events[name]


def _read_file(name: str, files: Mapping[str, bytes]) -> Json:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UnfitError(
            f"'{name}' leads out of the suite's folder; event files lie beside the suite or in folders below it"
        )
    if str(path) not in files:
        near = nearest(str(path), [known for known in files if known.endswith(".json")])
        cure = f"did you mean '{near}'?" if near else "put the file there, or correct its path"
        raise UnfitError(f"there is no file '{name}' beside the suite; {cure}")
    try:
        return read_json(files[str(path)])
    except UnfitError as unfit:
        raise UnfitError(f"'{name}' {unfit}") from unfit
    except ValueError as error:
        raise UnfitError(f"'{name}' is not JSON: {error}") from error


def _check_expectations(entry: Entry, case: Case) -> None:
    for path, right in case.expect.items():
        try:
            if names_in_right(right) <= case.row.keys():
                expect.read(path, filled_right(right, case.row))
            else:  # what a capture will be is not known yet; the words around it are
                paths.read(path)
                if isinstance(right, dict):
                    matchers.check_words(right)
        except UnfitError as unfit:
            own = path in entry.mapping("expect")
            at = (*entry.at, "expect", path) if own else ("defaults", "expect", path)
            entry.reading.note(at, entry.part if own else "defaults", str(unfit))


def _capture(entry: Entry, columns: frozenset[str], captures: Mapping[str, Case]) -> Iterator[tuple[str, Path]]:
    written = entry.mapping("capture")
    if not entry.check("capture", lambda: bounds.CAPTURES.check_size(written), "'capture'"):
        return
    if written and columns:
        entry.note(
            "capture", "a case with a table captures nothing, for each of its rows would; capture in a case of its own"
        )
    for name, path in written.items():
        entry.check("capture", lambda name=name: bounds.CAPTURE_NAME.check_size(name), f"the name '{name}'")  # type: ignore[misc]
        if not name.isidentifier():
            entry.note("capture", f"'{name}' is not a name for a capture; use letters, digits and _")
        if name in captures:
            entry.note("capture", f"'{name}' is already captured by '{captures[name].name}'; take another name")
        try:
            yield name, paths.read(sections.text(path))
        except UnfitError as unfit:
            entry.note("capture", str(unfit) if isinstance(path, str) else f"'{name}' {unfit}")


def _check_effects(entry: Entry, case: Case, allowed: Sequence[Effects]) -> None:
    if case.effects == "none":
        return
    if case.effects not in allowed:
        entry.note("effects", f"'effects: {case.effects}' is not allowed; add {case.effects} to release.allow_effects")
    if case.on == "stable":
        entry.note("effects", "a case on stable has no effects, for what has them runs once and on the candidate")


def _check_smoke(entry: Entry, case: Case, captures: Mapping[str, Case]) -> None:
    if not case.smoke:
        return
    if case.effects != "none" or case.on == "stable":
        entry.note("smoke", "a smoke case is asked again through the alias, so it has no effects and is not on stable")
    for name in sorted(case.needs):
        if not captures[name].smoke:
            entry.note(
                "smoke", f"a smoke case can't need '${name}', for '{captures[name].name}' captures it and is none"
            )
