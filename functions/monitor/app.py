"""Brings the ledger into line with CodeDeploy, each minute and at each of its events."""

from collections.abc import Mapping
from typing import Any

from seatrial import wiring
from seatrial.flows import monitor

aws = wiring.connect()  # once per container


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return monitor.look(aws, event)
