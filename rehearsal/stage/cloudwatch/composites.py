"""Gap of MiniStack: its CloudFormation has no AWS::CloudWatch::CompositeAlarm; its CloudWatch has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

KIND = "AWS::CloudWatch::CompositeAlarm"
SUPPRESSOR = "ActionsSuppressor"

type Provisioned = tuple[str, dict[str, str]]


def _put(name: str, properties: Mapping[str, Any]) -> Provisioned:
    if SUPPRESSOR in properties:
        raise ValueError(f"{KIND} {name}: the stage suppresses no actions: leave {SUPPRESSOR} out")
    status, _, body = cloudwatch._put_composite_alarm({}, {**properties, "AlarmName": name}, False, True)
    if status >= 400:
        raise ValueError(str(json.loads(body).get("message", body.decode())))
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
    return _put(str(properties.get("AlarmName") or provisioners._physical_name(stack, logical_id)), properties)


def _update(name: str, old: Mapping[str, Any], new: Mapping[str, Any], stack: str, logical_id: str) -> Provisioned:
    """In place; another name is another alarm, and the old one goes when the update is done."""
    renamed = new.get("AlarmName") not in (None, name)
    return _create(logical_id, new, stack) if renamed else _put(name, new)


def _delete(name: str, properties: Mapping[str, Any]) -> None:
    cloudwatch._composite_alarms.pop(name, None)


def install() -> None:
    """Teach MiniStack's CloudFormation the type."""
    provisioners._RESOURCE_HANDLERS[KIND] = {
        "create": _create,
        "update": _update,
        "update_with_logical_id": True,
        "delete": _delete,
    }
