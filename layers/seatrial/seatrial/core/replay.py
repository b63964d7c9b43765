"""Recorded shifts: rows in a JSON file, as the judge replays them and as a team's history is exported. Pure.

A file holds one case or a list of them:

    {"rows": [[base_n, base_err, cand_n, cand_err], …], "name": "what people call it", "settings": {"warm_up": "5m"}}

A row is a closed minute. `name`, `metric` and `settings` may be left out; `metric` is what the rows count ("errors"
unless it is given); `settings` are those of a suite's `judge` section.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.core import sections
from seatrial.core.evidence import Row
from seatrial.core.sections import JudgeSettings
from seatrial.core.values import Json, UnfitError, instead, is_number, plain, shown
from seatrial.core.verdict import Verdict

KEYS = ("rows", "name", "metric", "settings")

# More than CloudWatch could count in a minute; what is larger is a mistake, and would overflow.
MOST_REQUESTS = 10**12


class ReplayError(ValueError):
    """What is recorded can't be judged. The text is one sentence that begins with the place."""


@dataclass(frozen=True)
class Recorded:
    """One metric of one shift. `name` is "" when it has none."""

    rows: tuple[Row, ...]
    name: str = ""
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    metric: str = "errors"


def read(content: bytes, file: str) -> list[Recorded]:
    """The cases of a file; `file` is its name for mistakes. Raises ReplayError at the first of them."""
    try:
        data: Json = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ReplayError(f"{file}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise ReplayError(f"{file}, byte {error.start + 1}: not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise ReplayError(f"{file}: nests too deep; it holds a case, or a list of cases") from None
    except ValueError as error:  # of `_once` and `_no_constant`, or a number with more digits than Python reads
        raise ReplayError(f"{file}: {error}") from None
    if isinstance(data, list):
        return [_recorded(case, f"{file}, case {number}") for number, case in enumerate(data, start=1)]
    return [_recorded(data, file)]


def told(recorded: Recorded, verdict: Verdict) -> dict[str, Any]:
    """A verdict for `--json`. `evidence` suffices for `worse` at `limit`, `no_harm` for `ok` at `clear_limit`."""
    return {
        "name": recorded.name,
        "metric": recorded.metric,
        "verdict": verdict.verdict,
        "minute": verdict.minute,
        "evidence": verdict.evidence,
        "limit": verdict.limit,
        "no_harm": verdict.no_harm,
        "clear_limit": verdict.clear_limit,
        "missing": verdict.missing,
        "sentence": verdict.sentence,
    }


def written(recorded: Recorded) -> dict[str, Any]:
    """A case as it stands in a file, with what its verdict depends on."""
    settings = recorded.settings
    return {
        "name": recorded.name,
        "metric": recorded.metric,
        "settings": {
            "worse_than": settings.worse_than,
            "warm_up": f"{plain(settings.warm_up)}s",
            "false_alarms": _percentage(settings.false_alarms),
            "absolute_limit": _percentage(settings.absolute_limit),
            "min_requests": settings.min_requests,
        },
        "rows": [list(row) for row in recorded.rows],
    }


def _percentage(share: float) -> str:
    return f"{share * 100:.10f}".rstrip("0").rstrip(".") + "%"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping, unless a key stands twice: JSON readers disagree about which one counts."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} stands twice in one object; keep one")
        found[key] = value
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON; a count is a whole number, 0 or more")


def _recorded(case: Json, place: str) -> Recorded:
    if not isinstance(case, dict):
        raise ReplayError(f'{place}: is {shown(case)}, which is not a case; write {{"rows": [[100, 1, 10, 0]]}}')
    for key in case:
        if key not in KEYS:
            raise ReplayError(f"{place}: {shown(key)} is not a key here; {instead(key, KEYS)}")
    if "rows" not in case:
        raise ReplayError(f"{place}: has no 'rows'; write them as [[base_n, base_err, cand_n, cand_err], …]")
    rows, name, metric = case["rows"], case.get("name", ""), case.get("metric", "errors")
    if not isinstance(rows, list):
        raise ReplayError(f"{place}, 'rows': is {shown(rows)}, which is not a list of rows")
    if not isinstance(name, str):
        raise ReplayError(f"{place}, 'name': is {shown(name)}, which is not a text")
    if not isinstance(metric, str) or not metric.strip():
        raise ReplayError(f"{place}, 'metric': is {shown(metric)}, which is not the name of a metric")
    settings = _settings(case.get("settings", {}), f"{place}, 'settings'")
    read = tuple(_row(row, f"{place}, row {n}") for n, row in enumerate(rows, start=1))
    return Recorded(read, name, settings, metric)


def _row(row: Json, place: str) -> Row:
    if not isinstance(row, list) or len(row) != len(Row._fields):
        raise ReplayError(f"{place}: is {shown(row)}; a row is [{', '.join(Row._fields)}]")
    counts = Row(*(_count(value, f"{place}, {field}") for value, field in zip(row, Row._fields, strict=True)))
    for n, err, side in ((counts.base_n, counts.base_err, "base"), (counts.cand_n, counts.cand_err, "cand")):
        if err > n:
            raise ReplayError(f"{place}: {side}_err is {err} and {side}_n only {n}; bad requests are counted among all")
    return counts


def _count(value: Json, place: str) -> int:
    if not isinstance(value, int | float) or not is_number(value) or value != value // 1 or value < 0:
        raise ReplayError(f"{place}: is {shown(value)}; a count is a whole number, 0 or more")
    if value > MOST_REQUESTS:
        raise ReplayError(f"{place}: is {shown(value, 20)}, more requests than a minute can have")
    return int(value)


def _settings(written: Json, place: str) -> JudgeSettings:
    if not isinstance(written, dict):
        raise ReplayError(f'{place}: is {shown(written)}; write a mapping, as {{"worse_than": 2}}')
    read: Mapping[str, Any] = {key: _setting(key, value, place) for key, value in written.items()}
    return JudgeSettings(**read)


def _setting(key: str, value: Json, place: str) -> object:
    if key not in sections.JUDGE:
        raise ReplayError(f"{place}: {shown(key)} is not a setting of the judge; {instead(key, sections.JUDGE)}")
    try:
        return sections.JUDGE[key](value)
    except UnfitError as unfit:
        raise ReplayError(f"{place}: '{key}' {unfit}") from None
