"""One invoke under way: what the handler marked, and the line that is printed when it is done."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Optional

from . import decide, line
from .dark import is_dark
from .response import undeliverable

# Lambda gives a process one request at a time, so one variable is enough; and a handler's own threads reach it,
# which a context variable would hide from them.
_under_way: Optional[Recorder] = None

# A thread that the handler left behind must not get between the parts of a line.
_one_line = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """The arguments of `outcome`."""

    service: str = ""
    slow_ms: Optional[float] = None
    high_resolution: bool = False


def mark_bad(reason: str) -> None:
    """Count this request as bad, from inside its handler, although its response looks fine.

    In a batch each call stands for one item. Outside a handler with `@outcome` it does nothing. It never raises.
    """
    if _under_way is not None:
        _under_way.marks.append(_text(reason))


class Recorder:
    """Counts one invoke, from `begin` to `end`."""

    def __init__(self, event: Any, context: Any, settings: Settings) -> None:
        self.marks: list[str] = []
        self._event = event
        self._context = context
        self._settings = settings
        self._outer: Optional[Recorder] = None
        self._began = 0.0
        self._is_nested = False

    def begin(self) -> None:
        """A handler that another one calls in the same request is a part of that one: the outer one counts."""
        global _under_way
        self._outer = _under_way
        self._is_nested = self._outer is not None and self._outer.is_of(self._context)
        if not self._is_nested:
            _under_way = self
        self._began = time.perf_counter()

    def is_of(self, context: Any) -> bool:
        """Whether this is the invoke of that context; one that was abandoned is another's."""
        own = getattr(self._context, "aws_request_id", None)
        return context is self._context or (own is not None and own == getattr(context, "aws_request_id", None))

    def leave(self) -> None:
        """Marks no longer go here."""
        global _under_way
        if _under_way is self:
            _under_way = self._outer

    def end(self, response: Any, error: Optional[BaseException]) -> None:
        """Print the line of the invoke. It never raises."""
        took = (time.perf_counter() - self._began) * 1000
        self.leave()
        if self._is_nested:
            return
        try:
            if not is_dark(self._context):
                failed = undeliverable(response) if error is None else ""
                invoke = decide.Invoke(self._event, response, error, took, tuple(self.marks), failed)
                _print(decide.of(invoke, self._settings.slow_ms), self._context, self._settings)
        except Exception as trouble:  # noqa: BLE001  a request that was served must not fail because of the count
            _complain(trouble)


def _print(outcome: decide.Outcome, context: Any, settings: Settings) -> None:
    text = line.write(
        outcome,
        service=settings.service or os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or context.function_name,
        version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION") or context.function_version,
        milliseconds=int(time.time() * 1000),
        request_id=str(getattr(context, "aws_request_id", "")),
        high_resolution=settings.high_resolution,
        level=line.level_to_state(
            os.environ.get("AWS_LAMBDA_LOG_FORMAT", ""), os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
        ),
    )
    with _one_line:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _complain(trouble: Exception) -> None:
    with contextlib.suppress(Exception):  # there is no other place to write it
        sys.stderr.write(f"seatrial_outcome could not count this request: {type(trouble).__name__}: {trouble}\n")


def _text(reason: Any) -> str:
    try:
        return str(reason)
    except Exception as error:  # noqa: BLE001  the request goes on, and is bad
        return f"marked with a {type(reason).__name__} that has no text ({type(error).__name__})"
