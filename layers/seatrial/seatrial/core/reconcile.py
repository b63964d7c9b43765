"""What the ledger must record, given the ledger's release and what CodeDeploy says of its deployment. Pure.

This is where lost events heal: it is asked each minute and depends on states alone, never on which events arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from . import story
from .deployment import Deployment, Status, Traffic
from .release import Release, State

# CodeDeploy starts an automatic rollback within seconds; rollbackInfo shows it only then.
ROLLBACK_SHOWS_WITHIN = timedelta(minutes=2)

CODEDEPLOYS_POLL = "CodeDeploy's alarm poll"
CODEDEPLOY = "CodeDeploy"


@dataclass(frozen=True)
class Move:
    """The release is further than the ledger knows, and not at its end."""

    to: State
    sentence: str
    by: str = ""


@dataclass(frozen=True)
class StopAgain:
    """The ledger says that it goes back, and its deployment runs on: whoever was to stop it has not."""

    reason: str


@dataclass(frozen=True)
class Close:
    """The release has ended. `reason` is why, `by` who ended it, `sentence` the whole of it for people."""

    end: State
    sentence: str
    reason: str = ""
    by: str = ""


def hangs_on_traffic(release: Release, deployment: Deployment) -> bool:
    """Whether it must be known how far the weights are: has a user met the candidate, though nobody said so?"""
    match deployment.status:
        case Status.SUCCEEDED:
            return False
        case Status.FAILED | Status.STOPPED:
            return True
    return release.state is State.TRIAL


def reconcile(
    release: Release, deployment: Deployment, rollback: Deployment | None, traffic: Traffic | None, now: datetime
) -> Move | Close | StopAgain | None:
    """None when the ledger is right. `rollback` is the deployment that takes this one back, if there is one.

    `traffic` may be None where nothing hangs on it.
    """
    if not release.is_open:
        return None
    if traffic is None:
        if hangs_on_traffic(release, deployment):
            raise ValueError(f"whether users met the candidate of {release.deployment_id} must be known")
        traffic = Traffic(0.0, began=False)
    match deployment.status:
        case Status.SUCCEEDED:
            return Close(State.RELEASED, story.released(release), by=CODEDEPLOY)
        case Status.FAILED | Status.STOPPED if not traffic.began:
            reason = why(release, deployment)
            return Close(
                State.REFUSED, story.ended_unserved(release, reason), reason, who(release, deployment, served=False)
            )
        case Status.FAILED | Status.STOPPED:
            return _way_back(release, deployment, rollback, now)
        case _ if traffic.began and release.state is State.TRIAL:
            return Move(State.SHIFTING, f"{release.service}: users begin to meet version {release.candidate}")
        case _ if release.state is State.GOING_BACK:
            return StopAgain(release.reason)
    return None


def unknown(release: Release) -> Close:
    """For a release whose deployment CodeDeploy doesn't know any more."""
    reason = "CodeDeploy does not know the deployment any more"
    return Close(State.STRANDED, story.stranded(release, reason), reason, CODEDEPLOY)


def _way_back(
    release: Release, deployment: Deployment, rollback: Deployment | None, now: datetime
) -> Move | Close | None:
    reason, by = why(release, deployment), who(release, deployment, served=True)
    if rollback and rollback.status is Status.SUCCEEDED:
        return Close(State.TAKEN_BACK, story.taken_back(release, reason, by), reason, by)
    if rollback and rollback.ended:
        failed = f"its rollback {rollback.id} is {rollback.status} ({rollback.error or 'CodeDeploy gives no reason'})"
        return Close(State.STRANDED, story.stranded(release, f"{failed}, after {reason}"), reason, by)
    if rollback is None and deployment.completed and now - deployment.completed > ROLLBACK_SHOWS_WITHIN:
        return Close(State.STRANDED, story.stranded(release, f"it was not rolled back, after {reason}"), reason, by)
    if release.state is State.GOING_BACK:
        return None
    return Move(State.GOING_BACK, story.stopped(release, reason), by)


def why(release: Release, deployment: Deployment) -> str:
    """Our own reason when there is one; CodeDeploy's words, too, when they say more than that it was told to stop."""
    theirs = deployment.error or f"CodeDeploy says {deployment.status} and gives no reason"
    if not release.reason:
        return theirs
    if deployment.error_code in ("HOOK_EXECUTION_FAILURE", "MANUAL_STOP", ""):
        return release.reason
    return f"{theirs} ({release.reason})"


def who(release: Release, deployment: Deployment, served: bool) -> str:
    """Who ended it. CodeDeploy's error code decides, also when Seatrial asked as well but came second."""
    match deployment.error_code:
        case "ALARM_ACTIVE":
            return CODEDEPLOYS_POLL
        case "HOOK_EXECUTION_FAILURE":
            return release.by or ("functions/post_traffic" if served else "functions/pre_traffic")
        case "MANUAL_STOP":
            return release.by or "a person (StopDeployment)"
    return release.by or CODEDEPLOY
