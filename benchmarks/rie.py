"""Cold starts with Lambda's real Runtime API: its interface emulator (RIE), which aws-sam-cli brings, and awslambdaric.

A cold start is measured as a user meets it: from the invoke to the function's first call of AWS, so that a client that
is made late counts as well. The function runs with Lambda's packages, its layer as `sam build` makes it, and nothing
else that is installed here.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.sam import PROJECT
from rehearsal.stage import free_port
from rehearsal.stage.lambdas.runtime import RUNTIME_PACKAGES

# What awslambdaric needs besides (its own requirements).
_CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")

# A cold start takes about a second on an idle machine.
_PATIENCE = 60.0

# The account and Region of events/alarm.json: an alarm of another one is ignored without a call.
ACCOUNT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "SEATRIAL_LEDGER_TABLE": "ledger",
    "SEATRIAL_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:seatrial",
    "SEATRIAL_BUS_NAME": "seatrial",
    "SEATRIAL_DARK_TEST_SERVICES": "payments",
}


def milliseconds_to_first_call(function: Path, event: Mapping[str, Any], layer: Path | None) -> float:
    """Wall milliseconds from the invoke of `app.handler` in a new environment to its first call of AWS."""
    return milliseconds_to("", function, event, layer, {})[0]


def milliseconds_to(
    operation: str,
    function: Path,
    event: Mapping[str, Any],
    layer: Path | None,
    responses: Mapping[str, Any],
    takes: float = 0.0,
) -> tuple[float, tuple[str, ...]]:
    """Wall milliseconds from the invoke in a new environment to its call of `operation`, and the calls until then.

    `operation` "" is any. `responses` are by operation; all others are refused. Each response takes `takes` seconds.
    """
    with _aws(operation, responses, takes) as aws, _environment(function, layer, aws.endpoint) as port:
        began = time.perf_counter()
        _invoke(port, event)
        if not aws.called.wait(_PATIENCE):
            made = ", ".join(aws.calls) or "none"
            raise RuntimeError(
                f"{function.name}: no call of {operation or 'AWS'} within {_PATIENCE:g} s; its calls: {made}"
            )
        return (aws.at - began) * 1000, tuple(aws.calls)


@cache
def layer() -> Path:
    """The folder that Lambda has at /opt/python, built once in a process."""
    into = Path(tempfile.mkdtemp(prefix="seatrial-layer-"))
    build(into)
    return into / "python"


def build(into: Path) -> None:
    """What `sam build` runs for the layer."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["make", "--silent", "build-SeatrialLayer", f"ARTIFACTS_DIR={into}"]
    subprocess.run(
        command,
        cwd=PROJECT / "layers" / "seatrial",
        env={**os.environ, "PATH": path},
        check=True,
        stderr=subprocess.PIPE,
    )


class _Aws(http.server.BaseHTTPRequestHandler):
    """Responds as it was told to, and refuses every other call. The awaited one sets `called`."""

    server: _Endpoint

    def do_POST(self) -> None:
        # Lambda is REST: the only GET that a benchmark has a response for is GetFunction.
        operation = self.headers.get("X-Amz-Target", ".GetFunction").rpartition(".")[2]
        self.server.notice(operation)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        response = self.server.responses.get(operation)
        refused = {"__type": "AccessDeniedException", "message": "a benchmark"}
        time.sleep(self.server.takes)
        body = json.dumps(refused if response is None else response).encode()
        self.send_response(400 if response is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Endpoint(http.server.ThreadingHTTPServer):
    def __init__(self, operation: str, responses: Mapping[str, Any], takes: float) -> None:
        super().__init__(("127.0.0.1", 0), _Aws)
        self.responses = responses
        self.takes = takes
        self.calls: list[str] = []
        self._awaited = operation
        self.called = threading.Event()
        self.at = 0.0
        self.endpoint = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that ends in the midst of a call is no error here."""

    def notice(self, operation: str) -> None:
        if self.called.is_set():
            return
        self.calls.append(operation)
        if self._awaited in ("", operation):
            self.at = time.perf_counter()
            self.called.set()


@contextlib.contextmanager
def _aws(operation: str, responses: Mapping[str, Any], takes: float) -> Iterator[_Endpoint]:
    with _Endpoint(operation, responses, takes) as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()


@contextlib.contextmanager
def _environment(function: Path, layer: Path | None, endpoint: str) -> Iterator[int]:
    """An execution environment that has not begun: RIE starts the runtime at the first invoke. Gives its port."""
    port, api = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(function), *([str(layer)] if layer else []), str(_runtime(Path(folder)))]
        environment = {
            **ACCOUNT,
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "AWS_ENDPOINT_URL": endpoint,
            "LAMBDA_TASK_ROOT": str(function),
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        addresses = [
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api}"),
        ]
        command = [_rie(), *addresses, sys.executable, "-S", "-m", "awslambdaric", "app.handler"]
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=function, env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
        try:
            _until_it_listens(port, process)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with the runtime, which is its child
            process.wait()


def _runtime(folder: Path) -> Path:
    """Lambda's own packages alone: links to what is installed here."""
    runtime = folder / "runtime"
    runtime.mkdir()
    for name in (*RUNTIME_PACKAGES, *_CLIENT):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed. Next: make bench")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (runtime / source.name).symlink_to(source)
    return runtime


def _rie() -> str:
    spec = importlib.util.find_spec("samcli")
    if spec is None or spec.origin is None:
        raise RuntimeError("aws-sam-cli is not installed. Next: make setup")
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    packaged = Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    if not os.access(packaged, os.X_OK):
        packaged.chmod(0o755)
    return str(packaged)


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the interface emulator ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.connect()
            return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise RuntimeError("the interface emulator did not listen within 12 s")


def _invoke(port: int, event: Mapping[str, Any]) -> None:
    """Sends the invoke and does not wait for its answer."""

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        with contextlib.suppress(OSError, http.client.HTTPException):  # the environment ends before it answers
            connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(dict(event)))
            connection.getresponse().read()

    threading.Thread(target=send, daemon=True).start()
