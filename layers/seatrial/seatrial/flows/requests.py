"""On-call requests: each one is answered, also one that can't be read. The answer is sent and kept in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core import oncall, oncall_story
from seatrial.core.oncall import Answer, EventError
from seatrial.flows import tell
from seatrial.flows.account import Account

type Outcome = dict[str, str]

DECLINED = "declined"


def handle[T](
    aws: Account,
    event: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], T],
    act: Callable[[T], Sequence[Outcome]],
) -> list[Outcome]:
    """Read an event and act on it: [{"action": …, "reason": …}].

    An on-call request that can't be read is declined with its correction. Raises EventError for other events, since
    those are AWS's, and what `act` raises.
    """
    try:
        trigger = read(event)
    except EventError as mistake:
        if not oncall.is_from_on_call(event):
            raise
        outcomes = [decline(aws, oncall.subject(event), oncall_story.declined(event, str(mistake)))]
    else:
        outcomes = list(act(oncall.arrived(trigger, _arrival(aws, trigger))))
    if oncall.is_from_on_call(event):
        _keep(aws, event, outcomes)
    return outcomes


def _arrival(aws: Account, trigger: object) -> datetime:
    """When a request arrived first: one that is dated ahead must not meet a later release when it is delivered again.

    A ledger that can't be written holds nothing up.
    """
    now = aws.clock.now()
    if not oncall.is_request(trigger):
        return now
    try:
        return aws.ledger.requests.first_arrival(trigger.id, now)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"event": trigger.id, "release": ""})
        return now


def decline(aws: Account, subject: str, sentence: str) -> Outcome:
    """Tell the subscribers why nothing was done. `subject` is the service or flag, "" where none was named."""
    aws.log.warning(sentence, extra={"service": subject, "release": ""})
    attributes = {"event": DECLINED, **({"flag" if "/" in subject else "service": subject} if subject else {})}
    tell.send(aws, f"[seatrial] {subject or 'on call'}: request declined", sentence, attributes)
    return {"action": DECLINED, "reason": sentence}


def _keep(aws: Account, event: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """For the command that waits for it. A ledger that can't be written holds nothing up: the message was sent."""
    answers = [Answer(outcome["action"], outcome["reason"]) for outcome in outcomes]
    try:
        aws.ledger.requests.answer(str(event.get("id", "")), answers, aws.clock.now())
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"event": event.get("id"), "release": ""})
