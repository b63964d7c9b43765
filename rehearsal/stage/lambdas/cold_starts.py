"""Gap of MiniStack: under open-loop traffic each request that finds no free environment starts one, without end.

Starts that compete for the processor finish later, so that yet more requests find none. Here only so many environments
start at a time, and a request that would start another waits for one to be free or for its turn. A start depends on no
invoke, so a function that invokes itself cannot wait for itself.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
LONGEST_SECONDS = 60.0
"""Wall seconds after which a request starts an environment all the same."""


class ColdStarts:
    """Whose environments start now, of all functions."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._turn = threading.Condition()
        self._starting: set[int] = set()

    def acquire(self, acquire: Callable[..., Any], is_free: Callable[[], bool]) -> Any:
        """What `acquire` gives, once an environment is free or may start: (environment, "reused" | "spawn")."""
        deadline = time.monotonic() + LONGEST_SECONDS
        with self._turn:
            while len(self._starting) >= self._at_once and not is_free():
                if not self._turn.wait(deadline - time.monotonic()):
                    break
            environment, how = acquire()
            if how == "spawn":
                self._starting.add(id(environment))
            return environment, how

    def settled(self, environment: Any) -> None:
        """An environment has started, has failed to, or is free."""
        with self._turn:
            self._starting.discard(id(environment))
            self._turn.notify_all()


def _has_free(name: str, config: dict[str, Any], qualifier: str) -> bool:
    entries = lambda_runtime._workers.get(lambda_runtime._worker_key(name, config, qualifier), [])
    return any(not one.in_use for one in entries)


def install() -> None:
    """After `runtime`, which measures each start."""
    starts = ColdStarts()
    acquire, release, spawn = lambda_svc.acquire_worker, lambda_svc.release_worker, lambda_runtime.Worker._spawn

    @functools.wraps(acquire)
    def acquired(name: str, config: dict[str, Any], code: bytes, qualifier: str = "$LATEST", *rest: Any) -> Any:
        call = functools.partial(acquire, name, config, code, qualifier, *rest)
        return starts.acquire(call, lambda: _has_free(name, config, qualifier))

    @functools.wraps(release)
    def released(environment: Any) -> Any:
        try:
            return release(environment)
        finally:
            starts.settled(environment)

    @functools.wraps(spawn)
    def spawned(environment: Any) -> None:
        try:
            spawn(environment)
        finally:
            starts.settled(environment)

    lambda_svc.acquire_worker, lambda_svc.release_worker = acquired, released
    lambda_runtime.Worker._spawn = spawned
