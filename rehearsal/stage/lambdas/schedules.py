"""The price of a short minute: a schedule may be due again before what it started is done.

In an account a function has a whole minute for what takes it a second. Where a stage minute is a second or two and the
machine is busy, one start upon the other would only make it busier: what is due meanwhile is left out, with a note. On
a stage that keeps real time nothing is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from rehearsal.stage.notes import note
from seatrial.settings import Clock


class Schedules:
    """What schedules have started and is not done yet, by target and rule."""

    def __init__(self, clock: Clock) -> None:
        self._is_short = clock.rate > 1
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def begin(self, target: str, event: Any) -> bool:
        """Whether the target is to be started. Each start must be ended."""
        rule = _rule(event)
        if not rule or not self._is_short:
            return True
        with self._lock:
            if (target, rule) not in self._running:
                self._running.add((target, rule))
                return True
        note(
            f"{rule.rpartition('/')[2]} was due while what it had started still ran, and was left out: this stage's "
            "minute is short for this machine; a larger MINUTE leaves more time"
        )
        return False

    def end(self, target: str, event: Any) -> None:
        with self._lock:
            self._running.discard((target, _rule(event)))


def _rule(event: Any) -> str:
    """The ARN of the schedule that an event comes from; "" for any other event."""
    if not isinstance(event, Mapping) or event.get("source") != "aws.events":
        return ""
    resources = event.get("resources") or [""]
    return str(resources[0])
