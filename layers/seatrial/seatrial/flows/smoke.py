"""The smoke cases, asked once more after the shift, through the alias that users come by."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.aws.lambdas import LambdaError
from seatrial.core import story
from seatrial.core.release import Release
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.flows import tell
from seatrial.flows.account import Account


def check(aws: Account, release: Release, until: Callable[[], float]) -> str | None:
    """The gate after the shift: the candidate's own smoke cases, now that everybody's alias leads to it."""
    from seatrial.flows import trial  # with YAML: a deployment that goes back needs none

    try:
        suite = trial.load(aws.lambdas, release.function, release.candidate)
    except (NoSuiteError, SuiteError, LambdaError) as error:
        return str(error)
    report = trial.run(
        aws.lambdas,
        release.function,
        release.candidate,
        suite,
        until=until,
        smoke_only=True,
        qualifier=release.alias,
    )
    tell.step(
        aws,
        release,
        "smoke",
        story.asked_again(release, report.summary),
        by="functions/post_traffic",
        detail=report.detail,
    )
    return tell.unless_dry_run(aws, release, report.refusal)
