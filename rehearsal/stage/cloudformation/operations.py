"""Gap of MiniStack: its loop over a stack's resources tells their handlers nothing of the operation they are part of.

Here a handler finds it: the template with everything resolved, what stood before, and what else is under way. Updates
that run beside the loop tell the stack's events themselves, and a rollback sends back also those it never reached.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from rehearsal.stage.clock import StageClock

from .drift import BELIEVED
from .exports import REFUSED
from .side_by_side import Shifts, needed_by

type Template = dict[str, Any]
type Properties = Mapping[str, Any]

ALIAS, NESTED = "AWS::Lambda::Alias", "AWS::CloudFormation::Stack"
POLICY = "UpdatePolicy"
SHIFT = "CodeDeployLambdaAliasUpdate"


@dataclass(frozen=True)
class Tags:
    """The stack's own, in whatever shape it was given them, before the operation and with it."""

    before: Sequence[Any] = ()
    now: Sequence[Any] = ()


@dataclass(frozen=True)
class Operation:
    """A stack operation that runs: the template it puts in place, which in a rollback is the previous one.

    `resources` are those that references lead to; `before` is what stood when the operation began, and `restores` what
    a rollback puts back, both by logical id. `left` are aliases whose shift failed: CodeDeploy has taken them back or
    was told not to, and the stack's rollback leaves them so. `believed` has the properties that the stack believed of
    what a drift-aware change set found otherwise. `updates` is true of an update that goes forward, and `unchanged` are
    the resources that it has reached and leaves as they are.
    """

    stack_name: str
    template: Template
    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    before: Mapping[str, Any]
    rolling_back: bool
    restores: Mapping[str, Any] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    believed: Mapping[str, Properties] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)
    shifts: Shifts = field(default_factory=Shifts)
    updates: bool = False
    unchanged: set[str] = field(default_factory=set)

    @property
    def stack_id(self) -> str:
        return str(cloudformation._stacks[self.stack_name]["StackId"])

    def policy(self, logical_id: str) -> Properties:
        """What the resource's UpdatePolicy says of CodeDeploy, with everything resolved; empty when it says nothing."""
        resolved = self._resolved(self._definition(logical_id).get(POLICY) or {})
        found = resolved.get(SHIFT) if isinstance(resolved, dict) else None
        return found if isinstance(found, dict) else {}

    def beside(self, logical_id: str) -> list[str]:
        """The other resources of the template that take long and have everything that they need."""
        resources = self.template.get("Resources", {})
        deps = {name: stacks._extract_deps(definition, set(resources)) for name, definition in resources.items()}
        waiting = {name for name in taking_long(resources) if name in self.before and name not in self.shifts}
        return [name for name in sorted(waiting - {logical_id}) if not needed_by(name, deps) & waiting]

    def had(self, logical_id: str) -> Properties:
        """The properties that the resource has had."""
        record = self.before[logical_id]
        return self._tagged(logical_id, record["ResourceType"], record["Properties"], self.tags.before)

    def target(self, logical_id: str) -> Properties:
        """The properties that the resource is to have at the end."""
        kind = self.before[logical_id]["ResourceType"]
        if logical_id in self.restores:
            return self._tagged(logical_id, kind, dict(self.restores[logical_id]["Properties"]), self.tags.now)
        properties = self._resolved(self._definition(logical_id).get("Properties") or {})
        kept = {name: value for name, value in properties.items() if value is not engine._NO_VALUE}
        resolved, _ = engine._resolve_dynamic_references(kept)
        return self._tagged(logical_id, kind, dict(resolved), self.tags.now)

    def leaves(self, logical_id: str, *, starts: bool) -> bool:
        """Whether the update leaves a resource as it is, looked at when its turn `starts`."""
        if starts and logical_id not in self.unchanged:
            with contextlib.suppress(ValueError):  # what can't be resolved is told
                if self.had(logical_id) == self.target(logical_id):
                    self.unchanged.add(logical_id)
        return logical_id in self.unchanged

    def _tagged(self, logical_id: str, kind: str, properties: Properties, tags: Sequence[Any]) -> Properties:
        tagged: Properties = stacks._with_stack_tags(
            kind, properties, list(tags), self.stack_name, self.stack_id, logical_id
        )
        return tagged

    def _definition(self, logical_id: str) -> Template:
        return self.template.get("Resources", {}).get(logical_id) or {}

    def _resolved(self, value: Any) -> Any:
        return engine._resolve_refs(
            copy.deepcopy(value),
            self.resources,
            self.parameters,
            engine._evaluate_conditions(self.template, self.parameters),
            self.template.get("Mappings", {}),
            self.stack_name,
            self.stack_id,
        )


