"""`seatrial disable` and `seatrial enable`: Seatrial off for one service, and on again, by the function's tag."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.terminal import SERVICE, AsJson, Stack, fail, installed, show

Service = Annotated[str, typer.Argument(help=SERVICE)]


def disable(service: Service, stack: Stack = "seatrial", as_json: AsJson = False) -> None:
    """Let releases of a service pass without trial, hold, bake and automatic rollback, from now on.

    Sets the function's tag with your own permissions, so it works without Seatrial's functions. A deployment that sets
    the tag in the template has the last word.
    """
    _switch(service, stack, as_json, on=False)


def enable(service: Service, stack: Stack = "seatrial", as_json: AsJson = False) -> None:
    """End `seatrial disable`: the next release is tested and watched again."""
    _switch(service, stack, as_json, on=True)


def add_to(app: typer.Typer) -> None:
    for command in (disable, enable):
        app.command()(command)


def _switch(service: str, stack: str, as_json: bool, *, on: bool) -> None:
    from cli import services
    from seatrial.aws.tag_switch import TagSwitch, UntaggedError

    account = installed(stack)
    function = services.find(account, service).partition(":")[0]
    switch = TagSwitch(account.clients.client("lambda"))
    try:
        changed = switch.enable(function) if on else switch.disable(function)
    except UntaggedError as error:
        fail(str(error), 1)
    event = "enabled" if on else "disabled"
    done = "tests and watches its releases" if on else "lets its releases pass untested"
    already = "" if changed else "already "
    next_step = "" if on else f" Next: seatrial enable {function}, when this is over"
    sentence = f"{function}: {already}{event}: Seatrial {done}.{next_step}"
    show({"function": function, "enabled": on, "changed": changed}, [sentence], as_json)
