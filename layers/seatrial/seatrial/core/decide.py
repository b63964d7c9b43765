"""What an alarm or on call's request means for the open releases. Pure: a trigger and the ledger in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import story
from .events import AlarmChanged, RollbackRequested
from .release import Release, State


@dataclass(frozen=True)
class StopDeployment:
    """Stop this release's deployment; CodeDeploy then takes the users back."""

    release: Release
    reason: str


@dataclass(frozen=True)
class Notify:
    """Nothing to stop, but people should know."""

    reason: str


@dataclass(frozen=True)
class Ignore:
    reason: str


Decision = StopDeployment | Notify | Ignore


def decide(trigger: AlarmChanged | RollbackRequested, releases: Sequence[Release]) -> tuple[Decision, ...]:
    """At least one decision, in the order of `releases`, which are the open ones and those that on call names."""
    match trigger:
        case AlarmChanged():
            return _on_alarm(trigger, releases)
        case RollbackRequested():
            return _on_request(trigger, releases)


def _on_alarm(alarm: AlarmChanged, releases: Sequence[Release]) -> tuple[Decision, ...]:
    if alarm.state != "ALARM":
        return (Ignore(f"alarm {alarm.alarm} is {alarm.state}"),)
    naming = [release for release in releases if alarm.alarm in release.alarms]
    if naming:
        return tuple(_on_alarm_of(release, alarm) for release in naming)
    if any(release.serves_users for release in releases):
        return (Notify(story.alarm_of_nobody(alarm)),)
    return (Ignore(f"no open release names alarm {alarm.alarm}"),)


def _on_alarm_of(release: Release, alarm: AlarmChanged) -> Decision:
    if already := _over(release):
        return Ignore(already)
    if alarm.at < release.opened_at:
        return Ignore(f"alarm {alarm.alarm} rang before release {release.deployment_id} of {release.service} began")
    if not release.serves_users:
        return Ignore(
            f"alarm {alarm.alarm} rang while no user meets version {release.candidate} of {release.service} yet; "
            "CodeDeploy itself begins no shift under a ringing alarm"
        )
    return StopDeployment(release, story.alarm_rang(alarm))


def _on_request(request: RollbackRequested, releases: Sequence[Release]) -> tuple[Decision, ...]:
    wanted = [release for release in releases if release.belongs_to(request.service)]
    if request.release:
        wanted = [release for release in wanted if release.deployment_id == request.release]
    if not wanted:
        return (Ignore(_no_release(request, releases)),)
    return tuple(
        Ignore(already) if (already := _over(release)) else StopDeployment(release, story.requested(request))
        for release in wanted
    )


def _over(release: Release) -> str:
    if release.state is State.GOING_BACK:
        return f"release {release.deployment_id} of {release.service} is already going back"
    return "" if release.is_open else f"release {release.deployment_id} of {release.service} is already {release.state}"


def _no_release(request: RollbackRequested, releases: Sequence[Release]) -> str:
    which = f"release {request.release} of {request.service}" if request.release else f"release of {request.service}"
    open_ones = sorted({release.service for release in releases if release.is_open})
    instead = f"open: {', '.join(open_ones)}" if open_ones else "no release is open at all"
    return f"{request.who} asked for a rollback, but no {which} is open ({instead})"
