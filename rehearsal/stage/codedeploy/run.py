"""MiniStack has no CodeDeploy: this carries one deployment out, in a thread of its own and in stage time.

A run keeps nothing that matters: it reads how far its deployment is from the book and goes on from there, so that one
that was abandoned in mid-shift is taken up by another.
"""

from __future__ import annotations

import logging
import random
import secrets
import string
from collections.abc import Callable

from rehearsal.stage.clock import StageClock

from . import model
from .appspec import Revision, without_qualifier
from .behaviour import Behaviour
from .book import Book
from .model import AFTER, BEFORE, SHIFT, Alarms, Deployment, Ending, EventStatus, Question, Status
from .port import Account, AliasState, StateChange, ThrottledError
from .registry import Group
from .shifting import AllAtOnce, Routing, steps

log = logging.getLogger("codedeploy")


class _EarlyEndError(Exception):
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.error.message)
        self.ending = ending


class _AbandonedError(Exception):
    """The stage was reset or its CodeDeploy restarts: leave everything as it is."""


def deployment_id() -> str:
    return "d-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=9))


class Run:
    """`run` blocks until the deployment has ended, and returns the rollback that must follow, if any.

    `group` is what it was when the deployment started, `alarms` tells which ones to poll now. Other threads change the
    deployment in the book and call `abandon`, holding the book's turn.
    """

    def __init__(
        self,
        deployment: Deployment,
        group: Group,
        routing: Routing,
        *,
        account: Account,
        book: Book,
        clock: StageClock,
        behaviour: Behaviour,
        polls: Callable[[], bool],
        alarms: Callable[[], Alarms],
    ) -> None:
        self.id = deployment.id
        self._first = deployment
        self._spec = deployment.spec
        self._group = group
        self._routing = routing
        self._account = account
        self._book = book
        self._clock = clock
        self._behaviour = behaviour
        self._polls = polls
        self._alarms = alarms
        self._next_poll = 0.0
        self._chance = random.Random(self._which())  # the same polls in each run of the same releases
        self._abandoned = False

    def _which(self) -> str:
        """The alias, and how many deployments of it were there before."""
        name = f"{self._spec.function}:{self._spec.alias}"
        of_alias = [one.id for one in self._book.all() if f"{one.spec.function}:{one.spec.alias}" == name]
        return f"{name} {of_alias.index(self.id) if self.id in of_alias else 0}"

    def abandon(self) -> None:
        self._abandoned = True
        self._book.turn.notify_all()

    def run(self) -> Deployment | None:
        try:
            self._go_back() if self._first.is_rollback else self._carry_out()
        except _EarlyEndError as early:
            return self._end(early.ending)
        except _AbandonedError:
            log.debug("deployment %s is left as it is", self.id)
        except Exception as error:
            log.exception("deployment %s", self.id)
            return self._end(model.broken(f"The stage could not carry the deployment out: {error}"))
        return None

    @property
    def _now(self) -> Deployment:
        return self._book.find(self.id) or self._first

    def _carry_out(self) -> None:
        self._begin(f"{self._spec.function}:{self._spec.alias} {self._spec.current} → {self._spec.target}")
        if self._now.event(BEFORE).status is EventStatus.PENDING:
            self._refuse_what_cannot_shift()
            self._look_at_the_alarms()
            self._until(lambda: False, self._behaviour.before_the_hooks)
        self._hook(BEFORE, self._spec.before)
        self._shift()
        self._hook(AFTER, self._spec.after)
        self._succeed(lambda deployment, now: model.succeeded(deployment, now))

    def _go_back(self) -> None:
        """Back in one step. Ringing alarms are ignored and no hook is invoked, though every event succeeds."""
        asks = self._behaviour.rollback_invokes_hooks
        self._begin(f"{self._spec.function}:{self._spec.alias} goes back to {self._spec.target}")
        if asks:
            self._hook(BEFORE, self._spec.before)
        self._until(lambda: False, self._behaviour.rollback_takes / 2)
        if self._now.weight < 1.0:
            self._weigh(1.0)
        self._until(lambda: False, self._behaviour.rollback_takes / 2)
        if asks:
            self._hook(AFTER, self._spec.after)
        self._succeed(lambda deployment, now: model.succeeded(model.all_passed(deployment, now), now))

    def _begin(self, text: str) -> None:
        if self._now.waits:
            self._book.update(self.id, lambda d: model.begun(d, self._clock.epoch()))
            self._announce("START")
            self._tell("status", text)

    def _succeed(self, change: Callable[[Deployment, float], Deployment]) -> None:
        with self._book.turn:
            self._obey()
            self._book.update(self.id, lambda d: change(d, self._clock.epoch()))
        self._tell("status", "Succeeded")
        self._announce("SUCCESS")

    def _refuse_what_cannot_shift(self) -> None:
        spec = self._spec
        if "" in (spec.before, spec.after):
            raise _EarlyEndError(model.hook_without_name())
        now = self._alias(shifting=False)
        if now.weights and self._behaviour.two_versions_refused_at == "start":
            raise _EarlyEndError(model.alias_has_two_versions())
        if now.main != spec.current:
            raise _EarlyEndError(model.alias_disagrees())
        at_once = isinstance(self._routing, AllAtOnce) and self._behaviour.same_version_at_once
        if spec.target == spec.current and not at_once:
            raise _EarlyEndError(model.no_other_version())
        if not self._of_lambda(lambda: self._account.has_version(spec.function, spec.target)):
            what = f"The Lambda function {spec.function} has no version {spec.target}"
            raise _EarlyEndError(model.lambda_unknown(what, shifting=False))

    def _alias(self, *, shifting: bool) -> AliasState:
        try:
            return self._of_lambda(lambda: self._account.alias(self._spec.function, self._spec.alias))
        except LookupError as missing:
            raise _EarlyEndError(model.lambda_unknown(_sentence(missing), shifting=shifting)) from missing

    def _of_lambda[T](self, call: Callable[[], T]) -> T:
        """What Lambda answers, asked as often as the switch says, each time after twice as long."""
        for tried in range(1, self._behaviour.lambda_tries):
            try:
                return call()
            except ThrottledError:
                self._until(lambda: False, 2.0**tried, polls=False)
        try:
            return call()
        except ThrottledError as throttled:
            raise _EarlyEndError(model.throttled(self._group.role)) from throttled

    def _hook(self, name: str, function: str | None) -> None:
        status = self._now.event(name).status
        if status is EventStatus.SUCCEEDED:
            return
        if status is EventStatus.PENDING:
            self._event(name, EventStatus.IN_PROGRESS)
        if function:
            self._await(function, self._now.question(name) or self._ask(name, function))
        self._event(name, EventStatus.SUCCEEDED)

    def _ask(self, name: str, function: str) -> Question:
        question = Question(name, secrets.token_urlsafe(240), self._clock.epoch())  # real ids are long and opaque
        self._book.update(self.id, lambda d: model.asked(d, question))
        self._tell("hook", f"{function} is asked")
        payload = {"DeploymentId": self.id, "LifecycleEventHookExecutionId": question.execution_id}
        try:
            self._of_lambda(lambda: self._account.invoke(self._group.role, self._named(function), payload))
        except (LookupError, PermissionError) as refusal:
            self._tell("note", f"{function} can't be invoked: {_sentence(refusal)}")
            raise _EarlyEndError(model.not_permitted(self._group.role)) from refusal
        return question

    def _named(self, hook: str) -> str:
        """The function that is invoked for a hook; raises LookupError for one that CodeDeploy refuses."""
        runs = self._behaviour.hook_alias_runs
        if runs == "alias" or (plain := without_qualifier(hook)) == hook:
            return hook
        if runs == "refused":
            raise LookupError(f"{hook} has a qualifier")
        return plain

    def _await(self, function: str, question: Question) -> None:
        def answer() -> bool | None:
            found = self._now.question(question.event)
            return found.passed if found else None

        left = question.asked + self._behaviour.hook_limit - self._clock.epoch()
        polls = self._behaviour.alarms_polled_during_hooks
        if not self._until(lambda: answer() is not None, left, polls=polls):
            raise _EarlyEndError(model.hook_unanswered(self._behaviour.unanswered_code))
        self._tell("hook", f"{function} answers {'Succeeded' if answer() else 'Failed'}")
        if not answer():
            raise _EarlyEndError(model.hook_failed())

    def _shift(self) -> None:
        event = self._now.event(SHIFT)
        if event.status is EventStatus.SUCCEEDED:
            return
        if event.status is EventStatus.PENDING:
            self._event(SHIFT, EventStatus.IN_PROGRESS)
            if self._alias(shifting=True).weights:
                raise _EarlyEndError(model.alias_has_two_versions())
        began = self._now.event(SHIFT).started or self._clock.epoch()
        for step in steps(self._routing):
            if step.weight > self._now.weight:
                self._until(lambda: False, began + step.at - self._clock.epoch())
                self._weigh(step.weight)
        self._event(SHIFT, EventStatus.SUCCEEDED)

    def _weigh(self, weight: float) -> None:
        """Main stays the current version until the candidate has everything: then it is main, without weights."""
        spec = self._spec
        if not self._account.may_move(self._group.role, spec.function, spec.alias):
            raise _EarlyEndError(model.not_permitted(self._group.role))
        state = AliasState(spec.target) if weight == 1.0 else AliasState(spec.current, {spec.target: weight})
        try:
            self._of_lambda(lambda: self._account.set_alias(spec.function, spec.alias, state))
        except LookupError as missing:
            raise _EarlyEndError(model.lambda_unknown(_sentence(missing), shifting=True)) from missing
        self._book.weigh(self._book.update(self.id, lambda d: model.weighted(d, weight)), state.main, state.weights)

    def _until(self, done: Callable[[], bool], limit: float, *, polls: bool = True) -> bool:
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
                    self._book.turn.wait_until(min(end, self._next_poll))
                    continue
            if polls and self._polls():
                self._look_at_the_alarms()
            else:
                self._poll_later()

    def _obey(self) -> None:
        if self._abandoned:
            raise _AbandonedError
        if stop := self._now.stop:
            raise _EarlyEndError(stop)

    def _poll_later(self) -> None:
        self._next_poll = self._clock.epoch() + self._chance.uniform(*self._behaviour.poll_every)

    def _look_at_the_alarms(self) -> None:
        """An alarm without data stops nothing, and neither does one that isn't there, unless switched."""
        self._poll_later()
        alarms = self._alarms()
        if not alarms.enabled or not alarms.names:
            return
        if not self._account.may_read_alarms(self._group.role):
            if not alarms.ignore_poll_failure:
                raise _EarlyEndError(model.not_permitted(self._group.role, "AmazonCloudWatch"))
            self._note_once("the group's role may not read its alarms, and ignorePollAlarmFailure lets that pass")
            return
        states = {name: self._account.alarm_state(name) for name in alarms.names}
        missing = tuple(name for name, state in states.items() if state is None)
        if missing and not (self._behaviour.missing_alarm_stops and not alarms.ignore_poll_failure):
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
                return None
            now = self._clock.epoch()
            deployment = self._book.update(self.id, lambda d: model.ended(d, ending, now))
            if model.rolls_back(deployment, ending):
                deployment, back = model.rolled_back(deployment, deployment_id(), now, self._last_good())
                self._book.put(back)
                self._book.put(deployment)
        self._tell("status", f"{ending.status} with {ending.error.code}: {ending.error.message}")
        self._announce("STOP" if ending.status is Status.STOPPED else "FAILURE")
        return back

    def _last_good(self) -> Revision | None:
        """By the switch, the revision of the group's last deployment that succeeded."""
        if not self._behaviour.rollback_shows_last_good:
            return None
        first = self._first
        good = [one for one in self._book.of(first.scope) if one.status is Status.SUCCEEDED]
        of_group = [one for one in good if (one.application, one.group) == (first.application, first.group)]
        return of_group[-1].revision if of_group else None

    def _event(self, name: str, status: EventStatus) -> None:
        now = self._clock.epoch()
        change = model.event_began if status is EventStatus.IN_PROGRESS else model.event_succeeded
        with self._book.turn:
            self._obey()
            self._book.update(self.id, lambda d: change(d, name, now))
        self._tell("event", f"{name} {status}")

    def _tell(self, kind: str, text: str) -> None:
        self._book.tell(kind, self.id, text)

    def _announce(self, state: str) -> None:
        """An event bus that fails is no reason to leave users between two versions."""
        group = self._group
        change = StateChange(self._account.scope(), group.application, group.name, group.id, self.id, state)
        try:
            self._account.publish(change)
        except Exception:
            log.exception("%s was not published", change)


def _sentence(error: BaseException) -> str:
    return str(error.args[0]) if error.args else str(error)
