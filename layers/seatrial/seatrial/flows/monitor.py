"""Bringing the ledger into line with CodeDeploy: at each of its events and, since events get lost, each minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from seatrial.aws.codedeploy import DeploymentUnknownError
from seatrial.core import events
from seatrial.core.deployment import Deployment
from seatrial.core.events import AlarmChanged, Tick
from seatrial.core.release import Release
from seatrial.flows import backward, bake, besides, cost, guard, preflight, rollback, verdict
from seatrial.flows.account import Account
from seatrial.flows.reconcile import bring_into_line
from seatrial.flows.turns import AT_ONCE, Turns

# EventBridge delivers within seconds, and CodeDeploy polls every 10 to 30 s. What rings longer was lost.
_EVENTS_TAKE = timedelta(minutes=1)

# The next tick comes after a minute, and this function must be done by then.
_TICK_TAKES = timedelta(seconds=50)


def look(aws: Account, event: Mapping[str, Any], at_once: int = AT_ONCE) -> dict[str, Any]:
    """Reconcile what is open: {"open": how many of it stay open, "closed": [{"release": …, "end": …}]}.

    An event is about one release; a tick looks at all of them, and at alarms that may have been lost, asks the judge,
    ends bakes and guards, and nags. A release that can't be read stays as it is until the next look, and the error
    leaves after the others had their turn; `at_once` of them have it at the same time.
    """
    trigger = events.monitor_trigger(event)
    turns = Turns(aws.log, at_once)
    if isinstance(trigger, Tick):
        until = aws.clock.now() + _TICK_TAKES
        looked = bring_into_line(aws, turns, aws.ledger.listed())
        young = _after_reconciling(aws, turns, looked.releases)
        turns.each(looked.releases, partial(besides.record, aws))
        verdict.look_again(aws, turns, young, until)
    else:
        looked = bring_into_line(aws, turns, _concerned(aws, trigger.deployment_id))
        turns.each(looked.releases, partial(besides.record, aws))
    turns.end()
    closed = [{"release": release, "end": end} for release, end in looked.ends.items()]
    return {"open": looked.still_open, "closed": closed}


def _after_reconciling(aws: Account, turns: Turns, watched: tuple[Release, ...]) -> tuple[Release, ...]:
    """Alarms first, then the judge: a bake must not end well while one objects, or while nobody can say.

    The releases that want another look before the next tick.
    """
    served = [release for release in watched if release.serves_users or release.guarded_until]
    under_alarm: set[str] | None = None
    with turns.turn(""):
        under_alarm = _alarms_that_were_lost(aws, turns, served)
    others = [release for release in watched if release.deployment_id not in (under_alarm or ())]
    judged = verdict.follow(aws, turns, others)
    if under_alarm is not None:
        turns.each(others, lambda release: bake.end(aws, release, judged.verdicts.get(release.deployment_id)))
    cost.look(aws, turns, watched)
    turns.each(watched, partial(guard.look, aws))
    return judged.again


def _alarms_that_were_lost(aws: Account, turns: Turns, served: list[Release]) -> set[str]:
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
            with turns.turn(alarm.name):
                rollback.act(aws, changed, by="functions/monitor")
    return under_alarm


def _concerned(aws: Account, deployment_id: str) -> tuple[Release, ...]:
    """The release that a deployment carries out or takes back. One that no hook has opened is opened here."""
    try:
        deployment = aws.codedeploy.deployment(deployment_id)
    except DeploymentUnknownError as error:
        aws.log.warning(str(error), extra={"release": deployment_id})
        return ()
    if deployment.rollback_of:
        release = aws.ledger.find(deployment.rollback_of)
    else:
        release = aws.ledger.find(deployment_id) or _opened(aws, deployment)
    return (release,) if release else ()


def _opened(aws: Account, deployment: Deployment) -> Release | None:
    """None for what is no release of Seatrial's: CodeDeploy tells of every deployment in the account."""
    shift = deployment.shift
    if shift is None or backward.goes_back(aws, deployment) or not aws.lambdas.is_released_by_seatrial(shift.function):
        return None
    if backward.good_version_again(aws, deployment.id, shift):
        return None
    return preflight.opened(aws, deployment, shift, at=deployment.created)  # the event may come after all the rest
