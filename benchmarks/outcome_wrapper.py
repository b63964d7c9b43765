"""What the decorator of the outcome layer adds to a handler: its own time, and the line that it prints."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.rows import Row, compare, difference
from seatrial_outcome import outcome

MOST = 0.05  # milliseconds
INVOKES = 2_000
REPEATS = 15


class Context:
    """An invoke through an alias, so that its outcome counts."""

    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:payments:live"
    function_name = "payments"
    function_version = "8"
    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"


def bare(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": event["path"]}


def median_invoke() -> Row:
    pairs = compare(lambda: _median(outcome(bare)), lambda: _median(bare), REPEATS)
    return pairs.row("outcome wrapper, median invoke", "ms", difference(MOST), "bare handler")


def _median(handler: Callable[..., Any]) -> float:
    """Milliseconds. Lines go to a file that keeps nothing."""
    event, context = {"path": "/quotes"}, Context()
    took = []
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        for _ in range(INVOKES):
            began = time.perf_counter()
            handler(event, context)
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000
