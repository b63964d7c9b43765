"""`seatrial judge`: replay recorded minutes through the judge, and export a team's own history to replay."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import history
from cli.terminal import AsJson, Stack, fail, show
from seatrial.core import replay
from seatrial.core.judge import judge
from seatrial.core.replay import Recorded, ReplayError
from seatrial.core.verdict import Verdict


def judge_command(
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
        int, typer.Option(min=1, max=history.MOST_DAYS, help="How far back; CloudWatch has minutes for 15 days.")
    ] = 14,
    stack: Stack = "seatrial",
    as_json: AsJson = False,
) -> None:
    """Replay closed minutes of recorded shifts: ok, worse or inconclusive, in which minute, on what evidence."""
    if from_cloudwatch:
        if file is not None:
            fail("name a FILE or --from-cloudwatch, not both; `seatrial judge -` reads what the other prints", 2)
        exported = [replay.written(case) for case in history.read(from_cloudwatch, days, stack)]
        typer.echo(json.dumps(exported, ensure_ascii=False))
        return
    if file is None:
        fail("name a FILE of recorded minutes", 2)
    cases = _cases(file)
    verdicts = [judge(case.rows, case.settings) for case in cases]
    told = [replay.told(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]
    show(told, lines(cases, verdicts), as_json)


def _cases(file: Path) -> list[Recorded]:
    try:
        if str(file) == "-":
            return replay.read(sys.stdin.buffer.read(), "stdin")
        return replay.read(file.read_bytes(), str(file))
    except OSError as error:
        fail(f"{file}: can't be read: {error.strerror}", 2)
    except ReplayError as error:
        fail(str(error), 2)


def lines(cases: Sequence[Recorded], verdicts: Sequence[Verdict]) -> list[str]:
    """Two lines a case: its name or number with the verdict, and the sentence."""
    return [
        line
        for number, (case, verdict) in enumerate(zip(cases, verdicts, strict=True), start=1)
        for line in (f"{case.name or f'case {number}'}: {_headline(verdict)}", f"  {verdict.sentence}")
    ]


def _headline(verdict: Verdict) -> str:
    return f"{verdict.verdict}, minute {verdict.minute}, evidence {verdict.evidence:.3g} of {verdict.limit:.6g}"
