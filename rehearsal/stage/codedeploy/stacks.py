"""MiniStack's CloudFormation moves an alias at once: here an UpdatePolicy starts a deployment, and the stack waits."""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, provisioners, stacks

from rehearsal.stage.cloudformation import nested, operations, status_events, templates
from rehearsal.stage.cloudformation.operations import ALIAS, NESTED, Operation, Properties
from rehearsal.stage.cloudformation.side_by_side import CancelledError, Provisioned
from rehearsal.stage.cloudformation.together import Change, Events, Together
from rehearsal.stage.lambdas.versions import VERSION

from . import model
from .account import MiniStackAccount
from .appspec import AppSpec, Revision
from .errors import ApiError
from .model import Deployment, Status
from .service import Service

# The alias's resource schema: an update may take 120 minutes.
LONGEST_UPDATE = 120 * 60.0


class ResourceFailedError(Exception):
    """Its text is the reason of the resource's UPDATE_FAILED event."""

    def __init__(self, message: str) -> None:
        token = uuid.uuid4()
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {token}, HandlerErrorCode: InternalFailure)'
        )


def install(service: Service, account: MiniStackAccount) -> None:
    """Put these updates in the place of MiniStack's, on threads of their own, for they block."""
    operations.install(service.clock, _operation_is_over)
    _wake_at_a_cancel(service)
    nested.install()
    templates.install()
    updates = provisioners._RESOURCE_HANDLERS
    plain = {kind: getattr(updates[kind]["update"], "plain", updates[kind]["update"]) for kind in (ALIAS, NESTED)}
    together = Together({ALIAS: Aliases(service, account, plain[ALIAS]), NESTED: nested.NestedStacks(plain[NESTED])})
    for kind in (ALIAS, NESTED):
        handler = together.handler(kind)
        handler.plain = plain[kind]  # type: ignore[attr-defined]
        updates[kind] |= {"update": handler, "update_with_logical_id": True}
    blocks = stacks._runs_on_worker_thread
    if not hasattr(blocks, "__wrapped__"):
        stacks._runs_on_worker_thread = functools.wraps(blocks)(lambda kind: kind in (ALIAS, VERSION) or blocks(kind))


async def _operation_is_over(stack: dict[str, Any]) -> None:
    await nested.clean_up(stack)
    status_events.send(stack)


def _wake_at_a_cancel(service: Service) -> None:
    """MiniStack looks at a cancel between two resources alone; what waits for a deployment hears of it at once."""
    cancel = handlers._cancel_update_stack

    def cancelled(params: Any) -> Any:
        answer = cancel(params)
        service.look_again()
        return answer

    handlers._ACTION_HANDLERS["CancelUpdateStack"] = cancelled


@dataclass(frozen=True)
class Aliases:
    """`plain` is MiniStack's own update, which writes what the template says."""

    service: Service
    account: MiniStackAccount
    plain: Callable[..., Provisioned]

    def takes_long(self, running: Operation, change: Change) -> bool:
        name = change.events.logical_id
        return bool(running.policy(name)) and self._shifts(running, self._shifted(running, change), change.new)

    def at_once(self, change: Change) -> Provisioned:
        """? Whether weights that the template doesn't state stay: MiniStack clears what it states no longer."""
        events, old = change.events, change.old
        if self.service.behaviour.alias_update_drops_weights:
            old = {"RoutingConfig": {}, **old}
        return self.plain(events.physical_id, old, change.new, events.stack_name, events.logical_id)

    def move(self, running: Operation, change: Change) -> Provisioned:
        policy, old = running.policy(change.events.logical_id), self._shifted(running, change)
        self._deploy(policy, _spec(policy, old, change.new), change.events, running)
        if _all_but_the_version(change.old) != _all_but_the_version(change.new):
            return self.at_once(change)
        return change.events.physical_id, {"AliasArn": change.events.physical_id}

    def _shifted(self, running: Operation, change: Change) -> Properties:
        """? What a drift-aware change set shifts from: what the stack believed the alias to be, or what it is."""
        if self.service.behaviour.drift_aware_shifts_from_actual:
            return change.old
        return running.believed.get(change.events.logical_id, change.old)

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
        started = running.shifts.begin(functools.partial(self._created, policy, spec), self._cancel)
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

        def cancelled() -> bool:
            return _cancel_requested(stack_name) and self.service.behaviour.stack_stops_what_it_cancels

        now = self.service.wait(deployment_id, LONGEST_UPDATE, unless=cancelled)
        if now.ended:
            return now
        self._stop(deployment_id)
        return self.service.wait(deployment_id)

    def _cancel(self, deployment_id: str) -> None:
        """? Whether CloudFormation stops the deployments of aliases whose update it cancels; it has the permission."""
        if self.service.behaviour.stack_stops_what_it_cancels:
            self._stop(deployment_id)

    def _stop(self, deployment_id: str) -> None:
        with contextlib.suppress(ApiError):  # it has ended: the stack's rollback sends it back
            self.service.stop(deployment_id, rollback=True)


def _cancel_requested(stack_name: str) -> bool:
    """CancelUpdateStack was called, of a nested stack's root; MiniStack looks at it between two resources alone."""
    stack = cloudformation._stacks.get(stack_name) or {}
    while parent := stack.get("_parent_stack_name"):
        stack = cloudformation._stacks.get(parent) or {}
    return bool(stack.get("_cancel_requested"))


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
