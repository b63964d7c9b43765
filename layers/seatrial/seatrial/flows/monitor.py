"""Bringing the ledger into line with CodeDeploy: at each of its events and, since events get lost, each minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from seatrial.aws.codedeploy import DeploymentUnknownError
from seatrial.core import events, story
from seatrial.core.deployment import Deployment
from seatrial.core.events import AlarmChanged, DeploymentChanged, Tick
from seatrial.core.reconcile import Close, Move, StopAgain, reconcile, unknown
from seatrial.core.release import Release, State
from seatrial.flows import backward, bake, guard, measure, preflight, rollback, tell
from seatrial.flows.account import Account

# EventBridge delivers within seconds, and CodeDeploy polls every 10 to 30 s. What rings longer was lost.
_EVENTS_TAKE = timedelta(minutes=1)


def look(aws: Account, event: Mapping[str, Any]) -> dict[str, Any]:
    """Reconcile every open release: {"open": how many stay open, "closed": [{"release": …, "end": …}]}.

    A tick also looks at alarms that may have been lost, ends bakes and guards, and nags. A release that can't be read
    stays as it is until the next look, and the error leaves after the others had theirs.
    """
    trigger = events.monitor_trigger(event)
    watched = _watched(aws, trigger)
    closed: list[dict[str, str]] = []
    troubles: list[Exception] = []
    for release in watched:
        with _in_turn(aws, troubles, release.deployment_id):
            if end := _reconciled(aws, release, watched):
                closed.append({"release": release.deployment_id, "end": end})
    if isinstance(trigger, Tick):
        _after_reconciling(aws, watched, troubles)
    if troubles:
        raise ExceptionGroup("not every release could be reconciled", troubles)
    still_open = sum(release.is_open for release in watched) - len(closed)
    return {"open": still_open, "closed": closed}


@contextmanager
def _in_turn(aws: Account, troubles: list[Exception], release: str) -> Iterator[None]:
    """What goes wrong with one release is raised after the others had their turn."""
    try:
        yield
    except Exception as error:  # raised by look()
        aws.log.exception("the release can't be looked at", extra={"release": release})
        troubles.append(error)


def _after_reconciling(aws: Account, watched: tuple[Release, ...], troubles: list[Exception]) -> None:
    """Alarms first: a bake must not end well while one rings, or while nobody can say."""
    served = [release for release in watched if release.serves_users or release.guarded_until]
    with _in_turn(aws, troubles, ""):
        under_alarm = _alarms_that_were_lost(aws, served, troubles)
        for release in watched:
            if release.deployment_id not in under_alarm:
                with _in_turn(aws, troubles, release.deployment_id):
                    bake.end(aws, release)
    for release in watched:
        with _in_turn(aws, troubles, release.deployment_id):
            guard.look(aws, release)


def _alarms_that_were_lost(aws: Account, served: list[Release], troubles: list[Exception]) -> set[str]:
    """Act on alarms that ring and whose event has not come. The ids of releases that one of them is held against.

    CodeDeploy's poll and functions/rollback need less than a minute. At the end of a bake nobody is waited for.
    """
    now = aws.clock.now()
    under_alarm: set[str] = set()
    for alarm in aws.cloudwatch.alarms([name for release in served for name in release.alarms]) if served else ():
        if alarm.state != "ALARM" or alarm.since is None:
            continue
        changed = AlarmChanged("tick", alarm.name, alarm.state, alarm.reason, alarm.since)
        naming = [one for one in served if alarm.name in one.alarms and one.opened_at <= changed.at and not one.fix]
        under_alarm |= {one.deployment_id for one in naming if not one.dry_run}
        is_late = now - changed.at >= _EVENTS_TAKE or any(one.bake_until and now >= one.bake_until for one in naming)
        if naming and is_late:
            with _in_turn(aws, troubles, alarm.name):
                rollback.act(aws, changed, by="functions/monitor")
    return under_alarm


def _watched(aws: Account, trigger: Tick | DeploymentChanged) -> tuple[Release, ...]:
    """All watched ones by the index, which lags by moments, and the one that an event is about, by its own key."""
    releases = aws.ledger.watched()
    concerned = _concerned(aws, trigger.deployment_id) if isinstance(trigger, DeploymentChanged) else None
    if concerned is None or not concerned.is_open or concerned in releases:
        return releases
    return (*(one for one in releases if one.deployment_id != concerned.deployment_id), concerned)


def _concerned(aws: Account, deployment_id: str) -> Release | None:
    """The release that a deployment carries out or takes back. One that no hook has opened is opened here."""
    try:
        deployment = aws.codedeploy.deployment(deployment_id)
    except DeploymentUnknownError as error:
        aws.log.warning(str(error), extra={"release": deployment_id})
        return None
    if deployment.rollback_of:
        return aws.ledger.find(deployment.rollback_of)
    return aws.ledger.find(deployment_id) or _opened(aws, deployment)


def _opened(aws: Account, deployment: Deployment) -> Release | None:
    """None for what is no release of Seatrial's: CodeDeploy tells of every deployment in the account."""
    shift = deployment.shift
    if deployment.goes_back or shift is None or not aws.lambdas.is_released_by_seatrial(shift.function):
        return None
    if backward.good_version_again(aws, shift):
        return None
    return preflight.opened(aws, deployment, shift)


def _reconciled(aws: Account, release: Release, watched: tuple[Release, ...]) -> State | None:
    """How the release has ended, if this look is what closed it."""
    if not release.is_open:
        return None
    change = _change(aws, release)
    match change:
        case StopAgain(reason):
            if aws.lambdas.is_released_by_seatrial(release.function):
                aws.codedeploy.stop(release.deployment_id)
                tell.step(aws, release, "going back", story.stopped(release, reason), by="functions/monitor")
        case Close(end, sentence, reason, by):
            if not aws.ledger.finish(release, end, reason, by, aws.clock.now()):
                return None
            sentence = (
                story.refused_until_healed(sentence, _wound(release, watched)) if end is State.REFUSED else sentence
            )
            tell.step(aws, release, "closed", sentence, by=by)
            tell.people(aws, release, end, story.ending(end), sentence)
            measure.closed(aws, release)
            return end
        case Move(to, sentence, by):
            if aws.ledger.move(release, to):
                tell.step(aws, release, to, sentence, by=by)
    return None


def _wound(release: Release, watched: tuple[Release, ...]) -> Release | None:
    """The late rollback of the same service that is not healed yet: AWS refuses what comes after it."""
    unhealed = (one for one in watched if one.is_to_be_healed)
    return next((one for one in unhealed if one.service == release.service), None)


def _change(aws: Account, release: Release) -> Move | Close | StopAgain | None:
    try:
        deployment = aws.codedeploy.deployment(release.deployment_id)
    except DeploymentUnknownError:
        return unknown(release)
    rollback = aws.codedeploy.deployment(deployment.rollback_id) if deployment.rollback_id else None
    traffic = aws.codedeploy.traffic(release.deployment_id)
    # A hook records its reason before it answers: read after CodeDeploy, the ledger has it for what CodeDeploy says.
    release = aws.ledger.find(release.deployment_id) or release
    return reconcile(release, deployment, rollback, traffic, aws.clock.now())
