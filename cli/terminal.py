"""What every command shares: its options, how it fails, and how it prints."""

from __future__ import annotations

import codecs
import io
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from seatrial.core.printable import printable, printable_json

if TYPE_CHECKING:
    from cli.account import Installed

Stack = Annotated[str, typer.Option(help="The name of Seatrial's stack.", envvar="SEATRIAL_STACK")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

SERVICE = "FUNCTION or FUNCTION:ALIAS; also an ARN, a tag's value, STACK/LOGICALID, or how the name begins."

# How a terminal that cannot show them gets the few signs that Seatrial's own texts use.
_IN_ASCII = {"→": "->", "…": "...", "±": "+-", "–": "-", "—": "-", "’": "'", "×": "x"}


class AccountError(Exception):
    """Seatrial can't be found or reached. The text names the fix."""


class Commands(TyperGroup):
    """A group whose commands end with a sentence and exit code 2 where AWS denies a call or can't be reached."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AccountError as error:
            fail(str(error), 2)
        except Exception as error:
            if not _is_of_aws(error):
                raise
            from cli import refusals

            fail(refusals.sentence(error), 2)


def _is_of_aws(error: Exception) -> bool:
    """By name, since only what has called AWS has imported its library."""
    return any(kind.__name__ in ("ClientError", "BotoCoreError") for kind in type(error).__mro__)


def show_what_it_can() -> None:
    """A sign that the terminal's encoding lacks is written in ASCII, and does not end the command."""
    codecs.register_error("seatrial", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="seatrial")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    shown = (_IN_ASCII.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return "".join(shown), error.end


def installed(stack: str) -> Installed:
    from cli import account

    return account.find(stack)


def fail(sentence: str, code: int) -> NoReturn:
    fail_with([sentence], code)


def fail_with(lines: Iterable[str], code: int) -> NoReturn:
    for line in lines:
        note(f"seatrial: {line}")
    raise typer.Exit(code)


def note(line: str) -> None:
    """For the person at the terminal, not for what reads the output."""
    typer.echo(printable(line), err=True)


def show(value: Any, lines: list[str], as_json: bool) -> None:
    """Nothing that a terminal would obey leaves: names and reasons are other people's words."""
    if as_json:
        typer.echo(printable_json(json.dumps(value, indent=1, ensure_ascii=False)))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in () if as_json else lines:
        typer.echo("\n".join(wrapped(printable(line), width)))


def wrapped(line: str, width: int | None) -> list[str]:
    """Between words, and indented after the first line. A line with a command in it is left whole, to be copied."""
    if width is None or len(line) <= width or "`" in line:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
