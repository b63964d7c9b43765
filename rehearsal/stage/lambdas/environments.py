"""Gap of MiniStack: an invoke waits up to 50 ms for log lines that never come, and an exception ends the environment.

Here an environment marks the end of each invoke's log, so nothing is waited for, and lives on after its handler raised,
as on AWS: what the function keeps between invokes is still there at the next one. A function that can't run here is
refused when it is deployed; MiniStack answers for it as if it had succeeded.
"""

from __future__ import annotations

import contextvars
import functools
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from rehearsal.stage.clock import StageClock
from rehearsal.stage.lambdas import errors
from rehearsal.stage.notes import note

INIT_FAILED = "Worker init failed: "
MARK = "\x1eend of the log"
LOG_SECONDS = 0.25
"""How long the mark may take after the answer. It is written before the answer, so it is nearly always there."""

LOOK_SECONDS = 0.5
"""How often a function's timeout is set against the slowness of the machine."""

NOT_DONE: Mapping[str, str] = {
    "CapacityProviderConfig": "runs as any other function",
    "CodeSigningConfigArn": "runs whether its package is signed or not",
    "FileSystemConfigs": "finds nothing where its file system would be mounted",
    "TenancyConfig": "runs in the same environments for all tenants",
    "VpcConfig": "runs in this machine's network, not in its VPC",
}
"""Properties that change no release: what a function does instead."""

PYTHON_PRELUDE = f"""
import sys

class _Marked:
    def __init__(self, out):
        self.write, self._flush = out.write, out.flush

    def flush(self):
        sys.__stderr__.write({MARK + chr(10)!r})
        sys.__stderr__.flush()
        self._flush()

sys.stdout = _Marked(sys.stdout)

import json
import os
from types import SimpleNamespace


def _client_context(given):
    # As the Python runtime has it: an object with the parts that the caller gave.
    if not given:
        return None
    told = json.loads(given)
    return SimpleNamespace(**{{part: told.get(part) for part in ("custom", "env", "client")}})


if "SEATRIAL_CLOCK_URL" in os.environ:
    os.environ["SEATRIAL_CLOCK_URL"] += f"/{{os.getpid()}}"  # so that the clock knows whose invoke waits
"""
NODE_PRELUDE = f"""
{{
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (...all) => {{ process.stderr.write({json.dumps(MARK + chr(10))}); return write(...all); }};
}}
"""


client_context: contextvars.ContextVar[str] = contextvars.ContextVar("client_context", default="")
"""The JSON that a caller gives with one invoke; "" without one. As on AWS it reaches the handler's context object."""

PYTHON_CONTEXT = '"client_context": None'
PYTHON_CLIENT_CONTEXT = '"client_context": _client_context(_ms_ctx.get("client_context"))'
NODE_CONTEXT = "clientContext: null"
NODE_CLIENT_CONTEXT = "clientContext: ctx.client_context ? JSON.parse(ctx.client_context) : undefined"


def marking(script: str, runtime: str) -> str:
    """MiniStack's script of an environment as one that marks the end of each log, and knows the client context."""
    if runtime.startswith("python"):
        known = _with(script, PYTHON_CONTEXT, PYTHON_CLIENT_CONTEXT)
        return PYTHON_PRELUDE + errors.telling(known)
    return NODE_PRELUDE + _with(script, NODE_CONTEXT, NODE_CLIENT_CONTEXT)


def _with(script: str, place: str, instead: str) -> str:
    if place not in script:
        raise RuntimeError(f"MiniStack's script of an environment has no {place!r}: the client context has no place")
    return script.replace(place, instead)


