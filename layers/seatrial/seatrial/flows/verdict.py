"""What follows from the judge's verdicts: at each tick, and once the shift is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatrial.core import judge_story
from seatrial.core.counted import Counted
from seatrial.core.events import JudgedWorse
from seatrial.core.judging import client_errors
from seatrial.core.judging import verdict as judged
from seatrial.core.release import Release
from seatrial.core.verdict import Verdict
from seatrial.flows import judging, measure, rollback, tell
from seatrial.flows.account import Account
from seatrial.flows.turns import A_TURN, Turns

# Between two looks at what is young: CloudWatch has outcome lines of a high resolution by ten seconds.
_PAUSE = timedelta(seconds=15)

_TICK, _AFTER = "functions/monitor", "functions/post_traffic"


@dataclass(frozen=True)
class Looked:
    """The verdicts by deployment, and the releases that want another look before the next tick."""

    verdicts: Mapping[str, Verdict]
    again: tuple[Release, ...]


def follow(aws: Account, turns: Turns, releases: Iterable[Release]) -> Looked:
    """Ask the judge about all releases that serve users, and take back what is worse.

    What can't be read has no verdict until the next look.
    """
    serving = {release.deployment_id: release for release in releases if release.serves_users}
    if not turns.has_time():
        turns.leave(serving)
        return Looked({}, ())
    found: dict[str, Counted] = {}
    closer: dict[str, Counted] = {}
    refused: dict[str, str] = {}
    with turns.turn(""):
        if serving:
            now = aws.clock.now()
            found = judging.read(aws.metrics, serving.values(), now, turns, refused)
            closer = judging.closer(aws.metrics, serving.values(), found, now, turns)
        for deployment in serving.keys() - found.keys():
            aws.log.error(judge_story.UNREAD, extra={"release": deployment})
    turns.each(
        [serving[deployment] for deployment in refused],
        lambda release: _report_refused(aws, release, refused[release.deployment_id]),
    )
    counted = found | closer
    verdicts = turns.gather(
        (serving[deployment] for deployment in counted),
        lambda release: judged(counted[release.deployment_id], release.judged_by),
    )
    turns.each(
        [serving[deployment] for deployment in verdicts],
        lambda release: _follow(aws, release, verdicts[release.deployment_id], found[release.deployment_id]),
    )
    again = (serving[id] for id in closer if id in verdicts and verdicts[id].verdict != "worse")
    return Looked(verdicts, tuple(again))


def look_again(aws: Account, turns: Turns, releases: Sequence[Release], until: datetime) -> None:
    """Look at these every 15 seconds, with the minute under way, as long as they want it and the tick has time."""
    while releases and aws.clock.now() + _PAUSE < until and turns.has_time(_PAUSE.total_seconds() + A_TURN):
        aws.clock.wait(_PAUSE.total_seconds())
        with turns.turn(""):
            heads = aws.ledger.find_all(release.deployment_id for release in releases)
            releases = follow(aws, turns, heads.values()).again


def after_the_shift(aws: Account, release: Release) -> str | None:
    """The gate of post_traffic: the verdict on the whole shift, and what its suite wants of too little traffic."""
    found = judging.read(aws.metrics, [release], aws.clock.now()).get(release.deployment_id)
    if found is None:
        refusal = tell.unless_the_fix(aws, release, judge_story.UNREAD)
    else:
        verdict = judged(found, release.judged_by)
        _report_client_errors(aws, release, client_errors(found, release.judged_by), _AFTER)
        _say(aws, release, verdict, _AFTER, once="shift")
        idle = verdict.verdict == "inconclusive" and found.idle
        refusal = _without_traffic(aws, release) if idle else _refusal(aws, release, verdict)
    return tell.unless_dry_run(aws, release, refusal)


def _follow(aws: Account, release: Release, verdict: Verdict, counted: Counted) -> None:
    """A word that was said already is not said again, so that a steady release costs nothing but the reading."""
    _report_client_errors(aws, release, client_errors(counted, release.judged_by, news_only=True), _TICK)
    if verdict.verdict in ("inconclusive", release.verdict) and not _keeps_it_from_ending(aws, release, verdict):
        return
    if verdict.verdict == "worse":
        reason = judge_story.worse(verdict)
        rollback.act(aws, JudgedWorse(release.deployment_id, release.deployment_id, reason), by=_TICK)
    _say(aws, release, verdict, _TICK, once=verdict.verdict)


def _report_client_errors(aws: Account, release: Release, found: Verdict | None, by: str) -> None:
    if found is None:
        return
    sentence = judge_story.client_errors(release, found)
    if tell.step(aws, release, "finding", sentence, by=by, once="client errors"):
        tell.people(aws, release, "finding", "has a finding", sentence)


def _report_refused(aws: Account, release: Release, reason: str) -> None:
    """Once for each release: it stays as it is at every tick."""
    sentence = judge_story.metric_refused(release, reason)
    if tell.step(aws, release, "finding", sentence, by=_TICK, once="metric refused"):
        tell.people(aws, release, "finding", "has a finding", sentence)


def _keeps_it_from_ending(aws: Account, release: Release, verdict: Verdict) -> bool:
    """Its bake is over and it was not taken back when it was found worse: whatever held that off may have changed."""
    is_over = release.bake_until is not None and aws.clock.now() >= release.bake_until
    return verdict.verdict == "worse" and is_over and not release.dry_run


def _without_traffic(aws: Account, release: Release) -> str | None:
    """A finding of its own, and what the suite wants of an inconclusive verdict; `wait` waits in the bake."""
    sentence = judge_story.no_traffic(release)
    if tell.step(aws, release, "finding", sentence, by=_AFTER, once="no traffic"):
        tell.people(aws, release, "finding", "has a finding", sentence)
    return tell.unless_the_fix(aws, release, sentence) if release.judge.on_inconclusive == "stop" else None


def _refusal(aws: Account, release: Release, verdict: Verdict) -> str | None:
    match verdict.verdict, release.judge.on_inconclusive:
        case "worse", _:
            return judge_story.worse(verdict)
        case "inconclusive", "stop":
            return tell.unless_the_fix(aws, release, judge_story.too_little(verdict))
        case "inconclusive", "continue":
            sentence = judge_story.goes_on(release, verdict)
            if tell.step(aws, release, "warning", sentence, by=_AFTER, once="inconclusive"):
                tell.people(aws, release, "warning", "goes on without a verdict", sentence)
    return None


def _say(aws: Account, release: Release, verdict: Verdict, by: str, once: str) -> None:
    """The word is kept with the release after everything else is done about it."""
    tell.step(aws, release, "verdict", judge_story.judged(release, verdict), by=by, once=once)
    if verdict.verdict != release.verdict:
        measure.judged(release, verdict.verdict)
        aws.ledger.judged(release, verdict.verdict)
