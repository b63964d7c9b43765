"""A deployment that takes users back under a new number: somebody deploys the last good version once more."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.core.deployment import Shift
from seatrial.core.release import State
from seatrial.flows.account import Account

# How many releases of a service are looked through for the one that brought what is live.
_LAST = 5


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
