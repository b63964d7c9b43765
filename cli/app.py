"""`seatrial`: what is being released, why a release ended as it did, and the way back.

Exit codes: 0 it is so, 1 it is not (no such release, a suite with mistakes), 2 the call or the account is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import board, foresight, judging, oncall, views
from cli.account import AccountError
from cli.terminal import AsJson, Stack, fail, installed, qualified, show
from seatrial.aws.ledger import Ledger
from seatrial.core import flag_story, story
from seatrial.core.release import Release

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
suite = typer.Typer(no_args_is_help=True, help="Suites: what a candidate must do before users meet it.")
app.add_typer(suite, name="suite")
app.command("judge")(judging.judge_command)
app.command("foresee")(foresight.foresee_command)
oncall.add_to(app)


@app.command()
def status(
    service: Annotated[str, typer.Argument(help="FUNCTION:ALIAS; without it, every release that is watched.")] = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write the board of the last four weeks into this file.")] = None,
) -> None:
    """The releases that are open, guarded or not healed, or the last ones of a service."""
    ledger = installed(stack).ledger
    if html:
        _write_the_board(html, ledger, service)
        return
    found = ledger.releases_of(qualified(service)) if service else ledger.watched()
    show([views.release(one) for one in found], views.status(found, service), as_json)


def _write_the_board(html: Path, ledger: Ledger, service: str) -> None:
    try:
        board.write(html, ledger, service)
    except AccountError as error:
        fail(str(error), 2)
    typer.echo(f"{html} has the board")


@app.command()
def explain(
    release: Annotated[str, typer.Argument(help="A deployment (d-…), FUNCTION:ALIAS for its last release, or a flag.")],
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Why a release ended as it did: everything that happened to it, in order. A flag is written as its
    application/environment/profile."""
    ledger = installed(stack).ledger
    if "/" in release:
        _explain_flag(ledger, release, as_json)
        return
    found = ledger.find(release) if release.startswith("d-") else _last(ledger.releases_of(qualified(release), 1))
    if found is None:
        fail(f"the ledger has no release {release}. `seatrial status FUNCTION:ALIAS` lists those of a service", 1)
    steps = ledger.steps(found.deployment_id)
    told = {**views.release(found), "steps": [views.step(one) for one in steps]}
    show(told, story.lines(found, steps), as_json)


def _explain_flag(ledger: Ledger, flag: str, as_json: bool) -> None:
    steps = ledger.flags.steps(flag)
    if not steps:
        fail(f"the ledger knows nothing of the flag {flag}: write the names of application, environment and profile", 1)
    show({"flag": flag, "steps": [views.step(one) for one in steps]}, flag_story.lines(flag, steps), as_json)


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
        fail(str(error), 1)
    names = [case.name for case in read.cases]
    show({"cases": names}, [f"{len(names)} cases", *(f"  {name}" for name in names)], as_json)


def _last(releases: tuple[Release, ...]) -> Release | None:
    return releases[0] if releases else None


def main() -> None:
    app()


if __name__ == "__main__":
    main()
