"""What every command shares: its options, how it fails, and how it prints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from seatrial.core.printable import printable, printable_json

if TYPE_CHECKING:
    from cli.account import Installed

Stack = Annotated[str, typer.Option(help="The name of Seatrial's stack.", envvar="SEATRIAL_STACK")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class AccountError(Exception):
    """Seatrial can't be found or reached. The text names the fix."""


def installed(stack: str) -> Installed:
    from cli import account

    try:
        return account.find(stack)
    except AccountError as error:
        fail(str(error), 2)


def fail(sentence: str, code: int) -> NoReturn:
    fail_with([sentence], code)


def fail_with(lines: Iterable[str], code: int) -> NoReturn:
    for line in lines:
        typer.echo(f"seatrial: {printable(line)}", err=True)
    raise typer.Exit(code)


def show(value: Any, lines: list[str], as_json: bool) -> None:
    """Nothing that a terminal would obey leaves: names and reasons are other people's words."""
    if as_json:
        typer.echo(printable_json(json.dumps(value, indent=1, ensure_ascii=False)))
    for line in () if as_json else lines:
        typer.echo(printable(line))


def qualified(service: str) -> str:
    return service if ":" in service else f"{service}:live"
