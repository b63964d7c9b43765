"""The candidate's trial: its own suite, in the dark, before any user meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from seatrial.aws.lambdas import LambdaError
from seatrial.core import judge_story, story
from seatrial.core.release import Release
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.flows import foresight, judging, preflight, tell
from seatrial.flows.account import Account

if TYPE_CHECKING:
    from seatrial.core.suite import JudgeSettings, Suite


def check(aws: Account, release: Release, execution_id: str, until: Callable[[], float]) -> str | None:
    """The gate. What the suite says about the release goes to the ledger, so that nothing reads the package again."""
    from seatrial.flows import trial  # with YAML: a deployment that goes back needs none

    try:
        suite = trial.load(aws.lambdas, release.function, release.candidate)
    except (NoSuiteError, SuiteError, LambdaError) as error:
        return str(error)
    judge, slow_above = _held_against(aws, replace(release, judge=suite.judge))
    settings = asdict(suite.release) | {"judge": asdict(judge), "slow_above": slow_above}
    release = aws.ledger.settle(release, alarms=suite.release.alarms, settings=settings)
    failing = [case.name for case in suite.cases if case.smoke and case.expects_an_error]
    missing = preflight.look_at_alarms(aws, release, suite.release, failing)
    foresight.look(aws, release, judge)
    refusal = (
        missing
        or preflight.stays_behind_the_alias(aws, release, suite.release)
        or preflight.may_start(aws, release, suite.release)
        or _tried(aws, release, suite, execution_id, until)
    )
    return tell.unless_dry_run(aws, release, refusal)


def _held_against(aws: Account, release: Release) -> tuple[JudgeSettings, float | None]:
    """The suite's settings as the hour before allows them, and the milliseconds beyond which a request is slow."""
    hour = judging.before(aws, release)
    tell.step(aws, release, "slow", judge_story.slow(release, hour), by="functions/pre_traffic")
    if hour is None:  # what stable did is unknown: the candidate is not held against a limit that it may not keep
        return replace(release.judge, absolute_limit=1.0), None
    settings = hour.settings(release.judge)
    if settings != release.judge:
        sentence = judge_story.no_absolute_limit(release, hour)
        tell.step(aws, release, "finding", sentence, by="functions/pre_traffic", once="absolute limit")
    return settings, hour.slow_above


def _tried(aws: Account, release: Release, suite: Suite, execution_id: str, until: Callable[[], float]) -> str | None:
    from seatrial.flows import trial
    from seatrial.flows.once import Once

    once = Once(aws, release, execution_id, until)
    report = trial.run(
        aws.lambdas, release.function, release.candidate, suite, until=until, stable=release.stable, once=once
    )
    tell.step(
        aws, release, "trial", story.tried(release, report.summary), by="functions/pre_traffic", detail=report.detail
    )
    return report.refusal
