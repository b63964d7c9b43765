"""What the ledger must record, given the ledger's release and what CodeDeploy says of its deployment. Pure.

This is where lost events heal: it is asked each minute and depends on states alone, never on which events arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from . import rollback_story, story
from .deployment import Deployment, Status, Traffic
from .release import Release, State

# CodeDeploy starts an automatic rollback within seconds; rollbackInfo shows it only then.
ROLLBACK_SHOWS_WITHIN = timedelta(minutes=2)

CODEDEPLOYS_POLL = "CodeDeploy's alarm poll"
CODEDEPLOY = "CodeDeploy"

# CodeDeploy's code for what its own poll of the group's alarms has stopped.
ALARM_ACTIVE = "ALARM_ACTIVE"


@dataclass(frozen=True)
class Move:
    """The release is further than the ledger knows, and not at its end. `at` is when it got there, if that is known."""

    to: State
    sentence: str
    by: str = ""
    at: datetime | None = None


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
    # When the candidate no longer received traffic, for what was rolled back; None where CodeDeploy does not say it.
    traffic_until: datetime | None = None


type Change = Move | Close | StopAgain


def hangs_on_traffic(release: Release, deployment: Deployment) -> bool:
    """Whether it must be known how far the weights are: has a user met the candidate, though nobody said so?"""
    return release.state is State.TRIAL or deployment.status in (Status.FAILED, Status.STOPPED)


def reconcile(
    release: Release, deployment: Deployment, rollback: Deployment | None, traffic: Traffic | None, now: datetime
) -> tuple[Change, ...]:
    """All that the ledger has missed, in order, so that a look that comes late records what one in time would have.

    Empty when the ledger is right. `rollback` is the deployment that takes this one back, if there is one. `traffic`
    may be None where nothing hangs on it.
    """
    if not release.is_open:
        return ()
    if traffic is None:
        if hangs_on_traffic(release, deployment):
            raise ValueError(f"whether users met the candidate of {release.deployment_id} must be known")
        traffic = Traffic(0.0, began=False)
    began = _began(release, traffic)
    match deployment.status:
        case Status.SUCCEEDED:
            return (*began, released(release))
        case Status.FAILED | Status.STOPPED if not traffic.began:
            reason = why(release, deployment)
            by = who(release, deployment, served=False)
            return (Close(State.REFUSED, story.ended_unserved(release, reason), reason, by),)
        case Status.FAILED | Status.STOPPED:
            return (*began, *_way_back(release, deployment, rollback, now))
        case _ if release.state is State.GOING_BACK:
            return (StopAgain(release.reason),)
    return began


def _began(release: Release, traffic: Traffic) -> tuple[Move, ...]:
    if release.state is not State.TRIAL or not traffic.began:
        return ()
    sentence = f"{release.service}: users begin to meet version {release.candidate}"
    return (Move(State.SHIFTING, sentence, at=traffic.since),)


def released(release: Release) -> Close:
    """For a release whose deployment has succeeded. One that was to go back keeps why: the guard takes it back then."""
    reason = release.reason if release.state is State.GOING_BACK else ""
    return Close(State.RELEASED, story.released(release), reason, CODEDEPLOY)


def unknown(release: Release) -> Close:
    """For a release whose deployment CodeDeploy doesn't know any more."""
    reason = "CodeDeploy does not know the deployment any more"
    return Close(State.STRANDED, story.stranded(release, reason), reason, CODEDEPLOY)


def _way_back(
    release: Release, deployment: Deployment, rollback: Deployment | None, now: datetime
) -> tuple[Change, ...]:
    """Going back is recorded with its end, too: whoever had it go back may not have come to say so."""
    reason, by = why(release, deployment), who(release, deployment, served=True)
    goes = Move(State.GOING_BACK, rollback_story.stopped(release, reason), by, deployment.completed)
    if rollback and rollback.status is Status.SUCCEEDED:
        return goes, Close(State.TAKEN_BACK, story.taken_back(release, reason, by), reason, by, rollback.completed)
    if rollback and rollback.ended:
        failed = f"its rollback {rollback.id} is {rollback.status} ({rollback.error or 'CodeDeploy gives no reason'})"
        return goes, Close(State.STRANDED, story.stranded(release, f"{failed}, after {reason}"), reason, by)
    if rollback is None and deployment.completed and now - deployment.completed > ROLLBACK_SHOWS_WITHIN:
        alone = f"it was not rolled back, after {reason}"
        return goes, Close(State.STRANDED, story.stranded(release, alone), reason, by)
    return () if release.state is State.GOING_BACK else (goes,)


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
        case code if code == ALARM_ACTIVE:
            return CODEDEPLOYS_POLL
        case "HOOK_EXECUTION_FAILURE":
            return release.by or ("functions/post_traffic" if served else "functions/pre_traffic")
        case "MANUAL_STOP":
            return release.by or "a person (StopDeployment)"
    return release.by or CODEDEPLOY
