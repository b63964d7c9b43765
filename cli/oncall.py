"""What on call may type: one event each on Seatrial's bus. And what heals a service after a late rollback."""

from __future__ import annotations

import getpass
import re
from typing import Annotated, Any

import typer

from cli.terminal import AccountError, AsJson, Stack, fail, installed, qualified, show

Reason = Annotated[str, typer.Option(help="Why; everybody will read it.")]
Who = Annotated[str, typer.Option(help="Who asks; your user name if left out.")]
Service = Annotated[str, typer.Argument(help="The function, or FUNCTION:ALIAS.")]
ServiceOrNone = Annotated[str, typer.Argument(help="The function, or FUNCTION:ALIAS.")]
All = Annotated[bool, typer.Option("--all", help="Every service.")]

_SPAN = re.compile(r"(\d+)(m|h)")


def rollback(
    reason: Reason,
    service: ServiceOrNone = "",
    release: Annotated[str, typer.Option(help="Only this deployment (d-…).")] = "",
    flag: Annotated[str, typer.Option(help="Instead of a service: APPLICATION/ENVIRONMENT/PROFILE of AppConfig.")] = "",
    who: Who = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Take a service back to stable, now: its open release, or the last one. Or a flag: its newest deployment."""
    if not (service or flag):
        fail("name a service, or write --flag APPLICATION/ENVIRONMENT/PROFILE", 2)
    named = {"service": service, "release": release, "flag": flag}
    detail = {"reason": reason, **{key: value for key, value in named.items() if value}}
    then = f"`seatrial explain {flag}` tells" if flag else f"`seatrial status {service}` shows"
    _send("Rollback Requested", detail, who, stack, as_json, f"{then} what comes of it")


def hold(
    reason: Reason,
    service: ServiceOrNone = "",
    every: All = False,
    who: Who = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Let no new release of a service, or of any, start. What runs goes on, and every way back is open."""
    whom = _whom(service, every)
    _send("Hold Requested", {**whom, "reason": reason}, who, stack, as_json, "`seatrial resume` lifts it")


def resume(
    reason: Reason,
    service: ServiceOrNone = "",
    every: All = False,
    who: Who = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Lift a hold."""
    _send("Hold Released", {**_whom(service, every), "reason": reason}, who, stack, as_json, "releases may start again")


def fix(
    service: Service,
    reason: Reason,
    lasts: Annotated[str, typer.Option("--for", help="Within how long it must begin: 30m, 2h.")] = "30m",
    who: Who = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Let one release pass ringing alarms, holds and windows, because it is the fix. Its trial must still pass."""
    detail = {"service": service, "minutes": _minutes(lasts), "reason": reason}
    _send("Fix Granted", detail, who, stack, as_json, "deploy once you are told that the lane is open")


def heal(service: Service, stack: Stack = "seatrial", as_json: AsJson = False) -> None:
    """What users of a service get, what CloudFormation believes, and the commands that bring the two together.

    Exit code 0 when there is nothing to heal, 1 when there is.
    """
    from cli import views

    last = installed(stack).ledger.releases_of(qualified(service))
    wounded = views.to_be_healed(last)
    lines = [wounded] if wounded else [f"{qualified(service)} needs no healing: its last releases ended on both sides"]
    show({"service": qualified(service), "to_be_healed": wounded or None}, lines, as_json)
    if wounded:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    for command in (rollback, hold, resume, fix, heal):
        app.command()(command)


def _whom(service: str, every: bool) -> dict[str, Any]:
    if bool(service) == every:
        fail("name a service, or write --all for every one", 2)
    return {"all": True} if every else {"service": service}


def _minutes(span: str) -> int:
    found = _SPAN.fullmatch(span)
    if not found:
        fail(f"--for is {span!r}; write 30m or 2h", 2)
    return int(found[1]) * (60 if found[2] == "h" else 1)


def _send(what: str, detail: dict[str, Any], who: str, stack: str, as_json: bool, then: str) -> None:
    """Read as Seatrial will read it, then sent: a mistake is told here, not in a log."""
    from seatrial.core import oncall

    detail = {**detail, "who": who or getpass.getuser()}
    envelope = {"id": "typed", "time": "2000-01-01T00:00:00Z", "source": oncall.SOURCE, "detail-type": what}
    try:
        oncall.request({**envelope, "detail": detail})
        event = installed(stack).send(what, detail)
    except (oncall.EventError, AccountError) as error:
        fail(str(error), 2)
    show({"event": event, **detail}, [f"asked for it (event {event}); {then}"], as_json)
