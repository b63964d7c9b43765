"""What happened on the stage, in order, for whoever watches: the rehearsal's screen, its report, tests."""

from __future__ import annotations

import threading
from typing import Any

from rehearsal.stage.clock import StageClock


class Records:
    """An append-only list. Each record is `{"seq", "t" (stage epoch seconds), "kind", …}`."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: list[dict[str, Any]] = []

    def add(self, kind: str, *, t: float | None = None, **what: Any) -> None:
        with self._lock:
            at = self._clock.epoch() if t is None else t
            self._records.append({"seq": len(self._records), "t": at, "kind": kind, **what})

    def since(self, seq: int) -> list[dict[str, Any]]:
        with self._lock:
            return self._records[seq:]
