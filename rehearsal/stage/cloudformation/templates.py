"""Gaps of MiniStack's CloudFormation around an alias's UpdatePolicy, and what a template says there, resolved.

- references inside an UpdatePolicy are no dependencies, so an alias was updated before its group;
- SAM is transformed with the parameters' defaults alone, so `Enabled` and `Type` by parameter were ignored;
- a change set compares raw policies and ignores conditions, so a parameter that only flips one was "no change";
- aliases and nested stacks were updated one after the other (`side_by_side`);
- an update lost the attributes of resources that it left as they were.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import engine, provisioners

from rehearsal.stage.notes import note

from . import unread
from .nested import tell_of_another_template
from .operations import NESTED, POLICY, replace_in_ministack, taking_long
from .side_by_side import behind_the_rest

type Template = dict[str, Any]

SSM_VALUE = "AWS::SSM::Parameter::Value<"


def install() -> None:
    """Put these in the place of MiniStack's own, wherever it holds them by name."""
    replace_in_ministack("_extract_deps", _deps_of_policies_too)
    replace_in_ministack("_topological_sort", _what_takes_long_behind_the_rest)
    replace_in_ministack("_update_resource", _with_attributes, provisioners)
    replace_in_ministack("_apply_transforms", _transforms_with_the_parameters)
    replace_in_ministack("_resolve_props_for_diff", _resolved_with_conditions)


def _what_takes_long_behind_the_rest(original: Callable[..., Any]) -> Callable[..., Any]:
    def order(resources: Mapping[str, Any], conditions: Any) -> list[str]:
        ordered: list[str] = original(resources, conditions)
        long = taking_long(resources) & set(ordered)
        if not long:
            return ordered
        names = set(ordered)
        return behind_the_rest(ordered, long, {name: engine._extract_deps(resources[name], names) for name in ordered})

    return order


def _deps_of_policies_too(original: Callable[..., Any]) -> Callable[..., Any]:
    def deps(definition: Template, names: set[str]) -> set[str]:
        in_policy = {name for name, _ in engine._intrinsic_references(definition.get(POLICY) or {})}
        found: set[str] = original(definition, names)
        return found | (in_policy & names)

    return deps


def _transforms_with_the_parameters(original: Callable[..., Any]) -> Callable[..., Any]:
    """SAM reads a parameter's Default: it gets the value instead, and the template its own Default back."""

    def transform(template: Template, provided: Any = None, previous: Any = None) -> Template:
        for text in unread.passed_over(template):
            note(text)
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


def _with_attributes(original: Callable[..., Any]) -> Callable[..., Any]:
    """What an update doesn't answer stays as it was."""

    def update(
        kind: str, physical_id: str, old: Any, new: Any, stack_name: str, logical_id: str, attributes: Any = None
    ) -> Any:
        if kind == NESTED and old == new:
            tell_of_another_template(logical_id, physical_id, new)
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
