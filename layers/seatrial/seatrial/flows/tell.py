"""Telling: one sentence goes to the log, to the ledger and, when people should look, to SNS, the bus and a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from seatrial.aws.topic import Message
from seatrial.core import oncall_story, redaction, story
from seatrial.core.bounds import short
from seatrial.core.printable import printable
from seatrial.core.release import Release, Step

from . import metric_line
from .account import Account

# What leaves on the bus as an event of its own name, by the word that subscriptions filter by. All else is a `Notice`.
EVENTS = {
    "released": "Release Finished",
    "refused": "Release Refused",
    "going back": "Release Going Back",
    "taken back": "Release Rolled Back",
    "returned": "Release Rolled Back",
    "stranded": "Release Stranded",
    "healed": "Release Healed",
    "to be healed": "Healing Needed",
    "nothing taken back": "Declined",
    "declined": "Declined",
    "held": "Hold Placed",
    "lifted": "Hold Lifted",
    "fix": "Fix Lane Changed",
}


def step(
    aws: Account,
    release: Release,
    kind: str,
    sentence: str,
    *,
    by: str = "",
    once: str = "",
    outcome: str = "",
    at: datetime | None = None,
    detail: str = "",
) -> bool:
    """Log what happened and write it into the ledger. False when the ledger had it: the same event came again.

    `once` tells steps of one kind apart: an event's id, a hook's execution. `at` is when it happened, if not now.
    `detail` has the lines that the sentence has no room for.
    """
    written = Step(kind, once, sentence, at or aws.clock.now(), by, outcome, detail)
    log(aws, release, written)
    return aws.ledger.step(release, written)


def log(aws: Account, release: Release, step: Step) -> None:
    """The log's line of a step that is written in another way than by step()."""
    aws.log.info(short(redaction.sentence(step.sentence)), extra=_fields(release) | {"step": step.kind, "by": step.by})


def about(release: Release, event: str, what: str, sentence: str) -> Message:
    """A message about a release. `event` is a word for filters; `what` ends the subject: "was taken back"."""
    attributes = {"service": release.function, "release": release.deployment_id, "event": event}
    return _message(story.subject(release, what), sentence, attributes)


def people(aws: Account, release: Release, event: str, what: str, sentence: str) -> None:
    """Tell people about a release. `event` is a word for filters; `what` ends the subject: "was taken back"."""
    send_together(aws, [about(release, event, what, sentence)])


def unless_the_fix(aws: Account, release: Release, refusal: str | None) -> str | None:
    """What a hold, a window and an alarm refuse, a fix passes: they become warnings, which are told."""
    if refusal and release.fix:
        warning = oncall_story.passes_as_the_fix(release, refusal)
        if step(aws, release, "warning", warning, once=refusal):
            people(aws, release, "warning", "passes as the fix", warning)
        return None
    return refusal


def unless_dry_run(aws: Account, release: Release, refusal: str | None) -> str | None:
    """In a dry run nothing is refused; what would be is told."""
    if refusal and release.dry_run:
        warning = story.passed_in_dry_run(release, refusal)
        if step(aws, release, "warning", warning, once=refusal):
            people(aws, release, "warning", "would be refused (dry run)", warning)
        return None
    return refusal


def send(aws: Account, subject: str, sentence: str, attributes: dict[str, str]) -> None:
    """A message that can't be sent must not hold up what it tells of: the log and the ledger have the sentence too.

    `attributes` are for filters: "event" is a word of `EVENTS` or another; "service", "release" and "flag" may be
    absent.
    """
    send_together(aws, [_message(subject, sentence, attributes)])


def _message(subject: str, sentence: str, attributes: dict[str, str]) -> Message:
    return Message(printable(redaction.sentence(subject)), short(printable(redaction.sentence(sentence))), attributes)


def send_together(aws: Account, messages: Sequence[Message]) -> None:
    """As send() for each, with a call for ten."""
    for message in messages:
        _count(message.attributes.get("event", ""), message.attributes)
    over_sns = aws.topic.publish_together(messages)
    over_the_bus = aws.bus.publish_together([_event(message) for message in messages])
    for way, errors in (("SNS", over_sns), ("the bus", over_the_bus)):
        for message, error in zip(messages, errors, strict=True):
            if error:
                sentence = f"nobody could be told over {way} ({error}): {message.sentence}"
                aws.log.error(sentence, extra=dict(message.attributes))


def _event(message: Message) -> tuple[str, dict[str, str]]:
    event = message.attributes.get("event", "")
    return EVENTS.get(event, "Notice"), {**message.attributes, "sentence": message.sentence}


def _count(event: str, attributes: Mapping[str, str]) -> None:
    """One line in CloudWatch's embedded metric format, for what has an event of its own."""
    if event in EVENTS:
        about = attributes.get("service") or attributes.get("flag") or "all"
        metrics = EphemeralMetrics(namespace="Seatrial", service=about)
        metrics.add_metric(EVENTS[event].replace(" ", ""), MetricUnit.Count, 1)
        metrics.add_metadata("release", attributes.get("release", ""))
        metric_line.write(metrics)


def _fields(release: Release) -> dict[str, str]:
    return {"release": release.deployment_id, "service": release.service, "candidate": release.candidate}
