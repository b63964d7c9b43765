"""Gap of MiniStack: what it doesn't read in a template it passes over without a word.

Here a transform, a section or an update policy that nothing reads is refused by its name: with each of them a template
could come out as another one, or an alias could be moved at once where its owner believes that it shifts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

type Template = Mapping[str, Any]

ALIAS, POLICY, SHIFT = "AWS::Lambda::Alias", "UpdatePolicy", "CodeDeployLambdaAliasUpdate"
REQUIRED = ("ApplicationName", "DeploymentGroupName")
HOOKS = ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")
SAM_HOOKS = frozenset({"PreTraffic", "PostTraffic"})
TRANSFORMS = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::Include")
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Globals",
    "Resources",
    "Outputs",
)


def problem(template: Template) -> str | None:
    """The first thing in a template, its transforms applied, that nothing on the stage would read; or None."""
    return next(_problems(template), None)


def _problems(template: Template) -> Iterator[str]:
    for name in (*engine.declared_transforms(template), *_embedded(template.get("Resources"))):
        if name not in TRANSFORMS:
            yield f"No transform named {name} found: the stage has {', '.join(TRANSFORMS)}"
    for section in template:
        if section not in SECTIONS:
            yield f"The stage reads no section {section}"
    for name, resource in (template.get("Resources") or {}).items():
        if not isinstance(resource, Mapping):
            continue
        for policy in _branches(resource.get(POLICY) or {}):
            for said in _of_policy(policy, resource.get("Type") == ALIAS):
                yield f"UpdatePolicy of {name}: {said}"


def _of_policy(policy: Mapping[str, Any], alias: bool) -> Iterator[str]:
    if not alias:
        if SHIFT in policy:
            yield f"{SHIFT} is for aliases alone"
        return
    for unknown in policy.keys() - {SHIFT}:
        yield f"an alias has {SHIFT}, not {unknown}"
    for shift in _branches(policy.get(SHIFT) or {}):
        for unknown in shift.keys() - {*REQUIRED, *HOOKS}:
            yield f"{SHIFT} has {', '.join((*REQUIRED, *HOOKS))}, not {unknown}"
        for missing in sorted(set(REQUIRED) - shift.keys()):
            yield f"{SHIFT} needs {missing}"


def _branches(value: Any) -> Iterator[Mapping[str, Any]]:
    """What a value may come to: itself, or either side of an Fn::If; nothing where it is AWS::NoValue or empty."""
    if not isinstance(value, Mapping) or not value or value == {"Ref": "AWS::NoValue"}:
        return
    if value.keys() == {"Fn::If"}:
        for branch in value["Fn::If"][1:]:
            yield from _branches(branch)
    else:
        yield value


def _embedded(node: Any) -> Iterator[str]:
    """The macros that stand inside of resources."""
    if isinstance(node, Mapping):
        macro = node.get("Fn::Transform")
        if isinstance(macro, Mapping) and isinstance(macro.get("Name"), str):
            yield macro["Name"]
    if isinstance(node, Mapping | list):
        for each in node.values() if isinstance(node, Mapping) else node:
            yield from _embedded(each)


def passed_over(template: Template) -> Iterator[str]:
    """What SAM's transform passes over without a word in a deployment preference, in an account as well."""
    functions = {"Globals": (template.get("Globals") or {}).get("Function") or {}}
    for name, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, Mapping) and resource.get("Type") == "AWS::Serverless::Function":
            functions[name] = resource.get("Properties") or {}
    for name, properties in functions.items():
        preference = properties.get("DeploymentPreference")
        hooks = preference.get("Hooks") if isinstance(preference, Mapping) else None
        for unknown in (hooks if isinstance(hooks, Mapping) else {}).keys() - SAM_HOOKS:
            if not unknown.startswith("Fn::"):
                yield f"SAM passes over the hook {unknown} of {name}: it knows {' and '.join(sorted(SAM_HOOKS))}"


def check(template: Template) -> None:
    """Raises ValueError with the sentence."""
    if (said := problem(template)) is not None:
        raise ValueError(f"Template format error: {said}")


def _checked_too(validate: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(validate)
    def validated(template: Template, conditions: Any, params: Any = None) -> None:
        validate(template, conditions, params=params)
        if params is not None:  # ValidateTemplate gives none, and applies no transforms
            check(template)

    return validated


def install() -> None:
    """Before MiniStack creates, updates or compares; once. Who parses a nested stack's template calls `check`."""
    checked = _checked_too(engine.validate_template_support)
    for module in (engine, handlers, changesets):
        module.validate_template_support = checked
