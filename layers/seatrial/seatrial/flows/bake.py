"""The bake: AfterAllowTraffic stays unanswered for a while, so that what turns out bad is taken back together."""

from __future__ import annotations

from seatrial.core import baking, judge_story, story
from seatrial.core.baking import End
from seatrial.core.gate import Report
from seatrial.core.release import Release, State
from seatrial.core.verdict import Verdict
from seatrial.flows import tell
from seatrial.flows.account import Account
from seatrial.flows.hook import HookCall

_BY = "functions/post_traffic"
_TICK = "functions/monitor"


def reached(aws: Account, release: Release) -> Release:
    """AfterAllowTraffic has begun: everybody is on the candidate."""
    aws.ledger.reach_everybody(release, aws.clock.now())
    return aws.ledger.release(release.deployment_id)


def begin(aws: Account, release: Release, call: HookCall) -> Report:
    """What post_traffic finds once its gates are passed: that it may end now, or waits for the tick."""
    release = aws.ledger.release(release.deployment_id)  # with the judge's word
    if release.state is State.GOING_BACK:
        return _goes_back_already(release)
    if not release.bake and not (release.verdict == "inconclusive" and baking.waits_for_a_verdict(release)):
        return Report.succeeded(story.confirmed(release))
    if release.state is State.BAKING and release.bake_until:  # Lambda makes the same call again
        return Report.waiting(story.baking(release, release.bake_until))
    until = baking.until(release, aws.clock.now())
    if not aws.ledger.bake(release, call.execution_id, until):
        return _goes_back_already(aws.ledger.release(release.deployment_id))
    sentence = story.baking(release, until)
    tell.step(aws, release, "baking", sentence, by=_BY)
    return Report.waiting(sentence)


def _goes_back_already(release: Release) -> Report:
    reason = f"it is {release.state} already"
    return Report.failed(story.not_confirmed(release, reason), reason)


def end(aws: Account, release: Release, verdict: Verdict | None) -> None:
    """Answer the hook when its time is over. Called by the tick, once no alarm rings and the judge was asked."""
    match baking.end(release, verdict.verdict if verdict else None, aws.clock.now()):
        case End.WAITS if verdict:
            until = baking.waits_until(release, aws.clock.now())
            tell.step(aws, release, "waits", judge_story.waits(release, until, verdict), by=_TICK)
        case End.PASSES:
            _answer(aws, release, story.baked(release), passed=True)
        case End.UNJUDGED:
            sentence = judge_story.goes_on(release, verdict) if verdict else judge_story.never_read(release)
            if _answer(aws, release, sentence, passed=True):
                tell.people(aws, release, "warning", "goes on without a verdict", sentence)
        case End.FAILS:
            reason = judge_story.too_little(verdict) if verdict else judge_story.UNREAD
            aws.ledger.explain(release, reason, _TICK)
            _answer(aws, release, story.not_confirmed(release, reason), passed=False)


def _answer(aws: Account, release: Release, sentence: str, *, passed: bool) -> bool:
    """False when the hook had its answer already."""
    if not aws.codedeploy.answer(release.deployment_id, release.hook, passed=passed):
        return False
    outcome = "Succeeded" if passed else "Failed"
    return tell.step(aws, release, "answer", sentence, by=_TICK, once=release.hook, outcome=outcome)
