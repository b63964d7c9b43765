"""Bringing the ledger into line with CodeDeploy: at each of its events and, since events get lost, each minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.aws.codedeploy import DeploymentUnknownError
from seatrial.core import events, story
from seatrial.core.deployment import Deployment
from seatrial.core.events import DeploymentChanged, Tick
from seatrial.core.reconcile import Close, Move, reconcile, unknown
from seatrial.core.release import Release, State
from seatrial.flows import preflight, tell
from seatrial.flows.account import Account


def look(aws: Account, event: Mapping[str, Any]) -> dict[str, Any]:
    """Reconcile every open release: {"open": how many stay open, "closed": [{"release": …, "end": …}]}.

    A release that can't be read stays as it is until the next look, and the error leaves after the others had theirs.
    """
    trigger = events.monitor_trigger(event)
    open_releases = _open_releases(aws, trigger)
    closed: list[dict[str, str]] = []
    troubles: list[Exception] = []
    for release in open_releases:
        try:
            if end := _reconciled(aws, release):
                closed.append({"release": release.deployment_id, "end": end})
        except Exception as error:  # raised again below, after the other releases had their turn
            aws.log.exception("the release can't be reconciled", extra={"release": release.deployment_id})
            troubles.append(error)
    if troubles:
        raise ExceptionGroup("not every release could be reconciled", troubles)
    return {"open": len(open_releases) - len(closed), "closed": closed}


def _open_releases(aws: Account, trigger: Tick | DeploymentChanged) -> tuple[Release, ...]:
    """All open ones by the index, which lags by moments, and the one that an event is about, by its own key."""
    releases = aws.ledger.open_releases()
    concerned = _concerned(aws, trigger.deployment_id) if isinstance(trigger, DeploymentChanged) else None
    if concerned is None or not concerned.is_open or concerned in releases:
        return releases
    return (*(one for one in releases if one.deployment_id != concerned.deployment_id), concerned)


def _concerned(aws: Account, deployment_id: str) -> Release | None:
    """The release that a deployment carries out or takes back. One that no hook has opened is opened here."""
    try:
        deployment = aws.codedeploy.deployment(deployment_id)
    except DeploymentUnknownError as error:
        aws.log.warning(str(error))
        return None
    if deployment.rollback_of:
        return aws.ledger.find(deployment.rollback_of)
    return aws.ledger.find(deployment_id) or _opened(aws, deployment)


def _opened(aws: Account, deployment: Deployment) -> Release | None:
    """None for what is no release of Seatrial's: CodeDeploy tells of every deployment in the account."""
    shift = deployment.shift
    if deployment.goes_back or shift is None or not aws.lambdas.is_released_by_seatrial(shift.function):
        return None
    return preflight.opened(aws, deployment, shift)


def _reconciled(aws: Account, release: Release) -> State | None:
    """How the release has ended, if this look is what closed it."""
    change = _change(aws, release)
    match change:
        case Close(end, sentence, reason, by):
            if not aws.ledger.finish(release, end, reason, by, aws.clock.now()):
                return None
            tell.step(aws, release, "closed", sentence, by=by)
            tell.people(aws, release, end, story.ending(end), sentence)
            return end
        case Move(to, sentence, by):
            if aws.ledger.move(release, to):
                tell.step(aws, release, to, sentence, by=by)
    return None


def _change(aws: Account, release: Release) -> Move | Close | None:
    try:
        deployment = aws.codedeploy.deployment(release.deployment_id)
    except DeploymentUnknownError:
        return unknown(release)
    rollback = aws.codedeploy.deployment(deployment.rollback_id) if deployment.rollback_id else None
    traffic = aws.codedeploy.traffic(release.deployment_id)
    # A hook records its reason before it answers: read after CodeDeploy, the ledger has it for what CodeDeploy says.
    release = aws.ledger.find(release.deployment_id) or release
    return reconcile(release, deployment, rollback, traffic, aws.clock.now())
