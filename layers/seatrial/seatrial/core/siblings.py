"""Which other alias of the same stack update failed, when CloudFormation stopped a release. Pure.

CloudFormation says of the stopped alias only "Resource update cancelled". Its events name the deployments that the
update started (captured in an account), and CodeDeploy says which of them failed first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .besides import BEGINNINGS, StackEvent
from .deployment import Deployment, Status
from .release import Release

BY = "CloudFormation"

_STARTED = re.compile(r"CodeDeploy deployment started: (d-[A-Z0-9a-z-]{1,64})")

# A stack may have many aliases; so many of its deployments are looked at.
MOST = 100


def may_be_stopped_for_one(release: Release, deployment: Deployment) -> bool:
    """Whether a sibling may be why: it was stopped, by no alarm, and not by Seatrial."""
    stopped = deployment.status is Status.STOPPED and deployment.error_code in ("MANUAL_STOP", "")
    return stopped and not release.reason and not release.by


def started_with(events: Iterable[StackEvent], release: Release) -> tuple[str, ...]:
    """The other deployments of the update that started the release's. `events` are the stack's, newest first."""
    found: list[str] = []
    for event in events:
        if match := _STARTED.search(event.reason):
            found.append(match[1])
        if event.is_stack and event.status in BEGINNINGS and event.at <= release.opened_at:
            break
    if release.deployment_id not in found:
        return ()  # somebody made the deployment by hand
    return tuple(dict.fromkeys(one for one in reversed(found) if one != release.deployment_id))[:MOST]


def failed_first(deployment: Deployment, others: Iterable[Deployment]) -> Deployment | None:
    """The first of the others that failed before the deployment was stopped."""
    failed = [
        (one.completed, one.id, one)
        for one in others
        if one.status in (Status.FAILED, Status.STOPPED)
        and one.completed
        and not one.is_rollback
        and (deployment.completed is None or one.completed <= deployment.completed)
    ]
    return min(failed)[2] if failed else None


def reason(sibling: Deployment, known: Release | None, stack: str) -> str:
    """`known` is the sibling in the ledger, None where the ledger has none."""
    who = known.service if known else sibling.group
    why = (known.reason if known else "") or sibling.error or f"CodeDeploy says {sibling.status}"
    return f"CloudFormation cancelled the update of stack {stack}: {who} ({sibling.id}) failed: {why}"
