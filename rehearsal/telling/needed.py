"""The wall seconds that a rehearsal cannot do without: its sam builds, its sam deploys and CodeDeploy's minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Needed:
    """Wall seconds. `sam_deploys` end where `sam` begins to wait for an update in which CodeDeploy shifts traffic.

    `codedeploy` are deployments from create to end, in stage minutes of MINUTE seconds.
    """

    sam_builds: float = 0.0
    sam_deploys: float = 0.0
    codedeploy: float = 0.0

    @property
    def total(self) -> float:
        return self.sam_builds + self.sam_deploys + self.codedeploy

    def __add__(self, other: Self) -> Needed:
        return Needed(
            self.sam_builds + other.sam_builds,
            self.sam_deploys + other.sam_deploys,
            self.codedeploy + other.codedeploy,
        )

    @property
    def rounded(self) -> Needed:
        return Needed(round(self.sam_builds, 1), round(self.sam_deploys, 1), round(self.codedeploy, 1))


def longest(lanes: Iterable[Needed]) -> Needed:
    """Lanes go side by side: the longest one counts."""
    return max(lanes, key=lambda lane: lane.total, default=Needed())
