"""Faults on request: what can go wrong around a release, asked for at `/_stage/faults` or in STAGE_FAULTS.

{"throttle": "lambda", "share": 1, "count": 3, "by": "functions", "action": "GetFunction"}
{"events": "lose", "source": "aws.codedeploy", "share": 0.5}      or "double", or "delay" with "seconds": 60
{"metrics_late": 120}                                             stage seconds
{"restart_codedeploy": 60}                                        stage seconds during which it does not answer

`share` is the chance of each call or event (1), `count` how many are hit at most (no limit), `by` who is throttled:
`callers` (whoever calls the API), `functions` (only what functions call) or `codedeploy` (its own calls of Lambda).
"""

from __future__ import annotations

import functools
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from rehearsal.stage.clock import StageClock
from rehearsal.stage.codedeploy.behaviour import Behaviour
from rehearsal.stage.codedeploy.model import Scope
from rehearsal.stage.codedeploy.port import Account, AliasState, StateChange, ThrottledError

CALLERS, FUNCTIONS, CODEDEPLOY = BY = ("callers", "functions", "codedeploy")


class FaultError(ValueError):
    """A fault that the stage can't do. The text says what it can."""


@dataclass(frozen=True)
class Throttle:
    """Requests of a service (by MiniStack's name, as `lambda` or `dynamodb`) are refused as AWS refuses them."""

    throttle: str
    share: float = 1.0
    count: int | None = None
    by: str = CALLERS
    action: str | None = None


@dataclass(frozen=True)
class Events:
    """Events on EventBridge are lost, come twice or come `seconds` of the stage late, those of one source or all."""

    events: str
    source: str | None = None
    share: float = 1.0
    count: int | None = None
    seconds: float = 60.0


@dataclass(frozen=True)
class MetricsLate:
    """What invokes count, logs embed and callers put comes so many stage seconds late, with its own time."""

    metrics_late: float


@dataclass(frozen=True)
class Restart:
    """CodeDeploy stops in the middle of what it does, and goes on so many stage seconds later."""

    restart_codedeploy: float


type Fault = Throttle | Events | MetricsLate | Restart

_KINDS: Mapping[str, Callable[..., Fault]] = {
    "throttle": Throttle,
    "events": Events,
    "metrics_late": MetricsLate,
    "restart_codedeploy": Restart,
}


def fault(asked: Mapping[str, Any]) -> Fault:
    """The fault that a request describes. Raises FaultError."""
    kind = next((kind for name, kind in _KINDS.items() if name in asked), None)
    if kind is None:
        raise FaultError(f"a fault is one of {', '.join(_KINDS)}, not {dict(asked)}")
    try:
        made = kind(**asked)
    except TypeError:
        known = ", ".join(one.name for one in fields(kind))  # type: ignore[arg-type]
        raise FaultError(f"this fault takes {known}, not {', '.join(asked)}") from None
    _check(made)
    return made


def _check(made: Fault) -> None:
    match made:
        case Throttle(by=by) if by not in BY:
            raise FaultError(f"by is one of {', '.join(BY)}, not {by}")
        case Events(events=what) if what not in ("lose", "double", "delay"):
            raise FaultError(f"events are to lose, to double or to delay, not to {what}")
        case Throttle(share=share) | Events(share=share) if not 0 < share <= 1:
            raise FaultError(f"a share is above 0 and at most 1, not {share}")
        case MetricsLate(seconds) | Restart(seconds) | Events(seconds=seconds) if seconds < 0:
            raise FaultError(f"{seconds} stage seconds are none")
        case _:
            pass


