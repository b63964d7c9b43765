"""Gaps of MiniStack's CloudFormation around an alias's UpdatePolicy, and what a template says there, resolved.

- references inside an UpdatePolicy are no dependencies, so an alias was updated before its group;
- SAM is transformed with the parameters' defaults alone, so `Enabled` and `Type` by parameter were ignored;
- a change set compares raw policies and ignores conditions, so a parameter that only flips one was "no change";
- aliases were updated one after the other (`side_by_side`);
- a nested stack's template was taken as it is, without its transforms, and an update lost its resources' attributes.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from rehearsal.stage.cloudformation import unread
from rehearsal.stage.cloudformation.drift import BELIEVED

from .side_by_side import Shifts, behind_the_rest, needed_by

type Template = dict[str, Any]

ALIAS = "AWS::Lambda::Alias"
POLICY = "UpdatePolicy"
SHIFT = "CodeDeployLambdaAliasUpdate"
SSM_VALUE = "AWS::SSM::Parameter::Value<"


@dataclass(frozen=True)
class Operation:
    """A stack operation that runs: the template it puts in place, which in a rollback is the previous one.

    `resources` are those that references lead to; `before` is what stood when the operation began. `left` are aliases
    whose shift failed: CodeDeploy has taken them back or was told not to, and the stack's rollback leaves them so.
    `believed` has the properties that the stack believed of what a drift-aware change set found otherwise.
    """

    stack_name: str
    template: Template
    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    before: Mapping[str, Any]
    rolling_back: bool
    left: frozenset[str] = frozenset()
    believed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shifts: Shifts = field(default_factory=Shifts)

    def policy(self, logical_id: str, stack_id: str) -> Mapping[str, Any]:
        """What the resource's UpdatePolicy says of CodeDeploy, with everything resolved; empty when it says nothing."""
        resolved = self._resolved(self._definition(logical_id).get(POLICY) or {}, stack_id)
        found = resolved.get(SHIFT) if isinstance(resolved, dict) else None
        return found if isinstance(found, dict) else {}

    def shifted_with(self, logical_id: str) -> list[str]:
        """The other aliases of the template that have an update policy and everything that they need."""
        resources = self.template.get("Resources", {})
        deps = {name: stacks._extract_deps(definition, set(resources)) for name, definition in resources.items()}
        aliases = {name for name in shifting_aliases(resources) if name in self.before}
        open_aliases = {name for name in aliases if name not in self.shifts}
        return [name for name in sorted(open_aliases - {logical_id}) if not needed_by(name, deps) & open_aliases]

    def target(self, logical_id: str, stack_id: str) -> Mapping[str, Any]:
        """The properties that the resource is to have at the end."""
        if self.rolling_back:
            return dict(self.resources[logical_id]["Properties"])
        properties = self._resolved(self._definition(logical_id).get("Properties") or {}, stack_id)
        kept = {name: value for name, value in properties.items() if value is not engine._NO_VALUE}
        resolved, _ = engine._resolve_dynamic_references(kept)
        return dict(resolved)

    def _definition(self, logical_id: str) -> Template:
        return self.template.get("Resources", {}).get(logical_id) or {}

    def _resolved(self, value: Any, stack_id: str) -> Any:
        return engine._resolve_refs(
            copy.deepcopy(value),
            self.resources,
            self.parameters,
            engine._evaluate_conditions(self.template, self.parameters),
            self.template.get("Mappings", {}),
            self.stack_name,
            stack_id,
        )


def shifting_aliases(resources: Mapping[str, Any]) -> set[str]:
    return {
        name for name, definition in resources.items() if definition.get("Type") == ALIAS and definition.get(POLICY)
    }


_operation: ContextVar[Operation | None] = ContextVar("stage_stack_operation", default=None)


def operation(stack_name: str) -> Operation:
    """The one that runs in this context. A nested stack and a continued rollback go by what the stack has."""
    running = _operation.get()
    if running is not None and running.stack_name == stack_name:
        return running
    stack = cloudformation._stacks[stack_name]
    return Operation(
        stack_name,
        stack.get("_template") or {},
        stack.get("_resolved_params") or {},
        stack.get("_resources") or {},
        before={},  # there, aliases are updated one after the other
        rolling_back="ROLLBACK" in stack.get("StackStatus", ""),
    )


