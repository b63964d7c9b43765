"""How long `seatrial --help` takes, beside a Python that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from benchmarks.rows import Row, compare, difference, seconds

MOST = 0.5  # seconds
REPEATS = 9


def help_page() -> Row:
    ours = seconds(lambda: _run(["-m", "cli.app", "--help"]))
    pairs = compare(ours, seconds(lambda: _run(["-c", "pass"])), REPEATS)
    return pairs.row("seatrial --help", "s", difference(MOST), "python -c pass")


def _run(words: Sequence[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
