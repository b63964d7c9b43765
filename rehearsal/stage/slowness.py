"""How slow this machine is just now: how long a little work takes beside the processor's own time for it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

PAUSE = 0.1
"""Wall seconds between two looks."""
WORK_SECONDS = 0.006
"""Processor time of a look. Longer than a scheduler's slice, so that others get their turn in it."""
LATE_IS = 0.01
"""A pause that ends by so many wall seconds late is a machine of slowness 2."""
WEIGHT = 0.3
"""Of the newest look in the smoothed value."""

_BLOCK = bytes(64_000)  # hashed without the interpreter's lock: the stage's own threads are no slowness of the machine


def slowness(taken: float, used: float, late: float) -> float:
    """At least 1: wall seconds `taken` by work that `used` so much of a processor, and a pause that ended `late`."""
    by_work = taken / used if used > 0 else 1.0
    return max(1.0, by_work, 1.0 + late / LATE_IS)


class Gauge:
    """Slowness, smoothed over some looks."""

    def __init__(
        self,
        wall: Callable[[], float] = time.perf_counter,
        used: Callable[[], float] = time.thread_time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wall, self._used, self._pause = wall, used, pause
        self._smoothed = 1.0

    def measure(self) -> float:
        """One look, which takes about a tenth of a second."""
        before = self._wall()
        self._pause(PAUSE)
        late = max(0.0, self._wall() - before - PAUSE)
        began, used = self._wall(), self._used()
        while (spent := self._used() - used) < WORK_SECONDS:
            hashlib.sha256(_BLOCK).digest()
        found = slowness(self._wall() - began, spent, late)
        self._smoothed += WEIGHT * (found - self._smoothed)
        return self._smoothed
