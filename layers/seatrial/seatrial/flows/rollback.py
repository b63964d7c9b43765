"""Taking releases back: what an alarm, the judge or on call says is decided, and the decisions are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.codedeploy import AlreadyCompleted, Stopped
from seatrial.aws.lambdas import LambdaError
from seatrial.aws.ledger.reading import ReleaseUnreadableError
from seatrial.core import events, rollback_story, story
from seatrial.core.decide import (
    AnswerHook,
    Decision,
    Ignore,
    LetGo,
    Notify,
    ReportForeign,
    Retry,
    ReturnAlias,
    Situation,
    StopDeployment,
    Trigger,
    decide,
)
from seatrial.core.deployment import Status
from seatrial.core.events import AlarmChanged, JudgedWorse, RollbackTrigger
from seatrial.core.oncall import FlagRollbackRequested, HoldReleased, HoldRequested, RollbackRequested
from seatrial.core.reconcile import ALARM_ACTIVE, released
from seatrial.core.release import Release, State
from seatrial.flows import closing, cost, flag_rollback, foreign_alarms, guard, holds, requests, situation, tell
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

BY = "functions/rollback"

type Outcome = dict[str, str]
type Outcomes = dict[str, list[Outcome]]


def take_back(aws: Account, event: Mapping[str, Any]) -> Outcomes:
    """Decide about an event and do it: {"decisions": [{"action": …, "reason": …}]}.

    Actions: "stopped", "answered", "returned", "told", "ignored", "held", "lifted", "declined". Raises EventError for
    an event of AWS's that can't be read.
    """
    return {"decisions": requests.handle(aws, event, events.rollback_trigger, partial(_decisions, aws))}


def _decisions(aws: Account, trigger: RollbackTrigger) -> list[Outcome]:
    match trigger:
        case HoldRequested() | HoldReleased():
            return [holds.change(aws, trigger)]
        case AlarmChanged() if not aws.home.has(trigger):
            return [_decline(aws, trigger, rollback_story.alarm_from_elsewhere(trigger))]
        case FlagRollbackRequested():
            return [flag_rollback.take_back(aws, trigger)]
        case _:
            return act(aws, trigger)["decisions"]


def act(aws: Account, trigger: Trigger, by: str = BY) -> Outcomes:
    """Decide about a trigger and do it.

    When one release can't be taken back the others are all the same, and then the error leaves, so that Lambda calls
    again: what is done by then is ignored.
    """
    outcomes: list[Outcome] = []
    troubles: list[Exception] = []
    for decision in decide(trigger, _situation(aws, trigger)):
        try:
            outcomes.append(_carry_out(aws, trigger, decision, by))
        except Exception as error:  # raised again below, after the other releases had their turn
            aws.log.exception(
                f"could not be done: {decision}", extra={"event": trigger.id, "release": _about(decision)}
            )
            troubles.append(error)
    if troubles:
        raise ExceptionGroup("not every release could be taken back", troubles)
    return {"decisions": outcomes}


def _situation(aws: Account, trigger: Trigger) -> Situation:
    """What the ledger says, or what CodeDeploy alone says of the release that a person names while it can't be read."""
    try:
        return situation.of(aws, trigger)
    except (ClientError, BotoCoreError, ReleaseUnreadableError):
        if not isinstance(trigger, RollbackRequested) or not trigger.release:
            raise
        aws.log.exception("the ledger can't be read: CodeDeploy alone is asked", extra={"release": trigger.release})
        deployment = aws.codedeploy.deployment(trigger.release)
        release = situation.without_the_ledger(deployment)
        known = Situation(aws.clock.now(), (release,) if release else (), unproven=deployment.runs_to_a_lower_number)
        return situation.with_tags(aws, trigger, known)


def _carry_out(aws: Account, trigger: Trigger, decision: Decision, by: str) -> Outcome:
    match decision:
        case StopDeployment(release, reason) | AnswerHook(release, reason):
            _intend(aws, trigger, release, reason, by)
            if isinstance(decision, AnswerHook) and _answered(aws, release, reason, by):
                return _going_back(aws, trigger, release, reason, by, "answered")
            return _stop(aws, trigger, release, reason, by)
        case LetGo(release, reason):
            aws.codedeploy.answer(release.deployment_id, release.hook, passed=True)
            return _notify(aws, trigger, reason, release)
        case ReturnAlias(release, reason):
            return _return(aws, trigger, release, reason, by)
        case Notify(reason, release):
            return _notify(aws, trigger, reason, release)
        case ReportForeign(serving):
            assert isinstance(trigger, AlarmChanged), "only an alarm is foreign"
            return foreign_alarms.report(aws, trigger, serving)
        case Ignore(reason):
            return _decline(aws, trigger, reason)
        case Retry(_, reason):
            raise LambdaError(reason)


