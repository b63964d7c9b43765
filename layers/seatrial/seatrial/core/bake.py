"""Bake and plan: how long a release's hooks, shift and bake may take, and what fits into CloudFormation's wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

# The resource schema of AWS::Lambda::Alias: an update may take 120 minutes.
CLOUDFORMATION_WAITS = timedelta(minutes=120)

# sam-cli's default of --max-wait-duration.
SAM_WAITS = timedelta(minutes=60)

# What the hooks may take at most: pre_traffic's and post_traffic's own limits in template.yaml.
TRIAL_TAKES = timedelta(minutes=15)
SMOKE_TAKES = timedelta(minutes=5)


@dataclass(frozen=True)
class Shifting:
    """How a deployment configuration moves the weights: `percent` at once, then the rest.

    `steps` is how many intervals follow the first weight; 0 for all at once.
    """

    steps: int = 0
    interval: timedelta = timedelta()
    percent: float = 100.0

    @property
    def takes(self) -> timedelta:
        return self.steps * self.interval

    @classmethod
    def canary(cls, percent: float, minutes: float) -> Shifting:
        return cls(1, timedelta(minutes=minutes), percent)

    @classmethod
    def linear(cls, percent: float, minutes: float) -> Shifting:
        """10 % at once, then 10 % an interval: all users after 9 intervals."""
        return cls(max(0, ceil(100 / percent) - 1), timedelta(minutes=minutes), percent)


@dataclass(frozen=True)
class Plan:
    shift: timedelta
    bake: timedelta

    @property
    def takes(self) -> timedelta:
        """At most: hooks mostly need a small part of what they may."""
        return TRIAL_TAKES + self.shift + SMOKE_TAKES + self.bake


def refusal(plan: Plan) -> str | None:
    """Why the plan can't be carried out before CloudFormation stops waiting; None when it fits."""
    if plan.takes <= CLOUDFORMATION_WAITS:
        return None
    return (
        f"its plan takes up to {_minutes(plan.takes)} ({_minutes(TRIAL_TAKES)} for the trial, {_minutes(plan.shift)} "
        f"to shift, {_minutes(SMOKE_TAKES)} for the smoke cases, {_minutes(plan.bake)} to bake) and CloudFormation "
        f"waits {_minutes(CLOUDFORMATION_WAITS)} for an alias: shift faster (DeploymentPreference.Type), or shorten "
        "release.bake in the suite"
    )


def warning(plan: Plan) -> str | None:
    """What whoever typed `sam deploy` should know; None when sam's own hour is enough."""
    if plan.takes <= SAM_WAITS:
        return None
    minutes = ceil(plan.takes.total_seconds() / 60)
    return (
        f"its plan takes up to {minutes} min, and sam stops waiting after {_minutes(SAM_WAITS)} (the deployment goes "
        f"on): `sam deploy --max-wait-duration {minutes}`, or max_wait_duration in samconfig.toml"
    )


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g} min"