def install(clock: StageClock) -> None:
    """From now on python and nodejs functions run in these environments."""
    Environment.clock = clock
    choose, detect = lambda_runtime._worker_class_for, lambda_runtime._detect_runtime_binary

    def chosen(config: dict[str, Any]) -> Any:
        found = choose(config)
        return Environment if found is lambda_runtime.Worker else found

    def detected(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return binary, marking(script, runtime) if script else script

    lambda_runtime._worker_class_for = chosen
    lambda_runtime._detect_runtime_binary = detected
    lambda_svc._create_function = _refusing(lambda_svc._create_function)
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handler["create"] = _refusing_resource(handler["create"], 1)
    handler["update"] = _refusing_resource(handler["update"], 2)


def refusal(function: Mapping[str, Any]) -> str | None:
    """Why a function with these properties can't run here, or None."""
    runtime = str(function.get("Runtime") or "")
    if function.get("PackageType") == "Image" or (function.get("Code") or {}).get("ImageUri"):
        return "The stage has no containers: deploy the function as a zip package with a python or nodejs runtime"
    if runtime.startswith("nodejs") and not shutil.which("node"):
        return f"The stage runs {runtime} with this machine's node, and there is none: install node"
    if runtime.startswith(("python", "nodejs", "provided")):
        return None
    return f"The stage has no runtime {runtime or 'by default'}: its functions are python or nodejs"


@functools.cache
def _node() -> str:
    """The major version of this machine's node."""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return said.strip().removeprefix("v").partition(".")[0]


def _note(name: str, function: Mapping[str, Any]) -> None:
    """Tell what of a function's properties is taken without being done."""
    runtime, own = str(function.get("Runtime") or ""), f"python3.{sys.version_info.minor}"
    if runtime.startswith("python") and runtime != own:
        note(f"function {name} asks for {runtime} and runs with {own}")
    if runtime.startswith("nodejs"):
        asked, own = runtime.removeprefix("nodejs").partition(".")[0], _node()
        other = f" {own} and not {asked}" if own != asked else ""
        note(f"function {name} runs with this machine's node{other}, which has no AWS SDK: bundle it, or set NODE_PATH")
    if "arm64" in (function.get("Architectures") or ()):
        note(f"function {name} asks for arm64 and runs on this machine's processor: bring no native code")
    if (function.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions":
        note(f"function {name} asks for SnapStart: its hooks run, but every start is a cold one")
    for asked, does in NOT_DONE.items():
        if function.get(asked):
            note(f"function {name} asks for {asked} and {does}")


def _refusing(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(function: Mapping[str, Any]) -> Any:
        if (refused := refusal(function)) is not None:
            return lambda_svc.error_response_json("InvalidParameterValueException", refused, 400)
        _note(str(function.get("FunctionName")), function)
        return create(function)

    return created


def _refusing_resource(provision: Callable[..., Any], properties: int) -> Callable[..., Any]:
    """`properties` is which argument the new properties are."""

    def provisioned(*arguments: Any) -> Any:
        if (refused := refusal(arguments[properties])) is not None:
            raise ValueError(refused)
        _note(str(arguments[properties].get("FunctionName") or arguments[0]), arguments[properties])
        return provision(*arguments)

    return provisioned


class Failure(str):
    """The message of an unhandled error, which carries the whole payload through MiniStack's own answer."""

    payload: Mapping[str, Any]

    def __new__(cls, payload: Mapping[str, Any]) -> Failure:
        made = super().__new__(cls, payload["errorMessage"])
        made.payload = payload
        return made


class Environment(lambda_runtime.Worker):  # type: ignore[misc]
    """One process that runs one invoke after the other."""

    clock: StageClock
    _marks = 0

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        depth: Any = None,
        durable: dict[str, Any] | None = None,
        invoked_function_arn: str | None = None,
    ) -> dict[str, Any]:
        """What the handler returned or raised, and the log. Raises RuntimeError when the code can't be imported."""
        with self._lock:
            cold = self._proc is None or self._proc.poll() is not None
            if cold:
                try:
                    self._spawn()
                except RuntimeError as failed:
                    return self._not_started(failed, request_id)
                self._marks = 1  # the import had a log too
            seconds = float(self.config.get("Timeout", 3))
            context = {
                "request_id": request_id,
                "invoked_function_arn": invoked_function_arn or self.config.get("FunctionArn", ""),
                "timeout_ms": int(seconds * 1000 * self.clock.slowness),  # as `_give` counts it
                "trace_id": trace_id,
                "depth": depth,
                "durable": durable or {},
                "client_context": client_context.get(),
            }
            with self.clock.process(self._proc.pid):
                answer = self._ask(json.dumps({"event": event, "ctx": context}), seconds)
            log = self._log()
            return {**self._as_lambda(answer, request_id), "cold_start": cold, "log": log}

    def _not_started(self, failed: RuntimeError, request_id: str) -> dict[str, Any]:
        """What an invoke comes to whose environment could not import the code."""
        text = str(failed)
        raised = errors.told(text.removeprefix(INIT_FAILED))
        lambda_runtime.kill_workers([self])
        if raised is None:
            raise failed
        return {**self._as_lambda({"status": "error", "error": json.dumps(raised)}, request_id), "cold_start": True}

    def _as_lambda(self, answer: dict[str, Any], request_id: str) -> dict[str, Any]:
        """An error with Lambda's payload, and with the event of the log that tells of it as its trace."""
        if answer["status"] != "error":
            return answer
        raised = errors.told(answer["error"])
        if raised is not None:
            payload = errors.payload(raised, self.config.get("Handler", ""), request_id)
        elif answer.get("trace"):
            payload = errors.of_node(answer["error"], answer["trace"])
        else:
            return answer
        as_json = (self.config.get("LoggingConfig") or {}).get("LogFormat") == "JSON"
        return {**answer, "error": Failure(payload), "trace": errors.event(payload, json_format=as_json)}

    def _ask(self, envelope: str, seconds: float) -> dict[str, Any]:
        answers: list[dict[str, Any] | None] = []
        process = self._proc
        reader = threading.Thread(target=lambda: answers.append(_exchange(process, envelope)), daemon=True)
        reader.start()
        self._give(reader, seconds)
        self._marks += 1
        answered = bool(answers)
        if answered and answers[0] is not None:
            return answers[0]
        self._marks = 0  # an environment that ended doesn't mark
        lambda_runtime.kill_workers([self])
        if not answered:
            return {"status": "error", "error": f"Task timed out after {seconds:.2f} seconds"}
        return {"status": "error", "error": _exited(process.wait())}

    def _give(self, reader: threading.Thread, seconds: float) -> None:
        """Lambda's timeout. On a slow machine a second of it is longer, and what it waits by the clock is not counted.

        A function that is fast enough in an account must be so here, however busy the machine is.
        """
        while seconds > 0 and reader.is_alive():
            began = time.monotonic()
            reader.join(min(seconds, LOOK_SECONDS))
            if not self.clock.waits(self._proc.pid):
                seconds -= (time.monotonic() - began) / self.clock.slowness

    def _log(self) -> str:
        lines, end = [], time.monotonic() + LOG_SECONDS
        while self._marks or not self._stderr_queue.empty():
            try:
                line = self._stderr_queue.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            text = line.removesuffix(MARK)
            self._marks -= text != line
            if text or text == line:
                lines.append(text)
        return "\n".join(lines)


def _exchange(process: Any, envelope: str) -> dict[str, Any] | None:
    """Hand an invoke to the process and read its answer; None when the process ends instead."""
    try:
        process.stdin.write(envelope + "\n")
        process.stdin.flush()
        return next((answer for line in process.stdout if (answer := _answer(line))), None)
    except (OSError, ValueError):  # a closed pipe
        return None


def _exited(code: int) -> str:
    """Lambda's words for an environment that ended in mid-invoke."""
    if code == 0:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: {f'exit status {code}' if code > 0 else f'signal: {-code}'}"


def _answer(line: str) -> dict[str, Any] | None:
    """The answer in a line of an environment's output, or None for what else a library may write there."""
    try:
        answer = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return None
    return answer if answer.get("status") in ("ok", "error") else None
