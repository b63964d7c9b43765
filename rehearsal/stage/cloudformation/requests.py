"""Gap of MiniStack: what a request asks of a stack operation beside template and parameters was taken and forgotten.

Here what would change how a release goes is refused by its name, and what wouldn't is told. Nor did anything keep a
second operation from a stack that is being updated: it is refused, as a second `sam deploy` is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, helpers

from rehearsal.stage.notes import note

type Answer = tuple[int, dict[str, str], bytes]
type Params = Mapping[str, Any]
type Handler = Callable[[Params], Answer]

ACTIONS = ("CreateStack", "UpdateStack", "CreateChangeSet", "ExecuteChangeSet", "RollbackStack", "DeleteStack")

TOLD = {
    "NotificationARNs.member.1": "tells no topic of a stack's events (NotificationARNs)",
    "RollbackConfiguration.RollbackTriggers.member.1.Arn": (
        "watches the alarms of deployment groups, not those of a stack's rollback triggers (RollbackConfiguration)"
    ),
    "RoleARN": "does what a template says whatever the role of CloudFormation allows (RoleARN)",
    "StackPolicyBody": "protects nothing by a stack policy",
    "StackPolicyURL": "protects nothing by a stack policy",
    "TimeoutInMinutes": "lets a stack take as long as it takes (TimeoutInMinutes)",
    "ResourceTypes.member.1": "lets a template have any type of resource (ResourceTypes)",
}
"""Parameters that a release goes without: what the stage does where one is given."""


def problem(params: Params) -> str | None:
    """Why a request with these parameters can't be done here, or None."""
    if helpers._p(params, "DeploymentConfig.Mode") not in ("", "STANDARD"):
        return (
            "The local AWS waits for what it deploys: make DeploymentConfig's Mode STANDARD "
            "(sam deploy and sam sync: --no-express)"
        )
    if helpers._p(params, "DeploymentConfig.DisableRollback", "false").lower() == "true":
        return "The stage doesn't read DeploymentConfig's DisableRollback: give DisableRollback beside it"
    return None


def busy(action: str, params: Params) -> str | None:
    """Why the stack can't have another operation now, or None."""
    stack = handlers._resolve_stack(helpers._p(params, "StackName"))
    if stack is None:
        _, change_set = changesets._find_change_set(helpers._p(params, "ChangeSetName"))
        stack = handlers._resolve_stack((change_set or {}).get("StackName", ""))
    status = (stack or {}).get("StackStatus", "")
    if not (status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS")):
        return None
    if action == "DeleteStack":
        return f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
    return f"Stack:{stack['StackId']} is in {status} state and can not be updated."


def refusal(text: str) -> Answer:
    answer: Answer = helpers._error("ValidationError", text)
    return answer


def _heard(action: str, original: Handler) -> Handler:
    @functools.wraps(original)
    def heard(params: Params) -> Answer:
        if (said := busy(action, params) or problem(params)) is not None:
            return refusal(said)
        for name, does in TOLD.items():
            if helpers._p(params, name):
                note(f"the stage {does}")
        return original(params)

    return heard


def install() -> None:
    """Put this before MiniStack's own operations; once, and before what else stands before them."""
    for action in ACTIONS:
        handlers._ACTION_HANDLERS[action] = _heard(action, handlers._ACTION_HANDLERS[action])


def change_set_of(answer: Answer) -> dict[str, Any] | None:
    """What CreateChangeSet has just made, as MiniStack keeps it; None where it made none."""
    made = re.search(rb"<Id>(.+?)</Id>", answer[2])
    if answer[0] != 200 or not made:
        return None
    found: dict[str, Any] = cloudformation._change_sets[made.group(1).decode()]
    return found
