"""The fix lane: a group's alarms are off while the one release goes out that stops them from ringing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from seatrial.core import events, finding_story, oncall_story
from seatrial.core.events import DeploymentChanged, Tick
from seatrial.core.fix import Grant, Stand
from seatrial.core.oncall import FixGranted
from seatrial.core.release import Release
from seatrial.flows import requests, tell
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

type Outcome = dict[str, str]

BY = "functions/fix_lane"


class NotSwitchedError(Exception):
    """CodeDeploy took the change and still says that the alarms are on. Lambda tries again."""


def run(aws: Account, event: Mapping[str, Any]) -> dict[str, list[Outcome]]:
    """Grant what is asked for, and close what is over: {"grants": [{"action": …, "reason": …}]}.

    Actions: "opened", "closed", "ignored", "declined". Raises EventError for an event of AWS's that can't be read.
    """
    return {"grants": requests.handle(aws, event, events.fix_lane_trigger, partial(_outcomes, aws))}


def _outcomes(aws: Account, trigger: FixGranted | Tick | DeploymentChanged) -> list[Outcome]:
    match trigger:
        case FixGranted():
            return [_grant(aws, trigger)]
        case Tick() | DeploymentChanged():
            turns = Turns(aws.log)
            closed = _close_what_is_over(aws, turns)
            turns.end()
            return closed


def claim(aws: Account, release: Release) -> Release:
    """The release as the fix, when there is a grant that lets it pass."""
    grant = aws.ledger.grants.last(release.service)
    if grant is None or not grant.lets_pass(release) or not aws.ledger.grants.claim(grant, release):
        return release
    fix = aws.ledger.as_the_fix(release, grant.words)
    tell.step(aws, fix, "fix", oncall_story.is_the_fix(fix), by=BY)
    return fix


def _grant(aws: Account, request: FixGranted) -> Outcome:
    """The list first, then the switch, then a look: a crash in between leaves what the tick needs to mend it."""
    last = next(iter(aws.ledger.releases_of(request.service, 1)), None)
    if last is None:
        return _decline(aws, request, oncall_story.nothing_to_fix(request))
    if not aws.lambdas.is_released_by_seatrial(last.function):  # IAM can't limit the switch to tagged functions
        return _decline(aws, request, finding_story.not_tagged(last.function))
    group = aws.codedeploy.group(last.application, last.group)
    asked = Grant(
        event=request.id,
        service=last.service,
        application=group.application,
        group=group.name,
        alarms=group.alarms,
        were_on=group.alarms_enabled,
        who=request.who,
        reason=request.reason,
        granted_at=request.at,
        until=request.at + request.lasts,
    )
    if not aws.ledger.grants.begin(asked):
        standing = aws.ledger.grants.last(last.service)
        if standing is None or standing.event != request.id or standing.stand is not Stand.SWITCHING:
            return _decline(aws, request, oncall_story.granted_already(request, standing))
        asked = standing  # our own first attempt was interrupted: its list is the one to keep
    _switch_off(aws, asked)
    aws.ledger.grants.confirm(asked)
    return _told(aws, asked, "opened", oncall_story.fix_granted(asked))


def _switch_off(aws: Account, grant: Grant) -> None:
    if not grant.were_on:
        return
    group = replace(aws.codedeploy.group(grant.application, grant.group), alarms=grant.alarms)
    aws.codedeploy.watch_alarms(group, on=False)
    if aws.codedeploy.group(grant.application, grant.group).alarms_enabled:
        raise NotSwitchedError(f"the alarms of {grant.group} are still on after they were switched off")


def _close_what_is_over(aws: Account, turns: Turns) -> list[Outcome]:
    outcomes = []
    for grant in aws.ledger.grants.standing():
        with turns.turn(grant.release):
            user = aws.ledger.find(grant.release) if grant.release else None
            if why := grant.over(user, aws.clock.now()):
                outcomes.append(_close(aws, grant, why))
    return outcomes


def _close(aws: Account, grant: Grant, why: str) -> Outcome:
    """On again before the grant is closed: what is interrupted here is done again by the next tick."""
    group = aws.codedeploy.group(grant.application, grant.group)
    if grant.may_restore(group):
        aws.codedeploy.watch_alarms(group, on=True)
        sentence = oncall_story.fix_closed(grant, why)
    elif not grant.were_on or group.alarms_enabled:
        sentence = oncall_story.fix_closed_as_it_is(grant, why, group)
    else:
        sentence = oncall_story.fix_closed_off(grant, why, group)
    aws.ledger.grants.close(grant)
    return _told(aws, grant, "closed", sentence)


def _decline(aws: Account, request: FixGranted, sentence: str) -> Outcome:
    attributes = {"service": request.service.partition(":")[0], "event": "nothing taken back"}
    tell.send(aws, f"[seatrial] {request.service}: no fix is let pass", sentence, attributes)
    return {"action": "ignored", "reason": sentence}


def _told(aws: Account, grant: Grant, action: str, sentence: str) -> Outcome:
    aws.log.info(sentence, extra={"service": grant.service, "event": grant.event, "release": grant.release})
    attributes = {"service": grant.service.partition(":")[0], "release": grant.release, "event": "fix"}
    tell.send(aws, f"[seatrial] the fix lane of {grant.service} is {action}", sentence, attributes)
    return {"action": action, "reason": sentence}
