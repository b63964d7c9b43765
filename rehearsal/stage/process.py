"""Start, watch and stop the stage: a local AWS on 127.0.0.1 in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3

from rehearsal.stage import edges
from rehearsal.stage.outside import OutsideClock
from seatrial.settings import Clock

ACCOUNT = "111122223333"
REGION = "eu-west-1"
NEEDED_BYTES = 500_000_000
_PREFIX = "seatrial-stage-"
_START_SECONDS = 60.0


class StageError(Exception):
    """The stage can't start or has stopped. The text names the fix."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(endpoint: str) -> dict[str, str]:
    """What to export so that any AWS tool talks to the stage, and to nothing else, and `seatrial` reads its clock."""
    return {
        "SEATRIAL_CLOCK_URL": f"{endpoint}/_stage/clock",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "stage",
        "AWS_SESSION_TOKEN": "stage",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    }


def _require_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise StageError(
            f"{folder} has {free // 1_000_000} MB free and the stage needs {NEEDED_BYTES // 1_000_000} MB: "
            "free some, or set TMPDIR to a folder with room"
        )


def _bound(port: int) -> socket.socket:
    """A socket on 127.0.0.1 that the local AWS inherits. The system chooses the port where `port` is 0."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise StageError(f"port {port} is in use: stop what listens there, or choose another with PORT=…") from None
    return bound


def _remove_leftovers() -> None:
    """Folders of stages whose starter was killed before it could remove them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder / "pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(owner.read_text())
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)


class Stage:
    """A running stage. `with Stage(minute=2) as stage:` starts it and takes everything away again.

    `manual`: its time stands still, but for `advance`.
    """

    def __init__(self, *, port: int = 0, minute: float = 2.0, manual: bool = False) -> None:
        self.minute = minute
        self.manual = manual
        self.port = port
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._session = boto3.Session(
            aws_access_key_id=ACCOUNT, aws_secret_access_key="stage", aws_session_token="stage", region_name=REGION
        )
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Raises StageError when the port is taken, the disk is full, or the process doesn't answer."""
        _remove_leftovers()
        _require_room(Path(tempfile.gettempdir()))
        bound = _bound(self.port)
        self.port = int(bound.getsockname()[1])
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        (self.folder / "pid").write_text(str(os.getpid()))
        command = [sys.executable, "-m", "rehearsal.stage.server", "--with-parent", "--folder", str(self.folder)]
        command += ["--socket", str(bound.fileno()), "--minute", str(self.minute)]
        command += ["--manual"] if self.manual else []
        output = (self.folder / "output.log").open("wb")
        # A session of its own: Ctrl-C reaches the starter alone, which then stops the stage in order.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[bound.fileno()],
        )
        output.close()
        bound.close()
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                raise StageError(f"the stage ended while it started:\n{self.tail()}")
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                self.get("clock")
                return
            if time.monotonic() > deadline:
                raise StageError(f"the stage did not answer within {_START_SECONDS:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self, lines: int = 15) -> str:
        """The end of what the stage printed, for an error message."""
        log = self.folder / "output.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def wait(self) -> int:
        """Until the stage's process ends by itself."""
        return self._process.wait() if self._process else 0

    def get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.endpoint}/_stage/{what}", timeout=60) as answer:
            return json.load(answer)

    def clock(self) -> Clock:
        """The time here, as functions and the command line read it."""
        return Clock(f"{self.endpoint}/_stage/clock")

    @property
    def time(self) -> OutsideClock:
        """To wait by its clock, to hold it, and to advance a manual one."""
        return OutsideClock(self.endpoint)

    def records(self, since: int = 0) -> list[dict[str, Any]]:
        """What happened from record `since` on: rehearsal.stage.records."""
        return list(self.get(f"records?since={since}"))

    def calls(self) -> list[dict[str, Any]]:
        """The AWS calls that functions made: rehearsal.stage.iam."""
        return list(self.get("calls"))

    def poll_alarms(self, group: str, *, on: bool) -> None:
        """Switch CodeDeploy's own alarm poll for one deployment group."""
        self.post("switches", {"poll_alarms": {group: on}})

    def switch(self, **answers: Any) -> None:
        """Choose answers to what nobody could confirm: rehearsal.stage.codedeploy.behaviour."""
        self.post("switches", {"answers": answers})

    def fault(self, **fault: Any) -> None:
        """Ask for a fault: rehearsal.stage.faults. `stage.fault(throttle="lambda", count=1)`."""
        self.post("faults", fault)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are on, each with its `hits`."""
        return list(self.get("faults"))

    def no_faults(self) -> None:
        request = urllib.request.Request(f"{self.endpoint}/_stage/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=60):
            pass

    def post(self, what: str, body: Any) -> Any:
        """Raises StageError with the stage's own sentence when it refuses."""
        try:
            with urllib.request.urlopen(
                f"{self.endpoint}/_stage/{what}", data=json.dumps(body).encode(), timeout=60
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise StageError(refused.read().decode()) from None

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS, made once a service: `stage.client("lambda")`. Threads may share it."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]
            return self._clients[service]


def _print_notes(stage: Stage) -> None:
    """As they come, until the stage stops: rehearsal.stage.notes, and what CodeDeploy lets pass."""
    seen = 0
    with contextlib.suppress(OSError):
        while True:
            for record in stage.records(seen):
                seen = record["seq"] + 1
                if "note" in (record["kind"], record.get("what")):
                    print(f"# note: {record['text']}", flush=True)
            time.sleep(1)


def main() -> None:
    """`make stage`: serve in the foreground, print what to export, stop on Ctrl-C."""
    try:
        minute, port = edges.minute(os.environ.get("MINUTE", "2")), edges.port(os.environ.get("PORT", "4566"))
        with Stage(port=port, minute=minute, manual=bool(os.environ.get("MANUAL"))) as stage:
            print(f"# the stage answers on {stage.endpoint}; a stage minute takes {minute:g} s; Ctrl-C stops it")
            for name, value in environment(stage.endpoint).items():
                print(f"export {name}={value}")
            print("# `seatrial` reads the stage's clock by these exports; other code reads the wall clock")
            sys.stdout.flush()
            threading.Thread(target=_print_notes, args=(stage,), daemon=True).start()
            stage.wait()
    except KeyboardInterrupt:
        print("\nthe stage has stopped")
    except (StageError, ValueError) as error:
        sys.exit(f"stage: {error}")
