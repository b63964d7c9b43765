"""The one reader of the environment and of the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """What time it is. In an account: the wall clock. On the stage, whose minutes may be shorter, stage time.

    Stage time is `origin` at the wall time `origin` and runs `rate` times as fast. Both are epoch seconds.
    """

    origin: float = 0.0
    rate: float = 1.0

    def at(self, wall: float) -> float:
        """Stage time, in epoch seconds, at a moment of wall time, in epoch seconds."""
        return self.origin + (wall - self.origin) * self.rate

    def epoch(self) -> float:
        return self.at(time.time())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def wall_seconds(self, stage_seconds: float) -> float:
        """How long a span of stage time takes on the wall, in seconds."""
        return stage_seconds / self.rate

    def wait(self, stage_seconds: float) -> None:
        time.sleep(self.wall_seconds(stage_seconds))


@dataclass(frozen=True)
class Settings:
    """What the template tells the functions. Empty names mean that the function has no such thing to talk to."""

    ledger_table: str
    topic_arn: str
    bus_name: str
    clock: Clock
    ledger_keeps: timedelta = timedelta(days=400)
    dark_test_services: tuple[str, ...] = ()

    def arns_of(self, service: str) -> str:
        """What ARNs of a service begin with in this account and Region, up to the resource: the topic's ARN has it."""
        partition, _, region, account = (self.topic_arn.split(":") + [""] * 5)[1:5]
        return f"arn:{partition}:{service}:{region}:{account}"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this function. `SEATRIAL_CLOCK_*` exist on the stage alone."""
    return Settings(
        ledger_table=environment.get("SEATRIAL_LEDGER_TABLE", ""),
        topic_arn=environment.get("SEATRIAL_TOPIC_ARN", ""),
        bus_name=environment.get("SEATRIAL_BUS_NAME", ""),
        clock=Clock(
            origin=float(environment.get("SEATRIAL_CLOCK_ORIGIN", "0")),
            rate=float(environment.get("SEATRIAL_CLOCK_RATE", "1")),
        ),
        ledger_keeps=timedelta(days=int(environment.get("SEATRIAL_LEDGER_DAYS", "400"))),
        dark_test_services=tuple(
            name.strip() for name in environment.get("SEATRIAL_DARK_TEST_SERVICES", "").split(",") if name.strip()
        ),
    )