def install() -> None:
    """Put these in the place of MiniStack's own, wherever it holds them by name."""
    _replace("_deploy_stack_async", _remembered_deploy)
    _replace("_roll_back_operation", _remembered_rollback)
    _replace("_extract_deps", _deps_of_policies_too)
    _replace("_topological_sort", _aliases_behind_the_rest)
    _replace("_add_event", _told_once)
    _replace("_parse_template", _transformed_where_nested)
    _replace("_cfn_nested_stack_deploy", _as_nested, provisioners)
    _replace("_update_resource", _with_attributes, provisioners)
    _replace("_apply_transforms", _transforms_with_the_parameters)
    _replace("_resolve_props_for_diff", _resolved_with_conditions)


def _replace(name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]], *others: ModuleType) -> None:
    modules = [module for module in (engine, stacks, handlers, changesets, *others) if hasattr(module, name)]
    original = getattr(modules[0], name)
    if hasattr(original, "__wrapped__"):  # installed before, in this process
        original = original.__wrapped__
    wrapped = functools.wraps(original)(made(original))
    for module in modules:
        setattr(module, name, wrapped)


def _remembered_deploy(original: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy(
        stack_name: str, stack_id: str, template: Template, parameters: Any, *args: Any, **kwargs: Any
    ) -> None:
        stack = cloudformation._stacks[stack_name]
        resources = stack.setdefault("_resources", {})
        running = Operation(
            stack_name,
            template,
            parameters,
            resources,
            before=dict(resources),
            rolling_back=False,
            believed=stack.pop(BELIEVED, {}),
        )
        _operation.set(running)
        await original(stack_name, stack_id, template, parameters, *args, **kwargs)
        if stack.get("_failed_operation"):  # kept for RollbackStack
            _count_shifts(running, stack, stack["_failed_operation"])

    return deploy


def _remembered_rollback(original: Callable[..., Any]) -> Callable[..., Any]:
    async def roll_back(stack_name: str, stack_id: str, stack: Any, failed: Any, reason: str = "") -> None:
        running = _operation.get()
        names: list[str] = []
        if running is not None and running.stack_name == stack_name:
            _count_shifts(running, stack, failed)
            names = running.shifts.failed()
            reason = reason or (f"The following resource(s) failed to update: [{', '.join(names)}]. " if names else "")
        previous = failed.get("previous_stack") or {}
        _operation.set(
            Operation(
                stack_name,
                previous.get("_template") or {},
                previous.get("_resolved_params") or {},
                previous.get("_resources") or {},
                before={name: stack["_resources"][name] for name in failed["created"] if name in stack["_resources"]},
                rolling_back=True,
                left=frozenset(names),
            )
        )
        await original(stack_name, stack_id, stack, failed, reason)

    return roll_back


def _count_shifts(running: Operation, stack: Any, failed: Any) -> None:
    """The rollback sends back what it finds in `created`: also aliases that MiniStack's loop never reached."""
    for name, properties in running.shifts.targets.items():
        if name not in failed["created"] and name != failed["failed_logical_id"]:
            stack["_resources"][name] = {**running.before[name], "Properties": properties}
            failed["created"].append(name)


def _aliases_behind_the_rest(original: Callable[..., Any]) -> Callable[..., Any]:
    def order(resources: Mapping[str, Any], conditions: Any) -> list[str]:
        ordered: list[str] = original(resources, conditions)
        shifting = shifting_aliases(resources) & set(ordered)
        if not shifting:
            return ordered
        names = set(ordered)
        return behind_the_rest(
            ordered, shifting, {name: engine._extract_deps(resources[name], names) for name in ordered}
        )

    return order


def _told_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Aliases that shift tell of themselves when it happens (`tell`), not when MiniStack's loop reaches them."""

    def add_event(stack_id: str, stack_name: str, logical_id: str, *args: Any, **kwargs: Any) -> None:
        running = _operation.get()
        if running is None or running.stack_name != stack_name or logical_id not in running.shifts:
            original(stack_id, stack_name, logical_id, *args, **kwargs)

    return add_event


def tell(stack_id: str, stack_name: str, logical_id: str, status: str, reason: str, physical_id: str) -> None:
    """Add an event of an alias that shifts."""
    told = stacks._add_event.__wrapped__
    told(stack_id, stack_name, logical_id, ALIAS, status, reason, physical_id)


def _deps_of_policies_too(original: Callable[..., Any]) -> Callable[..., Any]:
    def deps(definition: Template, names: set[str]) -> set[str]:
        in_policy = {name for name, _ in engine._intrinsic_references(definition.get(POLICY) or {})}
        found: set[str] = original(definition, names)
        return found | (in_policy & names)

    return deps


def _transforms_with_the_parameters(original: Callable[..., Any]) -> Callable[..., Any]:
    """SAM reads a parameter's Default: it gets the value instead, and the template its own Default back."""

    def transform(template: Template, provided: Any = None, previous: Any = None) -> Template:
        declared = template.get("Parameters")
        if engine._SAM_TRANSFORM not in engine.declared_transforms(template) or not isinstance(declared, dict):
            return original(template, provided, previous)  # type: ignore[no-any-return]
        values = engine._transform_parameters(template, provided, previous)
        seeded = {
            name: {**definition, "Default": values[name]}
            if _takes_a_value(definition) and name in values
            else definition
            for name, definition in declared.items()
        }
        transformed: Template = original({**template, "Parameters": seeded}, provided, previous)
        for name, definition in declared.items():
            if name in transformed.get("Parameters", {}):
                transformed["Parameters"][name] = definition
        return transformed

    return transform


_nested: ContextVar[list[dict[str, str]] | None] = ContextVar("stage_nested_stack", default=None)
"""The parameters of a nested stack whose template is about to be parsed."""


def _as_nested(original: Callable[..., Any]) -> Callable[..., Any]:
    def deploy(logical_id: str, properties: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        given = properties.get("Parameters")
        values = given.items() if isinstance(given, dict) else ()
        token = _nested.set([{"Key": name, "Value": str(value)} for name, value in values])
        try:
            return original(logical_id, properties, *args, **kwargs)
        finally:
            _nested.reset(token)

    return deploy


def _transformed_where_nested(original: Callable[..., Any]) -> Callable[..., Any]:
    def parse(body: str, *args: Any, **kwargs: Any) -> Template:
        template: Template = original(body, *args, **kwargs)
        given = _nested.get()
        if given is None:
            return template
        _nested.set(None)  # what is parsed from now on, for a resource of the stack, is no nested template
        transformed: Template = engine._apply_transforms(template, given)
        unread.check(transformed)
        return transformed

    return parse


def _with_attributes(original: Callable[..., Any]) -> Callable[..., Any]:
    """What an update doesn't answer stays as it was."""

    def update(
        kind: str, physical_id: str, old: Any, new: Any, stack_name: str, logical_id: str, attributes: Any = None
    ) -> Any:
        if attributes is None:
            stack = cloudformation._stacks.get(stack_name) or {}
            attributes = stack.get("_resources", {}).get(logical_id, {}).get("Attributes", {})
        return original(kind, physical_id, old, new, stack_name, logical_id, attributes)

    return update


def _takes_a_value(definition: object) -> bool:
    """An SSM parameter's Default is a name, not the value behind it."""
    return isinstance(definition, dict) and not str(definition.get("Type", "")).startswith(SSM_VALUE)


def _resolved_with_conditions(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolved(template: Template, parameters: Any, stack_name: str, stack_id: str) -> Template:
        found: Template = original(template, parameters, stack_name, stack_id)
        if not found:
            return found
        conditions = engine._evaluate_conditions(template, parameters)
        kept = {}
        for name, definition in found["Resources"].items():
            if not conditions.get(definition.get("Condition"), True):
                continue
            kept[name] = _with_policy_resolved(definition, template, parameters, conditions, stack_name, stack_id)
        return {**found, "Resources": kept}

    return resolved


def _with_policy_resolved(
    definition: Template, template: Template, parameters: Any, conditions: Any, stack_name: str, stack_id: str
) -> Template:
    if POLICY not in definition:
        return definition
    try:
        policy = engine._resolve_refs(
            copy.deepcopy(definition[POLICY]),
            {},
            parameters,
            conditions,
            template.get("Mappings", {}),
            stack_name,
            stack_id,
        )
    except ValueError:  # an export that isn't there yet: compared as written, as MiniStack does with properties
        return definition
    without = {key: value for key, value in definition.items() if key != POLICY}
    return without if policy is engine._NO_VALUE else {**without, POLICY: policy}
