"""What real accounts answered (tests/data/aws), and answers held against it field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "aws"

# Ids, names and times differ by nature, between two accounts as well as between two minutes.
_MASKS = (
    (re.compile(r"\bd-[A-Z0-9]{9}\b"), "d-ID"),
    (re.compile(r"arn:aws:iam::\d{12}:role/\S+"), "ROLE"),
    (re.compile(r"<[^>]*>"), "<ALARMS>"),
    (re.compile(r"RequestToken: [^,]+"), "RequestToken: TOKEN"),
    (re.compile(r"^\d{4}-\d\d-\d\dT\S+$"), "TIME"),
)


def capture(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def as_captured(given: Any, captured: Any) -> tuple[Any, Any]:
    """Both as they can be compared: masked, and of what was given only the members that the capture has."""
    return masked(_members(given, captured)), masked(captured)


def masked(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: masked(inner) for key, inner in value.items()}
        case list():
            return [masked(inner) for inner in value]
        case datetime():
            return "TIME"
        case str():
            for pattern, name in _MASKS:
                value = pattern.sub(name, value)
            return value
        case _:
            return value


def _members(given: Any, captured: Any) -> Any:
    if isinstance(given, Mapping) and isinstance(captured, Mapping):
        return {key: _members(given[key], inner) for key, inner in captured.items() if key in given}
    return given
