"""Telling: one sentence goes to the log, to the ledger and, when people should look, to SNS, the bus and a metric."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core import oncall_story, story
from seatrial.core.printable import printable
from seatrial.core.release import Release, Step

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
) -> bool:
    """Log what happened and write it into the ledger. False when the ledger had it: the same event came again.

    `once` tells steps of one kind apart: an event's id, a hook's execution. `at` is when it happened, if not now.
    """
    aws.log.info(sentence, extra=_fields(release) | {"step": kind, "by": by})
    return aws.ledger.step(release, Step(kind, once, sentence, at or aws.clock.now(), by, outcome))


def people(aws: Account, release: Release, event: str, what: str, sentence: str) -> None:
    """Tell people about a release. `event` is a word for filters; `what` ends the subject: "was taken back"."""
    attributes = {"service": release.function, "release": release.deployment_id, "event": event}
    send(aws, story.subject(release, what), sentence, attributes)


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
    subject, sentence = printable(subject), printable(sentence)
    event = attributes.get("event", "")
    _count(event, attributes)
    try:
        aws.topic.publish(subject, sentence, attributes)
    except (ClientError, BotoCoreError) as error:
        aws.log.error(f"nobody could be told over SNS ({error}): {sentence}", extra=attributes)
    try:
        aws.bus.publish(EVENTS.get(event, "Notice"), {**attributes, "sentence": sentence})
    except (ClientError, BotoCoreError) as error:
        aws.log.error(f"nobody could be told over the bus ({error}): {sentence}", extra=attributes)


def _count(event: str, attributes: Mapping[str, str]) -> None:
    """One line in CloudWatch's embedded metric format, for what has an event of its own."""
    if event in EVENTS:
        about = attributes.get("service") or attributes.get("flag") or "all"
        metrics = EphemeralMetrics(namespace="Seatrial", service=about)
        metrics.add_metric(EVENTS[event].replace(" ", ""), MetricUnit.Count, 1)
        metrics.add_metadata("release", attributes.get("release", ""))
        metrics.flush_metrics()


def _fields(release: Release) -> dict[str, str]:
    return {"release": release.deployment_id, "service": release.service, "candidate": release.candidate}
