"""Preflight: whether a release can be let begin at all, before anything is tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from seatrial.aws.cloudwatch import Alarm
from seatrial.aws.lambdas import LambdaError
from seatrial.core import bake, bypass, finding_story, story, windows
from seatrial.core.bake import Plan
from seatrial.core.deployment import Deployment, Group, Shift
from seatrial.core.gate import RefusedError
from seatrial.core.release import Release, State
from seatrial.flows import tell
from seatrial.flows.account import Account

if TYPE_CHECKING:  # only a trial has settings: who tries nothing need not import what reads them
    from seatrial.core.sections import ReleaseSettings


def admitted(aws: Account, deployment: Deployment) -> Release:
    """Open the release of a forward deployment. Raises RefusedError for what Seatrial can't read."""
    return opened(aws, deployment, readable(deployment))


def readable(deployment: Deployment) -> Shift:
    """What the deployment moves. Raises RefusedError."""
    if deployment.shift is None:
        raise RefusedError(deployment.unreadable)
    return deployment.shift


def opened(aws: Account, deployment: Deployment, shift: Shift, at: datetime | None = None) -> Release:
    """The release in the ledger, opened by whoever comes first: a hook, or the monitor at CodeDeploy's event.

    `at` is when that is to be told to have happened, if not now.
    """
    group = aws.codedeploy.group(deployment.application, deployment.group)
    release = aws.ledger.open(deployment, shift, group.watched_alarms, _made_at(aws, deployment.id, shift))
    tell.step(aws, release, "opened", story.opened(release), at=at)
    return release


def _made_at(aws: Account, deployment_id: str, shift: Shift) -> datetime | None:
    """For the lead time alone: no release waits for what Lambda can't say."""
    try:
        return aws.lambdas.made_at(shift.function, shift.candidate)
    except LambdaError as error:
        aws.log.warning(
            f"when version {shift.candidate} was made is unknown: {error}", extra={"release": deployment_id}
        )
        return None


def rolls_back_by_itself(aws: Account, release: Release) -> str | None:
    """The gate: a refusal, an alarm and a stop must all lead back to stable without anybody's help."""
    group = aws.codedeploy.group(release.application, release.group)
    return finding_story.must_roll_back_by_itself(group) if group.missing_rollbacks else None


def may_start(aws: Account, release: Release, settings: ReleaseSettings) -> str | None:
    """The gate for what the suite says about the release: its plan must fit, and a window be open unless it is a fix.

    What does not stop it, and whoever typed the command should know, is told.
    """
    plan = Plan(aws.codedeploy.shifting(release.configuration).takes, timedelta(seconds=settings.bake))
    if warning := bake.warning(plan):
        _found(aws, release, warning)
    closed = windows.refusal(settings.windows, aws.clock.now())
    return bake.refusal(plan) or tell.unless_the_fix(aws, release, closed)


def let_begin(aws: Account, release: Release) -> None:
    """From now on the release may meet users, and each alarm that it names, also in its suite, takes it back."""
    aws.ledger.move(aws.ledger.release(release.deployment_id), State.SHIFTING, traffic=aws.clock.now())


def look_at_alarms(
    aws: Account, release: Release, settings: ReleaseSettings, failing: Sequence[str] = ()
) -> str | None:
    """The gate for the alarms that the release names: each must exist, unless the suite allows it or it is the fix.

    `failing` are the names of the smoke cases that expect an error.
    What else the on-call engineer should know about them is told, and stops nothing.
    """
    alarms = aws.cloudwatch.alarms(release.alarms)
    group = aws.codedeploy.group(release.application, release.group)
    for finding in _findings(alarms, release, group, failing):
        _found(aws, release, finding)
    missing = sorted(set(release.alarms) - {alarm.name for alarm in alarms})
    if not missing:
        return None
    if settings.missing_alarms == "allow":
        _found(aws, release, finding_story.missing_alarms_allowed(missing))
        return None
    return tell.unless_the_fix(aws, release, finding_story.missing_alarms(missing))


def stays_behind_the_alias(aws: Account, release: Release, settings: ReleaseSettings) -> str | None:
    """The gate for traffic that the shift does not move: an event source or permission on the function itself.

    A hotfix grant lets it pass. What can't be read is told and rejects nothing.
    """
    try:
        entries = aws.lambdas.past_the_alias(release.function, (release.stable, release.candidate))
    except LambdaError as error:
        _found(aws, release, bypass.unknown(release.service, error))
        return None
    if not entries:
        return None
    if settings.bypass == "allowed":
        _found(aws, release, bypass.allowed(release.service, entries))
        return None
    return tell.unless_the_fix(aws, release, bypass.rejected(release.service, entries))


def _found(aws: Account, release: Release, finding: str) -> None:
    if tell.step(aws, release, "finding", finding, by="preflight", once=finding):
        tell.people(aws, release, "finding", "has a finding", finding)


def _findings(alarms: Sequence[Alarm], release: Release, group: Group, failing: Sequence[str]) -> list[str]:
    return [
        *(
            finding_story.trial_would_ring(alarm.name, release.function)
            for alarm in alarms
            if alarm.counts(release.function)
        ),
        *(
            finding_story.smoke_would_ring(alarm.name, release.service, failing)
            for alarm in alarms
            if failing and alarm.counts_errors(release.function, release.alias)
        ),
        *(
            finding_story.already_ringing(alarm.name, stops=alarm.name in group.watched_alarms)
            for alarm in alarms
            if alarm.state == "ALARM"
        ),
    ]
