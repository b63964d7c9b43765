"""Gaps of MiniStack around nested stacks, which it deploys in a loop of their own.

- a nested stack's template was taken as it is, without its transforms;
- what an update leaves behind was deleted with the nested stack and not with its root, so that a rollback published
  another version of what users had before;
- a rollback of a nested stack missed what had shifted beside its loop;
- another template at the same address isn't seen, which is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, helpers, provisioners, stacks

from rehearsal.stage.notes import note

from . import unread
from .operations import NESTED, Operation, Template, cleans_up_later, known, replace_in_ministack
from .side_by_side import CancelledError, Provisioned
from .together import Change

type Stack = dict[str, Any]

log = logging.getLogger("codedeploy")

SETTLED = ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
LEFT_BEHIND = "_left_behind"
"""Of a root stack: what its update has left behind in nested stacks, by the name of the stack and by logical id."""


class NestedStackFailedError(Exception):
    """As CloudFormation words it; what went wrong stands in the nested stack's own events."""

    def __init__(self, stack_id: str, failed: list[str]) -> None:
        super().__init__(
            f"Embedded stack {stack_id} was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with "
            f"reason: The following resource(s) failed to update: [{', '.join(failed)}]."
        )


@dataclass(frozen=True)
class NestedStacks:
    """`plain` is MiniStack's own update."""

    plain: Callable[..., Provisioned]

    def takes_long(self, running: Operation, change: Change) -> bool:
        return change.old != change.new

    def move(self, running: Operation, change: Change) -> Provisioned:
        try:
            return self.at_once(change)
        except Exception as error:
            if not (failed := _failed_of_itself(change.events.physical_id)):
                raise  # its template is none, or it was cancelled for another's failure
            raise NestedStackFailedError(change.events.physical_id, failed) from error

    def at_once(self, change: Change) -> Provisioned:
        events = change.events
        return self.plain(events.physical_id, change.old, change.new, events.stack_name)


@dataclass(frozen=True)
class LeftBehind:
    """A resource that isn't in the new template. It goes, as its `policy` says, when the root's update is done."""

    record: Stack
    policy: str


_parameters: ContextVar[list[dict[str, str]] | None] = ContextVar("stage_nested_parameters", default=None)
"""Of a nested stack whose template is about to be parsed."""


def _as_nested(original: Callable[..., Any]) -> Callable[..., Any]:
    def deploy(
        logical_id: str, properties: Mapping[str, Any], parent: str, *, previous_physical_id: Any = None, **more: Any
    ) -> Any:
        given = properties.get("Parameters")
        values = given.items() if isinstance(given, dict) else ()
        parameters = _parameters.set([{"Key": name, "Value": str(value)} for name, value in values])
        before = cloudformation._stacks.get(previous_physical_id) if previous_physical_id else None
        later = cleans_up_later.set(before is not None)
        try:
            if before is None:
                return original(logical_id, properties, parent, previous_physical_id=previous_physical_id, **more)
            _bring_back(before)
            answer = original(logical_id, properties, parent, previous_physical_id=previous_physical_id, **more)
            _keep(before)
            return answer
        except Exception:
            if before is not None:
                _count_what_ran_beside(before["StackName"])
            raise
        finally:
            cleans_up_later.reset(later)
            _parameters.reset(parameters)

    return deploy


def _failed_of_itself(stack_id: str) -> list[str]:
    """The resources that failed in the last update of a nested stack, without those that were cancelled for it."""
    failed: list[str] = []
    for event in reversed(cloudformation._stack_events.get(stack_id, [])):
        if event["PhysicalResourceId"] == stack_id and event["ResourceStatus"].endswith("_IN_PROGRESS"):
            break
        if event["ResourceStatus"].endswith("_FAILED") and event["ResourceStatusReason"] != str(CancelledError()):
            failed.append(event["LogicalResourceId"])
    return sorted(set(failed))


def _root(stack: Stack) -> Stack:
    while parent := stack.get("_parent_stack_name"):
        stack = cloudformation._stacks[parent]
    return stack


