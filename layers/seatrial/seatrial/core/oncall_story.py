"""What is said of holds and of the fix lane, which people on call ask for (see story)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import oncall
from .deployment import Group
from .events import AlarmChanged
from .fix import Grant
from .holds import ALL
from .oncall import FixGranted
from .printable import printable
from .release import Release


def declined(event: Mapping[str, Any], mistake: str) -> str:
    """For a request that can't be read. `mistake` names the place and the correction."""
    which = f" (event {printable(str(event['id']))[:40]})" if event.get("id") else ""
    ended = mistake if mistake.endswith(("?", ".")) else f"{mistake}."
    return (
        f"{oncall.subject(event) or 'on call'}: request declined{which}: {ended} "
        "Nothing was done. Next: correct the event and send it again."
    )


def unknown_service(what: str, service: str, who: str, near: str) -> str:
    """For a request about a name that no release and no tagged function has. `near` is the nearest known one, or ""."""
    instead = f"did you mean {near!r}?" if near else "`seatrial status` lists the services."
    return f"{service}: {what} of {who} declined: no service has this name; {instead} Nothing was done."


def fix_is_spared(release: Release, alarm: AlarmChanged) -> str:
    return (
        f"{release.service}: alarm {alarm.alarm} rings, but {release.deployment_id} is the fix ({release.fix}): it "
        "goes on. `seatrial rollback` and the judge can still take it back"
    )


def held(service: str, who: str, reason: str) -> str:
    open_ways = "No new release starts; what runs goes on, and every way back is open"
    return f"{who} holds {_whom(service)}: {reason}. {open_ways}"


def lifted(service: str, who: str, reason: str) -> str:
    return f"{who} lifts the hold on {_whom(service)}: {reason}"


def unchanged(service: str, who: str) -> str:
    return f"the hold on {_whom(service)} was changed after {who} had asked for it: it stays as it is"


def _whom(service: str) -> str:
    return "every service" if service == ALL else service


def passes_as_the_fix(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} passes, being the fix ({release.fix}): {refusal}"


def is_the_fix(release: Release) -> str:
    return (
        f"{release.service}: version {release.candidate} is the fix ({release.fix}): its deployment group's alarms are "
        "off until it ends. An alarm that rings already makes no new change: only the judge and people take it back"
    )


def fix_granted(grant: Grant) -> str:
    return (
        f"{grant.service}: {grant.who} lets one release pass its alarms and holds if it begins before "
        f"{grant.until:%H:%M:%S} UTC: {grant.reason}. The alarms of {grant.group} are off until then; its trial must "
        "still pass"
    )


def fix_closed(grant: Grant, why: str) -> str:
    return f"{grant.service}: the fix lane is closed ({why}): the alarms of {grant.group} are on again"


def fix_closed_as_it_is(grant: Grant, why: str, group: Group) -> str:
    stand = "on" if group.alarms_enabled else "off, as they were before"
    return f"{grant.service}: the fix lane is closed ({why}); the alarms of {group.name} are {stand}: nothing to switch"


def fix_closed_off(grant: Grant, why: str, group: Group) -> str:
    return (
        f"{grant.service}: the fix lane is closed ({why}), but the alarms of {group.name} STAY OFF: somebody has "
        f"written the group meanwhile. It watched {', '.join(grant.alarms) or 'none'} before; deploy the service's "
        "template, or switch them on in CodeDeploy"
    )


def nothing_to_fix(request: FixGranted) -> str:
    return (
        f"{request.who} asked to let a fix of {request.service} pass, but the ledger knows no release of it, and so "
        "not its deployment group: write the function's name, or function:alias, as `seatrial status` does"
    )


def granted_already(request: FixGranted, standing: Grant | None) -> str:
    until = f" until {standing.until:%H:%M:%S} UTC" if standing else ""
    return f"{request.service}: a grant stands already{until}, or came after this one of {request.who}: nothing changes"
