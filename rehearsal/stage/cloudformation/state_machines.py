"""Gap of MiniStack: its Step Functions has versions and aliases of state machines, and its templates have not.

Here templates have them. A DeploymentPreference moves the alias at once, with a note: no release of Lambda needs more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from rehearsal.stage.notes import note

type Properties = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, str]]

VERSION, ALIAS = "AWS::StepFunctions::StateMachineVersion", "AWS::StepFunctions::StateMachineAlias"


def _done(answer: tuple[int, Any, bytes], what: str) -> dict[str, Any]:
    """The answer of an operation. Raises ValueError with Step Functions' own words: the resource fails."""
    said: dict[str, Any] = json.loads(answer[2] or b"{}")
    if answer[0] >= 400:
        raise ValueError(f"{what}: {said.get('message') or said}")
    return said


def _publish(logical_id: str, properties: Properties, stack: str) -> Provisioned:
    request = {"stateMachineArn": properties.get("StateMachineArn"), "description": properties.get("Description", "")}
    arn = str(_done(stepfunctions._publish_state_machine_version(request), logical_id)["stateMachineVersionArn"])
    return arn, {"Arn": arn}


def _publish_another(arn: str, old: Properties, new: Properties, stack: str) -> Provisioned:
    """Each property of a version replaces it; the old one goes in the clean-up."""
    return _publish(arn, new, stack)


def _unpublish(arn: str, properties: Properties) -> None:
    _done(stepfunctions._delete_state_machine_version({"stateMachineVersionArn": arn}), arn)


def _routing(logical_id: str, properties: Properties) -> list[dict[str, Any]]:
    preference = properties.get("DeploymentPreference")
    if preference:
        note(f"the state machine alias {logical_id} moves to its version at once, whatever its DeploymentPreference is")
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    return [
        {"stateMachineVersionArn": one["StateMachineVersionArn"], "weight": int(one["Weight"])}
        for one in properties.get("RoutingConfiguration") or ()
    ]


def _create_alias(logical_id: str, properties: Properties, stack: str) -> Provisioned:
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=80)
    request = {
        "name": name,
        "description": properties.get("Description", ""),
        "routingConfiguration": _routing(logical_id, properties),
    }
    arn = str(_done(stepfunctions._create_state_machine_alias(request), logical_id)["stateMachineAliasArn"])
    return arn, {"Arn": arn}


def _move_alias(arn: str, old: Properties, new: Properties, stack: str) -> Provisioned:
    if old.get("Name") != new.get("Name"):
        return _create_alias(arn.rpartition(":")[2], new, stack)
    request = {
        "stateMachineAliasArn": arn,
        "description": new.get("Description", ""),
        "routingConfiguration": _routing(arn.rpartition(":")[2], new),
    }
    _done(stepfunctions._update_state_machine_alias(request), arn)
    return arn, {"Arn": arn}


def _delete_alias(arn: str, properties: Properties) -> None:
    _done(stepfunctions._delete_state_machine_alias({"stateMachineAliasArn": arn}), arn)


def install() -> None:
    """Teach MiniStack's CloudFormation both types; one that it knows by now is left to it."""
    kinds: dict[str, dict[str, Callable[..., Any]]] = {
        VERSION: {"create": _publish, "update": _publish_another, "delete": _unpublish},
        ALIAS: {"create": _create_alias, "update": _move_alias, "delete": _delete_alias},
    }
    for kind, handlers in kinds.items():
        provisioners._RESOURCE_HANDLERS.setdefault(kind, handlers)
