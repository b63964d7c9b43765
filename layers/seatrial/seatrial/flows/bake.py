"""The bake: AfterAllowTraffic stays unanswered for a while, so that an alarm still takes everything back together."""

from __future__ import annotations

from datetime import timedelta

from seatrial.core import story
from seatrial.core.gate import Report
from seatrial.core.release import Release, State
from seatrial.flows import tell
from seatrial.flows.account import Account
from seatrial.flows.hook import HookCall

_BY = "functions/post_traffic"


def begin(aws: Account, release: Release, call: HookCall) -> Report:
    """What post_traffic finds once its smoke cases hold: that it may end now, or waits for the tick."""
    if not release.bake:
        return Report.succeeded(story.confirmed(release))
    if release.state is State.BAKING and release.bake_until:  # Lambda makes the same call again
        return Report.waiting(story.baking(release, release.bake_until))
    until = aws.clock.now() + timedelta(seconds=release.bake)
    if not aws.ledger.bake(release, call.execution_id, until):
        reason = f"it is {aws.ledger.release(release.deployment_id).state} already"
        return Report.failed(story.not_confirmed(release, reason), reason)
    sentence = story.baking(release, until)
    tell.step(aws, release, "baking", sentence, by=_BY)
    return Report.waiting(sentence)


def end(aws: Account, release: Release) -> None:
    """Answer the hook when its time is over. Called by the tick once it has looked at the alarms."""
    if release.state is not State.BAKING or not release.bake_until or aws.clock.now() < release.bake_until:
        return
    sentence = story.baked(release)
    if aws.codedeploy.answer(release.deployment_id, release.hook, passed=True):
        tell.step(aws, release, "answer", sentence, by="functions/monitor", once=release.hook, outcome="Succeeded")
