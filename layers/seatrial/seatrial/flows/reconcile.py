"""Releases brought into line with CodeDeploy, in as few calls as it takes to know that nothing has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import batched

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.codedeploy import DEPLOYMENTS_A_CALL, DeploymentUnknownError
from seatrial.aws.lambdas import LambdaError
from seatrial.aws.stacks import StackUnreadableError
from seatrial.core import rollback_story, siblings
from seatrial.core.deployment import Deployment
from seatrial.core.reconcile import Change, Close, Move, StopAgain, hangs_on_traffic, reconcile, unknown
from seatrial.core.release import Release, State
from seatrial.flows import cost, tell
from seatrial.flows.account import Account
from seatrial.flows.closing import close_together
from seatrial.flows.turns import Turns

# Seconds of the function's time for alarms, the judge and bakes, which come after: users wait for these.
FOR_WHAT_FOLLOWS = 25.0


@dataclass(frozen=True)
class Reconciled:
    """`releases` as they were when they were looked at; `ends` of those that this look has closed, by deployment."""

    releases: tuple[Release, ...]
    ends: dict[str, State]

    @property
    def still_open(self) -> int:
        return sum(release.is_open for release in self.releases) - len(self.ends)


@dataclass(frozen=True)
class _Seen:
    """What CodeDeploy says; `deployment` is None where it knows none any more."""

    deployment: Deployment | None
    rollback: Deployment | None = None


def bring_into_line(aws: Account, turns: Turns, listed: tuple[Release, ...]) -> Reconciled:
    """Reconcile those of `listed` that are open, and read all of them again.

    A hook records its reason before it answers: read after CodeDeploy, the ledger has it for what CodeDeploy says.
    """
    seen = _seen(aws, turns, [release.deployment_id for release in listed if release.is_open])
    heads = aws.ledger.find_all(release.deployment_id for release in listed)
    releases = tuple(heads[one.deployment_id] for one in listed if one.deployment_id in heads)
    closings: dict[str, tuple[Release, Close]] = {}

    def follow(release: Release) -> None:
        if close := _followed(aws, release, seen[release.deployment_id]):
            closings[release.deployment_id] = (release, close)

    followed = [one for one in releases if one.is_open and one.deployment_id in seen]
    turns.each(followed, follow, FOR_WHAT_FOLLOWS)
    in_order = {one.deployment_id: closings[one.deployment_id] for one in followed if one.deployment_id in closings}
    ends = close_together(aws, turns, in_order, FOR_WHAT_FOLLOWS)
    if turns.has_time():  # else a later tick counts it
        with turns.turn(", ".join(ends)):
            cost.at_the_end(aws, turns, ends)
    return Reconciled(releases, ends)


def _seen(aws: Account, turns: Turns, deployment_ids: Iterable[str]) -> dict[str, _Seen]:
    """Without those that could not be read: they stay as they are until the next look."""
    deployments = _read(aws, turns, deployment_ids)
    taking_back = {one.rollback_id: id for id, one in deployments.items() if one and one.rollback_id}
    rollbacks = _read(aws, turns, taking_back)
    seen = {id: _Seen(deployment) for id, deployment in deployments.items()}
    for rollback_id, id in taking_back.items():
        if rollback_id in rollbacks:
            seen[id] = _Seen(deployments[id], rollbacks[rollback_id])
        else:
            del seen[id]
            turns.leave([id] if rollback_id in turns.left else ())
    return seen


def _read(aws: Account, turns: Turns, deployment_ids: Iterable[str]) -> dict[str, Deployment | None]:
    """None for what CodeDeploy doesn't know; what can't be read is absent."""
    found: dict[str, Deployment | None] = {}
    for some in batched(deployment_ids, DEPLOYMENTS_A_CALL, strict=False):
        if not turns.has_time(FOR_WHAT_FOLLOWS):
            turns.leave(some)
            continue
        for id, give in aws.codedeploy.deployments(some).items():
            with turns.turn(id):
                try:
                    found[id] = give()
                except DeploymentUnknownError:
                    found[id] = None
    return found


def _followed(aws: Account, release: Release, seen: _Seen) -> Close | None:
    """Record what the ledger has missed, but for the end: that is given."""
    end = None
    for change in _missed(aws, release, seen):
        match change:
            case StopAgain(reason):
                if aws.lambdas.is_released_by_seatrial(release.function):
                    aws.codedeploy.stop(release.deployment_id)
                    tell.step(
                        aws, release, "going back", rollback_story.stopped(release, reason), by="functions/monitor"
                    )
            case Move(to, sentence, by, at):
                begins = (at or aws.clock.now()) if to is State.SHIFTING else None
                is_new = aws.ledger.move(release, to, traffic=begins)
                if is_new or release.state is to:  # it may be there, and nobody came to say so
                    tell.step(aws, release, to, sentence, by=by, at=at)
            case Close():
                end = change
    return end


def _missed(aws: Account, release: Release, seen: _Seen) -> tuple[Change, ...]:
    """How far the weights are costs two calls for each release: it is asked where something hangs on it."""
    deployment = seen.deployment
    if deployment is None:
        return (unknown(release),)
    if siblings.may_be_stopped_for_one(release, deployment):
        release = _with_siblings_reason(aws, release, deployment)
    asked = hangs_on_traffic(release, deployment)
    traffic = aws.codedeploy.traffic(release.deployment_id) if asked else None
    return reconcile(release, deployment, seen.rollback, traffic, aws.clock.now())


def _with_siblings_reason(aws: Account, release: Release, deployment: Deployment) -> Release:
    """With what failed beside it, where CloudFormation stopped it for that. Only such a stop costs these calls."""
    try:
        stack = aws.lambdas.stack(release.function)
        ids = siblings.started_with(aws.stacks.events(stack), release) if stack else ()
        others = [give() for give in aws.codedeploy.deployments(ids).values()] if ids else []
    except (LambdaError, StackUnreadableError, DeploymentUnknownError, ClientError, BotoCoreError) as error:
        sentence = f"whether CloudFormation stopped {release.service} can't be read: {error}"
        aws.log.warning(sentence, extra={"release": release.deployment_id})
        return release
    failed = siblings.failed_first(deployment, others)
    if failed is None:
        return release
    reason = siblings.reason(failed, aws.ledger.find(failed.id), stack)
    return replace(release, reason=reason, by=siblings.BY)
