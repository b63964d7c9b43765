"""Everything that enters Seatrial, parsed once: AWS's JSON in, frozen dataclasses out.

A missing or misshapen key fails here with an EventError: a sentence that says which event, which key and what was
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import oncall
from .oncall import (
    EventError,
    FixGranted,
    FlagRollbackRequested,
    HoldReleased,
    HoldRequested,
    RollbackRequested,
)
from .values import quoted

__all__ = ["EventError", "RollbackRequested"]


@dataclass(frozen=True)
class HookRequest:
    """What CodeDeploy gives a hook: two ids and nothing else."""

    deployment_id: str
    execution_id: str


@dataclass(frozen=True)
class HookUnanswered:
    """A hook whose every attempt failed: the record that Lambda sends to its OnFailure destination."""

    request: HookRequest
    condition: str
    attempts: int


@dataclass(frozen=True)
class AlarmChanged:
    """`at` is when the state changed, by CloudWatch's clock."""

    id: str
    alarm: str
    state: str
    reason: str
    at: datetime
    account: str = ""
    region: str = ""

    @property
    def ring(self) -> str:
        """The same for each event, and each look at the alarm, that tells of the same change."""
        return f"{self.alarm}@{self.at:%Y-%m-%dT%H:%M:%S}"


@dataclass(frozen=True)
class Home:
    """The account and Region that Seatrial is installed in; "" where that is not known."""

    account: str = ""
    region: str = ""

    def has(self, alarm: AlarmChanged) -> bool:
        """Whether the alarm is of this account and Region: a rule may forward the events of others to this bus."""
        return self.account in ("", alarm.account) and self.region in ("", alarm.region)


@dataclass(frozen=True)
class JudgedWorse:
    """The judge finds an open release worse than stable. `reason` is the verdict's sentence."""

    id: str
    release: str
    reason: str


@dataclass(frozen=True)
class DeploymentChanged:
    """CodeDeploy's notification: it says that a state changed, GetDeployment says why."""

    deployment_id: str
    state: str


@dataclass(frozen=True)
class Tick:
    """The minute's schedule."""


@dataclass(frozen=True)
class ServicesCheck:
    """A look at services between releases: those of a stack that was deployed, or with "" all."""

    stack: str = ""


@dataclass(frozen=True)
class DarkTestRequested:
    """`service` is a function or `function:alias`; "" asks for `services`, or for all that are configured.

    The schedule brings `services` with it, so that a changed parameter of the stack needs no new version; None without.
    """

    service: str = ""
    services: tuple[str, ...] | None = None


def hook_request(event: Mapping[str, Any]) -> HookRequest:
    what = "a hook's payload"
    return HookRequest(_text(event, "DeploymentId", of=what), _text(event, "LifecycleEventHookExecutionId", of=what))


def hook_unanswered(event: Mapping[str, Any]) -> HookUnanswered:
    what = "an OnFailure record"
    return HookUnanswered(
        hook_request(_mapping(event, "requestPayload", of=what)),
        _text(event, "requestContext", "condition", of=what),
        int(_at(event, "requestContext", "approximateInvokeCount", of=what)),
    )


type RollbackTrigger = AlarmChanged | RollbackRequested | FlagRollbackRequested | HoldRequested | HoldReleased


def rollback_trigger(event: Mapping[str, Any]) -> RollbackTrigger:
    """What functions/rollback is told: an alarm's new state, or a request of on call."""
    if event.get("detail-type") == "CloudWatch Alarm State Change":
        return _alarm_changed(event)
    known = oncall.is_one(event) or oncall.is_from_on_call(event)
    asked = oncall.request(event) if known else None
    if isinstance(asked, FixGranted) and oncall.is_from_on_call(event):
        raise EventError("Fix Granted: hotfix grants are switched off; set FixLane=on in Seatrial's own stack")
    if asked is None or isinstance(asked, FixGranted):
        raise EventError(
            "functions/rollback reads 'CloudWatch Alarm State Change', 'Rollback Requested', 'Hold Requested' and "
            f"'Hold Released', not {quoted(event.get('detail-type'))}: look at the patterns of its rules"
        )
    return asked


def fix_lane_trigger(event: Mapping[str, Any]) -> FixGranted | Tick | DeploymentChanged:
    """What functions/fix_lane is told: a grant, its schedule's tick, or a change of a deployment."""
    if event.get("detail-type") in _WATCHED:
        watched = monitor_trigger(event)
        assert not isinstance(watched, ServicesCheck)
        return watched
    asked = oncall.request(event) if oncall.is_one(event) else None
    if not isinstance(asked, FixGranted):
        raise EventError(
            "functions/fix_lane reads 'Fix Granted', 'Scheduled Event' and 'CodeDeploy Deployment State-change "
            f"Notification', not {quoted(event.get('detail-type'))}: look at the patterns of its rules"
        )
    return asked


