"""Gaps of MiniStack's CloudFormation around an alias's UpdatePolicy, and what a template says there, resolved.

- references inside an UpdatePolicy are no dependencies, so an alias was updated before its group;
- SAM is transformed with the parameters' defaults alone, so `Enabled` and `Type` by parameter were ignored;
- a change set compares raw policies and ignores conditions, so a parameter that only flips one was "no change".
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

type Template = dict[str, Any]

POLICY = "UpdatePolicy"
SSM_VALUE = "AWS::SSM::Parameter::Value<"


@dataclass(frozen=True)
class Operation:
    """The template that a running stack operation puts in place: the new one, or in a rollback the previous one."""

    stack_name: str
    template: Template
    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    rolling_back: bool

    def policy(self, logical_id: str, stack_id: str) -> Mapping[str, Any]:
        """The resource's UpdatePolicy with everything resolved; empty when there is none."""
        definition = self.template.get("Resources", {}).get(logical_id) or {}
        resolved = engine._resolve_refs(
            copy.deepcopy(definition.get(POLICY) or {}),
            self.resources,
            self.parameters,
            engine._evaluate_conditions(self.template, self.parameters),
            self.template.get("Mappings", {}),
            self.stack_name,
            stack_id,
        )
        return resolved if isinstance(resolved, dict) else {}


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
        rolling_back="ROLLBACK" in stack.get("StackStatus", ""),
    )


def install() -> None:
    """Put these in the place of MiniStack's own, wherever it holds them by name."""
    _replace("_deploy_stack_async", _remembered_deploy)
    _replace("_roll_back_operation", _remembered_rollback)
    _replace("_extract_deps", _deps_of_policies_too)
    _replace("_apply_transforms", _transforms_with_the_parameters)
    _replace("_resolve_props_for_diff", _resolved_with_conditions)


def _replace(name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    modules = [module for module in (engine, stacks, handlers, changesets) if hasattr(module, name)]
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
        resources = cloudformation._stacks[stack_name].setdefault("_resources", {})
        _operation.set(Operation(stack_name, template, parameters, resources, rolling_back=False))
        await original(stack_name, stack_id, template, parameters, *args, **kwargs)

    return deploy


def _remembered_rollback(original: Callable[..., Any]) -> Callable[..., Any]:
    async def roll_back(stack_name: str, stack_id: str, stack: Any, failed: Any, *args: Any, **kwargs: Any) -> None:
        previous = failed.get("previous_stack") or {}
        _operation.set(
            Operation(
                stack_name,
                previous.get("_template") or {},
                previous.get("_resolved_params") or {},
                previous.get("_resources") or {},
                rolling_back=True,
            )
        )
        await original(stack_name, stack_id, stack, failed, *args, **kwargs)

    return roll_back


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
