"""The candidate's trial: its own suite, in the dark, before any user meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from seatrial.aws.lambdas import LambdaError
from seatrial.core import judge_story, story
from seatrial.core.release import Release
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.core.suite import Suite
from seatrial.flows import foresight, judging, preflight, tell, trial
from seatrial.flows.account import Account


def check(aws: Account, release: Release, until: Callable[[], float]) -> str | None:
    """The gate. What the suite says about the release goes to the ledger, so that nothing reads the package again."""
    try:
        suite = trial.load(aws.lambdas, release.function, release.candidate)
    except (NoSuiteError, SuiteError, LambdaError) as error:
        return str(error)
    settings = asdict(suite.release) | {"judge": asdict(suite.judge), "slow_above": _slow_above(aws, release, suite)}
    release = aws.ledger.settle(release, alarms=suite.release.alarms, settings=settings)
    missing = preflight.look_at_alarms(aws, release, suite.release)
    foresight.look(aws, release, suite.judge)
    refusal = missing or preflight.may_start(aws, release, suite.release) or _tried(aws, release, suite, until)
    return tell.unless_dry_run(aws, release, refusal)


def _slow_above(aws: Account, release: Release, suite: Suite) -> float | None:
    """The threshold of latency, in milliseconds; None when there is nothing that it could be taken from."""
    slow_above = judging.slow_above(aws, replace(release, judge=suite.judge))
    tell.step(aws, release, "slow", judge_story.slow(release, suite.judge.slow, slow_above), by="functions/pre_traffic")
    return slow_above


def _tried(aws: Account, release: Release, suite: Suite, until: Callable[[], float]) -> str | None:
    report = trial.run(aws.lambdas, release.function, release.candidate, suite, until=until, stable=release.stable)
    tell.step(aws, release, "trial", story.tried(release, report.summary), by="functions/pre_traffic")
    return report.refusal
