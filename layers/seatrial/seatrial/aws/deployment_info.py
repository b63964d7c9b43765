"""A deployment as CodeDeploy's JSON has it, and the AppSpec in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seatrial.core.deployment import Deployment, Shift, Status

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import DeploymentInfoTypeDef


def read(info: DeploymentInfoTypeDef, shift: Shift | None = None, unreadable: str = "") -> Deployment:
    """`shift` is what the AppSpec moves, `unreadable` why that can't be said."""
    rollback = info.get("rollbackInfo", {})
    trouble = info.get("errorInformation", {})
    return Deployment(
        id=info["deploymentId"],
        application=info["applicationName"],
        group=info["deploymentGroupName"],
        status=Status(info["status"]),
        created=info["createTime"],
        shift=shift,
        unreadable=unreadable,
        creator=info.get("creator", ""),
        configuration=info.get("deploymentConfigName", ""),
        rollback_of=rollback.get("rollbackTriggeringDeploymentId", ""),
        rollback_id=rollback.get("rollbackDeploymentId", ""),
        error_code=trouble.get("code", ""),
        error=trouble.get("message", ""),
        completed=info.get("completeTime"),
    )


def content(revision: Mapping[str, Any]) -> str:
    """An AppSpec's text, from either of the two places that hold one; "" when there is none."""
    for place in ("string", "appSpecContent"):
        if found := revision.get(place, {}).get("content"):
            return str(found)
    return ""


def shift_of(content: str) -> Shift:
    """The one function that an AppSpec moves; CloudFormation writes AppSpecs as JSON. Raises ValueError."""
    try:
        spec = json.loads(content)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON ({error}); Seatrial reads AppSpecs as CloudFormation writes them") from None
    try:
        (resource,) = [moved for named in spec["Resources"] for moved in named.values()]
        properties = resource["Properties"]
        return Shift(
            function=_name(str(properties["Name"])),
            alias=str(properties["Alias"]),
            stable=str(properties["CurrentVersion"]),
            candidate=str(properties["TargetVersion"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            "it should name one function with Name, Alias, CurrentVersion and TargetVersion "
            f"({type(error).__name__}: {error})"
        ) from None


def _name(function: str) -> str:
    """A function's name; the AppSpec may give its ARN."""
    return function.split(":")[6] if function.startswith("arn:") else function
