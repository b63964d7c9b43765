"""What on call may type: one event each on Seatrial's bus. And what heals a service after a late rollback."""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.terminal import SERVICE, AccountError, AsJson, Stack, fail, installed, note, show

Reason = Annotated[str, typer.Option(help="Why, in one sentence. Every subscriber reads it.")]
Who = Annotated[str, typer.Option(help="Who asks; your user name if left out.")]
Service = Annotated[str, typer.Argument(help=SERVICE)]
ServiceOrNone = Annotated[str, typer.Argument(help=SERVICE)]
All = Annotated[bool, typer.Option("--all", help="Every service.")]
Wait = Annotated[bool, typer.Option(help="Wait and print the result; --no-wait only sends the request.")]

_SPAN = re.compile(r"([0-9]{1,4})(m|h)")


@dataclass(frozen=True)
class Typed:
    """What every request's command takes besides its own options."""

    who: str
    stack: str
    wait: bool
    as_json: bool

    @staticmethod
    def say(line: str) -> None:
        show(None, [line], as_json=False)


def rollback(
    reason: Reason,
    service: ServiceOrNone = "",
    release: Annotated[str, typer.Option(help="Only this deployment (d-…).")] = "",
    flag: Annotated[str, typer.Option(help="Instead of a service: APPLICATION/ENVIRONMENT/PROFILE of AppConfig.")] = "",
    who: Who = "",
    wait: Wait = True,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Take a service back to stable, now: its open release, or the last one. Or a flag: its newest deployment."""
    if not (service or flag):
        fail("name a service, or write --flag APPLICATION/ENVIRONMENT/PROFILE", 2)
    named = {"service": service, "release": release, "flag": flag}
    detail = {"reason": reason, **{key: value for key, value in named.items() if value}}
    _send("Rollback Requested", detail, Typed(who, stack, wait, as_json))


def hold(
    reason: Reason,
    service: ServiceOrNone = "",
    every: All = False,
    who: Who = "",
    wait: Wait = True,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Let no new release of a service, or of any, start. What runs goes on, and every way back is open."""
    whom = _whom(service, every)
    _send("Hold Requested", {**whom, "reason": reason}, Typed(who, stack, wait, as_json))


def resume(
    reason: Reason,
    service: ServiceOrNone = "",
    every: All = False,
    who: Who = "",
    wait: Wait = True,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Lift a hold."""
    _send("Hold Released", {**_whom(service, every), "reason": reason}, Typed(who, stack, wait, as_json))


def fix(
    service: Service,
    reason: Reason,
    lasts: Annotated[str, typer.Option("--for", help="Within how long it must begin: 30m, 2h.")] = "30m",
    who: Who = "",
    wait: Wait = True,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Let one release pass ringing alarms, holds and windows, because it is the fix. Its trial must still pass."""
    detail = {"service": service, "minutes": _minutes(lasts), "reason": reason}
    _send("Fix Granted", detail, Typed(who, stack, wait, as_json))


def heal(service: Service, stack: Stack = "seatrial", as_json: AsJson = False) -> None:
    """What users of a service get, what CloudFormation believes, and the commands that bring the two together.

    Exit code 0 when there is nothing to heal, 1 when there is.
    """
    from cli import services, views

    account = installed(stack)
    found = services.find(account, service)
    wounded = views.to_be_healed(account.ledger.releases_of(found))
    lines = [wounded] if wounded else [f"{found} needs no healing: its last releases ended on both sides"]
    show({"service": found, "to_be_healed": wounded or None}, lines, as_json)
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


def _send(what: str, detail: dict[str, Any], typed: Typed) -> None:
    """Read as Seatrial will read it, then sent, then followed: a mistake is reported here, not in a log."""
    from cli import account, services, waiting
    from seatrial.core import oncall

    detail = {**detail, "who": typed.who or getpass.getuser()}
    envelope = {"id": "typed", "time": "2000-01-01T00:00:00Z", "source": oncall.SOURCE, "detail-type": what}
    there = account.find(typed.stack, to_send=True)
    try:
        if "service" in detail and "flag" not in detail:
            detail["service"] = services.find(there, detail["service"])
        oncall.request({**envelope, "detail": detail})
        event = there.send(what, detail)
    except (oncall.EventError, AccountError) as error:
        fail(str(error), 2)
    service = detail.get("service", "")
    note(f"{what} (event {event}).")
    if not (typed.wait and there.readable):
        why = "" if there.readable else "This role may only send requests, so the result is not shown here. "
        shown = f"{why}Next: seatrial explain {detail['flag']}" if "flag" in detail else f"{why}Next: seatrial status"
        show({"event": event, **detail}, [f"{shown} {service}".rstrip()], typed.as_json)
        return
    note("Waiting for the result. Ctrl-C ends the waiting, not the request.")
    outcome = waiting.follow(there, event, service, note if typed.as_json else typed.say)
    show({"event": event, **detail, **outcome.told()}, [], typed.as_json)
    if outcome.code:
        raise typer.Exit(outcome.code)
