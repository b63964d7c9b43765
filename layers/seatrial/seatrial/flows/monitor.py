"""Bringing the ledger into line with CodeDeploy: at each of its events and, since events get lost, each minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from seatrial.aws.codedeploy import DeploymentUnknownError
from seatrial.core import events
from seatrial.core.deployment import Deployment
from seatrial.core.events import AlarmChanged, ServicesCheck, Tick
from seatrial.core.release import Release, State
from seatrial.flows import backward, bake, besides, cost, guard, preflight, rollback, verdict
from seatrial.flows.account import Account
from seatrial.flows.reconcile import bring_into_line
from seatrial.flows.turns import AT_ONCE, Turns

# EventBridge delivers within seconds, and CodeDeploy polls every 10 to 30 s. What rings longer was lost.
_EVENTS_TAKE = timedelta(minutes=1)

# The next tick comes after a minute, and this function must be done by then.
_TICK_TAKES = timedelta(seconds=50)


def look(
    aws: Account,
    event: Mapping[str, Any],
    at_once: int = AT_ONCE,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> dict[str, Any]:
    """Reconcile what is open: {"open": how many of it stay open, "closed": [{"release": …, "end": …}], "left": N}.

    An event is about one release; a tick looks at all of them, and at alarms that may have been lost, asks the judge,
    ends bakes and guards, and nags. A release that can't be read stays as it is until the next look, and the error
    leaves after the others had their turn; `at_once` of them have it at the same time.

    `seconds_left` is how long Lambda lets the function run. The releases that a tick does not come to are "left": the
    next tick takes them first.
    """
    trigger = events.monitor_trigger(event)
    if isinstance(trigger, ServicesCheck):
        from seatrial.flows import services_check  # a tick needs none of it

        return {"open": 0, "closed": [], "left": 0, "told": services_check.look(aws, trigger, seconds_left)}
    left = 0
    turns = Turns(aws.log, at_once, seconds_left)
    if isinstance(trigger, Tick):
        until = aws.clock.now() + _TICK_TAKES
        listed, waiting = aws.ledger.agenda()
        looked = bring_into_line(aws, turns, listed)
        young = _after_reconciling(aws, turns, looked.releases)
        turns.each((one for one in looked.releases if not one.compared), partial(besides.record, aws))
        verdict.look_again(aws, turns, young, until)
        left = _leave(aws, turns, listed, waiting)
    else:
        looked = bring_into_line(aws, turns, _concerned(aws, trigger.deployment_id))
        turns.each(looked.releases, partial(besides.record, aws))
    turns.end()
    closed = [{"release": release, "end": end} for release, end in looked.ends.items()]
    return {"open": looked.still_open, "closed": closed, "left": left}


def _leave(aws: Account, turns: Turns, listed: tuple[Release, ...], waiting: bool) -> int:
    """Keep which releases the tick did not come to, and how many they are."""
    known = {release.deployment_id for release in listed}
    left = [id for id in turns.left if id in known]  # a rollback's deployment is no release
    if left:
        aws.log.warning(
            f"tick: {len(left)} of {len(listed)} releases left for the next tick: the function's time is over. "
            "Next: if this repeats, look for throttled calls in the log",
            extra={"release": ", ".join(left[:10])},
        )
    if left or waiting:
        with turns.turn(""):
            aws.ledger.leave(left)
    return len(left)


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
        baking = (release for release in others if release.state is State.BAKING)
        turns.each(baking, lambda release: bake.end(aws, release, judged.verdicts.get(release.deployment_id)))
    cost.look(aws, turns, watched)
    turns.each((one for one in watched if not one.is_open), partial(guard.look, aws))
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
            if not turns.has_time():
                turns.leave(one.deployment_id for one in naming)
                continue
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
