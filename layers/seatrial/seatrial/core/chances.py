"""Counts that fall as chance would have them and are always the same: what simulated minutes are made of. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate, count
from statistics import NormalDist

# Up to this mean counts are added up one by one; beyond it the normal distribution is near enough.
_FEW = 30.0
# What is less likely than this ends the adding: rounding may keep the sum below 1 for ever.
_NO_CHANCE = 1e-17


def fixed_luck() -> Iterator[float]:
    """Numbers between 0 and 1 that look like chance and are always the same (Knuth's linear congruential generator)."""
    state = 2026
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield ((state >> 11) + 0.5) / 2**53


def poisson(mean: float, luck: float) -> int:
    """How many come when `mean` are expected. More luck (0 to 1) is more of them, here and below."""
    if mean > _FEW:
        return _normal(mean, mean, luck)
    chances = accumulate(count(1), lambda chance, k: chance * mean / k, initial=math.exp(-mean))
    return _quantile(chances, luck)


def binomial(n: int, share: float, luck: float) -> int:
    """How many of n are hit when each is with a probability of `share`."""
    if share > 0.5:
        return n - binomial(n, 1 - share, 1 - luck)
    if n * share > _FEW:
        return min(n, _normal(n * share, n * share * (1 - share), luck))
    odds = share / (1 - share)
    chances = accumulate(range(1, n + 1), lambda chance, k: chance * odds * (n - k + 1) / k, initial=(1 - share) ** n)
    return _quantile(chances, luck)


def _quantile(chances: Iterator[float], luck: float) -> int:
    """The count at which the chances of 0, 1, 2 … add up to `luck`, or the last there is."""
    reached, last = 0.0, -1
    for last, chance in enumerate(chances):  # noqa: B007
        reached += chance
        if reached >= luck or (chance < _NO_CHANCE and reached > 0.5):
            break
    return last


def _normal(mean: float, variance: float, luck: float) -> int:
    return max(0, round(NormalDist(mean, math.sqrt(variance)).inv_cdf(luck)))
