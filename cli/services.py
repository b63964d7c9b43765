"""The service that a command is about, found by whatever name was typed."""

from __future__ import annotations

from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from cli.account import Installed
from cli.terminal import AccountError, note
from seatrial import settings
from seatrial.core.service_names import Known, ServiceError, resolve

# How far back releases say what a service is, where the functions' tags may not be read.
_RELEASES = timedelta(days=90)


def find(account: Installed, written: str) -> str:
    """`function` or `function:alias`. Raises AccountError for a name that is no service, or that fits several.

    A role that may only send events can check no name: then it is what was written.
    """
    if not account.readable:
        return written
    try:
        if account.ledger.releases_of(written, 1):  # the name as the ledger has it: one query
            return written
        found = resolve(written, _known(account))
    except ServiceError as error:
        raise AccountError(str(error)) from None
    if found != written:
        note(f"{written} is {found}")
    return found


def _known(account: Installed) -> tuple[Known, ...]:
    """Of the functions with the tag, and of those that had a release."""
    released = _released(account)
    try:
        tagged = account.services()
    except (ClientError, BotoCoreError) as error:
        note(f"the tags of functions can't be read ({error}); names are looked up among the releases of 90 days")
        tagged = ()
    known = {one.function: one for one in tagged}
    for function, aliases in released.items():
        one = known.get(function, Known(function))
        known[function] = Known(one.function, frozenset(aliases), one.arn, one.stack, one.logical_id, one.tags)
    return tuple(known.values())


def _released(account: Installed) -> dict[str, set[str]]:
    now = settings.read().clock.now()
    aliases: dict[str, set[str]] = {}
    for release in account.ledger.opened_between(now - _RELEASES, now):
        aliases.setdefault(release.function, set()).add(release.alias)
    return aliases
