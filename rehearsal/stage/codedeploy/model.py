"""MiniStack has no CodeDeploy: this is a Lambda deployment as a value, and every way it can change. Pure.

What is said of AWS here was captured in real accounts or stands in AWS's documentation; a `?` marks what nobody
could confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .appspec import AppSpec, Revision
from .shifting import PREFIX

BEFORE, SHIFT, AFTER = LIFECYCLE = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
MOST_ALARMS = 10


class Status(StrEnum):
    CREATED = "Created"
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"


class EventStatus(StrEnum):
    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class Cause(StrEnum):
    """What a deployment group may roll back on by itself."""

    FAILURE = "DEPLOYMENT_FAILURE"
    ALARM = "DEPLOYMENT_STOP_ON_ALARM"
    REQUEST = "DEPLOYMENT_STOP_ON_REQUEST"


@dataclass(frozen=True)
class Scope:
    """Whose deployment it is: CodeDeploy knows no other account and no other Region."""

    account: str
    region: str


@dataclass(frozen=True)
class Alarms:
    """Which alarms stop a deployment. Nothing is polled unless `enabled`."""

    enabled: bool = False
    ignore_poll_failure: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class AutoRollback:
    enabled: bool = False
    causes: frozenset[Cause] = frozenset()

    def on(self, cause: Cause | None) -> bool:
        return self.enabled and cause in self.causes


@dataclass(frozen=True)
class ErrorInformation:
    code: str
    message: str


@dataclass(frozen=True)
class Ending:
    """How a deployment ends before its time. Without a `cause` no rollback follows: nothing had been touched."""

    status: Status
    error: ErrorInformation
    cause: Cause | None
    # StopDeployment's autoRollbackEnabled; None leaves it to the deployment group.
    rollback: bool | None = None


@dataclass(frozen=True)
class Question:
    """A hook that was asked, at a time, and its answer once there is one."""

    event: str
    execution_id: str
    asked: float
    passed: bool | None = None


@dataclass(frozen=True)
class LifecycleEvent:
    name: str
    status: EventStatus = EventStatus.PENDING
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True)
class RollbackInfo:
    message: str
    rollback_id: str | None = None
    triggering_id: str | None = None


@dataclass(frozen=True)
class Deployment:
    """Times are epoch seconds of the stage. `weight` is the candidate's share, 0 to 1: `targetVersionWeight`.

    Everything that is known of it stands here, so that CodeDeploy can restart in the middle of it. `stop` is the end
    that somebody asked for and that has not come yet.
    """

    id: str
    scope: Scope
    application: str
    group: str
    config: str
    revision: Revision
    spec: AppSpec
    created: float
    description: str = ""
    creator: str = "user"
    alarms: Alarms = Alarms()
    alarms_overridden: bool = False
    auto_rollback: AutoRollback = AutoRollback()
    status: Status = Status.CREATED
    started: float | None = None
    completed: float | None = None
    error: ErrorInformation | None = None
    lifecycle: tuple[LifecycleEvent, ...] = tuple(LifecycleEvent(name) for name in LIFECYCLE)
    weight: float = 0.0
    rollback: RollbackInfo | None = None
    questions: tuple[Question, ...] = ()
    stop: Ending | None = None

    @property
    def ended(self) -> bool:
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.STOPPED)

    @property
    def waits(self) -> bool:
        """It has not started."""
        return self.status in (Status.CREATED, Status.QUEUED)

    @property
    def is_rollback(self) -> bool:
        return self.creator == "codeDeployRollback"

    @property
    def rollback_id(self) -> str | None:
        """The deployment that takes this one back, if there is one."""
        return self.rollback.rollback_id if self.rollback else None

    def event(self, name: str) -> LifecycleEvent:
        return next(event for event in self.lifecycle if event.name == name)

    def question(self, event: str) -> Question | None:
        """What the hook of this event was asked, if it was."""
        return next((one for one in self.questions if one.event == event), None)

    def waits_for(self, question: Question) -> bool:
        """Whether an answer to `question` still decides anything."""
        return question.passed is None and question is self.questions[-1] and not self.stop and not self.ended


def begun(deployment: Deployment, now: float) -> Deployment:
    return replace(deployment, status=Status.IN_PROGRESS, started=now)


def event_began(deployment: Deployment, name: str, now: float) -> Deployment:
    return _with_event(deployment, name, status=EventStatus.IN_PROGRESS, started=now)


def event_succeeded(deployment: Deployment, name: str, now: float) -> Deployment:
    return _with_event(deployment, name, status=EventStatus.SUCCEEDED, ended=now)


def asked(deployment: Deployment, question: Question) -> Deployment:
    return replace(deployment, questions=(*deployment.questions, question))


def answered(deployment: Deployment, execution_id: str, passed: bool) -> Deployment:
    return replace(
        deployment,
        questions=tuple(
            replace(one, passed=passed) if one.execution_id == execution_id else one for one in deployment.questions
        ),
    )


def stop_requested(deployment: Deployment, rollback: bool | None) -> Deployment:
    """A second request changes nothing."""
    return deployment if deployment.stop else replace(deployment, stop=stopped_by_user(rollback))


def weighted(deployment: Deployment, weight: float) -> Deployment:
    return replace(deployment, weight=weight)


def all_passed(deployment: Deployment, now: float) -> Deployment:
    """Every event succeeded at once: what a rollback reports, though no hook is invoked for it (captured)."""
    event = LifecycleEvent("", EventStatus.SUCCEEDED, now, now)
    return replace(deployment, lifecycle=tuple(replace(event, name=name) for name in LIFECYCLE))


def succeeded(deployment: Deployment, now: float) -> Deployment:
    return replace(deployment, status=Status.SUCCEEDED, completed=now)


def ended(deployment: Deployment, ending: Ending, now: float) -> Deployment:
    """The event that ran has failed and those that waited are skipped, also when an alarm stopped it (captured)."""
    return replace(
        deployment,
        status=ending.status,
        error=ending.error,
        completed=now,
        lifecycle=tuple(_cut_short(event, now) for event in deployment.lifecycle),
    )


def rolls_back(deployment: Deployment, ending: Ending) -> bool:
    """Whether a rollback follows: never of a rollback, and never of what was refused before it touched anything."""
    if deployment.is_rollback or ending.cause is None:
        return False
    return deployment.auto_rollback.on(ending.cause) if ending.rollback is None else ending.rollback


def rolled_back(
    deployment: Deployment, rollback_id: str, now: float, last_good: Revision | None = None
) -> tuple[Deployment, Deployment]:
    """The ended deployment that knows its rollback, and the rollback: back in one step, alarms or not.

    The rollback shows the revision that was `last_good`, or without one the reverse of this deployment's.
    """
    spec = deployment.spec.reversed()
    kind = "String" if deployment.revision.location else deployment.revision.kind
    back = Deployment(
        id=rollback_id,
        scope=deployment.scope,
        application=deployment.application,
        group=deployment.group,
        config=f"{PREFIX}LambdaAllAtOnce",
        revision=last_good or Revision(kind, spec.text()),
        spec=spec,
        created=now,
        creator="codeDeployRollback",
        rollback=RollbackInfo(
            f"Deployment {rollback_id} is triggered to roll back deployment {deployment.id}.",
            triggering_id=deployment.id,
        ),
    )
    message = (
        f"Deployment {deployment.id} terminated. Automatic rollback is triggered with a DeploymentId {rollback_id}."
    )
    return replace(deployment, rollback=RollbackInfo(message, rollback_id=rollback_id)), back


def alarm_active(names: tuple[str, ...]) -> Ending:
    message = (
        "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the "
        f"affected deployments have been stopped. Activated alarms: <{', '.join(names)}>"
    )
    return Ending(Status.STOPPED, ErrorInformation("ALARM_ACTIVE", message), Cause.ALARM)


def stopped_by_user(rollback: bool | None) -> Ending:
    """? The text is the stage's own."""
    error = ErrorInformation("MANUAL_STOP", "The deployment was stopped by a user.")
    return Ending(Status.STOPPED, error, Cause.REQUEST, rollback)


