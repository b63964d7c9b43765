"""How long `seatrial --help` takes, beside a Python that does nothing.

Processor time: an idle machine's wall clock shows the same, and a busy one's shows nothing that can be repeated.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.rows import Row, compare, difference

MOST = 0.5  # seconds
REPEATS = 9


def help_page() -> Row:
    pairs = compare(lambda: _seconds(["-m", "cli.app", "--help"]), lambda: _seconds(["-c", "pass"]), REPEATS)
    return pairs.row("seatrial --help, processor time", "s", difference(MOST), "python -c pass")


def _seconds(words: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
