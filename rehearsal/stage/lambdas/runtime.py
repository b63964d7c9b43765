"""Gap of MiniStack: functions see everything that is installed beside it, and their errors and logs lack Lambda's form.

Here a Python function finds what Lambda's runtime offers (boto3 and what it needs) and nothing more; errors carry their
type; the log has START, END and REPORT lines; each execution is counted with the qualifier and version it ran as.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from rehearsal.stage.cloudwatch import metrics
from rehearsal.stage.lambdas import environments, errors, payloads

RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "s3transfer", "urllib3", "dateutil", "six")
"""What Lambda's Python runtimes bring along (developer guide, "Runtime-included SDK versions")."""


def isolated_python(folder: Path) -> Path:
    """A command below `folder` that starts this Python with the standard library and Lambda's own packages only."""
    site = folder / "runtime"
    site.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed: run `make setup`")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = site / source.name
        if not link.exists():
            link.symlink_to(source)
    command = folder / "python"
    # Byte code goes to one place: every cold start unpacks the layers anew and would compile them again.
    command.write_text(
        "#!/bin/sh\n"
        f'PYTHONPATH="{site}" PYTHONPYCACHEPREFIX="{folder / "bytecode"}" PYTHONDONTWRITEBYTECODE= '
        f'exec "{sys.executable}" -S "$@"\n'
    )
    command.chmod(0o755)
    return command


def lambda_error(result: dict[str, Any], handler: str) -> dict[str, Any]:
    """The error payload as Lambda gives it, from what MiniStack's worker told."""
    body = result.get("body")
    if not isinstance(body, dict):
        return {}
    message = body.get("errorMessage", "")
    if isinstance(message, environments.Failure):
        return dict(message.payload)
    if str(message).startswith(environments.INIT_FAILED):
        module, why = handler.rpartition(".")[0], str(message).removeprefix(environments.INIT_FAILED)
        said = f"Unable to import module '{module}': {why}"
        return {"errorMessage": said, "errorType": "Runtime.ImportModuleError", "stackTrace": []}
    if str(message).startswith("Runtime exited"):
        return {**body, "errorType": "Runtime.ExitError"}
    return body


def platform_log(
    log: str, request_id: str, version: str, duration_ms: float, init_ms: float | None, memory: int
) -> str:
    """The function's own lines between Lambda's START, END and REPORT lines."""
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {int(duration_ms) + 1} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {min(memory, 64)} MB"
    )
    if init_ms is not None:
        report += f"\tInit Duration: {init_ms:.2f} ms"
    own = [log] if log else []
    start = f"START RequestId: {request_id} Version: {version}"
    return "\n".join([start, *own, f"END RequestId: {request_id}", report])


def qualifier_of(arn: str) -> str | None:
    """The last part of `arn:aws:lambda:region:account:function:name:qualifier`, or None where there is none."""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else None


def install(folder: Path) -> None:
    """Start functions in isolation and count each execution. `folder` is the stage's own and is removed with it."""
    python = str(isolated_python(folder))
    detect = lambda_runtime._detect_runtime_binary
    spawn = lambda_runtime.Worker._spawn
    execute = lambda_svc._execute_function_dispatch
    cold = _ColdStarts()

    def detect_runtime(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (python, script) if runtime.startswith("python") else (binary, script)

    def timed_spawn(worker: Any) -> None:
        started = time.monotonic()
        try:
            spawn(worker)
        finally:
            cold.began((time.monotonic() - started) * 1000)

    def counted(func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float) -> Any:
        result = execute(func, config, event, request_id, started)
        if not result.get("error") and (too_large := payloads.refused_response(result.get("body"))) is not None:
            result = {**result, "body": too_large, "error": True}
        elapsed = (time.time() - started) * 1000
        init = cold.take()
        duration = max(0.1, elapsed - (init or 0.0))
        metrics.absorb(str(result.get("log", "")))
        metrics.record_invoke(
            config["FunctionName"],
            qualifier_of(config.get("FunctionArn", "")),
            config.get("Version", "$LATEST"),
            started=started,
            duration_ms=duration,
            error=bool(result.get("error")),
            throttle=bool(result.get("throttle")),
        )
        if result.get("error") and not result.get("throttle"):
            result["body"] = lambda_error(result, config.get("Handler", ""))
        result["log"] = platform_log(
            str(result.get("log", "")),
            request_id or str(uuid.uuid4()),
            config.get("Version", "$LATEST"),
            duration,
            init,
            int(config.get("MemorySize", 128)),
        )
        return result

    lambda_runtime._detect_runtime_binary = detect_runtime
    lambda_runtime.Worker._spawn = timed_spawn
    lambda_svc._execute_function_dispatch = counted
    lambda_svc._emit_lambda_logs = _in_events(lambda_svc._emit_lambda_logs)
    os.environ.pop("PYTHONPATH", None)


_NEW_LINE = "\ue000"
"""Stands for a line's end inside an event, where MiniStack makes an event of each line."""


def _in_events(emit: Callable[..., None]) -> Callable[..., None]:
    """An unhandled error and its trace are one event of the log, as on AWS, and so match one pattern together."""
    append, forward = cloudwatch_logs._append_log_events, cloudwatch_logs._fanout_to_subscription_filters

    def whole(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "message": str(one["message"]).replace(_NEW_LINE, "\n")} for one in events]

    cloudwatch_logs._append_log_events = lambda stream, events: append(stream, whole(events))
    cloudwatch_logs._fanout_to_subscription_filters = lambda group, stream, events: forward(
        group, stream, whole(events)
    )

    @functools.wraps(emit)
    def emitted(function: Any, request_id: str, log: str, *rest: Any, **named: Any) -> None:
        joined = "\n".join(one.replace("\n", _NEW_LINE) for one in errors.events(log))
        emit(function, request_id, joined, *rest, **named)

    return emitted


class _ColdStarts:
    """How long the start of the environment took that serves an execution; each start is reported once."""

    def __init__(self) -> None:
        # A worker is started by the thread that then invokes it.
        self._here = threading.local()

    def began(self, init_ms: float) -> None:
        self._here.init_ms = init_ms

    def take(self) -> float | None:
        init_ms: float | None = getattr(self._here, "init_ms", None)
        self._here.init_ms = None
        return init_ms
