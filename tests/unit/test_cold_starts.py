"""How many environments start at a time."""

from __future__ import annotations

import threading
from typing import Any

from rehearsal.stage.lambdas.cold_starts import ColdStarts

TIMEOUT = 30.0


def test_a_request_waits_while_as_many_start_as_may() -> None:
    starts = ColdStarts(at_once=1)
    first, _ = starts.acquire(lambda: (object(), "spawn"), lambda: False)
    second: list[Any] = []
    waiting = threading.Thread(
        target=lambda: second.append(starts.acquire(lambda: (object(), "spawn"), lambda: False)), daemon=True
    )
    waiting.start()
    assert second == []
    starts.settled(first)
    waiting.join(TIMEOUT)
    assert len(second) == 1


def test_a_free_environment_is_used_at_once() -> None:
    starts = ColdStarts(at_once=1)
    starts.acquire(lambda: (object(), "spawn"), lambda: False)
    free = object()
    assert starts.acquire(lambda: (free, "reused"), lambda: True) == (free, "reused")


def test_a_request_that_waits_gets_the_environment_that_becomes_free() -> None:
    starts = ColdStarts(at_once=1)
    environment, _ = starts.acquire(lambda: (object(), "spawn"), lambda: False)
    free, found = threading.Event(), []

    def wait() -> None:
        how = lambda: (environment, "reused") if free.is_set() else (object(), "spawn")  # noqa: E731
        found.append(starts.acquire(how, free.is_set))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    free.set()
    starts.settled(environment)
    waiting.join(TIMEOUT)
    assert found == [(environment, "reused")]
