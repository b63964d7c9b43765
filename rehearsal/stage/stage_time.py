"""Gap of MiniStack: its services keep wall time, and their threads wait and work where no clock hears of it.

Here the services that keep stage time read and wait by the stage's clock, what is due is swept by it, and the threads
that deliver something count as work.
"""

from __future__ import annotations

import sys
import threading
import time as wall
from collections.abc import Callable
from types import ModuleType
from typing import Any

from rehearsal.stage.clock import StageClock

SWEEP_SECONDS = 10.0
"""How often schedules are looked at, in stage seconds, as MiniStack does in wall seconds."""
RULES_AT, SCHEDULES_AT = 2.0, 4.0
"""Seconds after each full ten; alarms are evaluated at the full ten. So nothing is due in the same moment."""


class StageTime:
    """Stands in for the `time` module inside a MiniStack service that keeps stage time."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.epoch()

    def sleep(self, stage_seconds: float) -> None:
        self._clock.wait(stage_seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(wall, name)


class WorkingThreads:
    """Stands in for the `threading` module inside a MiniStack service: what it starts works until it returns.

    `targets` are the names of the functions that count, where the service has threads that never end.
    """

    def __init__(self, clock: StageClock, name: str, targets: frozenset[str] = frozenset()) -> None:
        self._clock, self._name, self._targets = clock, name, targets

    def Thread(self, *, target: Callable[..., Any], args: tuple[Any, ...] = (), **more: Any) -> Any:  # noqa: N802 - as threading's
        if self._targets and getattr(target, "__name__", "") not in self._targets:
            return threading.Thread(target=target, args=args, **more)
        return _Starting(self._clock, self._name, target, args)

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


class _Starting:
    """A thread that counts as work from its start."""

    def __init__(self, clock: StageClock, name: str, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._clock, self._name, self._call, self._arguments = clock, name, target, args

    def start(self) -> None:
        self._clock.start(self._name, self._call, *self._arguments)


class SourcesAwake(threading.Event):
    """In the place of MiniStack's wake of its event sources: from a message on, until it was looked for, it is work."""

    def __init__(self, clock: StageClock) -> None:
        super().__init__()
        self._clock = clock
        self._work: Any = None
        self._turn = threading.Lock()

    def set(self) -> None:
        from ministack.services import lambda_svc

        with self._turn:
            if self._work is None and lambda_svc._poller_started:
                self._work = self._clock.begin("an event source")
        super().set()

    def wait(self, timeout: float | None = None) -> bool:
        """The poller found nothing more."""
        with self._turn:
            if not self.is_set() and self._work is not None:
                self._clock.end(self._work)
                self._work = None
        return super().wait(timeout)


def keep_stage_time(service: ModuleType, clock: StageClock) -> None:
    """From now on `service` reads stage time wherever it asked `time.time()`."""
    service.time = StageTime(clock)  # type: ignore[attr-defined]


def keep_event_time(eventbridge: ModuleType, clock: StageClock) -> None:
    """Events and schedules are dated in stage time. The rest of that module fills queues, which keep wall time."""
    eventbridge._now_ts = clock.epoch  # type: ignore[attr-defined]


def keep_dates_of_functions(lambda_service: ModuleType, clock: StageClock) -> None:
    """LastModified is in stage time: what is made of it is set against CodeDeploy's moments."""

    def now_iso() -> str:
        return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"

    lambda_service._now_iso = now_iso  # type: ignore[attr-defined]


def sweep(clock: StageClock, name: str, at: float, look: Callable[[], Any], every: float = SWEEP_SECONDS) -> None:
    """`look` every `every` stage seconds, `at` seconds after the full multiple, on a thread of its own."""

    def swept() -> None:
        while True:
            now = clock.epoch()
            clock.wait_until(now - (now - at) % every + every)
            look()

    clock.start(name, swept)


def install(clock: StageClock) -> None:
    """Once, before the first request."""
    from ministack.services import appconfig, cloudwatch, cloudwatch_logs, eventbridge, lambda_svc, scheduler, sns

    for service in (appconfig, cloudwatch, scheduler):
        keep_stage_time(service, clock)
    keep_event_time(eventbridge, clock)
    keep_dates_of_functions(lambda_svc, clock)
    eventbridge.start_scheduler = lambda: sweep(clock, "rules", RULES_AT, lambda: eventbridge._tick_scheduled_rules())
    scheduler.start_scheduler = lambda: sweep(clock, "schedules", SCHEDULES_AT, lambda: scheduler._tick_schedules())
    sns._threading = WorkingThreads(clock, "a topic's delivery")
    cloudwatch_logs.threading = WorkingThreads(clock, "a log subscription")
    eventbridge.threading = WorkingThreads(clock, "an event's target")
    delivers = frozenset({"_execute_function_with_config_scope"})
    lambda_svc.threading = WorkingThreads(clock, "a destination", delivers)
    lambda_svc.spawn_background = lambda call, **named: clock.start("a batch of an event source", call)
    lambda_svc._esm_wake = awake = SourcesAwake(clock)
    for name, module in list(sys.modules.items()):
        if name.startswith("ministack.") and hasattr(module, "esm_wake"):  # services import it by name
            setattr(module, "esm_wake", awake)  # noqa: B010 - of some modules
