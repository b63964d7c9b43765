"""Deployments that go back: by CodeDeploy's word, to a lower number, or to the last good version under a new number."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.core.deployment import Deployment, Shift
from seatrial.core.release import State, never_live
from seatrial.flows.account import Account

# How many releases of a service are looked through for the one that brought what is live.
_LAST = 5

# And for what became of a version with a lower number.
_HISTORY = 100


def goes_back(aws: Account, deployment: Deployment) -> bool:
    """Whether the deployment goes back and so passes. What CodeDeploy calls a rollback does so without the ledger.

    One to a lower number does, too, unless the ledger proves that the version never was live: a version that was
    rejected is no way back. A ledger that can't be read, or is silent, blocks nothing.
    """
    shift = deployment.shift
    if deployment.is_rollback or shift is None or not shift.is_backward:
        return deployment.is_rollback
    try:
        releases = aws.ledger.releases_of(shift.service, _HISTORY)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be read: a lower number passes", extra={"release": deployment.id})
        return True
    return not never_live(shift.candidate, [one for one in releases if one.deployment_id != deployment.id])


def good_version_again(aws: Account, deployment_id: str, shift: Shift) -> str | None:
    """The version before the live one, when the target is the same code with the same configuration; else None.

    None, too, while the ledger or Lambda can't tell: then it is a release like any other.
    """
    try:
        good = _before(aws, shift)
        if good is None:
            return None
        target = aws.lambdas.version_facts(shift.function, shift.candidate)
        return good if target.alike(aws.lambdas.version_facts(shift.function, good)) else None
    except (ClientError, BotoCoreError, LambdaError) as error:
        unknown = f"whether {shift.service} goes back to a version that it knows can't be said: {error}"
        aws.log.warning(unknown, extra={"release": deployment_id})
        return None


def _before(aws: Account, shift: Shift) -> str | None:
    """What users had before the release that brought the version which they have now."""
    releases = aws.ledger.releases_of(shift.service, _LAST)
    brought = (one for one in releases if one.candidate == shift.stable and one.state is State.RELEASED)
    return next((one.stable for one in brought), None)
