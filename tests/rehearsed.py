"""What tests read of a whole rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rehearsal.telling.report import Report


@dataclass(frozen=True)
class Rehearsed:
    """What a whole rehearsal found: its report, the AWS calls that functions made, and what their roles allow."""

    report: Report
    calls: list[dict[str, Any]]
    roles: dict[str, list[str]]
