"""What can this shift see? Said before users come, from what came in the week before, and to whoever asks."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.metrics import Metrics
from seatrial.core import foresight
from seatrial.core.foresight import LONGER, Foresight, Step
from seatrial.core.release import Release
from seatrial.core.sections import JudgeSettings
from seatrial.core.usual import Asked, Usual
from seatrial.flows import tell
from seatrial.flows.account import Account

# The metric of which most is known has half of the false alarms as soon as there is another (verdict.shares).
_SHARE = 0.5


def look(aws: Account, release: Release, settings: JudgeSettings) -> None:
    """Tell what the shift can notice, and what nobody sees. Nothing stops the release, nor does what can't be read."""
    try:
        usual = read(aws.metrics, release, aws.clock.now())
        if usual is None:
            return
        steps = steps_of(aws.codedeploy, release.configuration)
    except (ClientError, BotoCoreError) as error:
        fields = {"release": release.deployment_id}
        aws.log.warning(f"what a shift of {release.service} would notice can't be said: {error}", extra=fields)
        return
    if usual.came and not usual.counts_outcomes:
        # Not told to people: who knows it, and needs no outcomes, would hear it at every release.
        tell.step(aws, release, "finding", foresight.blind_to_500s(release.function), by="preflight", once="500s")
    tell.step(aws, release, "foresight", told(release, steps, usual, settings), by="preflight")


def read(metrics: Metrics, release: Release, now: datetime) -> Usual | None:
    """What usually comes to the service of a release; None where CloudWatch can't say."""
    asked = Asked(release, now)
    return asked.usual(metrics.read(asked.questions))


def steps_of(codedeploy: CodeDeploy, configuration: str) -> tuple[Step, ...]:
    """CodeDeploy is asked only about what an account has made for itself."""
    known = foresight.steps_of(configuration)
    return foresight.steps_of_any(codedeploy.shifting(configuration)) if known is None else known


def told(release: Release, steps: tuple[Step, ...], usual: Usual, settings: JudgeSettings) -> str:
    """One sentence: what this shift notices, and what a longer one would."""
    if not usual.rate:
        return foresight.nobody(release.service)
    seen = foreseen(steps, usual, settings)
    longer = foreseen(LONGER, usual, settings) if seen.minutes < LONGER[0].minutes else None
    return f"{release.service}: {foresight.sentence(release.configuration, usual.rate, seen, longer)}"


def foreseen(steps: tuple[Step, ...], usual: Usual, settings: JudgeSettings) -> Foresight:
    return foresight.foresee(steps, usual.rate, usual.bad, settings, share=_SHARE)