def _intend(aws: Account, trigger: Trigger, release: Release, reason: str, by: str) -> None:
    """A person's word comes once: it is kept first, and the tick ends what is left half-done.

    An alarm that still rings is seen by the tick itself, so that nothing stands between it and the stop.
    """
    if isinstance(trigger, RollbackRequested):
        try:
            aws.ledger.move(release, State.GOING_BACK, reason, by)
        except (ClientError, BotoCoreError):
            aws.log.exception("the ledger can't be written", extra={"release": release.deployment_id})


def _answered(aws: Account, release: Release, reason: str, by: str) -> bool:
    """Fail the hook that it bakes in, and record that as its answer. False when it had one, and only a stop is left."""
    if not aws.codedeploy.answer(release.deployment_id, release.hook, passed=False):
        return False
    sentence = story.not_confirmed(release, reason)
    tell.step(aws, release, "answer", sentence, by=by, once=release.hook, outcome="Failed")
    return True


def _stop(aws: Account, trigger: Trigger, release: Release, reason: str, by: str) -> Outcome:
    match aws.codedeploy.stop(release.deployment_id):
        case Stopped():
            return _going_back(aws, trigger, release, reason, by, "stopped")
        case AlreadyCompleted(message):
            deployment = aws.codedeploy.deployment(release.deployment_id)
            if deployment.status is Status.SUCCEEDED:
                return _ended_well_meanwhile(aws, trigger, release, reason, by)
            sentence = rollback_story.not_stopped(release, message)
            if isinstance(trigger, RollbackRequested) or deployment.error_code != ALARM_ACTIVE:
                aws.ledger.explain(release, reason, by)  # the end may be our own doing, by a call that was interrupted
                tell.step(aws, release, "not stopped", sentence, by=by, once=trigger.id)
            return _outcome("ignored", sentence)


def _ended_well_meanwhile(aws: Account, trigger: Trigger, release: Release, reason: str, by: str) -> Outcome:
    """Its deployment has succeeded before it could be stopped, so the guard is what takes it back."""
    closing.close(aws, release, replace(released(release), reason=reason))  # for the tick, were we cut short
    outcome = _return(aws, trigger, release, reason, by)
    cost.at_the_end(aws, Turns(aws.log), [release.deployment_id])
    return outcome


def _return(aws: Account, trigger: Trigger, release: Release, reason: str, by: str) -> Outcome:
    outcome = guard.give_back(aws, release, reason, by)
    if isinstance(trigger, AlarmChanged) and outcome["action"] == "returned":
        aws.ledger.alarms.took_back(trigger.alarm, release, aws.clock.now())
    return outcome


def _going_back(aws: Account, trigger: Trigger, release: Release, reason: str, by: str, action: str) -> Outcome:
    sentence = rollback_story.stopped(release, reason)
    aws.ledger.move(release, State.GOING_BACK, reason, by)
    if isinstance(trigger, AlarmChanged):
        aws.ledger.alarms.took_back(trigger.alarm, release, aws.clock.now())
    if tell.step(aws, release, "going back", sentence, by=by):
        tell.people(aws, release, State.GOING_BACK, "is going back", sentence)
    return _outcome(action, sentence)


def _notify(aws: Account, trigger: Trigger, reason: str, release: Release | None) -> Outcome:
    """Once for each ring of an alarm, however often it is looked at."""
    once = trigger.ring if isinstance(trigger, AlarmChanged) else trigger.id
    if release is None or tell.step(aws, release, "declined", reason, once=once):
        _tell(aws, trigger, reason)
    return _outcome("told", reason)


def _about(decision: Decision) -> str:
    """The deployment of the release that a decision is about, for the log; "" when it is about none."""
    release = None if isinstance(decision, Ignore | ReportForeign) else decision.release
    return release.deployment_id if release else ""


def _decline(aws: Account, trigger: Trigger, reason: str) -> Outcome:
    if isinstance(trigger, RollbackRequested):  # a person waits for something to happen
        _tell(aws, trigger, reason)
    release = "" if isinstance(trigger, AlarmChanged) else trigger.release
    aws.log.info(reason, extra={"event": trigger.id, "release": release})
    return _outcome("ignored", reason)


def _tell(aws: Account, trigger: Trigger, sentence: str) -> None:
    match trigger:
        case AlarmChanged():
            about = trigger.alarm
        case RollbackRequested():
            about = trigger.service
        case JudgedWorse():
            about = trigger.release
    tell.send(aws, f"[seatrial] {about}: nothing is taken back", sentence, {"event": "nothing taken back"})


def _outcome(action: str, reason: str) -> Outcome:
    return {"action": action, "reason": reason}
