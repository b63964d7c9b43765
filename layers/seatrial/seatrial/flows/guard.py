"""After the end of a deployment: the alias set back to stable, and everybody told until CloudFormation knows it too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.core import rollback_story, story
from seatrial.core.release import Release, State
from seatrial.flows import cost, measure, tell
from seatrial.flows.account import Account

type Outcome = dict[str, str]

_A_NAG_EVERY = timedelta(hours=1)

# Somebody may change the alias between our look and our change; who does so three times in a row means it.
_LOOKS = 3

_TICK = "functions/monitor"


def give_back(aws: Account, release: Release, reason: str, by: str) -> Outcome:
    """Let the alias lead to stable: {"action": "returned" | "ignored", "reason": …}.

    Only from the candidate, alone and under the alias's revision: a deployment that is open keeps its weights, and what
    somebody else did meanwhile stays. The intent comes first, so that the tick ends what is left half-done; a ledger
    that can't be reached does not keep users where they are.
    """
    if why := _left_alone(aws, release):
        sentence = rollback_story.not_returned(release, why)
        if tell.step(aws, release, "not returned", sentence, by=by, once=reason):
            tell.people(aws, release, "nothing taken back", "is not taken back", sentence)
        return {"action": "ignored", "reason": sentence}
    try:
        aws.ledger.move(release, State.RETURNING, reason, by)
        tell.step(aws, release, "returning", rollback_story.returning(release, reason), by=by)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"release": release.deployment_id})
    return finish(aws, release, reason, by)


def finish(aws: Account, release: Release, reason: str, by: str) -> Outcome:
    """Bring a return to its end, whoever began it. Asked again, it changes nothing."""
    for _ in range(_LOOKS):
        seen = aws.lambdas.alias(release.function, release.alias)
        if seen.main == release.stable and not seen.weights:
            return _returned(aws, release, reason, by)
        if seen.main != release.candidate or seen.weights:
            return _moved_on(aws, release, seen.main)
        if aws.lambdas.point(release.function, release.alias, release.stable, seen=seen):
            return _returned(aws, release, reason, by)
    raise LambdaError(f"{release.service} was changed {_LOOKS} times while it was to go back: look who changes it")


def look(aws: Account, release: Release) -> None:
    """The tick's part: end the guard, finish a return, nag while it is not healed, and see that it is."""
    match release.state:
        case State.RETURNING:
            finish(aws, release, release.reason, release.by)
        case State.RETURNED:
            _nag(aws, release)
        case State.RELEASED:
            _watch(aws, release)
        case State.TAKEN_BACK | State.STRANDED if not release.costed_until:
            pass
        case State.REFUSED | State.TAKEN_BACK | State.STRANDED | State.HEALED:
            aws.ledger.unwatch(release)  # whoever closed it could not


def _watch(aws: Account, release: Release) -> None:
    """Until its guard is over. What was to be stopped, and had ended well before that, goes back now."""
    was_to_go_back = release.reason and _is_the_last(aws, release)
    if was_to_go_back and give_back(aws, release, release.reason, _TICK)["action"] == "returned":
        return
    now = aws.clock.now()
    if not release.is_guarded(now) and not cost.is_awaited(release, now):
        aws.ledger.unwatch(release)
        if release.guard:
            tell.step(aws, release, "guard over", story.guard_over(release), by=_TICK)


def _is_the_last(aws: Account, release: Release) -> bool:
    return [one.deployment_id for one in aws.ledger.releases_of(release.service, 1)] == [release.deployment_id]


def _left_alone(aws: Account, release: Release) -> str | None:
    """Why the alias stays as it is; None when it is to be set."""
    seen = aws.lambdas.alias(release.function, release.alias)
    if seen.weights:
        return "a deployment is moving its weights; what stops that one takes users back"
    if seen.main not in (release.candidate, release.stable):
        return f"it leads to version {seen.main} by now, which is neither {release.candidate} nor {release.stable}"
    try:
        aws.lambdas.version_facts(release.function, release.stable)
    except LambdaError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return f"version {release.stable} does not exist any more. Deploy a version that works"
    return None


def _returned(aws: Account, release: Release, reason: str, by: str) -> Outcome:
    sentence = rollback_story.returned(release, reason)
    try:
        aws.ledger.move(release, State.RETURNED, traffic=aws.clock.now())
        is_new = tell.step(aws, release, "returned", sentence, by=by)
        if is_new:
            measure.returned(aws, release)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be written", extra={"release": release.deployment_id})
        is_new = True
    if is_new:
        tell.people(aws, release, State.RETURNED, story.ending(State.RETURNED), sentence)
    return {"action": "returned", "reason": sentence}


def _moved_on(aws: Account, release: Release, main: str) -> Outcome:
    sentence = rollback_story.healed(release, main)
    ended = release.traffic_until or aws.clock.now()
    if aws.ledger.move(release, State.HEALED, traffic=ended):
        tell.step(aws, release, "healed", sentence, by=_TICK)
        tell.people(aws, release, State.HEALED, story.ending(State.HEALED), sentence)
    aws.ledger.unwatch(replace(release, state=State.HEALED, traffic_until=ended))
    return {"action": "ignored", "reason": sentence}


def _nag(aws: Account, release: Release) -> None:
    seen = aws.lambdas.alias(release.function, release.alias)
    if seen.main != release.stable:
        _moved_on(aws, release, seen.main)
        return
    returned = aws.ledger.find_step(release.deployment_id, "returned", "")
    hours = (aws.clock.now() - returned.at) // _A_NAG_EVERY if returned else 0
    sentence = rollback_story.to_be_healed(release)
    if hours and tell.step(aws, release, "nag", sentence, once=str(hours)):
        tell.people(aws, release, "to be healed", "is still to be healed", sentence)