_WATCHED = ("Scheduled Event", "CodeDeploy Deployment State-change Notification")


def monitor_trigger(event: Mapping[str, Any]) -> Tick | DeploymentChanged | ServicesCheck:
    """What functions/monitor is told: its schedules' ticks, a change of a deployment, or that a stack is deployed."""
    match event.get("detail-type"):
        case "Scheduled Event":
            return Tick()
        case "Services Check":
            return ServicesCheck()
        case "CloudFormation Stack Status Change" as what:
            return ServicesCheck(_stack_name(_text(event, "detail", "stack-id", of=what)))
        case "CodeDeploy Deployment State-change Notification" as what:
            return DeploymentChanged(
                _text(event, "detail", "deploymentId", of=what), _text(event, "detail", "state", of=what)
            )
        case other:
            raise EventError(
                "functions/monitor reads 'Scheduled Event', 'Services Check', 'CloudFormation Stack Status Change' and "
                f"'CodeDeploy Deployment State-change Notification', not {quoted(other)}: look at the patterns of its "
                "rules"
            )


def _stack_name(stack_id: str) -> str:
    """Of arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID."""
    parts = stack_id.split("/")
    if len(parts) != 3 or not parts[1]:
        raise EventError(f"CloudFormation Stack Status Change: detail.stack-id is {quoted(stack_id)}, no stack's ARN")
    return parts[1]


def dark_test_request(event: Mapping[str, Any]) -> DarkTestRequested:
    """The schedule asks for all services; a person, by invoke or over the bus, may name one."""
    match event.get("detail-type"):
        case "Scheduled Event" if isinstance(listed := event.get("services"), str):
            return DarkTestRequested(services=tuple(name.strip() for name in listed.split(",") if name.strip()))
        case "Scheduled Event":
            return DarkTestRequested()
        case "Dark Test Requested" as what:
            return _dark_test(_mapping(event, "detail", of=what), event, of=what)
        case None:
            return _dark_test(event, {}, of="a dark test's request")
        case other:
            raise EventError(
                "functions/dark_tester reads 'Scheduled Event', 'Dark Test Requested' and {\"service\": name}, "
                f"not {quoted(other)}"
            )


def _dark_test(request: Mapping[str, Any], sent: Mapping[str, Any], *, of: str) -> DarkTestRequested:
    """`sent` is the event around the request, {} where there is none."""
    detail = oncall.Detail.of(of, request, sent)
    detail.only("service", "reason", "who")
    return DarkTestRequested(detail.service()) if "service" in request else DarkTestRequested()


def _alarm_changed(event: Mapping[str, Any]) -> AlarmChanged:
    what = "CloudWatch Alarm State Change"
    return AlarmChanged(
        id=_text(event, "id", of=what),
        alarm=_text(event, "detail", "alarmName", of=what),
        state=_text(event, "detail", "state", "value", of=what),
        reason=_text(event, "detail", "state", "reason", of=what),
        at=_time(event, "detail", "state", "timestamp", of=what),
        account=str(event.get("account", "")),
        region=str(event.get("region", "")),
    )


def _at(event: Mapping[str, Any], *path: str, of: str) -> Any:
    found: Any = event
    for depth, key in enumerate(path, start=1):
        if not isinstance(found, Mapping) or key not in found:
            raise EventError(f"{of} has no {'.'.join(path[:depth])!r}")
        found = found[key]
    return found


def _text(event: Mapping[str, Any], *path: str, of: str) -> str:
    found = _at(event, *path, of=of)
    if not isinstance(found, str) or not found:
        raise EventError(f"{of}: {'.'.join(path)!r} is {quoted(found)} where a text is expected")
    return found


def _mapping(event: Mapping[str, Any], *path: str, of: str) -> Mapping[str, Any]:
    found = _at(event, *path, of=of)
    if not isinstance(found, Mapping):
        raise EventError(f"{of}: {'.'.join(path)!r} is {quoted(found)} where an object is expected")
    return found


def _time(event: Mapping[str, Any], *path: str, of: str) -> datetime:
    """AWS writes `2019-10-02T17:04:40.989+0000`, and `Z` elsewhere."""
    text = _text(event, *path, of=of)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EventError(f"{of}: {'.'.join(path)!r} is {quoted(text)}, which is no ISO 8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
