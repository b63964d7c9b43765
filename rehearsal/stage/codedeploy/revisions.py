"""The revisions that an application knows: those that were registered and those that a deployment used. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .appspec import Revision
from .errors import ApiError
from .model import Deployment, Status


@dataclass(frozen=True)
class Registered:
    """A revision as its application first heard of it. Times are epoch seconds of the stage."""

    revision: Revision
    description: str
    time: float


@dataclass(frozen=True)
class Use:
    """What became of a revision. `groups` are those whose last good deployment was one of it: their target revision."""

    first: float | None = None
    last: float | None = None
    groups: tuple[str, ...] = ()


@dataclass
class Revisions:
    """Those of one account and Region, by application."""

    _of: dict[str, dict[object, Registered]] = field(default_factory=dict)

    def register(self, application: str, new: Registered) -> None:
        """One that is known already stays as it is."""
        self._of.setdefault(application, {}).setdefault(new.revision.key, new)

    def of(self, application: str) -> list[Registered]:
        """In the order in which they were registered."""
        return list(self._of.get(application, {}).values())

    def find(self, application: str, key: object) -> Registered:
        """The one that is known by this `Revision.key`. Raises ApiError."""
        found = self._of.get(application, {}).get(key)
        if found is None:
            raise ApiError("RevisionDoesNotExistException", f"Application {application} has no such revision.")
        return found

    def rename(self, application: str, new: str) -> None:
        if application in self._of:
            self._of[new] = self._of.pop(application)

    def forget(self, application: str) -> None:
        self._of.pop(application, None)


def use(revision: Revision, deployments: Iterable[Deployment]) -> Use:
    """`deployments` are the application's, newest first."""
    times: list[float] = []
    targets: dict[str, Revision] = {}
    for one in deployments:
        if one.revision.key == revision.key:
            times.append(one.created)
        if one.status is Status.SUCCEEDED:
            targets.setdefault(one.group, one.revision)
    groups = sorted(group for group, target in targets.items() if target.key == revision.key)
    return Use(min(times), max(times), tuple(groups)) if times else Use()
