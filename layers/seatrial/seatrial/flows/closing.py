"""Closing releases: each end goes into the ledger and is then reported. What ends together takes a call for ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.aws.bus import EVENTS_A_CALL
from seatrial.aws.ledger import Ending
from seatrial.aws.topic import Message
from seatrial.core import rollback_story, story
from seatrial.core.reconcile import Close
from seatrial.core.release import Release, State, Step
from seatrial.flows import measure, tell
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

# What a crash leaves unreported is at most so many. PutEvents and PublishBatch take ten.
_TOGETHER = EVENTS_A_CALL


def close(aws: Account, release: Release, change: Close) -> bool:
    """Record an end and tell people. False when somebody else has: then they are told already."""
    ending = _ending(aws, release, change, _wounds(aws, [change]))
    if not aws.ledger.finish_together([ending])[0] and not _alone(aws, ending):
        return False
    tell.send_together(aws, [_message(ending)])
    measure.closed(aws, ending.ended)
    return True


def close_together(
    aws: Account, turns: Turns, closings: Mapping[str, tuple[Release, Close]], keep: float
) -> dict[str, State]:
    """As close() for each, ten at a time: the ends of those that this call has closed, by deployment.

    `keep` is how many seconds of the function's time are for what follows.
    """
    wounds = _wounds(aws, [change for _, change in closings.values()])
    ended: list[Release] = []

    def close_some(releases: Sequence[Release]) -> None:
        made = turns.gather(releases, lambda one: _ending(aws, *closings[one.deployment_id], wounds))
        endings = list(made.values())
        closed = []
        for ending, written in zip(endings, aws.ledger.finish_together(endings), strict=True):
            with turns.turn(ending.release.deployment_id):
                if written or _alone(aws, ending):
                    closed.append(ending)
        ended.extend(ending.ended for ending in closed)
        tell.send_together(aws, [_message(ending) for ending in closed])

    turns.together([release for release, _ in closings.values()], _TOGETHER, close_some, keep)
    measure.closed_together(aws, turns, ended)
    return {release.deployment_id: release.state for release in ended}


def _ending(aws: Account, release: Release, change: Close, wounds: Mapping[str, Release]) -> Ending:
    now = aws.clock.now()
    wound = wounds.get(release.service) if change.end is State.REFUSED else None
    sentence = rollback_story.refused_until_healed(change.sentence, wound)
    step = Step("closed", "", sentence, now, change.by)
    tell.log(aws, release, step)
    until = (change.traffic_until or now) if change.end is State.TAKEN_BACK else None
    return Ending(release, change.end, change.reason, change.by, now, step, until)


def _alone(aws: Account, ending: Ending) -> bool:
    """Write by write. The entry comes first: who is interrupted after the end never comes by here again."""
    aws.ledger.step(ending.release, ending.step)
    return aws.ledger.finish(
        ending.release, ending.end, ending.reason, ending.by, ending.at, traffic_until=ending.traffic_until
    )


def _message(ending: Ending) -> Message:
    return tell.about(ending.release, ending.end, story.ending(ending.end), ending.step.sentence)


def _wounds(aws: Account, changes: Sequence[Close]) -> dict[str, Release]:
    """By service, the late rollback that is not healed yet: AWS refuses what comes after it."""
    if not any(change.end is State.REFUSED for change in changes):
        return {}
    unhealed = (one for one in aws.ledger.listed() if one.state in (State.RETURNING, State.RETURNED))
    return {one.service: one for one in reversed(tuple(unhealed))}
