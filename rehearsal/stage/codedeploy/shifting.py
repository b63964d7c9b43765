"""MiniStack has no CodeDeploy: this is what share of the traffic a shift gives the candidate, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "CodeDeployDefault."

# "CodeDeploy quotas", CodeDeploy User Guide: one increment, and the time between the first and the last shift.
MOST_PERCENT = 99
MOST_MINUTES = 2880


@dataclass(frozen=True)
class AllAtOnce:
    """One change of the alias, at once."""


@dataclass(frozen=True)
class Canary:
    """`percent` of the traffic at once, the rest `minutes` later."""

    percent: int
    minutes: int


@dataclass(frozen=True)
class Linear:
    """`percent` of the traffic at once, and as much again every `minutes`."""

    percent: int
    minutes: int


type Routing = AllAtOnce | Canary | Linear


@dataclass(frozen=True)
class Step:
    """From `at` stage seconds after the shift began, the candidate gets `weight` (0 to 1) of the traffic."""

    at: float
    weight: float


def steps(routing: Routing) -> tuple[Step, ...]:
    """The steps of a shift in order. The last one always has weight 1.0: main version = candidate, no weights."""
    match routing:
        case AllAtOnce():
            return (Step(0.0, 1.0),)
        case Canary(percent, minutes):
            return Step(0.0, percent / 100), Step(minutes * 60.0, 1.0)
        case Linear(percent, minutes):
            return tuple(Step(n * minutes * 60.0, share / 100) for n, share in enumerate(_shares(percent)))


def _shares(percent: int) -> list[int]:
    """10 → 10, 20 … 100; 30 → 30, 60, 90, 100: the last increment is what is left."""
    return [*range(percent, 100, percent), 100]


def lasts(routing: Routing) -> float:
    """Stage seconds from the first to the last step."""
    return steps(routing)[-1].at


def problem(routing: Routing) -> str | None:
    """Why CodeDeploy would not accept a custom configuration with this routing, or None."""
    if isinstance(routing, AllAtOnce):
        return None
    if not 1 <= routing.percent <= MOST_PERCENT:
        return f"The percentage must be from 1 to {MOST_PERCENT}, but was {routing.percent}."
    if routing.minutes < 1:
        return f"The interval must be at least one minute, but was {routing.minutes}."
    if lasts(routing) > MOST_MINUTES * 60:
        return f"The time between the first and the last shift must not exceed {MOST_MINUTES} minutes."
    return None


PREDEFINED: dict[str, Routing] = {
    f"{PREFIX}LambdaAllAtOnce": AllAtOnce(),
    **{f"{PREFIX}LambdaCanary10Percent{n}Minutes": Canary(10, n) for n in (5, 10, 15, 30)},
    f"{PREFIX}LambdaLinear10PercentEvery1Minute": Linear(10, 1),
    **{f"{PREFIX}LambdaLinear10PercentEvery{n}Minutes": Linear(10, n) for n in (2, 3, 10)},
}
