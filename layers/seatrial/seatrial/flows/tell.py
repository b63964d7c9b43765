"""Telling: one sentence goes to the log, to the ledger and, when people should look, to SNS."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core import story
from seatrial.core.release import Release, Step

from .account import Account


def step(
    aws: Account, release: Release, kind: str, sentence: str, *, by: str = "", once: str = "", outcome: str = ""
) -> bool:
    """Log what happened and write it into the ledger. False when the ledger had it: the same event came again.

    `once` tells steps of one kind apart: an event's id, a hook's execution.
    """
    aws.log.info(sentence, extra=_fields(release) | {"step": kind, "by": by})
    return aws.ledger.step(release, Step(kind, once, sentence, aws.clock.now(), by, outcome))


def people(aws: Account, release: Release, event: str, what: str, sentence: str) -> None:
    """Tell people about a release. `event` is a word for filters; `what` ends the subject: "was taken back"."""
    attributes = {"service": release.function, "release": release.deployment_id, "event": event}
    send(aws, story.subject(release, what), sentence, attributes)


def send(aws: Account, subject: str, sentence: str, attributes: dict[str, str]) -> None:
    """A message that can't be sent must not hold up what it tells of: the log and the ledger have the sentence too."""
    try:
        aws.topic.publish(subject, sentence, attributes)
    except (ClientError, BotoCoreError) as error:
        aws.log.error(f"nobody could be told over SNS ({error}): {sentence}", extra=attributes)


def _fields(release: Release) -> dict[str, str]:
    return {"release": release.deployment_id, "service": release.service, "candidate": release.candidate}
