"""What a decision about going back needs to know, gathered with as few calls as it takes."""

from __future__ import annotations

from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.core.decide import Situation, Trigger, belongs_to_another, to_be_judged, touched
from seatrial.core.deployment import Deployment
from seatrial.core.events import AlarmChanged, JudgedWorse
from seatrial.core.judging import clears
from seatrial.core.oncall import RollbackRequested
from seatrial.core.release import Release, State
from seatrial.core.tag import Tag
from seatrial.flows import judging
from seatrial.flows.account import Account

# How far back a person's word may reach: the last releases of a service.
_LAST = 5


def of(aws: Account, trigger: Trigger) -> Situation:
    """Raises what the ledger's client raises. Whose tag can't be read is UNREAD."""
    known = with_tags(aws, trigger, _known(aws, trigger))
    if isinstance(trigger, AlarmChanged) and (accused := to_be_judged(trigger, known)):
        return with_tags(aws, trigger, _judged(aws, known, accused))
    return known


def with_tags(aws: Account, trigger: Trigger, known: Situation) -> Situation:
    """With the tags of the functions that the trigger may have touched, and of no others: one call for each."""
    unknown = [function for function in touched(trigger, known) if function not in known.tags]
    return replace(known, tags={**known.tags, **{function: _tag(aws, function) for function in unknown}})


def _tag(aws: Account, function: str) -> Tag:
    try:
        return aws.lambdas.tag(function)
    except LambdaError:
        aws.log.exception(f"the tags of {function} can't be read", extra={"service": function})
        return Tag.UNREAD


def _known(aws: Account, trigger: Trigger) -> Situation:
    match trigger:
        case AlarmChanged():
            return _of_alarm(aws, trigger)
        case JudgedWorse():
            found = aws.ledger.find(trigger.release)
            others = aws.ledger.releases_of(found.service, _LAST) if found else ()
            return Situation(aws.clock.now(), _each_once(*((found,) if found else ()), *others))
        case RollbackRequested():
            return _of_request(aws, trigger)


def without_the_ledger(deployment: Deployment) -> Release | None:
    """The release of a deployment that runs, by CodeDeploy's word alone; None for what is no open release.

    A lower number counts as a rollback, as it does for the hooks: only the ledger can prove that its version was never
    live. To stop a rollback would return the traffic to the version that it leaves. A person who knows better has
    CodeDeploy's own StopDeployment, and the message says so.
    """
    shift = deployment.shift
    if shift is None or deployment.ended or deployment.goes_back:
        return None
    return replace(Release.begun_by(deployment, shift), state=State.SHIFTING)


def _of_alarm(aws: Account, alarm: AlarmChanged) -> Situation:
    """One query, when one release names the alarm."""
    now = aws.clock.now()
    if alarm.state != "ALARM":
        return Situation(now)
    releases, taken_back = aws.ledger.alarms.naming(alarm.alarm)
    if not releases:
        return Situation(now, serving=tuple(one for one in aws.ledger.open_releases() if one.serves_users))
    heads = tuple(_surely(aws, release, releases) for release in releases)
    guarded = {release.service for release in heads if release.is_guarded(now)}
    others = (one for service in sorted(guarded) for one in aws.ledger.releases_of(service, _LAST))
    known = Situation(now, _each_once(*heads, *others), taken_back=taken_back)
    return _watched(aws, alarm, known) if belongs_to_another(alarm, known) else known


def _watched(aws: Account, alarm: AlarmChanged, known: Situation) -> Situation:
    """With how the alarm looks at its data. Where that can't be read a guard waits: the tick asks again."""
    try:
        return replace(known, watch=aws.cloudwatch.watch(alarm.alarm))
    except (ClientError, BotoCoreError):
        aws.log.exception(f"alarm {alarm.alarm} can't be read", extra={"event": alarm.id, "release": ""})
        return known


def _surely(aws: Account, release: Release, among: tuple[Release, ...]) -> Release:
    """The guard acts on heads, since copies of what is over may be late. What is being released needs no guard."""
    is_last = not any(other.is_open and other.service == release.service for other in among)
    if release.state is not State.RELEASED or not is_last:
        return release
    return aws.ledger.find(release.deployment_id) or release


def _judged(aws: Account, known: Situation, suspected: tuple[Release, ...]) -> Situation:
    """With the judge's word on each; where it can't be had nobody is cleared, so that all go back."""
    try:
        verdicts = judging.verdicts(aws.metrics, suspected, known.now)
    except (ClientError, BotoCoreError):
        ids = [release.deployment_id for release in suspected]
        aws.log.exception("the judge can't be asked: nobody is cleared", extra={"releases": ids})
        return known
    return replace(
        known,
        worse=frozenset(release for release, verdict in verdicts.items() if verdict.verdict == "worse"),
        cleared=frozenset(release for release, verdict in verdicts.items() if clears(verdict)),
    )


def _of_request(aws: Account, request: RollbackRequested) -> Situation:
    """The open ones, the service's last ones, and the one that is named: a closed one is told as closed."""
    open_ones = aws.ledger.open_releases()
    named = aws.ledger.find(request.release) if request.release else None
    last = aws.ledger.releases_of(request.service, _LAST)
    heads = (aws.ledger.find(release.deployment_id) or release for release in last)  # the index lags by moments
    releases = _each_once(*open_ones, *heads, *((named,) if named else ()))
    return Situation(aws.clock.now(), releases, open_ones=tuple(sorted({release.service for release in open_ones})))


def _each_once(*releases: Release) -> tuple[Release, ...]:
    return tuple({release.deployment_id: release for release in reversed(releases)}.values())[::-1]
