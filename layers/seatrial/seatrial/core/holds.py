"""Holds: switches on a service, or on all, that let no new release start until they are lifted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .release import Release

# What a hold on every service is called.
ALL = "*"


@dataclass(frozen=True)
class Hold:
    """`service` is the function's name, `function:alias`, or ALL. `who` is the sender's word."""

    service: str
    reason: str
    who: str
    since: datetime

    def holds(self, release: Release) -> bool:
        return self.service == ALL or release.belongs_to(self.service)


def refusal(release: Release, holds: Iterable[Hold]) -> str | None:
    """Why the release may not start, None when nobody holds it."""
    hold = next((hold for hold in holds if hold.holds(release)), None)
    if hold is None:
        return None
    whom = "every service" if hold.service == ALL else hold.service
    lift = "--all" if hold.service == ALL else hold.service
    return (
        f"{hold.who} holds {whom} since {hold.since:%Y-%m-%d %H:%M} UTC: {hold.reason}. `seatrial resume {lift}` lifts "
        "the hold; then deploy again with another value of the template's Deploy parameter"
    )
