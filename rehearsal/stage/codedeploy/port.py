"""What CodeDeploy needs of the rest of the account. MiniStack's is in `account`, a small one for tests in the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .model import Scope


@dataclass(frozen=True)
class AliasState:
    """The main version, and the share (0 to 1) of at most one other."""

    main: str
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StateChange:
    """A `CodeDeploy Deployment State-change Notification`; `state` is START, SUCCESS, FAILURE or STOP."""

    scope: Scope
    application: str
    group: str
    group_id: str
    deployment: str
    state: str


class ThrottledError(Exception):
    """Lambda's control plane has no room for CodeDeploy's call."""


class Account(Protocol):
    """Called on CodeDeploy's threads, in the context (account and Region) of whoever created the deployment.

    `function` is a name or an ARN. What isn't there raises LookupError with a sentence that names it. Calls of Lambda
    may raise ThrottledError.
    """

    def scope(self) -> Scope: ...

    def alias(self, function: str, alias: str) -> AliasState: ...

    def set_alias(self, function: str, alias: str, state: AliasState) -> None: ...

    def has_version(self, function: str, version: str) -> bool: ...

    def object(self, bucket: str, key: str, version: str) -> str:
        """The text of an object in S3; without a `version` the newest."""

    def invoke(self, role: str, hook: str, payload: Mapping[str, str]) -> None:
        """Invoke a hook asynchronously. Raises LookupError or PermissionError when the role can't invoke it."""

    def may_read_alarms(self, role: str) -> bool:
        """Whether the group's role allows DescribeAlarms."""

    def may_move(self, role: str, function: str, alias: str) -> bool:
        """Whether the group's role allows to read and to update the alias."""

    def alarm_state(self, name: str) -> str | None:
        """OK, ALARM or INSUFFICIENT_DATA; None when there is no such alarm."""

    def publish(self, change: StateChange) -> None: ...
