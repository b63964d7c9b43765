"""MiniStack has no CodeDeploy: this carries one deployment out, in a thread of its own and in stage time."""

from __future__ import annotations

import logging
import random
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from seatrial.settings import Clock

from . import model
from .book import Book
from .errors import ApiError
from .model import AFTER, BEFORE, SHIFT, Deployment, Ending, EventStatus, Status
from .port import Account, AliasState, StateChange
from .registry import Group
from .shifting import Routing, steps

log = logging.getLogger("codedeploy")


@dataclass(frozen=True)
class Behaviour:
    """What AWS does, in stage seconds, and switches for what nobody could confirm."""

    before_the_hooks: float = 2.0
    hook_limit: float = 3600.0
    rollback_takes: float = 2.5
    poll_every: tuple[float, float] = (10.0, 30.0)
    missing_alarm_stops: bool = False
    unanswered_code: str = "TIMEOUT"
    revision_in_get_deployment: bool = True


class _EarlyEndError(Exception):
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.error.message)
        self.ending = ending


class _AbandonedError(Exception):
    """The stage was reset: leave everything as it is."""


def deployment_id() -> str:
    return "d-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=9))


class Run:
    """`run` blocks until the deployment, and the rollback that may follow it, has ended.

    Other threads call `stop`, `answer` and `abandon`, holding the book's turn.
    """

    def __init__(
        self,
        deployment: Deployment,
        group: Group,
        routing: Routing,
        *,
        account: Account,
        book: Book,
        clock: Clock,
        behaviour: Behaviour,
        polls: Callable[[], bool],
    ) -> None:
        self.id = deployment.id
        self._spec = deployment.spec
        self._alarms = deployment.alarms
        self._group = group
        self._routing = routing
        self._account = account
        self._book = book
        self._clock = clock
        self._behaviour = behaviour
        self._polls = polls
        self._next_poll = 0.0
        self._stop: Ending | None = None
        self._over = False
        self._abandoned = False
        self._answers: dict[str, bool | None] = {}
        self._waiting_for: str | None = None

    def stop(self, rollback: bool | None) -> None:
        """A second request changes nothing."""
        if self._stop is None:
            self._stop = model.stopped_by_user(rollback)
        self._book.turn.notify_all()

    def abandon(self) -> None:
        self._abandoned = True
        self._book.turn.notify_all()

    def answer(self, execution_id: str, passed: bool) -> None:
        """A hook's answer. Raises ApiError for a wrong or late one."""
        if execution_id not in self._answers:
            raise ApiError(
                "InvalidLifecycleEventHookExecutionIdException",
                f"The lifecycleEventHookExecutionId is not one of deployment {self.id}.",
            )
        if execution_id != self._waiting_for or self._answers[execution_id] is not None or self._stop or self._over:
            raise ApiError(
                "LifecycleEventAlreadyCompletedException",
                f"The lifecycle event of deployment {self.id} has already been completed.",
            )
        self._answers[execution_id] = passed
        self._book.turn.notify_all()

    def run(self) -> None:
        try:
            rollback = self._ending()
            if rollback is not None:
                self._roll_back(rollback)
        except _AbandonedError:
            log.debug("deployment %s is left as it is: the stage was reset", self.id)

    def _ending(self) -> Deployment | None:
        """Carry the deployment out; the rollback that must follow, if any."""
        try:
            self._carry_out()
        except _EarlyEndError as early:
            return self._end(early.ending)
        except _AbandonedError:
            raise
        except Exception as error:
            log.exception("deployment %s", self.id)
            return self._end(model.broken(f"The stage could not carry the deployment out: {error}"))
        return None

    def _carry_out(self) -> None:
        self._book.update(self.id, lambda d: model.begun(d, self._clock.epoch()))
        self._announce(self.id, "START")
        self._tell("status", f"{self._spec.function}:{self._spec.alias} {self._spec.current} → {self._spec.target}")
        self._refuse_an_alias_that_disagrees()
        self._look_at_the_alarms()
        self._until(lambda: False, self._behaviour.before_the_hooks)
        self._hook(BEFORE, self._spec.before)
        self._shift()
        self._hook(AFTER, self._spec.after)
        with self._book.turn:
            self._obey()
            self._over = True
            self._book.update(self.id, lambda d: model.succeeded(d, self._clock.epoch()))
        self._tell("status", "Succeeded")
        self._announce(self.id, "SUCCESS")

    def _refuse_an_alias_that_disagrees(self) -> None:
        spec = self._spec
        try:
            now = self._account.alias(spec.function, spec.alias)
        except LookupError as missing:
            raise _EarlyEndError(model.lambda_unknown(_sentence(missing), shifting=False)) from missing
        if now.weights:
            raise _EarlyEndError(model.alias_has_two_versions())
        if now.main != spec.current:
            raise _EarlyEndError(model.alias_disagrees())
        if not self._account.has_version(spec.function, spec.target):
            what = f"The Lambda function {spec.function} has no version {spec.target}"
            raise _EarlyEndError(model.lambda_unknown(what, shifting=False))

    def _hook(self, name: str, function: str | None) -> None:
        self._event(name, EventStatus.IN_PROGRESS)
        if function:
            self._ask(function)
        self._event(name, EventStatus.SUCCEEDED)

    def _ask(self, function: str) -> None:
        """Invoke a hook and wait for its answer."""
        execution_id = secrets.token_urlsafe(240)  # real ones are long and opaque
        with self._book.turn:
            self._answers[execution_id] = None
            self._waiting_for = execution_id
        self._tell("hook", f"{function} is asked")
        try:
            self._account.invoke(
                self._group.role,
                function,
                {"DeploymentId": self.id, "LifecycleEventHookExecutionId": execution_id},
            )
        except (LookupError, PermissionError) as refusal:
            self._tell("note", f"{function} can't be invoked: {_sentence(refusal)}")
            raise _EarlyEndError(model.hook_not_invocable(self._group.role)) from refusal
        answered = self._until(lambda: self._answers[execution_id] is not None, self._behaviour.hook_limit)
        with self._book.turn:
            self._waiting_for = None
        if not answered:
            raise _EarlyEndError(model.hook_unanswered(self._behaviour.unanswered_code))
        self._tell("hook", f"{function} answers {'Succeeded' if self._answers[execution_id] else 'Failed'}")
        if not self._answers[execution_id]:
            raise _EarlyEndError(model.hook_failed())

    def _shift(self) -> None:
        self._event(SHIFT, EventStatus.IN_PROGRESS)
        began = self._clock.epoch()
        for step in steps(self._routing):
            self._until(lambda: False, began + step.at - self._clock.epoch())
            self._weigh(step.weight)
        self._event(SHIFT, EventStatus.SUCCEEDED)

    def _weigh(self, weight: float) -> None:
        """Main stays the current version until the candidate has everything: then it is main, without weights."""
        spec = self._spec
        state = AliasState(spec.target) if weight == 1.0 else AliasState(spec.current, {spec.target: weight})
        try:
            self._account.set_alias(spec.function, spec.alias, state)
        except LookupError as missing:
            raise _EarlyEndError(model.lambda_unknown(_sentence(missing), shifting=True)) from missing
        self._book.weigh(self._book.update(self.id, lambda d: model.weighted(d, weight)), state.main, state.weights)

    def _until(self, done: Callable[[], bool], limit: float) -> bool:
        """Wait until `done` (True) or for `limit` stage seconds (False), polling the alarms and obeying a stop."""
        end = self._clock.epoch() + limit
        while True:
            with self._book.turn:
                self._obey()
                if done():
                    return True
                now = self._clock.epoch()
                if now >= end:
                    return False
                if now < self._next_poll:
                    self._book.turn.wait(self._clock.wall_seconds(min(end, self._next_poll) - now))
                    continue
            if self._polls():
                self._look_at_the_alarms()
            else:
                self._poll_later()

    def _obey(self) -> None:
        if self._abandoned:
            raise _AbandonedError
        if self._stop:
            raise _EarlyEndError(self._stop)

    def _poll_later(self) -> None:
        self._next_poll = self._clock.epoch() + random.uniform(*self._behaviour.poll_every)

    def _look_at_the_alarms(self) -> None:
        """An alarm without data stops nothing, and neither does one that isn't there, unless switched."""
        self._poll_later()
        if not self._alarms.enabled:
            return
        states = {name: self._account.alarm_state(name) for name in self._alarms.names}
        missing = tuple(name for name, state in states.items() if state is None)
        if missing and not (self._behaviour.missing_alarm_stops and not self._alarms.ignore_poll_failure):
            self._note_once(f"no such alarm, so it stops nothing: {', '.join(missing)}")
            missing = ()
        ringing = tuple(name for name, state in states.items() if state == "ALARM") or missing
        if ringing:
            self._tell("alarm", f"ringing: {', '.join(ringing)}")
            raise _EarlyEndError(model.alarm_active(ringing))

    def _note_once(self, text: str) -> None:
        with self._book.turn:
            told = any(one.deployment_id == self.id and one.text == text for one in self._book.changes)
        if not told:
            self._tell("note", text)

    def _end(self, ending: Ending) -> Deployment | None:
        """End it; its rollback begins in the same moment, so that the group is never free between the two."""
        back = None
        with self._book.turn:
            if self._abandoned:
                raise _AbandonedError
            self._over = True
            now = self._clock.epoch()
            deployment = self._book.update(self.id, lambda d: model.ended(d, ending, now))
            if model.rolls_back(deployment, ending):
                deployment, back = model.rolled_back(deployment, deployment_id(), now)
                self._book.put(back)
                self._book.put(deployment)
        self._tell("status", f"{ending.status} with {ending.error.code}: {ending.error.message}")
        self._announce(self.id, "STOP" if ending.status is Status.STOPPED else "FAILURE")
        return back

    def _roll_back(self, rollback: Deployment) -> None:
        """Back in one step. Ringing alarms are ignored and no hook is invoked, though every event succeeds."""
        spec = rollback.spec
        self._book.update(rollback.id, lambda d: model.begun(d, self._clock.epoch()))
        self._announce(rollback.id, "START")
        self._book.tell("status", rollback.id, f"{spec.function}:{spec.alias} goes back to {spec.target}")
        try:
            self._pause(self._behaviour.rollback_takes / 2)
            self._account.set_alias(spec.function, spec.alias, AliasState(spec.target))
            self._book.weigh(self._book.update(rollback.id, lambda d: model.weighted(d, 1.0)), spec.target, {})
            self._pause(self._behaviour.rollback_takes / 2)
        except LookupError as missing:
            self._fail_rollback(rollback, model.lambda_unknown(_sentence(missing), shifting=True))
        except _AbandonedError:
            raise
        except Exception as error:
            log.exception("rollback %s", rollback.id)
            self._fail_rollback(rollback, model.broken(f"The stage could not roll back: {error}"))
        else:
            now = self._clock.epoch()
            self._book.update(rollback.id, lambda d: model.succeeded(model.all_passed(d, now), now))
            self._book.tell("status", rollback.id, "Succeeded")
            self._announce(rollback.id, "SUCCESS")

    def _fail_rollback(self, rollback: Deployment, ending: Ending) -> None:
        self._book.update(rollback.id, lambda d: model.ended(d, ending, self._clock.epoch()))
        self._book.tell("status", rollback.id, f"Failed with {ending.error.code}: {ending.error.message}")
        self._announce(rollback.id, "FAILURE")

    def _pause(self, stage_seconds: float) -> None:
        with self._book.turn:
            self._book.turn.wait_for(lambda: self._abandoned, self._clock.wall_seconds(stage_seconds))
            if self._abandoned:
                raise _AbandonedError

    def _event(self, name: str, status: EventStatus) -> None:
        now = self._clock.epoch()
        change = model.event_began if status is EventStatus.IN_PROGRESS else model.event_succeeded
        with self._book.turn:
            self._obey()
            self._book.update(self.id, lambda d: change(d, name, now))
        self._tell("event", f"{name} {status}")

    def _tell(self, kind: str, text: str) -> None:
        self._book.tell(kind, self.id, text)

    def _announce(self, deployment_id: str, state: str) -> None:
        """An event bus that fails is no reason to leave users between two versions."""
        group = self._group
        change = StateChange(self._account.scope(), group.application, group.name, group.id, deployment_id, state)
        try:
            self._account.publish(change)
        except Exception:
            log.exception("%s was not published", change)


def _sentence(error: BaseException) -> str:
    return str(error.args[0]) if error.args else str(error)
