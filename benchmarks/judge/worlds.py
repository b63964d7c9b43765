"""Simulated shifts: thirty closed minutes with 10 % of the traffic on the candidate, and what is true of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from statistics import NormalDist

from seatrial.core.evidence import Row

MINUTES = 30
CANDIDATE_SHARE = 0.10
TRAFFIC = (1, 20, 500)
"""Requests a second, stable and candidate together."""
BASE_SHARES = (0.001, 0.01)
"""Stable's share of bad outcomes."""


@dataclass(frozen=True)
class World:
    """What is true of both versions. Minutes count from 1.

    From minute `since` to minute `until` the candidate is `factor` times as bad as stable, or fails `fails` of its
    requests when that is not None; otherwise it is as stable is. In the minutes of `outage` both fail 30 %.
    """

    name: str
    factor: float = 1.0
    fails: float | None = None
    since: int = 1
    until: int = 10_000
    outage: tuple[int, ...] = ()

    def shares(self, base: float, minute: int) -> tuple[float, float]:
        """The shares of bad outcomes of stable and candidate; `base` is stable's usual one."""
        if minute in self.outage:
            return OUTAGE_SHARE, OUTAGE_SHARE
        if not self.since <= minute <= self.until:
            return base, base
        return base, min(1.0, base * self.factor) if self.fails is None else self.fails


OUTAGE_SHARE = 0.3


@dataclass(frozen=True)
class Cell:
    """One world at one traffic. `base` is stable's usual share of bad outcomes."""

    world: World
    rate: float
    base: float
    minutes: int = MINUTES
    candidate_share: float = CANDIDATE_SHARE


HARMLESS = (
    World("no difference"),
    World("an outage hits both", outage=(11, 12, 13, 14, 15)),
    World("cold start of the candidate", factor=4, until=2),
    World("candidate x1.2 (tolerated)", factor=1.2),
)
HARMFUL = (World("x2", 2), World("x5", 5), World("x20", 20), World("all failing", fails=1.0))
LATE = (World("x5 from minute 11 on", 5, since=11), World("x20 from minute 11 on", 20, since=11))

ALONE = (
    World("fails as stable does"),
    World("fails 40 %", fails=0.4),
    World("fails 50 %", fails=0.5),
    World("fails 60 %", fails=0.6),
    World("fails 80 %", fails=0.8),
    World("all failing", fails=1.0),
)
"""Of a candidate that is held against the absolute limit of 50 %: the first three are harmless."""

SLOW_SHARE = 0.05
DURATIONS_SPREAD = 0.5
"""Durations are log-normal, and this is the deviation of their logarithm; slow is above stable's p95."""


def slow_share(factor: float) -> float:
    """The share of slow requests of a candidate that takes `factor` times as long as stable."""
    usual = NormalDist()
    return 1 - usual.cdf(usual.inv_cdf(1 - SLOW_SHARE) - log(factor) / DURATIONS_SPREAD)


SLOW = (
    *(World(f"x{factor:g} as slow", fails=slow_share(factor), since=3) for factor in (1, 1.3, 2)),
    World("as fast, but for cold starts in half of its first requests", fails=0.5 + SLOW_SHARE / 2, until=2),
)


def shift(cell: Cell, seed: str) -> list[Row]:
    """The closed minutes of one shift; the same seed gives the same minutes."""
    return list(_minutes(cell, random.Random(f"{seed} {cell.world.name} {cell.rate} {cell.base}")))


def _minutes(cell: Cell, chance: random.Random) -> Iterator[Row]:
    requests = round(cell.rate * 60)
    for minute in range(1, cell.minutes + 1):
        base, candidate = cell.world.shares(cell.base, minute)
        cand_n = chance.binomialvariate(requests, cell.candidate_share)
        base_n = requests - cand_n
        yield Row(base_n, chance.binomialvariate(base_n, base), cand_n, chance.binomialvariate(cand_n, candidate))
