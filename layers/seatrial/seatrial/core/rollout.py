"""A flag, and one deployment of it by AppConfig."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# AppConfig's own words. Of what is COMPLETE users have what it brought, until the next one.
COMPLETE: Final = "COMPLETE"
_RUNNING = frozenset({"DEPLOYING", "BAKING", "VALIDATING"})
_BACK = frozenset({"ROLLING_BACK", "ROLLED_BACK", "REVERTED"})


@dataclass(frozen=True)
class Flag:
    """A configuration profile in an environment.

    `name` is application/environment/profile as people write it, the other fields are AppConfig's ids of these three.
    """

    name: str
    application: str
    environment: str
    profile: str


@dataclass(frozen=True)
class Rollout:
    """A deployment of a flag. `state` is AppConfig's word, `version` the configuration version that it brings.

    `stable` is the version that users had before it, "" where there was none. `completed` is None while it runs.
    """

    flag: Flag
    number: int
    version: str
    state: str
    started: datetime
    completed: datetime | None = None
    stable: str = ""

    @property
    def is_running(self) -> bool:
        return self.state in _RUNNING

    @property
    def is_back(self) -> bool:
        """Whether users have again what they had before it, or soon will."""
        return self.state in _BACK

    @property
    def words(self) -> str:
        return f"deployment {self.number} of {self.flag.name}"
