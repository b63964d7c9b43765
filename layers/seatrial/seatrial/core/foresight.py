"""What a shift can see: the smallest share of failing requests that the judge would notice in it. Pure.

Computed before the shift with the judge itself, on a few dozen shifts that are always the same ones: the chance in them
comes from a fixed sequence. docs/judge-tables.md holds the answers against many others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_

from seatrial.core.bake import Shifting
from seatrial.core.chances import binomial, fixed_luck, poisson
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

# What a longer shift notices after that is left out: CloudFormation waits no longer for an alias.
_MOST_MINUTES = 120


@dataclass(frozen=True)
class Step:
    """A part of a shift: the candidate has this share of the traffic (0 to 1) for so many minutes."""

    share: float
    minutes: int


PREDEFINED = (
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
)
"""The configurations with steps that every account has, as SAM writes them."""

# What is offered as more telling to whoever shifts faster.
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
    name = short(configuration)
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


def steps_of_any(shifting: Shifting) -> tuple[Step, ...]:
    """The same of any configuration, also of one that an account has made for itself."""
    minutes = round(shifting.interval.total_seconds() / 60)
    return tuple(Step(min(1.0, number * shifting.percent / 100), minutes) for number in range(1, shifting.steps + 1))


def foresee(
    steps: Sequence[Step], rate: float, base: float, settings: JudgeSettings, *, share: float = 1.0
) -> Foresight:
    """The smallest share of bad outcomes that a shift notices with a probability of POWER.

    `rate` is requests a second of both versions together, `base` stable's share of bad outcomes, `share` the metric's
    part of the false alarms (verdict.shares).
    """
    steps = list(_in_time(steps))
    requests = sum(rate * 60 * step.minutes * step.share for step in steps)
    lasts = sum(step.minutes for step in steps)

    def is_noticed(shift: Sequence[_Minute], failing: float) -> bool:
        return judge([minute.row(failing) for minute in shift], settings, share=share).verdict == "worse"

    # More bad outcomes in the same minutes are never less evidence: a shift that notices some share notices any larger
    # one, so each is judged again only as long as it may turn out either way.
    open_ones = list(_shifts(steps, rate, base))
    to_notice = math.ceil(POWER * len(open_ones))
    if sum(is_noticed(shift, 1.0) for shift in open_ones) < to_notice:
        return Foresight(None, requests, lasts)
    too_little, enough = max(base, _SMALLEST), 1.0
    for _ in range(_BISECTIONS):
        between = math.sqrt(too_little * enough)
        noticed = [is_noticed(shift, between) for shift in open_ones]
        if sum(noticed) >= to_notice:
            enough, open_ones = between, list(compress(open_ones, noticed))
        else:
            too_little, to_notice = between, to_notice - sum(noticed)
            open_ones = list(compress(open_ones, map(not_, noticed)))
    return Foresight(enough, requests, lasts)


def _in_time(steps: Sequence[Step]) -> Iterator[Step]:
    left = _MOST_MINUTES
    for step in steps:
        if left:
            yield Step(step.share, min(left, step.minutes))
        left = max(0, left - step.minutes)


def sentence(configuration: str, rate: float, seen: Foresight, longer: Foresight | None = None) -> str:
    """What people read before a shift; `longer` is what LONGER would notice."""
    told = f"{short(configuration)} at {plain(float(f'{rate:.2g}'))} requests/s {noticing(seen)}"
    if longer is None or longer.share is None or (seen.share is not None and longer.share >= seen.share):
        return told
    (step,) = LONGER
    return f"{told}; {minutes(step.minutes)} at {percent(step.share)} would notice {_up(longer.share)}"


def nobody(service: str) -> str:
    return (
        f"{service}: at this time of day nobody came in the last week: a shift with as few users notices nothing, so "
        "shift when they come"
    )


def blind_to_500s(function: str) -> str:
    return (
        f"{function} has printed no outcome line in the last week: a 500 in a response is invisible then, since Lambda "
        "counts it as a success. Wrap its handler (docs/outcomes.md)"
    )


def short(configuration: str) -> str:
    """Its name as SAM writes it."""
    return configuration.removeprefix("CodeDeployDefault.").removeprefix("Lambda")


def noticing(seen: Foresight) -> str:
    """What a shift does, in the words that follow its name."""
    if not seen.minutes:
        return "lets everybody in at once and compares nothing; only the time before is left to compare with"
    if seen.share is None:
        return (
            f"can't notice even a candidate that fails all of its requests: in {minutes(seen.minutes)} about "
            f"{plain(float(f'{seen.requests:.2g}'))} reach it"
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
        return Row(self.base_n, self.base_err, self.cand_n, binomial(self.cand_n, failing, self.luck))


def _shifts(steps: Sequence[Step], rate: float, base: float) -> Iterator[list[_Minute]]:
    luck = fixed_luck()
    for _ in range(_SHIFTS):
        yield [_minute(rate * 60, step.share, base, luck) for step in steps for _ in range(step.minutes)]


def _minute(requests: float, share: float, base: float, luck: Iterator[float]) -> _Minute:
    base_n = poisson(requests * (1 - share), next(luck))
    return _Minute(base_n, binomial(base_n, base, next(luck)), poisson(requests * share, next(luck)), next(luck))
