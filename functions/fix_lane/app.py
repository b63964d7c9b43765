"""Switches a deployment group's alarms off for the one release that is the fix, and on again."""

from collections.abc import Mapping
from typing import Any

from seatrial import wiring
from seatrial.flows import fix_lane

aws = wiring.connect()  # once per container


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return fix_lane.run(aws, event)
