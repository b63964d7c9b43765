"""A deployment as CodeDeploy's JSON has it, and the AppSpec in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seatrial.core import bounds
from seatrial.core.bounds import UnfitError
from seatrial.core.deployment import Deployment, Shift, Status

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import DeploymentInfoTypeDef


_FUNCTION = re.compile(r"[a-zA-Z0-9_-]{1,140}")
_ALIAS = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_VERSION = re.compile(r"[0-9]{1,18}|\$LATEST")

# A sentence quotes so many letters of what is wrong in one.
_QUOTED = 80


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
    """The one function that an AppSpec moves; CloudFormation writes AppSpecs as JSON.

    Raises ValueError, and nothing else, whatever the text is: a rollback must pass in spite of its AppSpec.
    """
    try:
        bounds.APPSPEC.check_size(content)
        spec = json.loads(content)
    except UnfitError as unfit:
        raise ValueError(f"it {unfit}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}); Seatrial reads AppSpecs as CloudFormation writes them") from None
    try:
        (resource,) = [moved for named in spec["Resources"] for moved in named.values()]
        properties = resource["Properties"]
        return Shift(
            function=_matching(_FUNCTION, _name(properties["Name"]), "Name"),
            alias=_matching(_ALIAS, properties["Alias"], "Alias"),
            stable=_matching(_VERSION, properties["CurrentVersion"], "CurrentVersion"),
            candidate=_matching(_VERSION, properties["TargetVersion"], "TargetVersion"),
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            "it should name one function with Name, Alias, CurrentVersion and TargetVersion "
            f"({type(error).__name__}: {error})"
        ) from None


def _matching(form: re.Pattern[str], given: object, key: str) -> str:
    """Versions may be numbers in the JSON. What is no text or number is refused before it is made one."""
    found = str(given) if isinstance(given, str | int) else ""
    if not form.fullmatch(found):
        quoted = found[:_QUOTED] if found else type(given).__name__
        raise ValueError(f"{key} is {quoted!r}")
    return found


def _name(function: object) -> object:
    """A function's name; the AppSpec may give its ARN."""
    return function.split(":")[6] if isinstance(function, str) and function.startswith("arn:") else function