def hook_failed() -> Ending:
    return _failed(
        "HOOK_EXECUTION_FAILURE",
        "The deployment failed because one or more of the lifecycle event validation functions failed.",
    )


def hook_unanswered(code: str = "TIMEOUT") -> Ending:
    """? Which code AWS gives; the text stands in the troubleshooting guide."""
    return _failed(
        code,
        "The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback within "
        "one hour after a deployment hook is invoked.",
    )


def not_permitted(role: str, service: str = "AWSLambda") -> Ending:
    """The role may not invoke a hook, move the alias, or read the alarms (`service` is then AmazonCloudWatch: ?)."""
    return _failed(
        "IAM_ROLE_PERMISSIONS",
        f"The IAM role {role} does not give you permission to perform operations in the following AWS service: "
        f"{service}. Contact your AWS administrator if you need help. If you are an AWS administrator, you can grant "
        "permissions to your users or groups by creating IAM policies.",
    )


def throttled(role: str) -> Ending:
    """The code was seen in an account with 29 aliases in one update, the text reported by a user of another."""
    return _failed(
        "THROTTLED",
        f"The deployment failed because the number of requests by the IAM role {role} exceeded the request limit for "
        "AWSLambda. Avoid retrying API requests at a high rate.",
    )


def stopped_while_it_waited() -> Ending:
    """Nothing was touched, so nothing goes back."""
    return replace(stopped_by_user(None), cause=None)


