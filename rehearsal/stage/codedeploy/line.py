"""MiniStack has no CodeDeploy: this is which of a group's deployments may run, for it has one at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .errors import ApiError
from .model import Deployment, Status


def placed(deployment: Deployment, known: Sequence[Deployment], *, queues: bool) -> Deployment:
    """A new deployment as it begins: at once, or in line when `queues`. Raises ApiError when its group has another."""
    running = [one for one in _beside(deployment, known) if not one.ended]
    if not running:
        return deployment
    if queues:
        return replace(deployment, status=Status.QUEUED)
    raise ApiError(
        "DeploymentLimitExceededException",
        f"The Deployment Group '{deployment.group}' already has an active Deployment '{running[0].id}'",
    )


def may_start(deployment: Deployment, known: Sequence[Deployment]) -> bool:
    """Whether nobody stands before it. A rollback that began meanwhile does. `known` is oldest first."""
    if deployment.status is not Status.QUEUED:
        return True
    ids = [one.id for one in known]
    later = ids[ids.index(deployment.id) :]
    others = [one for one in _beside(deployment, known) if not one.ended]
    return all(one.status is Status.QUEUED and one.id in later for one in others)


def _beside(deployment: Deployment, known: Sequence[Deployment]) -> list[Deployment]:
    """The other deployments of its group."""
    place = (deployment.scope, deployment.application, deployment.group)
    return [one for one in known if (one.scope, one.application, one.group) == place and one.id != deployment.id]
