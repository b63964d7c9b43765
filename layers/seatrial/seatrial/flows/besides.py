"""What a release changes besides code, read once by whoever looks first and kept with it. Nothing waits for it."""

from __future__ import annotations

from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.aws.stacks import StackUnreadableError
from seatrial.core import besides, story
from seatrial.core.besides import ResourceChange
from seatrial.core.release import Release
from seatrial.flows import tell
from seatrial.flows.account import Account

# How many events of a stack are read: those of an update of 200 resources, and the same again before it.
_MOST_EVENTS = 800


def record(aws: Account, release: Release) -> None:
    """Compare candidate with stable, and see what else their stack's update does. What fails is tried again next time.

    The head is marked after the step is written, so that a crash in between only has it written once more.
    """
    if release.compared:
        return
    try:
        sentence = _sentence(aws, release)
    except (LambdaError, ClientError, BotoCoreError) as error:
        aws.log.warning(
            f"what {release.service} changes besides code can't be read: {error}",
            extra={"release": release.deployment_id},
        )
        return
    tell.step(aws, release, "besides", sentence, by="functions/monitor")
    aws.ledger.compared(release)


def _sentence(aws: Account, release: Release) -> str:
    stable, candidate = (
        aws.lambdas.configuration(release.function, version) for version in (release.stable, release.candidate)
    )
    stack = aws.lambdas.stack(release.function)
    return story.besides(
        release,
        besides.differences(stable, candidate),
        same_code=stable.code == candidate.code,
        stack=stack,
        resources=_resources(aws, release, stack) if stack else (),
    )


def _resources(aws: Account, release: Release, stack: str) -> tuple[ResourceChange, ...] | None:
    """None where the stack can't be read at all."""
    try:
        return besides.of_update(islice(aws.stacks.events(stack), _MOST_EVENTS), release)
    except StackUnreadableError as error:
        aws.log.warning(str(error), extra={"release": release.deployment_id})
        return None
