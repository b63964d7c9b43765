"""Holds: placed and lifted by on call, and asked as the first gate of a release."""

from __future__ import annotations

from seatrial.core import holds, oncall_story
from seatrial.core.holds import ALL, Hold
from seatrial.core.oncall import HoldReleased, HoldRequested
from seatrial.core.release import Release
from seatrial.flows import requests, services, tell
from seatrial.flows.account import Account


def change(aws: Account, request: HoldRequested | HoldReleased) -> dict[str, str]:
    """{"action": "held" | "lifted" | "ignored" | "declined", "reason": …}.

    A request from before the last change changes nothing; one for a name that is no service is declined.
    """
    if request.service != ALL and not _is_known(aws, request):
        near = services.nearest(aws, request.service)
        sentence = oncall_story.unknown_service(
            "hold" if isinstance(request, HoldRequested) else "lift of a hold", request.service, request.who, near
        )
        return requests.decline(aws, request.service, sentence)
    word = Hold(request.service, request.reason, request.who, request.at)
    match request:
        case HoldRequested():
            action, sentence = "held", oncall_story.held(word.service, word.who, word.reason)
            changed = aws.ledger.holds.place(word)
        case HoldReleased():
            action, sentence = "lifted", oncall_story.lifted(word.service, word.who, word.reason)
            changed = aws.ledger.holds.lift(word)
    if not changed:
        sentence = oncall_story.unchanged(word.service, word.who)
        aws.log.info(sentence, extra={"event": request.id})
        return {"action": "ignored", "reason": sentence}
    aws.log.info(sentence, extra={"event": request.id})
    tell.send(aws, f"[seatrial] {word.service} is {action}", sentence, {"service": word.service, "event": action})
    return {"action": action, "reason": sentence}


def _is_known(aws: Account, request: HoldRequested | HoldReleased) -> bool:
    """A hold that stands can be lifted, whatever it was placed on."""
    standing = {hold.service for hold in aws.ledger.holds.standing()} if isinstance(request, HoldReleased) else set()
    return request.service in standing or services.is_known(aws, request.service)


def check(aws: Account, release: Release) -> str | None:
    """The gate. A fix passes it, and that is told."""
    refusal = holds.refusal(release, aws.ledger.holds.standing())
    return tell.unless_the_fix(aws, release, refusal)
