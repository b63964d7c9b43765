"""Unhandled errors in the forms that Lambda gives them: the payload for the caller, and the event in the log. Pure.

Python's are those of the runtime interface client (awslambdaric/bootstrap.py), node's those of the Node.js one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

type Json = Mapping[str, Any]

INDENT = "\u00a0\u00a0"
"""Two no-break spaces before each line of a trace in the log, as the runtime writes them."""
ERROR = "[ERROR]"
TRACEBACK = "Traceback (most recent call last):"

PYTHON_RAISED = """
def _raised(error, code_dir, **more):
    import os, traceback
    frames = traceback.extract_tb(error.__traceback__)[1:]
    trace = [one.replace(code_dir, "/var/task") for one in traceback.format_list(frames)]
    file = os.path.basename(getattr(error, "filename", None) or "")
    told = {"kind": type(error).__name__, "message": str(error), "trace": trace, "file": file, **more}
    told["imports"], told["syntax"] = isinstance(error, ImportError), isinstance(error, SyntaxError)
    return {"status": "error", "error": json.dumps(told)}
"""
"""Put into a Python environment: what it tells of an exception, instead of a text alone."""
_INIT = 'json.dumps({"status": "error", "error": str(e)})'
_INVOKE = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'


class ScriptError(Exception):
    """MiniStack's environment is not as it was when this was written."""


def telling(script: str) -> str:
    """MiniStack's Python environment as one that tells the kind and the frames of an exception."""
    if script.count(_INIT) != 1 or script.count(_INVOKE) != 1:
        raise ScriptError("the environment's script has changed: look for where it answers with an error")
    init = 'json.dumps(_raised(e, code_dir, at="init", missing=handler_name if "mod" in dir() else ""))'
    return PYTHON_RAISED + script.replace(_INIT, init).replace(_INVOKE, "json.dumps(_raised(e, code_dir))")


def told(text: str) -> dict[str, Any] | None:
    """What an environment told of an exception, or None for any other text."""
    try:
        found = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"kind", "message", "trace"} <= found.keys() else None


def payload(raised: Json, handler: str, request_id: str) -> dict[str, Any]:
    """The error payload as Lambda's Python runtime gives it, from what an environment told."""
    module, _, _ = handler.rpartition(".")
    kind, message, trace = str(raised["kind"]), str(raised["message"]), list(raised["trace"])
    if raised.get("at") == "init":
        if raised["imports"]:
            kind, message, trace = "Runtime.ImportModuleError", f"Unable to import module '{module}': {message}", []
        elif raised["syntax"]:
            kind, message = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {message}"
            trace = []
        elif kind == "AttributeError" and raised.get("missing") and len(trace) == 0:
            kind, trace = "Runtime.HandlerNotFound", []
            message = f"Handler '{raised['missing']}' missing on module '{module}'"
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def of_node(message: str, stack: str) -> dict[str, Any]:
    """The error payload as Lambda's Node.js runtime gives it."""
    lines = stack.splitlines()
    found = re.match(r"(\w+)", lines[0]) if lines else None
    return {"errorType": found.group(1) if found else "Error", "errorMessage": message, "trace": lines}


def event(error: Json, *, json_format: bool) -> str:
    """The log event that tells of an unhandled error; `error` is the payload. Its lines are one event."""
    if json_format:
        return json.dumps({"level": "ERROR", **error})
    if "trace" in error:
        return f"ERROR\tInvoke Error \t{json.dumps({**error, 'stack': error['trace']})}"
    lines = [f"{ERROR} {error['errorType']}: {error['errorMessage']}", TRACEBACK]
    for frame in error.get("stackTrace") or []:
        lines += [INDENT + line[2:] if line.startswith("  ") else line for line in frame.splitlines()]
    return "\n".join(lines)


def events(log: str) -> Iterator[str]:
    """The events of an invoke's log: a line each, but an unhandled error is one with its trace."""
    kept: list[str] = []
    for line in log.splitlines():
        goes_on = kept and kept[0].startswith(ERROR) and (line == TRACEBACK or line.startswith(INDENT))
        if kept and not goes_on:
            yield "\n".join(kept)
            kept = []
        kept.append(line)
    if kept:
        yield "\n".join(kept)
