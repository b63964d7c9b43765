"""MiniStack has no CodeDeploy: this reads the AppSpec of a Lambda deployment, YAML or JSON, into a value. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

LAMBDA = "AWS::Lambda::Function"
PROPERTIES = ("Name", "Alias", "CurrentVersion", "TargetVersion")
HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")


class AppSpecError(ValueError):
    """The revision is not an AppSpec of a Lambda deployment. Its text says what is wrong with which part."""


@dataclass(frozen=True)
class AppSpec:
    """One alias and the two versions that a deployment moves it between.

    The hooks are names or ARNs, or None; one that is listed without a function is empty.
    """

    function: str
    alias: str
    current: str
    target: str
    before: str | None = None
    after: str | None = None

    def reversed(self) -> AppSpec:
        return AppSpec(self.function, self.alias, self.target, self.current, self.before, self.after)

    def text(self) -> str:
        """The AppSpec as CloudFormation writes it: JSON, with versions as strings."""
        properties = dict(zip(PROPERTIES, (self.function, self.alias, self.current, self.target), strict=True))
        hooks = [{name: hook} for name, hook in zip(HOOKS, (self.before, self.after), strict=True) if hook]
        resource = {self.function: {"Type": LAMBDA, "Properties": properties}}
        return json.dumps({"version": 0.0, "Resources": [resource], **({"Hooks": hooks} if hooks else {})})


def without_qualifier(hook: str) -> str:
    """A function's name or ARN without its version or alias."""
    parts = hook.split(":")
    return ":".join(parts[:7] if hook.startswith("arn:") else parts[:1])


@dataclass(frozen=True)
class S3Location:
    """Where an AppSpec lies; `bundle` is YAML or JSON, the other members may be empty."""

    bucket: str
    key: str
    bundle: str
    version: str = ""
    etag: str = ""


@dataclass(frozen=True)
class Revision:
    """An AppSpec as it was handed in. `kind` is `String`, `AppSpecContent` or `S3`: where the text stands in the API.

    One in S3 has a location, and no content before it is deployed: the object is read then.
    """

    kind: str
    content: str
    location: S3Location | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, str | S3Location]:
        """What it is known by: its text's checksum, or where it lies."""
        return self.kind, self.location or self.sha256


def parse(content: str) -> AppSpec:
    """Raises AppSpecError. The rules are those of "AppSpec File structure for AWS Lambda deployments"."""
    spec = _mapping(_document(content), "The AppSpec")
    unknown = sorted(set(spec) - {"version", "Resources", "Hooks"})
    if unknown:
        raise AppSpecError(f"The AppSpec has the unknown section {unknown[0]!r}; write version, Resources and Hooks.")
    if str(spec.get("version")) != "0.0":
        raise AppSpecError(f"The AppSpec's version must be 0.0, but was {spec.get('version')!r}.")
    properties = _properties(spec.get("Resources"))
    hooks = _hooks(spec.get("Hooks") or [])
    return AppSpec(
        function=properties["Name"],
        alias=properties["Alias"],
        current=properties["CurrentVersion"],
        target=properties["TargetVersion"],
        before=hooks.get("BeforeAllowTraffic"),
        after=hooks.get("AfterAllowTraffic"),
    )


def _document(content: str) -> object:
    try:
        return yaml.safe_load(content)  # JSON is YAML
    except yaml.YAMLError as error:
        raise AppSpecError(f"The AppSpec is neither YAML nor JSON: {error}") from error


def _properties(resources: object) -> dict[str, str]:
    if not isinstance(resources, list) or len(resources) != 1:
        raise AppSpecError("The AppSpec's Resources must be a list of one Lambda function.")
    named = _mapping(resources[0], "The AppSpec's resource")
    if len(named) != 1:
        raise AppSpecError("The AppSpec's Resources must name one Lambda function.")
    ((name, body),) = named.items()
    resource = _mapping(body, f"The AppSpec's resource {name!r}")
    if resource.get("Type") != LAMBDA:
        raise AppSpecError(f"The Type of the AppSpec's resource {name!r} must be {LAMBDA}.")
    properties = _mapping(resource.get("Properties"), f"The Properties of the AppSpec's resource {name!r}")
    missing = [key for key in PROPERTIES if properties.get(key) in (None, "")]
    if missing:
        raise AppSpecError(f"The AppSpec's resource {name!r} needs the property {missing[0]}.")
    return {key: str(properties[key]) for key in PROPERTIES}


def _hooks(section: object) -> dict[str, str]:
    if not isinstance(section, list):
        raise AppSpecError("The AppSpec's Hooks must be a list.")
    hooks = {key: value for entry in section for key, value in _mapping(entry, "A hook of the AppSpec").items()}
    unknown = sorted(set(hooks) - set(HOOKS))
    if unknown:
        raise AppSpecError(f"The AppSpec's hook {unknown[0]!r} is not one of {' and '.join(HOOKS)}.")
    return {name: str(function or "") for name, function in hooks.items()}


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise AppSpecError(f"{what} must be a mapping.")
    return value
