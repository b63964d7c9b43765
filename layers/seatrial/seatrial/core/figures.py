"""Lambda's own figures of an invoke, read from the end of its log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_FIGURE = re.compile(r"\t(Duration|Init Duration): ([\d.]+) ms")


@dataclass(frozen=True)
class Figures:
    """In milliseconds. None when the log level hides the report; `init` also on a warm start."""

    duration: float | None = None
    init: float | None = None


def read(log: str) -> Figures:
    """The figures of the last report in a log tail, in Lambda's text or JSON format."""
    for line in reversed(log.splitlines()):
        if line.startswith("REPORT RequestId:"):
            found = {name: float(number) for name, number in _FIGURE.findall(line)}
            return Figures(found.get("Duration"), found.get("Init Duration"))
        if '"platform.report"' in line:
            return _from_json(line)
    return Figures()


def _from_json(line: str) -> Figures:
    try:
        metrics = json.loads(line)["record"]["metrics"]
        return Figures(metrics.get("durationMs"), metrics.get("initDurationMs"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Figures()
