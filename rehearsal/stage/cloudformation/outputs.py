"""Gap of MiniStack: a change set that changes outputs alone "didn't contain changes".

Here it has no resource change and can be executed, as in CloudFormation. Tags and outputs are all it may change beside.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

from rehearsal.stage.cloudformation.drift import NOTHING_TO_DO
from rehearsal.stage.cloudformation.requests import Answer, Handler, change_set_of


def changed(stack: Mapping[str, Any], change_set: Mapping[str, Any]) -> bool:
    """Whether the change set's template has other outputs than the stack's, or the same ones of other parameters."""
    before, after = stack.get("_template") or {}, change_set["_template"]
    if (before.get("Outputs") or {}) != (after.get("Outputs") or {}):
        return True
    values = [
        {name: str(one.get("Value")) for name, one in (parameters or {}).items()}
        for parameters in (stack.get("_resolved_params"), change_set["_resolved_params"])
    ]
    named = {name for name in values[1] if values[0].get(name) != values[1][name]}
    text = str(after.get("Outputs") or {})
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in named)


def _also_of_outputs(create: Handler) -> Handler:
    @functools.wraps(create)
    def created(params: Mapping[str, Any]) -> Answer:
        answer = create(params)
        change_set = change_set_of(answer)
        if change_set is None:
            return answer
        stack = cloudformation._stacks.get(change_set["StackName"]) or {}
        nothing = str(change_set.get("StatusReason", "")).startswith(NOTHING_TO_DO)
        if nothing and change_set.get("ChangeSetType") == "UPDATE" and changed(stack, change_set):
            change_set |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
        return answer

    return created


def install() -> None:
    """Before `exports`, which fails a change set that imports what is not there."""
    actions = handlers._ACTION_HANDLERS
    actions["CreateChangeSet"] = _also_of_outputs(actions["CreateChangeSet"])
