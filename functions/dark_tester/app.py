"""Asks the smoke cases of what is live, on schedule and on demand, and counts what fails."""

from collections.abc import Mapping
from typing import Any

from seatrial import wiring
from seatrial.flows import dark_tests
from seatrial.flows.hook import Context

aws = wiring.connect()  # once per container


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return dark_tests.run(aws, event, until=lambda: context.get_remaining_time_in_millis() / 1000 - 10)
