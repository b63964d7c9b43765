"""The stage's one virtual clock: it starts at wall time and runs 60/MINUTE times as fast.

Stage time: CodeDeploy, CloudWatch, schedules, the `time` of events, when a function or version was made, AppConfig.
Wall time: CloudFormation, S3, SigV4, Logs and Lambda's timeouts.
"""

from __future__ import annotations

import time as wall
from types import ModuleType
from typing import Any

from seatrial.settings import Clock


def start(minute: float) -> Clock:
    """A stage clock that starts now. `minute` is how many wall seconds a stage minute takes; 60 is real time."""
    if not 0.1 <= minute <= 60:
        raise ValueError(f"MINUTE={minute:g} is not a length for the stage's minute: take 0.1 to 60 seconds")
    return Clock(origin=wall.time(), rate=60 / minute)


class StageTime:
    """Stands in for the `time` module inside a MiniStack service that keeps stage time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.epoch()

    def sleep(self, stage_seconds: float) -> None:
        wall.sleep(self._clock.wall_seconds(stage_seconds))

    def __getattr__(self, name: str) -> Any:
        return getattr(wall, name)


def keep_event_time(eventbridge: ModuleType, clock: Clock) -> None:
    """Events and schedules are dated in stage time. The rest of that module fills queues, which keep wall time."""
    eventbridge._now_ts = clock.epoch  # type: ignore[attr-defined]
    eventbridge._SCHEDULER_TICK_INTERVAL = clock.wall_seconds(10)  # type: ignore[attr-defined]


def keep_dates_of_functions(lambda_service: ModuleType, clock: Clock) -> None:
    """LastModified is in stage time: what is made of it is set against CodeDeploy's moments."""

    def now_iso() -> str:
        return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"

    lambda_service._now_iso = now_iso  # type: ignore[attr-defined]


def keep_stage_time(service: ModuleType, clock: Clock) -> None:
    """From now on `service` reads stage time wherever it asked `time.time()`."""
    service.time = StageTime(clock)  # type: ignore[attr-defined]
