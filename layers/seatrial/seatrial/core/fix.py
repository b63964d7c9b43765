"""The fix lane: a grant for one release to pass ringing alarms, and when the alarms are switched on again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .deployment import Group
from .release import Release

# Switching the alarms off takes two calls; whoever has not confirmed it by then was interrupted.
_SWITCHING_TAKES = timedelta(minutes=2)


class Stand(StrEnum):
    """Where a grant is. Only forward."""

    SWITCHING = "switching"  # written down; the group's alarms may or may not be off yet
    OPEN = "open"  # they are off, and that was read back
    CLOSED = "closed"


@dataclass(frozen=True)
class Grant:
    """`service` is function:alias; `alarms` is the group's list as it was, on if `were_on`. `release` uses it, "" while
    none does. `who` is the sender's word, `event` the id of what granted it."""

    event: str
    service: str
    application: str
    group: str
    alarms: tuple[str, ...]
    were_on: bool
    who: str
    reason: str
    granted_at: datetime
    until: datetime
    stand: Stand = Stand.SWITCHING
    release: str = ""

    @property
    def words(self) -> str:
        return f"{self.who}: {self.reason}"

    def lets_pass(self, release: Release) -> bool:
        """One release: the first that begins while the grant is open, and no other."""
        if self.stand is not Stand.OPEN or self.service != release.service:
            return False
        if self.release:
            return self.release == release.deployment_id
        return self.granted_at <= release.opened_at + timedelta(seconds=1) and release.opened_at < self.until

    def over(self, user: Release | None, now: datetime) -> str | None:
        """Why the alarms are to be switched on again; None while they stay off. `user` is the release that uses it."""
        match self.stand:
            case Stand.CLOSED:
                return None
            case Stand.SWITCHING:
                return "it was interrupted" if now - self.granted_at > _SWITCHING_TAKES else None
        if self.release:
            if user is not None and user.is_open:
                return None
            return f"its release {self.release} is {user.state}" if user else f"its release {self.release} is gone"
        return "it was not used in time" if now >= self.until else None

    def may_restore(self, group: Group) -> bool:
        """Whether the group is still as the lane left it. If not, CloudFormation wrote it, and its list wins."""
        return self.were_on and not group.alarms_enabled and group.alarms == self.alarms
