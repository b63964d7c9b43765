"""Taking releases back: what an alarm or on call says is decided, and the decisions are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.aws.codedeploy import AlreadyCompleted, Stopped
from seatrial.core import events, story
from seatrial.core.decide import Decision, Ignore, Notify, StopDeployment, decide
from seatrial.core.events import AlarmChanged, RollbackRequested
from seatrial.core.release import Release, State
from seatrial.flows import tell
from seatrial.flows.account import Account

BY = "functions/rollback"

type Trigger = AlarmChanged | RollbackRequested
type Outcome = dict[str, str]


def take_back(aws: Account, event: Mapping[str, Any]) -> dict[str, list[Outcome]]:
    """Decide about an event and do it: {"decisions": [{"action": "stopped" | "told" | "ignored", "reason": …}]}.

    When one deployment can't be stopped the others are all the same, and then the error leaves, so that Lambda calls
    again: what is stopped by then is ignored.
    """
    trigger = events.rollback_trigger(event)
    outcomes: list[Outcome] = []
    troubles: list[Exception] = []
    for decision in decide(trigger, _releases(aws, trigger)):
        try:
            outcomes.append(_carry_out(aws, trigger, decision))
        except Exception as error:  # raised again below, after the other releases had their turn
            aws.log.exception(f"could not be done: {decision}")
            troubles.append(error)
    if troubles:
        raise ExceptionGroup("not every release could be taken back", troubles)
    return {"decisions": outcomes}


def _releases(aws: Account, trigger: Trigger) -> tuple[Release, ...]:
    """The open ones, and the one that on call names: so that a closed one is told as closed, not as unknown."""
    releases = aws.ledger.open_releases()
    named = trigger.release if isinstance(trigger, RollbackRequested) else ""
    if not named or any(release.deployment_id == named for release in releases):
        return releases
    found = aws.ledger.find(named)
    return (*releases, found) if found else releases


def _carry_out(aws: Account, trigger: Trigger, decision: Decision) -> Outcome:
    match decision:
        case StopDeployment(release, reason):
            return _stop(aws, trigger, release, reason)
        case Notify(reason):
            _tell(aws, trigger, reason)
            return _outcome("told", reason)
        case Ignore(reason):
            if isinstance(trigger, RollbackRequested):  # a person waits for something to happen
                _tell(aws, trigger, reason)
            aws.log.info(reason, extra={"event": trigger.id})
            return _outcome("ignored", reason)


def _stop(aws: Account, trigger: Trigger, release: Release, reason: str) -> Outcome:
    if not aws.lambdas.is_released_by_seatrial(release.function):  # IAM can't limit StopDeployment to tagged functions
        return _carry_out(aws, trigger, Ignore(story.not_tagged(release.function)))
    match aws.codedeploy.stop(release.deployment_id):
        case AlreadyCompleted(message):
            sentence = story.not_stopped(release, message)
            tell.step(aws, release, "not stopped", sentence, by=BY, once=trigger.id)
            return _outcome("ignored", sentence)
        case Stopped():
            sentence = story.stopped(release, reason)
            aws.ledger.move(release, State.GOING_BACK, reason, BY)
            if tell.step(aws, release, "stopped", sentence, by=BY, once=trigger.id):
                tell.people(aws, release, "going back", "is going back", sentence)
            return _outcome("stopped", sentence)


def _tell(aws: Account, trigger: Trigger, sentence: str) -> None:
    about = trigger.service if isinstance(trigger, RollbackRequested) else trigger.alarm
    tell.send(aws, f"[seatrial] {about}: nothing is taken back", sentence, {"event": "nothing taken back"})


def _outcome(action: str, reason: str) -> Outcome:
    return {"action": action, "reason": reason}
