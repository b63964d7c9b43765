"""`seatrial`: what is being released, why a release ended as it did, and the way back.

Exit codes: 0 it is so, 1 it is not (no such release, a suite with mistakes), 2 the call or the account is wrong.
"""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli import judging, views
from cli.account import AccountError, Installed, find
from seatrial.core import story
from seatrial.core.release import Release

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
suite = typer.Typer(no_args_is_help=True, help="Suites: what a candidate must do before users meet it.")
app.add_typer(suite, name="suite")
app.command("judge")(judging.judge_command)

Stack = Annotated[str, typer.Option(help="The name of Seatrial's stack.", envvar="SEATRIAL_STACK")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _installed(stack: str) -> Installed:
    try:
        return find(stack)
    except AccountError as error:
        _fail(str(error), 2)


def _fail(sentence: str, code: int) -> NoReturn:
    typer.echo(f"seatrial: {sentence}", err=True)
    raise typer.Exit(code)


def _print(value: Any, lines: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))


@app.command()
def status(
    service: Annotated[str, typer.Argument(help="FUNCTION:ALIAS; without it, every open release.")] = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """The open releases, or the last ones of a service."""
    ledger = _installed(stack).ledger
    found = ledger.releases_of(_qualified(service)) if service else ledger.open_releases()
    _print([views.release(one) for one in found], views.status(found), as_json)


@app.command()
def explain(
    release: Annotated[str, typer.Argument(help="A deployment (d-…), or FUNCTION:ALIAS for its last release.")],
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Why a release ended as it did: everything that happened to it, in order."""
    ledger = _installed(stack).ledger
    found = ledger.find(release) if release.startswith("d-") else _last(ledger.releases_of(_qualified(release), 1))
    if found is None:
        _fail(f"the ledger has no release {release}. `seatrial status FUNCTION:ALIAS` lists those of a service", 1)
    steps = ledger.steps(found.deployment_id)
    told = {**views.release(found), "steps": [views.step(one) for one in steps]}
    _print(told, story.lines(found, steps), as_json)


@app.command()
def rollback(
    service: Annotated[str, typer.Argument(help="The function, or FUNCTION:ALIAS.")],
    reason: Annotated[str, typer.Option(help="Why; everybody will read it.")],
    release: Annotated[str, typer.Option(help="Only this deployment (d-…).")] = "",
    who: Annotated[str, typer.Option(help="Who asks; your user name if left out.")] = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Take the open release of a service back, now."""
    detail = {"service": service, "reason": reason, "who": who or getpass.getuser()}
    try:
        event = _installed(stack).send("Rollback Requested", {**detail, **({"release": release} if release else {})})
    except AccountError as error:
        _fail(str(error), 2)
    asked = f"asked for it (event {event}); `seatrial status {service}` shows what comes of it"
    _print({"event": event, **detail}, [asked], as_json)


@suite.command("check")
def check_suite(
    folder: Annotated[
        Path, typer.Argument(help="The folder that holds suite.yaml, usually seatrial/ beside the code.")
    ],
    as_json: AsJson = False,
) -> None:
    """Read a suite as a trial would, and name every mistake at once."""
    from seatrial.core.source import NoSuiteError, SuiteError
    from seatrial.flows import trial

    try:
        read = trial.load_folder(folder)
    except (SuiteError, NoSuiteError) as error:
        _fail(str(error), 1)
    names = [case.name for case in read.cases]
    _print({"cases": names}, [f"{len(names)} cases", *(f"  {name}" for name in names)], as_json)


def _qualified(service: str) -> str:
    return service if ":" in service else f"{service}:live"


def _last(releases: tuple[Release, ...]) -> Release | None:
    return releases[0] if releases else None


def main() -> None:
    app()


if __name__ == "__main__":
    main()
