"""A service whose tag says off: its hooks let everything go forward at once, and everybody is told."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core import finding_story, story
from seatrial.core.deployment import Deployment
from seatrial.core.gate import RefusedError, Report
from seatrial.core.release import State
from seatrial.core.tag import Tag
from seatrial.flows import fix_lane, preflight, tell
from seatrial.flows.account import Account


def passes(aws: Account, deployment: Deployment) -> Report | None:
    """What a hook answers without further question; None where Seatrial is wanted.

    Needs neither ledger nor package: `off` is what gets a team past a Seatrial that is broken. Raises RefusedError for
    a function without the tag, and LambdaError.
    """
    if deployment.shift is None:
        return None
    match aws.lambdas.tag(deployment.shift.function):
        case Tag.NONE:
            raise RefusedError(finding_story.not_tagged(deployment.shift.function))
        case Tag.OFF:
            return Report.succeeded(story.passes_untried(deployment.shift))
    return None


def told(aws: Account, deployment: Deployment, sentence: str, by: str) -> None:
    """Once for both hooks. Called after the answer, so that a ledger that can't be reached holds nothing up."""
    shift = preflight.readable(deployment)
    try:
        release = fix_lane.claim(aws, preflight.opened(aws, deployment, shift))
        aws.ledger.move(release, State.SHIFTING, traffic=aws.clock.now())
        if tell.step(aws, release, "hands off", sentence, by=by):
            tell.people(aws, release, "hands off", "passes untried", sentence)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"release": deployment.id})
        attributes = {"service": shift.function, "release": deployment.id, "event": "hands off"}
        tell.send(aws, f"[seatrial] {shift.service} passes untried", sentence, attributes)
