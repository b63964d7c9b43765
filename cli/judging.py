"""`seatrial judge`: replay recorded minutes through the judge, and export a team's own history to replay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from seatrial.core import replay
from seatrial.core.judge import judge
from seatrial.core.replay import Recorded, ReplayError
from seatrial.core.verdict import Verdict


def judge_command(
    file: Annotated[
        Path | None,
        typer.Argument(help='JSON: {"rows": [[base_n, base_err, cand_n, cand_err], …]}, or a list of such cases.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list in the order of the file.")] = False,
) -> None:
    """Replay closed minutes of recorded shifts: ok, worse or inconclusive, in which minute, on what evidence."""
    if file is None:
        _fail("name a FILE of recorded minutes")
    try:
        cases = replay.read(file.read_bytes(), str(file))
    except OSError as error:
        _fail(f"{file}: can't be read: {error.strerror}")
    except ReplayError as error:
        _fail(str(error))
    verdicts = [judge(case.rows, case.settings) for case in cases]
    told = [replay.told(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]
    typer.echo(json.dumps(told, indent=1, ensure_ascii=False) if as_json else "\n".join(lines(cases, verdicts)))


def lines(cases: Sequence[Recorded], verdicts: Sequence[Verdict]) -> list[str]:
    """Two lines a case: its name or number with the verdict, and the sentence."""
    return [
        line
        for number, (case, verdict) in enumerate(zip(cases, verdicts, strict=True), start=1)
        for line in (f"{case.name or f'case {number}'}: {_headline(verdict)}", f"  {verdict.sentence}")
    ]


def _headline(verdict: Verdict) -> str:
    return f"{verdict.verdict}, minute {verdict.minute}, evidence {verdict.evidence:.3g} of {verdict.limit:.6g}"


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"seatrial: {sentence}", err=True)
    raise typer.Exit(2)
