"""What stands now: releases, holds and hotfix grants, of one service or of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from seatrial import settings
from seatrial.aws.ledger import Ledger
from seatrial.core.fix import Grant
from seatrial.core.holds import ALL, Hold
from seatrial.core.release import Release, State

# A rejected release is over, and who has just deployed it looks for it.
_REJECTED_SINCE = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """`releases` are newest first."""

    releases: tuple[Release, ...]
    holds: tuple[Hold, ...] = ()
    grants: tuple[Grant, ...] = ()


def read(ledger: Ledger, service: str) -> Standing:
    """Of `function` or `function:alias`, or ("") of all services."""
    function = service.partition(":")[0]
    holds = ledger.holds.standing()
    grants = ledger.grants.standing()
    if service:
        return Standing(
            ledger.releases_of(service),
            tuple(hold for hold in holds if hold.service in (ALL, function) or hold.service.startswith(f"{function}:")),
            tuple(grant for grant in grants if grant.service.partition(":")[0] == function),
        )
    now = settings.read().clock.now()
    lately = ledger.opened_between(now - _REJECTED_SINCE, now)
    rejected = tuple(release for release in lately if release.state is State.REFUSED)
    found = {release.deployment_id: release for release in (*ledger.watched(), *rejected)}
    newest_first = sorted(found.values(), key=lambda release: release.opened_at, reverse=True)
    return Standing(tuple(newest_first), holds, grants)