def _keep(before: Stack) -> None:
    """What the update of this nested stack has left behind waits for the end of the root's."""
    name, template = before["StackName"], before.get("_template") or {}
    gone = before["_resources"].keys() - cloudformation._stacks[name]["_resources"].keys()
    kept = {
        logical_id: LeftBehind(
            record,
            stacks._resource_policy.__wrapped__(
                template.get("Resources", {}).get(logical_id),
                "DeletionPolicy",
                before["_resources"],
                before.get("_resolved_params") or {},
                before.get("_conditions") or {},
                template.get("Mappings", {}),
                name,
                before["StackId"],
            ),
        )
        for logical_id, record in before["_resources"].items()
        if logical_id in gone
    }
    _root(before).setdefault(LEFT_BEHIND, {})[name] = kept


def _bring_back(stack: Stack) -> None:
    """The root goes back, and this nested stack with it."""
    kept = _root(stack).get(LEFT_BEHIND, {}).pop(stack["StackName"], {})
    stack["_resources"] |= {logical_id: left.record for logical_id, left in kept.items()}


def _count_what_ran_beside(name: str) -> None:
    """The rollback sends back what differs from the previous properties."""
    running = known(name)
    if running is None:
        return
    failed, resources = running.shifts.failed(), cloudformation._stacks[name]["_resources"]
    for logical_id, target in running.shifts.targets.items():
        record = running.before[logical_id]
        if record["ResourceType"] == NESTED or logical_id not in failed:
            resources[logical_id] = {**record, "Properties": target}


async def clean_up(root: Stack) -> None:
    """Delete what was left behind, dependents first, as the policies say."""
    if root.get("StackStatus") not in SETTLED:
        return
    for name, kept in root.pop(LEFT_BEHIND, {}).items():
        for logical_id, left in reversed(kept.items()):
            await _delete(cloudformation._stacks[name], logical_id, left)


async def _delete(stack: Stack, logical_id: str, left: LeftBehind) -> None:
    name, kind, physical = stack["StackName"], left.record["ResourceType"], left.record["PhysicalResourceId"]

    def tell(status: str, reason: str = "") -> None:
        stacks._add_event(stack["StackId"], name, logical_id, kind, status, reason, physical)

    if left.policy != "Delete":
        tell("DELETE_SKIPPED")
        return
    tell("DELETE_IN_PROGRESS")
    try:
        what = (kind, physical, left.record["Properties"], name, logical_id)
        if stacks._runs_on_worker_thread(kind):
            await run_reentrant(provisioners._delete_resource, *what)
        else:
            provisioners._delete_resource(*what)
    except Exception as error:  # a clean-up that fails doesn't fail the update
        log.exception("%s of %s was not deleted", logical_id, name)
        tell("DELETE_FAILED", str(error))
        return
    tell("DELETE_COMPLETE")


def tell_of_another_template(logical_id: str, physical_id: str, properties: Mapping[str, Any]) -> None:
    """CloudFormation looks at the template of a nested stack in every update, MiniStack where its address changed."""
    stack = cloudformation._stacks.get(provisioners._nested_stack_lookup_name(physical_id)) or {}
    body, error = helpers._resolve_template({"TemplateURL": [properties.get("TemplateURL")]})
    if error is None and body != stack.get("_template_body", body):
        note(
            f"nested stack {logical_id} is left as it is, with another template at the same address: "
            "give each template an address of its own, as sam package does"
        )


def _left_for_later(original: Callable[..., Any]) -> Callable[..., Any]:
    def policy(definition: Any, attribute: str, *args: Any) -> Any:
        return (
            "Retain"
            if attribute == "DeletionPolicy" and cleans_up_later.get()
            else original(definition, attribute, *args)
        )

    return policy


def _transformed(original: Callable[..., Any]) -> Callable[..., Any]:
    def parse(body: str, *args: Any, **kwargs: Any) -> Template:
        template: Template = original(body, *args, **kwargs)
        given = _parameters.get()
        if given is None:
            return template
        _parameters.set(None)  # what is parsed from now on, for a resource of the stack, is no nested template
        transformed: Template = engine._apply_transforms(template, given)
        unread.check(transformed)
        return transformed

    return parse


def install() -> None:
    """Put these in the place of MiniStack's own. `operations` calls `clean_up`."""
    replace_in_ministack("_parse_template", _transformed)
    replace_in_ministack("_resource_policy", _left_for_later)
    replace_in_ministack("_cfn_nested_stack_deploy", _as_nested, provisioners)
