"""Answers a CloudWatch dashboard: the releases that are open, the last ones, and how delivery goes."""

from collections.abc import Mapping
from typing import Any

from seatrial import wiring
from seatrial.flows import board

aws = wiring.connect()  # once per container


def handler(event: Mapping[str, Any], context: object) -> str:
    return board.show(aws, event)
