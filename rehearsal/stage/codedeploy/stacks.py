"""MiniStack's CloudFormation moves an alias at once: here an UpdatePolicy starts a deployment, and the stack waits."""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners, stacks

from . import model, templates
from .account import MiniStackAccount
from .appspec import AppSpec, Revision
from .errors import ApiError
from .model import Deployment, Status
from .service import Service
from .side_by_side import CancelledError, Provisioned
from .templates import ALIAS, Operation

# The alias's resource schema: an update may take 120 minutes.
LONGEST_UPDATE = 120 * 60.0
LOOK_EVERY = 0.2
"""Wall seconds between two looks at whether the update was cancelled."""

type Properties = Mapping[str, Any]


class ResourceFailedError(Exception):
    """Its text is the reason of the resource's UPDATE_FAILED event."""

    def __init__(self, message: str) -> None:
        token = uuid.uuid4()
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {token}, HandlerErrorCode: InternalFailure)'
        )


def install(service: Service, account: MiniStackAccount) -> None:
    """Put this update in the place of MiniStack's, on a thread of its own, for it blocks."""
    templates.install()
    handler = provisioners._RESOURCE_HANDLERS[ALIAS]
    plain = getattr(handler["update"], "plain", handler["update"])
    handler["update"] = AliasUpdate(service, account, plain)
    blocks = stacks._runs_on_worker_thread
    if not hasattr(blocks, "__wrapped__"):
        stacks._runs_on_worker_thread = functools.wraps(blocks)(lambda kind: kind == ALIAS or blocks(kind))


