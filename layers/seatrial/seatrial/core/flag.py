"""Whether a flag is taken back: what a person's word means for its newest deployment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from . import flag_story
from .decide import EVENT_TIME, Ignore, Notify
from .oncall import FlagRollbackRequested
from .rollout import COMPLETE, Rollout

# StopDeployment with AllowRevert takes a finished deployment back for so long (AppConfig's API reference).
REVERTED_WITHIN = timedelta(hours=72)


@dataclass(frozen=True)
class StopRollout:
    """Stop this deployment and have AppConfig give users what they had before, also where it has ended."""

    rollout: Rollout
    reason: str


FlagDecision = StopRollout | Notify | Ignore


def decide(request: FlagRollbackRequested, newest: Rollout | None, now: datetime) -> FlagDecision:
    """What a person's word means for the flag that it names. `newest` is its last deployment, None where it had none.

    As with versions, the same word twice, or late, takes nothing else back.
    """
    if newest is None:
        return Notify(flag_story.never_released(request))
    if newest.is_back:
        return Ignore(flag_story.back_already(newest))
    if request.at + EVENT_TIME < newest.started:
        return Ignore(flag_story.asked_before(request, newest))
    reason = flag_story.requested(request)
    if newest.is_running:
        return StopRollout(newest, reason)
    if newest.state != COMPLETE:
        return Notify(flag_story.state_unknown(newest, reason))
    if not newest.stable:
        return Notify(flag_story.nothing_to_go_back_to(newest, reason))
    if newest.completed is None or now - newest.completed >= REVERTED_WITHIN:
        return Notify(flag_story.too_old(newest, reason))
    return StopRollout(newest, reason)
