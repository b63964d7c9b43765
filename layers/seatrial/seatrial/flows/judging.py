"""The judge meets CloudWatch: what was counted of releases, and the verdicts on them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.metrics import Metrics
from seatrial.core import counted, hour_before, judging, under_way
from seatrial.core.counted import Counted
from seatrial.core.hour_before import HourBefore
from seatrial.core.metric import Answers, Question
from seatrial.core.release import Release
from seatrial.core.verdict import Verdict
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

_LOG = logging.getLogger(__name__)


def read(
    metrics: Metrics,
    releases: Iterable[Release],
    now: datetime,
    turns: Turns | None = None,
    refused: dict[str, str] | None = None,
) -> dict[str, Counted]:
    """What was counted of each release until its end or the last closed minute, by its deployment.

    All are read together: a call for 500 metrics, however many releases these belong to. A release of which CloudWatch
    could not read everything is absent, and so is one whose turn failed. `refused` gets CloudWatch's reason, by
    deployment, for each release with a metric that CloudWatch refuses. Without `turns`, failed turns are logged only.
    """
    turns = turns or Turns(_LOG)
    known = tuple(releases)
    asked = turns.gather(known, lambda release: _asked(release, now))
    no: dict[Question, str] = {}
    answers = metrics.read(chain.from_iterable(each.questions for each in asked.values()), no)
    if refused is not None:
        reasons = {id: [no[one] for one in each.questions & no.keys()] for id, each in asked.items()}
        refused |= {id: found[0] for id, found in reasons.items() if found}
    whole = (release for release in known if _is_answered(asked.get(release.deployment_id), answers))
    return turns.gather(whole, lambda release: asked[release.deployment_id].counted(answers))


def _asked(release: Release, now: datetime) -> counted.Asked:
    """With its questions made, so that what is wrong with them is found in the turn of their release."""
    asked = counted.ask(release, now)
    assert asked.questions  # at least that for throttled requests
    return asked


def _is_answered(asked: counted.Asked | None, answers: Answers) -> bool:
    return asked is not None and asked.questions <= answers.keys()


def verdicts(
    metrics: Metrics, releases: Sequence[Release], now: datetime, turns: Turns | None = None
) -> dict[str, Verdict]:
    """The judge's verdict on each release, by its deployment; the ones that can't be read are absent."""
    turns = turns or Turns(_LOG)
    found = read(metrics, releases, now, turns)
    known = (release for release in releases if release.deployment_id in found)
    return turns.gather(known, lambda release: judging.verdict(found[release.deployment_id], release.judged_by))


def closer(
    metrics: Metrics,
    releases: Iterable[Release],
    found: Mapping[str, Counted],
    now: datetime,
    turns: Turns | None = None,
) -> dict[str, Counted]:
    """What was found, with the minute under way: only for young releases whose outcome lines have a high resolution."""
    turns = turns or Turns(_LOG)
    known = [release for release in releases if release.deployment_id in found]
    looks = turns.gather(known, lambda release: under_way.look_closer(release, found[release.deployment_id], now))
    answers = metrics.read(chain.from_iterable(look.questions for look in looks.values()))
    return turns.gather(
        (look.release for look in looks.values()),
        lambda release: looks[release.deployment_id].added(found[release.deployment_id], answers),
    )


def before(aws: Account, release: Release) -> HourBefore | None:
    """What stable did in the hour before the release. None where CloudWatch does not answer."""
    asked = hour_before.Asked(release, aws.clock.now())
    try:
        return asked.found(aws.metrics.read(asked.questions))
    except (ClientError, BotoCoreError):
        aws.log.exception("the hour before the release can't be read", extra={"release": release.deployment_id})
        return None