def taking_long(resources: Mapping[str, Any]) -> set[str]:
    """Aliases with an update policy, and nested stacks, which may have some."""
    return {
        name
        for name, definition in resources.items()
        if definition.get("Type") == NESTED or (definition.get("Type") == ALIAS and definition.get(POLICY))
    }


_operation: ContextVar[Operation | None] = ContextVar("stage_stack_operation", default=None)
_within: ContextVar[dict[str, Operation] | None] = ContextVar("stage_nested_operations", default=None)
"""Those of the nested stacks of the operation that runs, by the name of the stack."""
cleans_up_later: ContextVar[bool] = ContextVar("stage_cleans_up_later", default=False)
"""Whether a nested stack is being updated, whose clean-up waits for its root's."""


def known(stack_name: str) -> Operation | None:
    """The operation of this stack that runs in this context, if one has been asked for by now."""
    running = _operation.get()
    if running is not None and running.stack_name == stack_name:
        return running
    return (_within.get() or {}).get(stack_name)


def operation(stack_name: str) -> Operation:
    """The one that runs in this context. A continued rollback goes by what the stack has, one after the other."""
    running, within = _operation.get(), _within.get()
    if (found := known(stack_name)) is not None:
        return found
    stack = cloudformation._stacks[stack_name]
    parent = stack.get("_parent_stack_name")
    resources = stack.get("_resources") or {}
    nested = running is not None and within is not None and parent is not None
    made = Operation(
        stack_name,
        stack.get("_template") or {},
        stack.get("_resolved_params") or {},
        resources,
        before=dict(resources) if nested else {},
        rolling_back=running.rolling_back if running else "ROLLBACK" in stack.get("StackStatus", ""),
        shifts=Shifts(operation(parent).shifts) if nested else Shifts(),
    )
    if nested and within is not None:
        within[stack_name] = made
    return made


def replace_in_ministack(
    name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]], *others: ModuleType
) -> None:
    """Put another function in the place of MiniStack's own, wherever its CloudFormation holds it by name."""
    modules = [module for module in (engine, stacks, handlers, changesets, *others) if hasattr(module, name)]
    original = getattr(modules[0], name)
    if hasattr(original, "__wrapped__"):  # installed before, in this process
        original = original.__wrapped__
    wrapped = functools.wraps(original)(made(original))
    for module in modules:
        setattr(module, name, wrapped)


type Ended = Callable[[dict[str, Any]], Awaitable[None]]


