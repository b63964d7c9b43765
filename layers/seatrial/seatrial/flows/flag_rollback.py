"""Taking a flag back: what a person asks for is decided by AppConfig's word, and carried out once."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.appconfig import FlagUnknownError
from seatrial.core import flag, flag_story
from seatrial.core.decide import Ignore, Notify
from seatrial.core.flag import StopRollout
from seatrial.core.oncall import FlagRollbackRequested
from seatrial.core.release import Step
from seatrial.core.rollout import Flag, Rollout
from seatrial.flows import tell
from seatrial.flows.account import Account

type Outcome = dict[str, str]

_BY = "functions/rollback"


def take_back(aws: Account, request: FlagRollbackRequested) -> Outcome:
    """{"action": "stopped" | "told" | "ignored", "reason": …}."""
    try:
        found = aws.appconfig.flag(request.flag)
    except FlagUnknownError as unknown:
        return _declined(aws, request, "told", str(unknown))
    if not aws.appconfig.is_released_by_seatrial(found):
        return _declined(aws, request, "told", flag_story.not_tagged(found))
    return _decided(aws, request, found)


def _decided(aws: Account, request: FlagRollbackRequested, found: Flag) -> Outcome:
    newest = aws.appconfig.newest(found)
    match flag.decide(request, newest, aws.clock.now()):
        case StopRollout(rollout, reason):
            return _stopped(aws, request, rollout, reason)
        case Ignore() if newest and aws.ledger.flags.find_step(newest, "asked", request.id):
            return _told(aws, newest, flag_story.requested(request))  # this very request, told twice or cut short
        case Ignore(reason):
            return _declined(aws, request, "ignored", reason)
        case Notify(reason):
            return _declined(aws, request, "told", reason)


def _stopped(aws: Account, request: FlagRollbackRequested, rollout: Rollout, reason: str) -> Outcome:
    """The intent comes first: whoever makes the same call again after a crash knows then that the stop was this one."""
    first = _write(aws, rollout, Step("asked", request.id, reason, aws.clock.now(), _BY))
    if refusal := aws.appconfig.stop(rollout):
        rollout = aws.appconfig.rollout(rollout.flag, rollout.number, rollout.stable)
        if rollout.is_back and first:  # somebody else came before us
            return _declined(aws, request, "ignored", flag_story.back_already(rollout))
        if not rollout.is_back:
            return _declined(aws, request, "told", flag_story.refused(rollout, reason, refusal))
    return _told(aws, rollout, reason)


def _told(aws: Account, rollout: Rollout, reason: str) -> Outcome:
    sentence = flag_story.taken_back(rollout, reason)
    aws.log.info(sentence, extra={"flag": rollout.flag.name, "deployment": rollout.number})
    if _write(aws, rollout, Step("taken back", "", sentence, aws.clock.now(), _BY)):
        _send(aws, rollout.flag.name, "taken back", "was taken back", sentence)
    return {"action": "stopped", "reason": sentence}


def _write(aws: Account, rollout: Rollout, step: Step) -> bool:
    """False when it was written before. A ledger that can't be reached does not keep users where they are."""
    try:
        return aws.ledger.flags.step(rollout, step)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"flag": rollout.flag.name})
        return True


def _declined(aws: Account, request: FlagRollbackRequested, action: str, reason: str) -> Outcome:
    aws.log.info(reason, extra={"event": request.id, "flag": request.flag})
    _send(aws, request.flag, "nothing taken back", "is not taken back", reason)
    return {"action": action, "reason": reason}


def _send(aws: Account, name: str, event: str, what: str, sentence: str) -> None:
    tell.send(aws, f"[seatrial] {name} {what}"[:100], sentence, {"flag": name, "event": event})
