"""The tags of CodeDeploy's applications and deployment groups, by ARN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .errors import ApiError
from .model import Scope
from .registry import Registry

MOST_TAGS = 50


def arn_of(scope: Scope, application: str, group: str | None = None) -> str:
    kind = f"deploymentgroup:{application}/{group}" if group else f"application:{application}"
    return f"arn:aws:codedeploy:{scope.region}:{scope.account}:{kind}"


def check(arn: str, registry: Registry) -> str:
    """`arn`, when it is one of an application or group that exists. Raises ApiError."""
    parts = arn.split(":", 6)
    if len(parts) != 7 or parts[:3] != ["arn", "aws", "codedeploy"]:
        raise ApiError("InvalidArnException", f"{arn} is not an ARN of CodeDeploy.")
    match parts[5]:
        case "application":
            registry.application(parts[6])
        case "deploymentgroup":
            registry.group(*parts[6].partition("/")[::2])
        case kind:
            raise ApiError("ArnNotSupportedException", f"A {kind} has no tags.")
    return arn


class Tags:
    """What is tagged; asked after `check`."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, str]] = {}

    def of(self, arn: str) -> dict[str, str]:
        return dict(self._of.get(arn, {}))

    def add(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        known = {**self.of(arn), **{str(tag.get("Key")): str(tag.get("Value", "")) for tag in tags}}
        if len(known) > MOST_TAGS:
            raise ApiError("InvalidTagsToAddException", f"A resource has at most {MOST_TAGS} tags.")
        self._of[arn] = known

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        gone = set(keys)
        self._of[arn] = {key: value for key, value in self.of(arn).items() if key not in gone}

    def clear(self) -> None:
        self._of.clear()