def _remembered_deploy(ended: Ended, original: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy(
        stack_name: str, stack_id: str, template: Template, parameters: Any, *args: Any, **kwargs: Any
    ) -> None:
        stack = cloudformation._stacks[stack_name]
        resources = stack.setdefault("_resources", {})
        previous = kwargs.get("previous_stack") or {}
        running = Operation(
            stack_name,
            template,
            parameters,
            resources,
            before=dict(resources),
            rolling_back=False,
            believed=stack.pop(BELIEVED, {}),
            tags=Tags(previous.get("Tags") or (), stack.get("Tags") or ()),
            updates=bool(previous),
        )
        _operation.set(running)
        _within.set({})
        await original(stack_name, stack_id, template, parameters, *args, **kwargs)
        if running.updates:
            _as_they_were(running, stack)
        if stack.get("_failed_operation"):  # kept for RollbackStack
            _count_what_ran_beside(running, stack, stack["_failed_operation"])
        await ended(stack)

    return deploy


def _remembered_rollback(ended: Ended, original: Callable[..., Any]) -> Callable[..., Any]:
    async def roll_back(stack_name: str, stack_id: str, stack: Any, failed: Any, reason_override: str = "") -> None:
        running = _operation.get()
        reason_override = reason_override or stack.pop(REFUSED, "")
        stack.pop("_cancel_requested", None)  # it was the update's; nothing cancels the way back
        names: list[str] = []
        if running is not None and running.stack_name == stack_name:
            _count_what_ran_beside(running, stack, failed)
            names = running.shifts.failed()
            if names and not reason_override:
                reason_override = f"The following resource(s) failed to update: [{', '.join(names)}]. "
        previous, now = failed.get("previous_stack") or {}, stack["_resources"]
        _operation.set(
            Operation(
                stack_name,
                previous.get("_template") or {},
                previous.get("_resolved_params") or {},
                previous.get("_resources") or {},
                before={name: now[name] for name in failed["created"] if name in now},
                rolling_back=True,
                restores=previous.get("_resources") or {},
                left=frozenset(name for name in names if now.get(name, {}).get("ResourceType") == ALIAS),
                tags=Tags(stack.get("Tags") or (), previous.get("Tags") or ()),
            )
        )
        _within.set({})
        await original(stack_name, stack_id, stack, failed, reason_override)
        await ended(stack)

    return roll_back


def _as_they_were(running: Operation, stack: Any) -> None:
    """What an update leaves as it is keeps its status and time, and what it made is CREATE_COMPLETE."""
    for name, record in stack["_resources"].items():
        if name in running.unchanged:
            record |= {key: running.before[name][key] for key in ("ResourceStatus", "Timestamp")}
        elif name not in running.before and record.get("ResourceStatus") == "UPDATE_COMPLETE":
            record["ResourceStatus"] = "CREATE_COMPLETE"


def _count_what_ran_beside(running: Operation, stack: Any, failed: Any) -> None:
    """The rollback sends back what it finds in `created`: also what MiniStack's loop never reached."""
    for name, properties in running.shifts.targets.items():
        if name not in failed["created"] and name != failed["failed_logical_id"]:
            stack["_resources"][name] = {**running.before[name], "Properties": properties}
            failed["created"].append(name)


def _told_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """What runs beside MiniStack's loop tells of itself when it happens (`tell`), not when the loop reaches it.

    An update tells of what it creates and changes alone, as CloudFormation does; MiniStack's tells of each resource.
    """

    def add_event(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        kind: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        running = known(stack_name)
        if status.endswith("_FAILED") and cloudformation._stacks.get(stack_name, {}).get(REFUSED):
            return  # CloudFormation gives the reason with the start of the rollback alone
        if running is not None and logical_id in running.shifts:
            return
        if status == "DELETE_SKIPPED" and cleans_up_later.get():
            return
        if running is not None and running.updates and status.startswith("UPDATE_") and kind != NESTED:
            if logical_id not in running.before:
                status = status.replace("UPDATE_", "CREATE_")
            elif running.leaves(logical_id, starts=status == "UPDATE_IN_PROGRESS"):
                return
            else:
                physical_id = physical_id or str(running.before[logical_id]["PhysicalResourceId"])
        original(stack_id, stack_name, logical_id, kind, status, reason, physical_id, detailed_status)

    return add_event


def tell(stack_id: str, stack_name: str, logical_id: str, kind: str, status: str, reason: str, physical: str) -> None:
    """Add an event of a resource that runs beside the loop."""
    told = stacks._add_event.__wrapped__
    told(stack_id, stack_name, logical_id, kind, status, reason, physical)


def _as_work(clock: StageClock, original: Callable[..., Any]) -> Callable[..., Any]:
    """An operation is work from the request on; while it waits for a deployment it is idle."""

    def create_task(operation: Coroutine[Any, Any, None], stack: Any, *more: Any) -> None:
        work = clock.begin(f"the operation on stack {(stack or {}).get('StackName', '')}")

        async def carried_on() -> None:
            with clock.carrying_on(work):
                await operation

        original(carried_on(), stack, *more)

    return create_task


def install(clock: StageClock, ended: Ended) -> None:
    """Put these in the place of MiniStack's own. `ended` is called with a stack when an operation on it is over."""
    replace_in_ministack("_create_stack_task_in_region", functools.partial(_as_work, clock))
    replace_in_ministack("_deploy_stack_async", functools.partial(_remembered_deploy, ended))
    replace_in_ministack("_roll_back_operation", functools.partial(_remembered_rollback, ended))
    replace_in_ministack("_add_event", _told_once)
