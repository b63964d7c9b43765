"""The examiner: what a response holds is found out here, or in a process of its own where it may take long.

A pattern such as `^(\\w+-?)+$` holds Python's lock while it computes, so that a hook's own timer could not answer
CodeDeploy. The other process is started when the first such expectation comes, kept for the next ones, and killed when
one takes too long. It talks over pipes: Lambda has no /dev/shm, which the queues of `multiprocessing` need.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from seatrial.core import bounds
from seatrial.core.examine import Examined, Sought, examine, is_quick
from seatrial.core.expect import Response
from seatrial.core.values import Json

# Without `site`, which takes half of the start, and with the paths of this process: a layer's folder is on sys.path,
# not in the environment. The folder that holds the package comes first, since an editable install needs `site`.
_COMMAND = "import sys; sys.path[:] = sys.argv[2:]; from seatrial.flows import examining; examining.serve(sys.argv[1])"

_HERE = str(Path(__file__).resolve().parents[2])

# For the wall time, when the caller has more: the process may have to wait for a processor.
_LONGEST_WAIT = 30.0

_A_READ = 65_536


class Examiner:
    """`computing` is how many seconds of processor time the expectations of one case may take."""

    def __init__(self, computing: float = bounds.CHECK.most) -> None:
        self._computing = computing
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def examine(self, sought: Sought, response: Response, until: Callable[[], float]) -> Examined:
        """What holds of the response. `until` tells how many seconds of wall time are left.

        Raises UnfitError for a right side that no matcher can work with.
        """
        if is_quick(sought):
            return examine(sought, response)
        request = json.dumps({"sought": asdict(sought), "response": asdict(response)}).encode() + b"\n"
        try:
            line = self._answer(request, min(_LONGEST_WAIT, max(0.0, until())))
        except TimeoutError:
            self.end()
            return Examined(("not checked: the time was over before its patterns and paths were computed",))
        if not line.endswith(b"\n"):
            return Examined((self._why_it_ended(),))
        return _read(json.loads(line))

    def end(self) -> None:
        """Kill the process, if there is one. The next examination starts another."""
        if process := self._process:
            self._process = None
            process.kill()
            process.communicate()

    def _answer(self, request: bytes, seconds: float) -> bytes:
        """A line; what there is of one when the process has ended. Raises TimeoutError."""
        process = self._started()
        assert process.stdin and process.stdout  # both are pipes
        with contextlib.suppress(BrokenPipeError), selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE)
            while request:
                if not ready.select(seconds):
                    raise TimeoutError
                request = request[process.stdin.write(request) or 0 :]
        line = b""
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not ready.select(seconds):
                    raise TimeoutError
                piece = process.stdout.read(_A_READ)
                if not piece:
                    break
                line += piece
        return line

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _COMMAND, str(self._computing), _HERE, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
            assert self._process.stdin
            os.set_blocking(self._process.stdin.fileno(), False)  # a write takes what the pipe has room for
        return self._process

    def _why_it_ended(self) -> str:
        code = self._process.wait() if self._process else 0
        self.end()
        if code == -signal.SIGPROF:
            return (
                f"not checked: its patterns and paths took more than {self._computing:g} s of computing time; "
                "write a pattern without repetitions inside repetitions"
            )
        return f"not checked: the process that computes its patterns and paths ended with code {code}"


def _read(answer: dict[str, Json]) -> Examined:
    return Examined(tuple(answer["wrong"]), tuple(answer["unmeasured"]), answer["captured"])  # type: ignore[arg-type]
