"""What a release did cost its users: said when it is closed, and once more when late metrics are in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core import cost
from seatrial.core.cost import Cost
from seatrial.core.counted import Counted
from seatrial.core.release import Release, State, Step
from seatrial.core.sides import MINUTE
from seatrial.flows import judging, measure, tell
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

# CloudWatch has most of a minute within two; what a long invoke adds to the minute in which it began may come later.
COMES_LATE = timedelta(minutes=3)

# Who can't say by then does not say at all.
_GIVEN_UP = timedelta(hours=1)

_BY = "functions/monitor"
_COST = "cost"


@dataclass(frozen=True)
class _Ended:
    """A release whose users are safe since `at`, as it is to be counted."""

    release: Release
    at: datetime


def at_the_end(aws: Account, turns: Turns, deployment_ids: Collection[str]) -> None:
    """What is known at the moment in which releases are closed, all in one reading. It holds no end up."""
    found = aws.ledger.find_all(deployment_ids).values()
    ended = {release.deployment_id: release for release in found if release.state is not State.REFUSED}
    if not ended:
        return
    try:
        counted = judging.read(aws.metrics, ended.values(), aws.clock.now() + MINUTE, turns)
    except (ClientError, BotoCoreError):
        aws.log.exception("what releases did cost can't be read", extra={"release": ", ".join(ended)})
        return
    now = aws.clock.now()

    def step(release: Release) -> Step:
        return Step(_COST, "", cost.told(release, cost.of(counted[release.deployment_id])), now, _BY)

    steps = turns.gather((ended[id] for id in counted), step)
    said = [(ended[id], step) for id, step in steps.items()]
    for each in said:
        tell.log(aws, *each)
    with turns.turn(", ".join(steps)):
        aws.ledger.steps_together(said)


def is_awaited(release: Release, now: datetime) -> bool:
    """Whether it ended so short a time ago that what it did cost is not known for good."""
    return release.closed_at is not None and now - release.closed_at < COMES_LATE


def look(aws: Account, turns: Turns, watched: Iterable[Release]) -> None:
    """The tick's part: count again what ended some minutes ago, all in one reading."""
    now = aws.clock.now()
    ended = turns.gather(watched, lambda release: _ended(aws, release))
    due = {id: each for id, each in ended.items() if now - each.at >= COMES_LATE}
    if not due:
        return
    found: dict[str, Counted] = {}
    with turns.turn(""):
        found = judging.read(aws.metrics, [each.release for each in due.values()], now, turns)
        turns.each(
            [due[id].release for id in found],
            lambda release: _counted_again(aws, due[release.deployment_id], cost.of(found[release.deployment_id])),
        )
    given_up = [each.release for id, each in due.items() if id not in found and now - each.at >= _GIVEN_UP]
    turns.each(given_up, lambda release: aws.ledger.costed(release, due[release.deployment_id].at))


def _ended(aws: Account, release: Release) -> _Ended | None:
    """None while there is nothing to say, or nothing more."""
    at = release.closed_at
    if release.state is State.RETURNED:
        returned = aws.ledger.find_step(release.deployment_id, "returned", "")
        at = returned.at if returned else None
    elif release.state not in (State.RELEASED, State.TAKEN_BACK, State.STRANDED):
        return None
    if at is None or (release.costed_until and release.costed_until >= at):
        return None
    return _Ended(replace(release, closed_at=at, everybody_at=_everybody_at(release)), at)


def _everybody_at(release: Release) -> datetime | None:
    ended_well = release.state in (State.RELEASED, State.RETURNED)
    return release.everybody_at or (release.closed_at if ended_well else None)


def _counted_again(aws: Account, ended: _Ended, found: Cost) -> None:
    """Said again when it is not what was said last."""
    release = ended.release
    said = [step.sentence for step in aws.ledger.steps(release.deployment_id) if step.kind == _COST]
    sentences = (cost.told(release, found), cost.told(release, found, again=True))
    if not said or said[-1] not in sentences:
        tell.step(aws, release, _COST, sentences[bool(said)], by=_BY, once=str(release.state))
    measure.cost(release, found)
    aws.ledger.costed(release, ended.at)
