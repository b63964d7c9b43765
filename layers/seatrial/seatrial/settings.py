"""The one reader of the environment and of the clock."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seatrial.core.events import Home


@dataclass(frozen=True)
class Clock:
    """The time. In an account: the wall clock. On the local AWS, whose minutes may be shorter: its clock, at `url`."""

    url: str = ""

    def epoch(self) -> float:
        """Epoch seconds. Raises OSError when the local AWS does not respond."""
        return time.time() if not self.url else _local_aws(self.url)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def wait(self, seconds: float) -> None:
        if self.url:
            _local_aws(self.url, {"wait": seconds})
        else:
            time.sleep(seconds)


def _local_aws(url: str, request: Mapping[str, float] | None = None) -> float:
    """The local AWS's time after the request, in epoch seconds. A wait ends with its response."""
    from urllib.request import ProxyHandler, build_opener  # in an account nothing needs it

    body = None if request is None else json.dumps(request).encode()
    with build_opener(ProxyHandler({})).open(url, body) as response:
        return float(json.load(response)["now"])


@dataclass(frozen=True)
class Settings:
    """What the template tells the functions. Empty names mean that the function has no such thing to talk to."""

    ledger_table: str
    topic_arn: str
    bus_name: str
    clock: Clock
    ledger_keeps: timedelta = timedelta(days=400)
    dark_test_services: tuple[str, ...] = ()
    foreign_alarms: bool = True

    @property
    def home(self) -> Home:
        """The account and Region, which the topic's ARN has; both "" without a topic."""
        region, account = (self.topic_arn.split(":") + [""] * 5)[3:5]
        return Home(account, region)

    def arns_of(self, service: str) -> str:
        """What ARNs of a service begin with in this account and Region, up to the resource: the topic's ARN has it."""
        partition, _, region, account = (self.topic_arn.split(":") + [""] * 5)[1:5]
        return f"arn:{partition}:{service}:{region}:{account}"


def region(environment: Mapping[str, str] = os.environ) -> str | None:
    """The Region that AWS_REGION names, as every SDK but botocore reads it; None leaves it to botocore."""
    return environment.get("AWS_REGION") or None


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this function. `SEATRIAL_CLOCK_URL` exists on the local AWS alone."""
    return Settings(
        ledger_table=environment.get("SEATRIAL_LEDGER_TABLE", ""),
        topic_arn=environment.get("SEATRIAL_TOPIC_ARN", ""),
        bus_name=environment.get("SEATRIAL_BUS_NAME", ""),
        clock=Clock(environment.get("SEATRIAL_CLOCK_URL", "")),
        ledger_keeps=timedelta(days=int(environment.get("SEATRIAL_LEDGER_DAYS", "400"))),
        foreign_alarms=environment.get("SEATRIAL_FOREIGN_ALARMS", "on") != "off",
        dark_test_services=tuple(
            name.strip() for name in environment.get("SEATRIAL_DARK_TEST_SERVICES", "").split(",") if name.strip()
        ),
    )
