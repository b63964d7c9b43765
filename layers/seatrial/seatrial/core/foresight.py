"""What a shift can see: the smallest share of failing requests that the judge would notice in it. Pure.

Computed before the shift with the judge itself, on a few dozen shifts that are always the same ones: the chance in them
comes from a fixed sequence. docs/judge-tables.md holds the answers against many others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from statistics import NormalDist

from seatrial.core.evidence import Row
from seatrial.core.judge import judge
from seatrial.core.sections import JudgeSettings
from seatrial.core.values import plain
from seatrial.core.verdict import minutes, percent

POWER = 0.8
"""In this share of releases a candidate that fails as much as foreseen is noticed."""

_CANARY = re.compile(r"Canary(\d+)Percent(\d+)Minutes?")
_LINEAR = re.compile(r"Linear(\d+)PercentEvery(\d+)Minutes?")
# So many shifts are tried: enough for a share to two digits, and a fraction of a second.
_SHIFTS = 120
_BISECTIONS = 12
_SMALLEST = 1e-5

# Up to this mean counts are added up one by one; beyond it the normal distribution is near enough.
_FEW = 30.0
# What is less likely than this ends the adding: rounding may keep the sum below 1 for ever.
_NO_CHANCE = 1e-17


@dataclass(frozen=True)
class Step:
    """A part of a shift: the candidate has this share of the traffic (0 to 1) for so many minutes."""

    share: float
    minutes: int


# What is offered as more telling when a shift sees little.
LONGER = (Step(0.25, 30),)


@dataclass(frozen=True)
class Foresight:
    """`share` of its requests must be bad for the judge to notice; None: not even all of them would do.

    `requests` are those that would reach the candidate during the shift, `minutes` how long that takes.
    """

    share: float | None
    requests: float
    minutes: int


def steps_of(configuration: str) -> tuple[Step, ...] | None:
    """The steps of a configuration that CodeDeploy or SAM knows by name; None for another.

    `CodeDeployDefault.LambdaCanary10Percent5Minutes` and `Canary10Percent5Minutes` are the same; AllAtOnce has none.
    """
    name = configuration.removeprefix("CodeDeployDefault.").removeprefix("Lambda")
    if name == "AllAtOnce":
        return ()
    if canary := _CANARY.fullmatch(name):
        return (Step(int(canary[1]) / 100, int(canary[2])),)
    if linear := _LINEAR.fullmatch(name):
        percentage, every = int(linear[1]), int(linear[2])
        return (
            tuple(Step(reached / 100, every) for reached in range(percentage, 100, percentage)) if percentage else None
        )
    return None


def foresee(
    steps: Sequence[Step], rate: float, base: float, settings: JudgeSettings, *, share: float = 1.0
) -> Foresight:
    """The smallest share of bad outcomes that a shift notices with a probability of POWER.

    `rate` is requests a second of both versions together, `base` stable's share of bad outcomes, `share` the metric's
    part of the false alarms (verdict.shares).
    """
    requests = sum(rate * 60 * step.minutes * step.share for step in steps)
    lasts = sum(step.minutes for step in steps)
    shifts = list(_shifts(steps, rate, base))

    def is_noticed(failing: float) -> bool:
        unnoticed = 0
        for shift in shifts:
            rows = [minute.row(failing) for minute in shift]
            unnoticed += judge(rows, settings, share=share).verdict != "worse"
            if unnoticed > (1 - POWER) * len(shifts):
                return False
        return True

    if not is_noticed(1.0):
        return Foresight(None, requests, lasts)
    too_little, enough = max(base, _SMALLEST), 1.0
    for _ in range(_BISECTIONS):
        between = math.sqrt(too_little * enough)
        too_little, enough = (too_little, between) if is_noticed(between) else (between, enough)
    return Foresight(enough, requests, lasts)


def sentence(configuration: str, rate: float, seen: Foresight, longer: Foresight | None = None) -> str:
    """What people read before a shift; `longer` is what LONGER would notice."""
    told = f"{configuration} at {plain(float(f'{rate:.2g}'))} requests/s {_noticing(seen)}"
    if longer is None or longer.share is None or (seen.share is not None and longer.share >= seen.share):
        return told
    (step,) = LONGER
    return f"{told}; {minutes(step.minutes)} at {percent(step.share)} would notice {_up(longer.share)}"


def _noticing(seen: Foresight) -> str:
    if not seen.minutes:
        return "lets everybody in at once and compares nothing; only the time before is left to compare with"
    if seen.share is None:
        return (
            f"can't notice even a candidate that fails all of its requests: in {minutes(seen.minutes)} about "
            f"{seen.requests:.2g} reach it"
        )
    return f"can only notice a candidate that fails {_up(seen.share)} of its requests"


def _up(share: float) -> str:
    """A share in per cent to two digits, rounded up: what is smaller would not be noticed."""
    unit = 10 ** (math.floor(math.log10(share)) - 1)
    return percent(min(1.0, math.ceil(share / unit - 1e-9) * unit))


@dataclass(frozen=True)
class _Minute:
    """A minute of which only the candidate's bad outcomes are open; `luck` (0 to 1) decides how many there are."""

    base_n: int
    base_err: int
    cand_n: int
    luck: float

    def row(self, failing: float) -> Row:
        return Row(self.base_n, self.base_err, self.cand_n, _binomial(self.cand_n, failing, self.luck))


def _shifts(steps: Sequence[Step], rate: float, base: float) -> Iterator[list[_Minute]]:
    luck = _fixed_luck()
    for _ in range(_SHIFTS):
        yield [_minute(rate * 60, step.share, base, luck) for step in steps for _ in range(step.minutes)]


def _minute(requests: float, share: float, base: float, luck: Iterator[float]) -> _Minute:
    base_n = _poisson(requests * (1 - share), next(luck))
    return _Minute(base_n, _binomial(base_n, base, next(luck)), _poisson(requests * share, next(luck)), next(luck))


def _fixed_luck() -> Iterator[float]:
    """Numbers between 0 and 1 that look like chance and are always the same (Knuth's linear congruential generator)."""
    state = 2026
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield ((state >> 11) + 0.5) / 2**53


def _poisson(mean: float, luck: float) -> int:
    if mean > _FEW:
        return _normal(mean, mean, luck)
    chances = accumulate(count(1), lambda chance, k: chance * mean / k, initial=math.exp(-mean))
    return _quantile(chances, luck)


def _binomial(n: int, share: float, luck: float) -> int:
    if share > 0.5:
        return n - _binomial(n, 1 - share, 1 - luck)
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
