"""`seatrial judge`: replay recorded minutes through the judge."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cli.terminal import fail, show
from seatrial.core import replay
from seatrial.core.judge import judge
from seatrial.core.replay import Recorded, ReplayError
from seatrial.core.verdict import Verdict


def run(file: Path, as_json: bool) -> None:
    """Print the verdict on each case of a file; `-` is stdin."""
    cases = _cases(file)
    verdicts = [judge(case.rows, case.settings, metric=case.metric) for case in cases]
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
