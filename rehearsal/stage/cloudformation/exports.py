"""Gap of MiniStack: a stack may change, drop or take over an export that other stacks use, and old exports stay.

Here an operation fails as on AWS when it changes or drops an export in use, or exports a name of another stack. A
change set fails that imports a name that no stack exports.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, stacks

from rehearsal.stage.cloudformation.requests import Answer, Handler, change_set_of

type Record = dict[str, Any]
type Exports = dict[str, Record]

REFUSED = "_refused_exports"
"""Of a stack: the reason that its rollback gives, until the rollback starts."""
NO_EXPORT = re.compile(r"Export '(.*)' not found$")


def importers(name: str, but: str) -> list[str]:
    """The names of the stacks that import an export, without the stack `but`."""
    return sorted(
        stack["StackName"]
        for stack in cloudformation._stacks.values()
        if stack["StackName"] != but
        and stack.get("StackStatus") != "DELETE_COMPLETE"
        and name in handlers._imported_export_names(stack, stack["StackName"])
    )


def problem(stack_name: str, stack_id: str, new: Mapping[str, Record]) -> str | None:
    """Why a stack can't have these exports, in CloudFormation's words; None where it can."""
    known: Mapping[str, Record] = cloudformation._exports
    for name, export in new.items():
        before = known.get(name)
        if before is not None and before["StackId"] != stack_id:
            owner = before["StackId"].split("/")[1]
            return f"Export with name {name} is already exported by stack {owner}. Rolling back"
        if before is not None and before["Value"] != export["Value"] and (users := importers(name, stack_name)):
            return f"Export {name} cannot be updated as it is in use by {' and '.join(users)}"
    for name in _dropped(stack_id, new):
        if users := importers(name, stack_name):
            return f"Export {name} cannot be deleted as it is in use by {' and '.join(users)}"
    return None


def _dropped(stack_id: str, new: Mapping[str, Record]) -> list[str]:
    return [name for name, one in cloudformation._exports.items() if one["StackId"] == stack_id and name not in new]


def _checked_outputs(original: Callable[..., tuple[list[Record], Exports]]) -> Callable[..., Any]:
    """The last step of an operation: nothing can fail after it, so dropped exports go here."""

    @functools.wraps(original)
    def resolved(*args: Any) -> tuple[list[Record], Exports]:
        outputs, exports = original(*args)
        stack_name, stack_id = args[-2:]
        if (said := problem(stack_name, stack_id, exports)) is not None:
            cloudformation._stacks[stack_name][REFUSED] = said
            raise ValueError(said)
        for name in _dropped(stack_id, exports):
            cloudformation._exports.pop(name, None)
        return outputs, exports

    return resolved


def missing(template: Mapping[str, Any], parameters: Any, stack: Mapping[str, Any]) -> str | None:
    """The first export that a template imports and that no stack exports; None where there is none."""
    conditions = engine._evaluate_conditions(template, parameters)
    for section in ("Resources", "Outputs"):
        for definition in (template.get(section) or {}).values():
            if not conditions.get(definition.get("Condition"), True):
                continue
            for argument in _imports(definition, conditions):
                name = _name(argument, template, parameters, conditions, stack)
                if name is not None and name not in cloudformation._exports:
                    return name
    return None


def _imports(node: Any, conditions: Mapping[str, bool]) -> Iterator[Any]:
    """The arguments of every Fn::ImportValue that is not on the other side of an Fn::If."""
    if isinstance(node, Mapping):
        if "Fn::ImportValue" in node:
            yield node["Fn::ImportValue"]
        elif "Fn::If" in node and isinstance(node["Fn::If"], list) and len(node["Fn::If"]) == 3:
            name, then, otherwise = node["Fn::If"]
            yield from _imports(then if conditions.get(name) else otherwise, conditions)
        else:
            for value in node.values():
                yield from _imports(value, conditions)
    elif isinstance(node, list):
        for value in node:
            yield from _imports(value, conditions)


def _name(argument: Any, template: Any, parameters: Any, conditions: Any, stack: Mapping[str, Any]) -> str | None:
    """The name that is imported; None where it is not known before the stack's resources are."""
    try:
        resolved = engine._resolve_refs(
            argument,
            stack.get("_resources") or {},
            parameters,
            conditions,
            template.get("Mappings", {}),
            stack["StackName"],
            stack["StackId"],
        )
    except (KeyError, TypeError, ValueError):
        return None
    return resolved if isinstance(resolved, str) else None


def _checked_change_set(create: Handler) -> Handler:
    @functools.wraps(create)
    def created(params: Mapping[str, Any]) -> Answer:
        answer = create(params)
        change_set = change_set_of(answer)
        if change_set is None:
            return answer
        stack = cloudformation._stacks[change_set["StackName"]]
        name = missing(change_set["_template"], change_set["_resolved_params"], stack)
        if name is not None:
            change_set |= {
                "Status": "FAILED",
                "ExecutionStatus": "UNAVAILABLE",
                "StatusReason": f"No export named {name} found",
                "Changes": [],
            }
        return answer

    return created


def _told_of_missing(original: Callable[..., Any]) -> Callable[..., Any]:
    """A create or update that imports what is not there is rolled back, with CloudFormation's reason."""

    @functools.wraps(original)
    def resolved(*args: Any) -> Any:
        try:
            return original(*args)
        except ValueError as error:
            if (found := NO_EXPORT.search(str(error))) is None:
                raise
            said = f"No export named {found.group(1)} found. Rollback requested by user."
            if (stack := cloudformation._stacks.get(args[-2])) is not None:
                stack[REFUSED] = said
            raise ValueError(said) from None

    return resolved


def _in_use(delete: Handler) -> Handler:
    """DeleteStack of a stack whose exports are in use: MiniStack refuses it in words of its own."""

    @functools.wraps(delete)
    def deleted(params: Mapping[str, Any]) -> Answer:
        status, headers, body = delete(params)
        said = re.sub(
            rb"Export (\S+) is imported by stack (\S+?)(?=<)",
            rb"Export \1 cannot be deleted as it is in use by \2",
            body,
        )
        return status, {**headers, "Content-Length": str(len(said))}, said

    return deleted


def install() -> None:
    """Put these in the place of MiniStack's own; once, and before `drift`, which compares what is left."""
    stacks._resolve_stack_outputs = _checked_outputs(stacks._resolve_stack_outputs)
    stacks._resolve_refs = _told_of_missing(stacks._resolve_refs)
    actions = handlers._ACTION_HANDLERS
    actions["CreateChangeSet"] = _checked_change_set(actions["CreateChangeSet"])
    actions["DeleteStack"] = _in_use(actions["DeleteStack"])