def alias_disagrees() -> Ending:
    return _refused("The Lambda function alias version does not match the current version in AppSpec file")


def no_other_version() -> Ending:
    """Target and current version are the same. Reported by users, with a text that says no more."""
    return _refused("")


def hook_without_name() -> Ending:
    """The AppSpec lists a hook and names no function. Reported by users."""
    return _refused("The Lambda function name cannot be null or empty")


def alias_has_two_versions() -> Ending:
    """? The rule stands in the troubleshooting guide, the text is the stage's own."""
    return _refused("The Lambda function alias references two versions: let it reference the current version alone")


def lambda_unknown(what: str, *, shifting: bool) -> Ending:
    """A sentence on the function, alias or version that is not there. ? The text is the stage's own."""
    error = ErrorInformation("INVALID_LAMBDA_FUNCTION", what)
    return Ending(Status.FAILED, error, Cause.FAILURE if shifting else None)


def broken(what: str) -> Ending:
    return _failed("INTERNAL_ERROR", what)


def _failed(code: str, message: str) -> Ending:
    return Ending(Status.FAILED, ErrorInformation(code, message), Cause.FAILURE)


def _refused(detail: str) -> Ending:
    """In the words that users report: one sentence for every case, and then what is wrong."""
    message = (
        "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is "
        f"missing or has an invalid configuration. {detail}"
    )
    return Ending(Status.FAILED, ErrorInformation("INVALID_LAMBDA_CONFIGURATION", message.rstrip()), None)


def _cut_short(event: LifecycleEvent, now: float) -> LifecycleEvent:
    match event.status:
        case EventStatus.IN_PROGRESS:
            return replace(event, status=EventStatus.FAILED, ended=now)
        case EventStatus.PENDING:
            return replace(event, status=EventStatus.SKIPPED)
        case _:
            return event


def _with_event(
    deployment: Deployment,
    name: str,
    *,
    status: EventStatus,
    started: float | None = None,
    ended: float | None = None,
) -> Deployment:
    def changed(event: LifecycleEvent) -> LifecycleEvent:
        return replace(event, status=status, started=event.started if started is None else started, ended=ended)

    return replace(
        deployment,
        lifecycle=tuple(changed(event) if event.name == name else event for event in deployment.lifecycle),
    )
