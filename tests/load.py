"""A machine that is busy with something else."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

LOOP = """
import sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), globals().update(on=False)), daemon=True).start()
on, end = True, time.monotonic() + float(sys.argv[1])
while on and time.monotonic() < end:
    sum(range(10_000))
"""


@contextlib.contextmanager
def busy(loops: int, seconds: float = 1800.0) -> Iterator[None]:
    """So many processes that only burn time. They end with this block, with this process, or after so many seconds."""
    command = [sys.executable, "-c", LOOP, str(seconds)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(loops)]
    try:
        yield
    finally:
        for one in running:
            if one.stdin:
                one.stdin.close()
        for one in running:
            one.wait()