class Faults:
    """The faults that are on, each with how often it hit. Called from any thread."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._on: list[Fault] = []
        self._hits: list[int] = []

    def add(self, made: Throttle | Events | MetricsLate) -> None:
        with self._lock:
            self._on.append(made)
            self._hits.append(0)

    def clear(self) -> None:
        with self._lock:
            self._on, self._hits = [], []

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{**one.__dict__, "hits": hits} for one, hits in zip(self._on, self._hits, strict=True)]

    def throttles(self, service: str, action: str, by: str) -> bool:
        def meant(one: Fault) -> bool:
            if not isinstance(one, Throttle) or one.throttle != service or one.action not in (None, action):
                return False
            return by == one.by or (one.by == CALLERS and by == FUNCTIONS)

        return self._hit(meant) is not None

    def any_throttle(self) -> bool:
        with self._lock:
            return any(isinstance(one, Throttle) for one in self._on)

    def deliveries(self, source: str) -> tuple[float, ...]:
        """When an event of this source is delivered, in stage seconds from now: once at once, unless a fault hits."""
        match self._hit(lambda one: isinstance(one, Events) and one.source in (None, source)):
            case Events(events="lose"):
                return ()
            case Events(events="double"):
                return 0.0, 0.0
            case Events(events="delay", seconds=seconds):
                return (seconds,)
            case _:
                return (0.0,)

    def metrics_late(self) -> float:
        with self._lock:
            return max((one.metrics_late for one in self._on if isinstance(one, MetricsLate)), default=0.0)

    def _hit(self, meant: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for at, one in enumerate(self._on):
                if not isinstance(one, Throttle | Events) or not meant(one):
                    continue
                if (one.count is None or self._hits[at] < one.count) and self._chance() < one.share:
                    self._hits[at] += 1
                    return one
        return None


@dataclass(frozen=True)
class ThrottledAccount:
    """CodeDeploy's account whose Lambda control plane may have no room, as when many aliases shift at once."""

    account: Account
    faults: Faults

    def scope(self) -> Scope:
        return self.account.scope()

    def alias(self, function: str, alias: str) -> AliasState:
        self._room_for("GetAlias")
        return self.account.alias(function, alias)

    def set_alias(self, function: str, alias: str, state: AliasState) -> None:
        self._room_for("UpdateAlias")
        self.account.set_alias(function, alias, state)

    def has_version(self, function: str, version: str) -> bool:
        self._room_for("GetFunctionConfiguration")
        return self.account.has_version(function, version)

    def object(self, bucket: str, key: str, version: str) -> str:
        return self.account.object(bucket, key, version)

    def invoke(self, role: str, hook: str, payload: Mapping[str, str]) -> None:
        self._room_for("Invoke")
        self.account.invoke(role, hook, payload)

    def may_read_alarms(self, role: str) -> bool:
        return self.account.may_read_alarms(role)

    def may_move(self, role: str, function: str, alias: str) -> bool:
        return self.account.may_move(role, function, alias)

    def alarm_state(self, name: str) -> str | None:
        return self.account.alarm_state(name)

    def publish(self, change: StateChange) -> None:
        self.account.publish(change)

    def _room_for(self, action: str) -> None:
        if self.faults.throttles("lambda", action, CODEDEPLOY):
            raise ThrottledError(action)


def refused(
    faults: Faults, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], function: bool
) -> tuple[int, dict[str, str], bytes] | None:
    """The answer to a request that is throttled, or None. `function` says that a function made the request."""
    from rehearsal.stage import iam

    service, action, _ = iam.called(method, path, headers, body, query)
    operation = (action or "").rpartition(":")[2]
    if not faults.throttles(service, operation, FUNCTIONS if function else CALLERS):
        return None
    return refusal(service, operation, headers)


def refusal(service: str, action: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """A throttled request's answer, in the code and the protocol of its service."""
    from ministack.core import iam_actions

    status, code = _REFUSALS.get(service, (400, "ThrottlingException"))
    _, fields_, body = iam_actions.access_denied_response(
        service, action, "", str(uuid.uuid4()), error_code=code, message="Rate exceeded", headers=dict(headers)
    )
    named = {name: value for name, value in fields_.items() if name.lower() != "x-amzn-errortype"}
    return status, {**named, "x-amzn-ErrorType": code}, body


_REFUSALS = {
    "lambda": (429, "TooManyRequestsException"),
    "s3": (503, "SlowDown"),
    "cloudformation": (400, "Throttling"),
    "cloudwatch": (400, "Throttling"),
    "monitoring": (400, "Throttling"),
    "sns": (400, "Throttling"),
    "dynamodb": (400, "ThrottlingException"),
}


def install(faults: Faults, clock: StageClock, behaviour: Callable[[], Behaviour]) -> None:
    """Put the faults of events and metrics between MiniStack's parts, in this process."""
    from ministack.services import eventbridge

    from rehearsal.stage.cloudwatch import metrics

    dispatch = eventbridge._dispatch_event

    def dispatched(event: Mapping[str, Any], *more: Any) -> None:
        for late in faults.deliveries(str(event.get("Source"))):
            if late:
                clock.later(late, "an event that comes late", dispatch, event, *more)
            else:
                dispatch(event, *more)

    eventbridge._dispatch_event = dispatched
    metrics.record_invoke = _late(metrics.record_invoke, faults, clock)
    metrics.absorb = _late(metrics.absorb, faults, clock)
    metrics.keep_datum = _late(metrics.keep_datum, faults, clock)
    metrics.invoke_dimensions = _without_versions(metrics.invoke_dimensions, behaviour)


def _late(record: Callable[..., Any], faults: Faults, clock: StageClock) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Any:
        late = faults.metrics_late()
        if not late:
            return record(*args, **kwargs)
        clock.later(late, "a metric that comes late", functools.partial(record, *args, **kwargs))
        return 0

    return recorded


def _without_versions(dimensions: Callable[..., Any], behaviour: Callable[[], Behaviour]) -> Callable[..., Any]:
    """By the switch, ExecutedVersion is counted only while the alias has weights."""
    from ministack.services import lambda_svc

    def counted(function: str, qualifier: str | None, version: str, *, throttle: bool) -> list[dict[str, str]]:
        alias = (lambda_svc._functions.get(function) or {}).get("aliases", {}).get(qualifier) or {}
        weighted = bool((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"))
        every = list(dimensions(function, qualifier, version, throttle=throttle))
        if weighted or behaviour().executed_version_always:
            return every
        return [one for one in every if "ExecutedVersion" not in one]

    return counted
