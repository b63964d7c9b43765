"""The decorator around a handler. It counts, and otherwise isn't there: never in the way of a response or an error."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from typing import Any, Callable, Optional, TypeVar, Union, overload

from . import decide, line
from .dark import is_dark

Handler = TypeVar("Handler", bound=Callable[..., Any])

# Lambda gives a process one request at a time, so one list is enough; and a handler's own threads reach it,
# which a context variable would hide from them.
_marks: Optional[list[str]] = None


def mark_bad(reason: str) -> None:
    """Say, inside a handler, that this request came to nothing good for its user, though the response looks fine.

    In a batch each call stands for one item. Outside a handler with `@outcome` it does nothing.
    """
    if _marks is not None:
        _marks.append(str(reason))


@overload
def outcome(handler: Handler) -> Handler: ...
@overload
def outcome(
    *, service: str = "", slow_ms: Optional[float] = None, high_resolution: bool = False
) -> Callable[[Handler], Handler]: ...
def outcome(
    handler: Optional[Handler] = None,
    *,
    service: str = "",
    slow_ms: Optional[float] = None,
    high_resolution: bool = False,
) -> Union[Handler, Callable[[Handler], Handler]]:
    """Count the outcomes of a Lambda handler: `@outcome`, or `@outcome(service="payments", slow_ms=800)`.

    Bad is: a raised error (raised on unchanged), a proxy response with a status of 500 or more, each item that a
    partial batch response gives back, what `mark_bad` was called for, and, only with `slow_ms`, what took longer.
    `service` is the function's name unless given. With `high_resolution` the judge looks at a young release within the
    minute, too. A trial in the dark (see `is_dark`) prints nothing.
    """
    if handler is None:
        return functools.partial(outcome, service=service, slow_ms=slow_ms, high_resolution=high_resolution)
    inner = handler

    @functools.wraps(inner)
    def counted(event: Any, context: Any, *rest: Any, **named: Any) -> Any:
        global _marks
        outer, _marks = _marks, []
        began = time.perf_counter()
        response, error = None, None
        try:
            response = inner(event, context, *rest, **named)
            return response
        except BaseException as raised:  # also SystemExit, which Lambda answers with an error
            error = raised
            raise
        finally:
            took = (time.perf_counter() - began) * 1000
            marks, _marks = _marks, outer
            came_to = decide.Invoke(event, response, error, took, tuple(marks))
            _report(came_to, context, service, slow_ms, high_resolution)

    return counted  # type: ignore[return-value]


def _report(invoke: decide.Invoke, context: Any, service: str, slow_ms: Optional[float], high_resolution: bool) -> None:
    """Print the line, in one write so that no other output gets into it."""
    try:
        if is_dark(context):
            return
        text = line.write(
            decide.of(invoke, slow_ms),
            service=service or os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or context.function_name,
            version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION") or context.function_version,
            milliseconds=int(time.time() * 1000),
            request_id=str(getattr(context, "aws_request_id", "")),
            high_resolution=high_resolution,
        )
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except Exception as trouble:  # noqa: BLE001  a request that was served is not to fail because it couldn't be counted
        _complain(trouble)


def _complain(trouble: Exception) -> None:
    with contextlib.suppress(Exception):  # there is nowhere left to say it
        sys.stderr.write(f"seatrial_outcome could not count this request: {type(trouble).__name__}: {trouble}\n")
