"""`seatrial`: what is being released, why a release ended as it did, and the way back.

Exit codes: 0 it is so, 1 it is not (no such release, a suite with mistakes), 2 the call or the account is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import oncall, switching
from cli.terminal import (
    SERVICE,
    AccountError,
    AsJson,
    Commands,
    Stack,
    fail,
    fail_with,
    installed,
    show,
    show_what_it_can,
)

# A command imports what it needs when it runs: `--help`, a usage error and a command that needs no account do not wait
# for AWS's library.
if TYPE_CHECKING:
    from cli.account import Installed
    from seatrial.aws.ledger import Ledger
    from seatrial.core.release import Release

# CloudWatch keeps minutes for so many days.
_MOST_DAYS = 15

# Help is plain text: importing rich takes longer than all of the rest.
app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
    help=__doc__,
)
suite = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Suites: what a candidate must do before users meet it."
)
app.add_typer(suite, name="suite")


@app.command()
def status(
    service: Annotated[str, typer.Argument(help=f"{SERVICE} Without it, all services.")] = "",
    stack: Stack = "seatrial",
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write the board of the last four weeks into this file.")] = None,
) -> None:
    """The releases that are open, guarded or not healed, and those rejected today; holds and grants. Or the last
    releases of a service."""
    from cli import services, standing, views

    account = installed(stack)
    service = services.find(account, service) if service else ""
    if html:
        _write_the_board(html, account.ledger, service)
        return
    found = standing.read(account.ledger, service)
    show(views.standing(found), views.status(found, service), as_json)


def _write_the_board(html: Path, ledger: Ledger, service: str) -> None:
    from cli import board

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
    from cli import views
    from seatrial.core import story

    account = installed(stack)
    ledger = account.ledger
    if release.count("/") == 2:
        _explain_flag(ledger, release, as_json)
        return
    found = ledger.find(release) if release.startswith("d-") else _last(account, release)
    if found is None:
        fail(f"the ledger has no release {release}. Next: `seatrial status SERVICE` lists those of a service", 1)
    steps = story.of_its_way(ledger.steps(found.deployment_id))
    told = {**views.release(found), "steps": [views.step(one) for one in steps]}
    show(told, story.lines(found, steps), as_json)


def _explain_flag(ledger: Ledger, flag: str, as_json: bool) -> None:
    from cli import views
    from seatrial.core import flag_story

    steps = ledger.flags.steps(flag)
    if not steps:
        fail(f"the ledger knows nothing of the flag {flag}: write the names of application, environment and profile", 1)
    show({"flag": flag, "steps": [views.step(one) for one in steps]}, flag_story.lines(flag, steps), as_json)


@app.command()
def judge(
    file: Annotated[
        Path | None,
        typer.Argument(
            help='JSON: {"rows": [[base_n, base_err, cand_n, cand_err], …]}, or a list of such cases; - is stdin.',
            allow_dash=True,
        ),
    ] = None,
    from_cloudwatch: Annotated[
        str, typer.Option(metavar="FUNCTION:ALIAS", help="Print a service's own releases as such a list instead.")
    ] = "",
    days: Annotated[
        int, typer.Option(min=1, max=_MOST_DAYS, help="How far back; CloudWatch has minutes for 15 days.")
    ] = 14,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Replay closed minutes of recorded shifts: ok, worse or inconclusive, in which minute, on what evidence."""
    if from_cloudwatch and file is not None:
        fail("name a FILE or --from-cloudwatch, not both; `seatrial judge -` reads what the other prints", 2)
    if file is not None:
        from cli import judging

        judging.run(file, as_json)
    elif from_cloudwatch:
        from cli import history

        history.export(from_cloudwatch, days, stack)
    else:
        fail("name a FILE of recorded minutes", 2)


@app.command()
def foresee(
    service: Annotated[str, typer.Argument(help="FUNCTION:ALIAS.")],
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """What a shift would notice at last week's traffic, by its own configuration and by each that AWS has."""
    from cli import foresight

    foresight.run(service, stack, as_json)


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
        read = trial.load_folders(folder)
    except SuiteError as error:
        fail_with(map(str, error.mistakes), 1)
    except NoSuiteError as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"can't read {error.filename or folder}: {error.strerror}", 2)
    cases = {own: [case.name for case in suite.cases] for own, suite in read.items()}
    if list(cases) == [""]:
        show({"cases": cases[""]}, [f"{len(cases[''])} cases", *(f"  {name}" for name in cases[""])], as_json)
        return
    lines = [
        line
        for own, names in cases.items()
        for line in (f"{own or 'all other functions'}: {len(names)} cases", *(f"  {name}" for name in names))
    ]
    show({"suites": [{"function": own, "cases": names} for own, names in cases.items()]}, lines, as_json)


oncall.add_to(app)
switching.add_to(app)


def _last(account: Installed, service: str) -> Release | None:
    from cli import services

    return next(iter(account.ledger.releases_of(services.find(account, service), 1)), None)


def main() -> None:
    show_what_it_can()
    app()


if __name__ == "__main__":
    main()
