"""What every command shares: its options, how it fails, and how it prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

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
    typer.echo(f"seatrial: {sentence}", err=True)
    raise typer.Exit(code)


def show(value: Any, lines: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))


def qualified(service: str) -> str:
    return service if ":" in service else f"{service}:live"
