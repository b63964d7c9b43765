"""A CodeDeploy deployment and its group, as Seatrial sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Who CodeDeploy says has started a rollback (`creator`, an enumeration of its API).
CREATORS_OF_ROLLBACKS = frozenset({"codeDeployRollback", "CloudFormationRollback"})

# What a group must roll back on by itself, so that a refusal, an alarm and a stop all lead back to stable.
ROLLBACK_EVENTS = frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"})


# Alias and versions of a deployment whose AppSpec can't be read.
UNKNOWN = "unknown"


class Status(StrEnum):
    """CodeDeploy's own words."""

    CREATED = "Created"
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    BAKING = "Baking"
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class Shift:
    """What a deployment moves: the alias of a function, from stable to candidate (both are version numbers as text)."""

    function: str
    alias: str
    stable: str
    candidate: str

    @property
    def service(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def is_backward(self) -> bool:
        return self.stable.isdecimal() and self.candidate.isdecimal() and int(self.candidate) < int(self.stable)


@dataclass(frozen=True)
class Deployment:
    """`shift` is None when the AppSpec can't be read; `unreadable` then says why, in one sentence.

    `error_code` and `error` are CodeDeploy's, "" while there is none. `rollback_of` is the deployment that this one
    takes back, `rollback_id` the one that takes this one back.
    """

    id: str
    application: str
    group: str
    status: Status
    created: datetime
    shift: Shift | None = None
    unreadable: str = ""
    creator: str = ""
    configuration: str = ""
    rollback_of: str = ""
    rollback_id: str = ""
    error_code: str = ""
    error: str = ""
    completed: datetime | None = None

    @property
    def shift_or_unknown(self) -> Shift:
        """What it moves; by the group's name alone where that can't be read, for the record of its rejection."""
        return self.shift or Shift(self.group, UNKNOWN, UNKNOWN, UNKNOWN)

    @property
    def is_rollback(self) -> bool:
        """Whether CodeDeploy itself says that it is one."""
        return bool(self.rollback_of) or self.creator in CREATORS_OF_ROLLBACKS

    @property
    def goes_back(self) -> bool:
        """Whether it takes users back, as far as CodeDeploy alone can tell: also by the number of its target."""
        return self.is_rollback or (self.shift is not None and self.shift.is_backward)

    @property
    def runs_to_a_lower_number(self) -> bool:
        """Whether it is open and goes to a lower version without CodeDeploy calling it a rollback."""
        return self.goes_back and not self.is_rollback and not self.ended

    @property
    def ended(self) -> bool:
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.STOPPED)


@dataclass(frozen=True)
class Traffic:
    """How far the weights are. `candidate` is its share of the traffic, 0.0 to 1.0; `since` is when the shift began."""

    candidate: float
    began: bool
    since: datetime | None = None


@dataclass(frozen=True)
class Group:
    """A deployment group. `rolls_back_on` is empty when its automatic rollback is off.

    `ignores_poll_failure`: CodeDeploy lets a deployment go on while it can't read the alarms.
    """

    application: str
    name: str
    alarms: tuple[str, ...] = ()
    alarms_enabled: bool = False
    rolls_back_on: frozenset[str] = frozenset()
    ignores_poll_failure: bool = False

    @property
    def watched_alarms(self) -> tuple[str, ...]:
        return self.alarms if self.alarms_enabled else ()

    @property
    def missing_rollbacks(self) -> frozenset[str]:
        return ROLLBACK_EVENTS - self.rolls_back_on
