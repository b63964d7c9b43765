"""MiniStack has no CodeDeploy: this is its Lambda half, with the behaviour of AWS and the stage's clock."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from rehearsal.stage.clock import StageClock

from . import appspec, line, model, registry, shifting
from .appspec import Revision
from .behaviour import Behaviour
from .book import Book, Change, WeightChange
from .errors import ApiError
from .model import Alarms, AutoRollback, Deployment, Scope, Status
from .port import Account
from .registry import Group, Registries, Registry
from .revisions import Registered
from .run import Run, deployment_id
from .shifting import Routing
from .tags import Tags

MOST_HOURS = 50


@dataclass(frozen=True)
class _Start:
    """What a deployment started with, for its runs and those of its rollback."""

    group: Group
    routing: Routing
    context: contextvars.Context
    """The account and the Region of whoever asked."""


class Service:
    """CodeDeploy for Lambda. Called from any thread, in the context of the account and Region that is meant.

    `registry` holds applications, groups and configurations, `changes` and `weights` what happened, in order.
    `poll_alarms` switches the alarm polls of all groups that have no switch of their own.
    """

    def __init__(
        self,
        account: Account,
        clock: StageClock,
        *,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.clock = clock
        self._account = account
        self._book = Book(clock)
        self._registries = Registries(lambda: self.behaviour)
        self.tags = Tags()
        self._starts: dict[str, _Start] = {}
        self._runs: list[Run] = []
        self._threads: list[threading.Thread] = []
        self._generation = 0
        self._down_until = 0.0
        self.poll_alarms = True
        self._poll_alarms_of: dict[str, bool] = {}

    @property
    def registry(self) -> Registry:
        return self._registries.of(self._account.scope())

    @property
    def scope(self) -> Scope:
        """The account and the Region of the call that is being served."""
        return self._account.scope()

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
        self.registry.check_alarms(alarms or found.alarms)
        registry.check_rollback(auto_rollback or found.auto_rollback)
        if shifting.lasts(chosen.routing) > MOST_HOURS * 3600:
            raise ApiError("InvalidDeploymentConfigNameException", f"A deployment lasts at most {MOST_HOURS} hours.")
        revision = self._read(revision)
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
        with self._book.turn:
            queues = self.behaviour.second_deployment == "queued"
            deployment = line.placed(deployment, self._book.all(), queues=queues)
            self._starts[deployment.id] = _Start(found, chosen.routing, contextvars.copy_context())
            self.register(application, revision, f"Application revision registered by Deployment ID: {deployment.id}")
            self._book.put(deployment)
            self._launch(deployment)  # last, for its hooks may look all of that up
        return deployment.id

    def register(self, application: str, revision: Revision, description: str) -> None:
        """From now on the application knows this revision. Raises ApiError for an unknown application."""
        self.registry.application(application)
        self.registry.revisions.register(application, Registered(revision, description, self.clock.epoch()))

    def _read(self, revision: Revision) -> Revision:
        """With its text. ? What AWS says when there is no such object."""
        at = revision.location
        if at is None:
            return revision
        try:
            return replace(revision, content=self._account.object(at.bucket, at.key, at.version))
        except LookupError as missing:
            raise ApiError("RevisionDoesNotExistException", str(missing.args[0])) from missing

    def _launch(self, deployment: Deployment) -> None:
        """Carry it out, from where it is, on a thread of its own. The book's turn is held."""
        forward = deployment.rollback.triggering_id if deployment.rollback else None
        start = self._starts[forward or deployment.id]
        work = (self._carry_out, deployment, start, self._generation)
        thread = self.clock.start(f"codedeploy-{deployment.id}", *work, context=start.context.copy())
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]

    def _carry_out(self, deployment: Deployment | None, start: _Start, generation: int) -> None:
        """The deployment, and the rollback that may follow it."""
        while deployment is not None:
            with self._book.turn:
                if not self._its_turn_comes(deployment.id, generation):
                    return
                run = self._run(deployment, start)
                self._runs.append(run)
            deployment = run.run()
            with self._book.turn:
                self._runs = [one for one in self._runs if one is not run]

    def _its_turn_comes(self, deployment_id: str, generation: int) -> bool:
        """Waits in line. False when the deployment ended meanwhile or is not to be carried out any more."""

        def settled() -> bool:
            found = self._book.find(deployment_id)
            return found is None or generation != self._generation or line.may_start(found, self._book.all())

        self._book.turn.wait_for(settled)
        found = self._book.find(deployment_id)
        return generation == self._generation and found is not None and not found.ended

    def _run(self, deployment: Deployment, start: _Start) -> Run:
        return Run(
            deployment,
            start.group,
            start.routing if not deployment.is_rollback else shifting.AllAtOnce(),
            account=self._account,
            book=self._book,
            clock=self.clock,
            behaviour=self.behaviour,
            polls=lambda: self.polls(start.group.name),
            alarms=lambda: self._alarms_of(deployment),
        )

    def _alarms_of(self, deployment: Deployment) -> Alarms:
        """Those it started with; by the switch those that its group has now, unless it came with its own."""
        follows = self.behaviour.group_update_reaches_running
        if not follows or deployment.alarms_overridden or deployment.is_rollback:
            return deployment.alarms
        now = self._book.find(deployment.id) or deployment
        try:
            return self.registry.group(now.application, now.group).alarms
        except ApiError:
            return deployment.alarms

    @property
    def is_down(self) -> bool:
        return self.clock.epoch() < self._down_until

    def restart(self, down: float = 0.0) -> None:
        """Stop everything that runs, wait `down` stage seconds, and take each deployment up from where it is.

        Meanwhile `is_down`. Nothing is lost but time: hooks that were asked are not asked again.
        """
        self._down_until = self.clock.epoch() + down
        self._abandon()
        self.clock.wait(down)
        with self._book.turn:
            for deployment in self._book.all():
                if not deployment.ended:
                    self._launch(deployment)

    def _abandon(self) -> None:
        with self._book.turn:
            self._generation += 1
            self._book.turn.notify_all()
            for run in self._runs:
                run.abandon()
            threads, self._threads, self._runs = self._threads, [], []
        for thread in threads:
            thread.join(timeout=5)

    def deployment(self, deployment_id: str) -> Deployment:
        found = self._book.find(deployment_id)
        if found is None or found.scope != self._account.scope():
            raise ApiError("DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found")
        return found

    def deployments(self) -> list[Deployment]:
        """Those of the account and Region, newest first."""
        return self._book.of(self._account.scope())[::-1]

    def wait(
        self, deployment_id: str, stage_seconds: float | None = None, unless: Callable[[], bool] = lambda: False
    ) -> Deployment:
        """The deployment once it has ended, or as it is after `stage_seconds`, or `unless` there is no need to wait.

        A reset ends the wait too. `unless` is asked again at each change and by `look_again`.
        """
        last = self.deployment(deployment_id)
        until = None if stage_seconds is None else self.clock.epoch() + stage_seconds
        with self._book.turn:
            while (now := self._book.find(deployment_id)) is not None:
                last = now
                if now.ended or unless() or (until is not None and self.clock.epoch() >= until):
                    break
                self._book.turn.wait_until(until)
        return last

    def look_again(self) -> None:
        """Whoever waits for a deployment asks again whether it has to."""
        with self._book.turn:
            self._book.turn.notify_all()

    def stop(self, deployment_id: str, rollback: bool | None = None) -> Deployment:
        """Ask for the end of a deployment.

        `rollback` says whether users go back to stable; None leaves that to the group.
        """
        with self._book.turn:
            deployment = self.deployment(deployment_id)
            if deployment.ended:
                raise ApiError(
                    "DeploymentAlreadyCompletedException",
                    f"The deployment {deployment_id} is already completed: it has {deployment.status}",
                )
            if deployment.status is Status.QUEUED:
                waited, now = model.stopped_while_it_waited(), self.clock.epoch()
                self._book.update(deployment_id, lambda one: model.ended(one, waited, now))
            elif not deployment.is_rollback or self.behaviour.rollback_can_be_stopped:
                wins = rollback if self.behaviour.stop_parameter_wins else None
                self._book.update(deployment_id, lambda one: model.stop_requested(one, wins))
        self._book.tell("stop", deployment_id, "StopDeployment")
        return deployment

    def answer_hook(self, deployment_id: str, execution_id: str, passed: bool) -> None:
        """A hook's answer. Raises ApiError for a wrong, a second or a late one."""
        with self._book.turn:
            deployment = self.deployment(deployment_id)
            question = next((one for one in deployment.questions if one.execution_id == execution_id), None)
            if question is None:
                raise ApiError(
                    "InvalidLifecycleEventHookExecutionIdException",
                    f"The lifecycleEventHookExecutionId is not one of deployment {deployment_id}.",
                )
            if not deployment.waits_for(question):
                raise ApiError(
                    "LifecycleEventAlreadyCompletedException",
                    f"The lifecycle event of deployment {deployment_id} has already been completed.",
                )
            self._book.update(deployment_id, lambda one: model.answered(one, execution_id, passed))

    def rename_application(self, name: str, new: str) -> None:
        """Its groups, revisions and deployments follow."""
        self.registry.rename_application(name, new)
        for one in self.deployments():
            if one.application == name:
                self._book.rename(one, new, one.group)

    def change_group(self, name: str, group: Group) -> None:
        """Put `group` in the place of the one called `name`; its deployments follow when it has a new name."""
        self.registry.change_group(name, group)
        for one in self.deployments():
            if (one.application, one.group) == (group.application, name):
                self._book.rename(one, group.application, group.name)

    def reset(self) -> None:
        """As if just installed: running deployments are left where they are, their threads end."""
        self._abandon()
        self._starts = {}
        self._book.clear()
        self._registries.clear()
        self.tags.clear()
        self.poll_alarms = True
        self._poll_alarms_of = {}
