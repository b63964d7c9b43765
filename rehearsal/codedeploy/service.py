"""MiniStack has no CodeDeploy: this is its Lambda half, with the behaviour of AWS and the stage's clock."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from seatrial.settings import Clock

from . import appspec, registry, shifting
from .appspec import Revision
from .book import Book, Change, WeightChange
from .errors import ApiError
from .model import Alarms, AutoRollback, Deployment
from .port import Account
from .registry import Registries, Registry
from .run import Behaviour, Run, deployment_id

MOST_HOURS = 50


class Service:
    """CodeDeploy for Lambda. Called from any thread, in the context of the account and Region that is meant.

    `registry` holds applications, groups and configurations, `changes` and `weights` what happened, in order.
    `poll_alarms` switches the alarm polls of all groups that have no switch of their own.
    """

    def __init__(
        self,
        account: Account,
        clock: Clock,
        *,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.clock = clock
        self._account = account
        self._book = Book(clock)
        self._registries = Registries()
        self._runs: dict[str, Run] = {}
        self._threads: list[threading.Thread] = []
        self.poll_alarms = True
        self._poll_alarms_of: dict[str, bool] = {}

    @property
    def registry(self) -> Registry:
        return self._registries.of(self._account.scope())

    @property
    def changes(self) -> list[Change]:
        with self._book.turn:
            return list(self._book.changes)

    @property
    def weights(self) -> list[WeightChange]:
        with self._book.turn:
            return list(self._book.weights)

    @property
    def on_change(self) -> Callable[[Change], None] | None:
        """Called with each change on the thread that made it: return quickly."""
        return self._book.on_change

    @on_change.setter
    def on_change(self, listener: Callable[[Change], None] | None) -> None:
        self._book.on_change = listener

    @property
    def on_weights(self) -> Callable[[WeightChange], None] | None:
        """Called with each change of an alias, as `on_change`."""
        return self._book.on_weights

    @on_weights.setter
    def on_weights(self, listener: Callable[[WeightChange], None] | None) -> None:
        self._book.on_weights = listener

    def poll_alarms_of(self, group: str, *, on: bool) -> None:
        """Switch the alarm polls of one group's deployments, also of those that run; it wins over `poll_alarms`.

        The look at the alarms when a deployment starts stays.
        """
        self._poll_alarms_of[group] = on

    def polls(self, group: str) -> bool:
        return self._poll_alarms_of.get(group, self.poll_alarms)

    def create_deployment(
        self,
        application: str,
        group: str,
        revision: Revision,
        *,
        config: str | None = None,
        description: str = "",
        alarms: Alarms | None = None,
        auto_rollback: AutoRollback | None = None,
    ) -> str:
        """Start a deployment and return its id. Raises ApiError, also when the group has one that still runs."""
        found = self.registry.group(application, group)
        chosen = self.registry.config(config or found.config)
        registry.check_alarms(alarms or found.alarms)
        registry.check_rollback(auto_rollback or found.auto_rollback)
        if shifting.lasts(chosen.routing) > MOST_HOURS * 3600:
            raise ApiError("InvalidDeploymentConfigNameException", f"A deployment lasts at most {MOST_HOURS} hours.")
        try:
            spec = appspec.parse(revision.content)
        except appspec.AppSpecError as error:
            raise ApiError("InvalidRevisionException", str(error)) from error
        deployment = Deployment(
            id=deployment_id(),
            scope=self._account.scope(),
            application=application,
            group=group,
            config=chosen.name,
            revision=revision,
            spec=spec,
            created=self.clock.epoch(),
            description=description,
            alarms=alarms or found.alarms,
            alarms_overridden=alarms is not None,
            auto_rollback=auto_rollback or found.auto_rollback,
        )
        run = Run(
            deployment,
            found,
            chosen.routing,
            account=self._account,
            book=self._book,
            clock=self.clock,
            behaviour=self.behaviour,
            polls=lambda: self.polls(group),
        )
        with self._book.turn:
            self._refuse_a_second(deployment)
            self._book.put(deployment)
            self._runs[deployment.id] = run
        context = contextvars.copy_context()  # the account and the Region of whoever asked
        thread = threading.Thread(target=context.run, args=(run.run,), name=f"codedeploy-{deployment.id}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return deployment.id

    def deployment(self, deployment_id: str) -> Deployment:
        found = self._book.find(deployment_id)
        if found is None or found.scope != self._account.scope():
            raise ApiError("DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found")
        return found

    def deployments(self) -> list[Deployment]:
        """Those of the account and Region, newest first."""
        return self._book.of(self._account.scope())[::-1]

    def wait(self, deployment_id: str, stage_seconds: float | None = None) -> Deployment:
        """The deployment once it has ended, or as it is after `stage_seconds`. A reset ends the wait too."""
        wall = None if stage_seconds is None else self.clock.wall_seconds(stage_seconds)
        last = self.deployment(deployment_id)

        def settled() -> bool:
            nonlocal last
            now = self._book.find(deployment_id)
            last = now or last
            return now is None or now.ended

        with self._book.turn:
            self._book.turn.wait_for(settled, wall)
        return last

    def stop(self, deployment_id: str, rollback: bool | None = None) -> Deployment:
        """Ask for the end of a deployment. A rollback cannot be stopped: it ends within seconds.

        `rollback` says whether users go back to stable; None leaves that to the group.
        """
        with self._book.turn:
            deployment = self.deployment(deployment_id)
            if deployment.ended:
                raise ApiError(
                    "DeploymentAlreadyCompletedException",
                    f"The deployment {deployment_id} is already completed: it has {deployment.status}",
                )
            if not deployment.is_rollback:
                self._runs[deployment_id].stop(rollback)
        self._book.tell("stop", deployment_id, "StopDeployment")
        return deployment

    def answer_hook(self, deployment_id: str, execution_id: str, passed: bool) -> None:
        with self._book.turn:
            self.deployment(deployment_id)
            run = self._runs.get(deployment_id)
            if run is None:
                raise ApiError(
                    "InvalidLifecycleEventHookExecutionIdException",
                    f"Deployment {deployment_id} is a rollback: it invokes no hooks.",
                )
            run.answer(execution_id, passed)

    def revision(self, application: str, *, content: str | None, sha256: str | None) -> Revision:
        """A revision that a deployment of this application used."""
        self.registry.application(application)
        for one in self.deployments():
            same = one.revision.content == content or one.revision.sha256 == sha256
            if one.application == application and same:
                return one.revision
        raise ApiError("RevisionDoesNotExistException", f"Application {application} has no such revision.")

    def reset(self) -> None:
        """As if just installed: running deployments are left where they are, their threads end."""
        with self._book.turn:
            for run in self._runs.values():
                run.abandon()
            threads, self._threads = self._threads, []
            self._runs = {}
        for thread in threads:
            thread.join(timeout=5)
        self._book.clear()
        self._registries.clear()
        self.poll_alarms = True
        self._poll_alarms_of = {}

    def _refuse_a_second(self, deployment: Deployment) -> None:
        running = [
            one.id
            for one in self._book.of(deployment.scope)
            if (one.application, one.group) == (deployment.application, deployment.group) and not one.ended
        ]
        if running:
            raise ApiError(
                "DeploymentLimitExceededException",
                f"The Deployment Group '{deployment.group}' already has an active Deployment '{running[0]}'",
            )
