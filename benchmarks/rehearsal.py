"""`make rehearse` beside the sam builds, the sam deploys and the CodeDeploy minutes of its longest lane."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.rows import Row, fixed, ratio
from rehearsal.rehearse import rehearse
from rehearsal.telling.screen import Screen

MOST = 1.3
MINUTE = 2.0  # what `make rehearse` takes when nothing else is said


def whole() -> Row:
    """Runs once: a rehearsal takes two minutes and is hundreds of invokes."""
    with tempfile.TemporaryDirectory() as out, Screen(Console(file=io.StringIO())) as screen:
        found = rehearse(MINUTE, 0, Path(out), screen, frozenset())
    beside = "sam builds, sam deploys and CodeDeploy's minutes of its longest lane"
    return fixed("make rehearse", found.wall_seconds, found.needed.total, "s", ratio(MOST), beside)
