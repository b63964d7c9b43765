"""The judge meets CloudWatch: what was counted of releases, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.metrics import Metrics
from seatrial.core import counted, hour_before, judging, under_way
from seatrial.core.counted import Counted
from seatrial.core.hour_before import HourBefore
from seatrial.core.release import Release
from seatrial.core.verdict import Verdict
from seatrial.flows.account import Account


def read(metrics: Metrics, releases: Iterable[Release], now: datetime) -> dict[str, Counted]:
    """What was counted of each release until its end or the last closed minute, by its deployment.

    All are read together: a call for 500 metrics, however many releases these belong to. A release of which CloudWatch
    could not read everything is absent.
    """
    asked = {release.deployment_id: counted.ask(release, now) for release in releases}
    answers = metrics.read(chain.from_iterable(each.questions for each in asked.values()))
    return {deployment: each.counted(answers) for deployment, each in asked.items() if each.questions <= answers.keys()}


def verdicts(metrics: Metrics, releases: Sequence[Release], now: datetime) -> dict[str, Verdict]:
    """The judge's verdict on each release, by its deployment; the ones that can't be read are absent."""
    settings = {release.deployment_id: release.judged_by for release in releases}
    found = read(metrics, releases, now)
    return {deployment: judging.verdict(each, settings[deployment]) for deployment, each in found.items()}


def closer(
    metrics: Metrics, releases: Iterable[Release], found: Mapping[str, Counted], now: datetime
) -> dict[str, Counted]:
    """What was found, with the minute under way: only for young releases whose outcome lines have a high resolution."""
    known = [release for release in releases if release.deployment_id in found]
    looks = [under_way.look_closer(release, found[release.deployment_id], now) for release in known]
    asked = {look.release.deployment_id: look for look in looks if look}
    answers = metrics.read(chain.from_iterable(look.questions for look in asked.values()))
    closely = {deployment: look.added(found[deployment], answers) for deployment, look in asked.items()}
    return {deployment: counted for deployment, counted in closely.items() if counted}


def before(aws: Account, release: Release) -> HourBefore | None:
    """What stable did in the hour before the release. None where CloudWatch does not answer."""
    asked = hour_before.Asked(release, aws.clock.now())
    try:
        return asked.found(aws.metrics.read(asked.questions))
    except (ClientError, BotoCoreError):
        aws.log.exception("the hour before the release can't be read", extra={"release": release.deployment_id})
        return None
