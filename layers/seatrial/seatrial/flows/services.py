"""Whether a name that an on-call engineer wrote is a service of this account and Region."""

from __future__ import annotations

from difflib import get_close_matches

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import LambdaError
from seatrial.core.tag import Tag
from seatrial.flows.account import Account


def is_known(aws: Account, service: str) -> bool:
    """Whether the ledger has a release of `function` or `function:alias`, or the function carries the tag.

    True, too, where neither can be asked now: a request is never declined for what could not be read.
    """
    try:
        return bool(aws.ledger.releases_of(service, 1)) or _is_tagged(aws, service)
    except (ClientError, BotoCoreError):
        aws.log.exception("the ledger can't be read", extra={"service": service, "release": ""})
        return True


def nearest(aws: Account, service: str) -> str:
    """The name among those with an open, guarded or drifted release that was probably meant; "" without one."""
    known = {release.service for release in aws.ledger.listed()}
    near = get_close_matches(service, [*known, *(one.partition(":")[0] for one in known)], 1)
    return near[0] if near else ""


def _is_tagged(aws: Account, service: str) -> bool:
    function, _, alias = service.partition(":")
    try:
        if aws.lambdas.tag(function) is Tag.NONE:
            return False
        if alias:
            aws.lambdas.alias(function, alias)
    except LambdaError as error:
        return error.code != "ResourceNotFoundException"
    return True