@dataclass(frozen=True)
class AliasUpdate:
    """`plain` is MiniStack's own update, which writes what the template says."""

    service: Service
    account: MiniStackAccount
    plain: Callable[..., Provisioned]

    def __call__(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        stack_id = cloudformation._stacks[stack_name]["StackId"]
        running = templates.operation(stack_name)
        name = logical_id or ""
        if name in running.left:
            return physical_id, {"AliasArn": physical_id}
        if name not in running.shifts:
            shifted = self._shifted(running, name, old)
            if not running.policy(name, stack_id) or not self._shifts(running, shifted, new):
                return self._write(physical_id, old, new, stack_name, logical_id)
            events = Events(stack_id, stack_name, name, physical_id)
            others = list(self._others(running, events))  # before anything starts, for what they say may not resolve
            self._start(running, events, shifted, new)
            for other in others:
                other[0].add("UPDATE_IN_PROGRESS")
                self._start(running, *other)
        return running.shifts.result(name)

    def _others(self, running: Operation, first: Events) -> Iterator[tuple[Events, Properties, Properties]]:
        """The aliases that shift beside the first, each with the properties that it has and is to have."""
        for name in running.shifted_with(first.logical_id):
            record = running.before[name]
            old, new = self._shifted(running, name, record["Properties"]), running.target(name, first.stack_id)
            if running.policy(name, first.stack_id) and self._shifts(running, old, new):
                yield replace(first, logical_id=name, physical_id=record["PhysicalResourceId"]), old, new

    def _start(self, running: Operation, events: Events, old: Properties, new: Properties) -> None:
        shift = functools.partial(self._shift, running, events, old, new)
        running.shifts.start(events.logical_id, new, shift)

    def _shift(self, running: Operation, events: Events, old: Properties, new: Properties) -> Provisioned:
        policy = running.policy(events.logical_id, events.stack_id)
        physical_id = events.physical_id
        attributes = {"AliasArn": physical_id}
        try:
            self._deploy(policy, _spec(policy, old, new), events, running)
            if _all_but_the_version(old) != _all_but_the_version(new):
                physical_id, attributes = self._write(physical_id, old, new, events.stack_name, events.logical_id)
        except Exception as error:
            events.add("UPDATE_FAILED", str(error))
            if not running.rolling_back:  # a rollback sends back what it can
                running.shifts.cancel()
            raise
        events.add("UPDATE_COMPLETE")
        return physical_id, attributes

    def _shifted(self, running: Operation, name: str, old: Properties) -> Properties:
        """? What a drift-aware change set shifts from: what the stack believed the alias to be, or what it is."""
        return old if self.service.behaviour.drift_aware_shifts_from_actual else running.believed.get(name, old)

    def _write(self, physical_id: str, old: Properties, new: Properties, stack: str, name: str | None) -> Provisioned:
        """? Whether weights that the template doesn't state stay: MiniStack clears what it states no longer."""
        if self.service.behaviour.alias_update_drops_weights:
            old = {"RoutingConfig": {}, **old}
        return self.plain(physical_id, old, new, stack, name)

    def _shifts(self, running: Operation, old: Properties, new: Properties) -> bool:
        """Another name or function is another alias; and a rollback has nothing to do for an alias that is back."""
        if any(old.get(key) != new.get(key) for key in ("Name", "FunctionName")):
            return False
        if str(old.get("FunctionVersion")) == str(new.get("FunctionVersion")):
            return False
        if not running.rolling_back:
            return True
        if not self.service.behaviour.stack_goes_back_by_deployment:
            return False
        now = self.account.alias(str(new["FunctionName"]), str(new["Name"]))
        return bool(now.weights) or now.main != str(new["FunctionVersion"])

    def _deploy(self, policy: Properties, spec: AppSpec, events: Events, running: Operation) -> None:
        """Returns when the alias has shifted. Raises ResourceFailedError when it hasn't, after its rollback."""
        started = running.shifts.begin(functools.partial(self._created, policy, spec), self._stop)
        events.add("UPDATE_IN_PROGRESS", f"CodeDeploy deployment started: {started}")
        ended = self._until_it_ends(started, events.stack_name)
        if ended.rollback_id:
            events.add("UPDATE_IN_PROGRESS", f"CodeDeploy rollback deployment started: {ended.rollback_id}")
            self.service.wait(ended.rollback_id)
        if ended.status is not Status.SUCCEEDED:
            cancelled = running.shifts.cancelled or _cancel_requested(events.stack_name)
            if cancelled and ended.error == model.stopped_by_user(None).error:
                raise CancelledError
            said = ended.error.message if ended.error else f"It was {ended.status} when the stage was reset."
            raise ResourceFailedError(f"{started} failed. {said}")

    def _created(self, policy: Properties, spec: AppSpec) -> str:
        try:
            return self.service.create_deployment(
                str(policy.get("ApplicationName")),
                str(policy.get("DeploymentGroupName")),
                Revision("String", spec.text()),
            )
        except ApiError as error:
            conflict = "A conflicting deployment is in progress. " if error.name.startswith("DeploymentLimit") else ""
            raise ResourceFailedError(f"{conflict}{error.message}") from error

    def _until_it_ends(self, deployment_id: str, stack_name: str) -> Deployment:
        """? What CloudFormation does to a deployment that takes longer than it waits: here it is stopped.

        So is one whose stack's update is cancelled meanwhile.
        """
        clock = self.service.clock
        latest = clock.epoch() + LONGEST_UPDATE
        look = LOOK_EVERY * clock.rate
        while not (now := self.service.wait(deployment_id, look)).ended:
            if clock.epoch() >= latest or _cancel_requested(stack_name):
                self._stop(deployment_id)
                return self.service.wait(deployment_id)
        return now

    def _stop(self, deployment_id: str) -> None:
        """? Whether CloudFormation stops the deployments of aliases whose update it cancels; it has the permission."""
        with contextlib.suppress(ApiError):  # it has ended: the stack's rollback sends it back
            self.service.stop(deployment_id, rollback=True)


@dataclass(frozen=True)
class Events:
    """The stack's events of one alias."""

    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str

    def add(self, status: str, reason: str = "") -> None:
        templates.tell(self.stack_id, self.stack_name, self.logical_id, status, reason, self.physical_id)


def _cancel_requested(stack_name: str) -> bool:
    """CancelUpdateStack was called; MiniStack looks at it between two resources alone."""
    return bool((cloudformation._stacks.get(stack_name) or {}).get("_cancel_requested"))


def _spec(policy: Properties, old: Properties, new: Properties) -> AppSpec:
    """CurrentVersion is what CloudFormation believes, which may not be what the alias has."""
    return AppSpec(
        function=str(new["FunctionName"]),
        alias=str(new["Name"]),
        current=str(old.get("FunctionVersion")),
        target=str(new.get("FunctionVersion")),
        before=policy.get("BeforeAllowTrafficHook") or None,
        after=policy.get("AfterAllowTrafficHook") or None,
    )


def _all_but_the_version(properties: Properties) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != "FunctionVersion"}
