"""How time passes in an account: the local AWS's is advanced, a real one's has to be waited for."""

from __future__ import annotations

import time
from typing import Protocol

from rehearsal.stage.outside import OutsideClock


class Time(Protocol):
    """How time passes in an account."""

    def now(self) -> float:
        """Epoch seconds."""

    def go_on(self, seconds: float) -> None:
        """Return so many seconds later."""


class WallTime:
    """Where the time is everybody's: one has to wait for it."""

    def now(self) -> float:
        return time.time()

    def go_on(self, seconds: float) -> None:
        time.sleep(seconds)


class AdvancedTime:
    """On a stage whose clock stands still unless it is advanced."""

    def __init__(self, clock: OutsideClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return float(self._clock.read()["now"])

    def go_on(self, seconds: float) -> None:
        self._clock.advance(seconds)
