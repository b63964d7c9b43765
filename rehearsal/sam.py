"""`sam build` and `sam deploy`, as a person types them, against the stage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.stage import environment
from rehearsal.stage.outside import OutsideClock

PROJECT = Path(__file__).parent.parent


WAITS = "Waiting for stack create/update"
"""What `sam deploy` prints when its own work is done."""
HOLD_SECONDS = 300.0
"""Wall seconds after which the clock goes on if `sam deploy` hangs before that."""


class SamError(Exception):
    """`sam` did not do what the rehearsal needs to go on. The text has the end of what it printed."""


@dataclass(frozen=True)
class Ran:
    """What a `sam` command came to.

    `seconds` are all that it took on the wall, `working` those before it waited for a stack.
    """

    ok: bool
    output: str
    seconds: float
    working: float

    def tail(self, lines: int = 12) -> str:
        kept = [line for line in self.output.splitlines() if line.strip()]
        return "\n".join(kept[-lines:])


class Sam:
    """Runs `sam` with the stage's endpoint in its environment. `stopping` is set once the rehearsal is to end early."""

    def __init__(self, endpoint: str) -> None:
        self._clock = OutsideClock(endpoint)
        # `sam build` looks for the functions' Python on PATH, and this environment has it.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._environment = {**inherited, **environment(endpoint), "PATH": path}
        self.stopping = threading.Event()
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def build(self, folder: Path) -> float:
        """`sam build` in `folder`: the wall seconds that it took. Raises SamError when it fails."""
        ran = self._run(["build"], folder)
        if not ran.ok:
            raise SamError(f"sam build failed in {folder.name}:\n{ran.tail()}")
        return ran.seconds

    def deploy(
        self,
        folder: Path,
        stack: str,
        parameters: Mapping[str, str] | None = None,
        line: Callable[[str], None] | None = None,
    ) -> Ran:
        """`sam deploy` of what was built in `folder`. A deployment that fails is an answer: releases do fail.

        It holds the clock while it works, and not while it waits for the stack.
        """
        overrides = [f"{name}={value}" for name, value in (parameters or {}).items()]
        arguments = ["deploy", "--stack-name", stack]
        arguments += ["--parameter-overrides", *overrides] if overrides else []
        with self._clock.held(f"sam deploy of {stack}", HOLD_SECONDS) as release:

            def printed(text: str) -> None:
                if WAITS in text:
                    release()
                if line:
                    line(text)

            return self._run(arguments, folder, printed)

    def _run(self, arguments: list[str], folder: Path, line: Callable[[str], None] | None = None) -> Ran:
        began = time.monotonic()
        waited_from = None
        process = subprocess.Popen(
            [sys.executable, "-m", "samcli", *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(process)
            if self.stopping.is_set():
                process.kill()
        printed = []
        for text in process.stdout or ():
            printed.append(text)
            if WAITS in text:
                waited_from = time.monotonic()
            if line:
                line(text.rstrip())
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        ended = time.monotonic()
        return Ran(code == 0, "".join(printed), ended - began, (waited_from or ended) - began)

    def stop(self) -> None:
        """End what runs, and whatever is begun after this."""
        self.stopping.set()
        with self._lock:
            for process in self._running:
                process.kill()


def project_of(into: Path) -> Path:
    """A copy of what `sam build` reads of Seatrial: built there, two of them never meet in one `.aws-sam`."""
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(PROJECT / name, into / name)
    for name in ("functions", "layers"):
        shutil.copytree(PROJECT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
    return into


def source_of(variant: str, release: str, into: Path) -> Path:
    """A copy of the payments service with the files of `variant` over its own. `release` makes it unlike any other.

    Variants: `v1` (as it is) and the folders of examples/payments/variants.
    """
    example = PROJECT / "examples" / "payments"
    folder = into / release
    shutil.copytree(example / "function", folder / "function")
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(example / name, folder / name)
    if variant != "v1":
        shutil.copytree(example / "variants" / variant, folder / "function", dirs_exist_ok=True)
    (folder / "function" / "RELEASE").write_text(f"{release}\n")
    return folder
