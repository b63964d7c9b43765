"""Stops the deployment that an alarm or an on-call event belongs to."""

from collections.abc import Mapping
from typing import Any

from seatrial import wiring
from seatrial.flows import rollback

aws = wiring.connect()  # once per container


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return rollback.take_back(aws, event)
