"""What an invoke came to: how many requests it answered, and how many of them were bad. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Invoke:
    """What is known when the handler is done. `error` is what it raised; then there is no response.

    `milliseconds` is the handler's own time, without the cold start. `marks` are the reasons the handler gave itself.
    """

    event: Any
    response: Any = None
    error: Optional[BaseException] = None
    milliseconds: float = 0.0
    marks: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """`bad` of `requests` were bad for their users, and why; a batch is as many requests as it has items."""

    requests: int
    bad: int
    reasons: tuple[str, ...] = ()


def of(invoke: Invoke, slow_ms: Optional[float] = None) -> Outcome:
    """The outcome of an invoke. With `slow_ms`, what took longer than so many milliseconds is bad."""
    items = _items(invoke.event)
    spoilt = tuple(_spoilt(invoke, slow_ms))
    if items is None:
        reasons = spoilt + tuple(invoke.marks)
        return Outcome(requests=1, bad=1 if reasons else 0, reasons=reasons)
    if spoilt:
        return Outcome(requests=len(items), bad=len(items), reasons=spoilt + tuple(invoke.marks))
    failed = _failed_items(items, invoke.response)
    # A mark doesn't say which item it means, and an item that is marked is usually reported too: the larger number.
    bad = min(len(items), max(failed, len(invoke.marks)))
    reported = (f"{failed} of {len(items)} items failed",) if failed else ()
    return Outcome(requests=len(items), bad=bad, reasons=reported + tuple(invoke.marks))


def _spoilt(invoke: Invoke, slow_ms: Optional[float]) -> list[str]:
    """Why everything in this invoke was bad."""
    reasons = []
    if invoke.error is not None:
        reasons.append(f"raised {type(invoke.error).__name__}")
    status = _status_code(invoke.response)
    if status is not None and status >= 500:
        reasons.append(f"status {status}")
    if slow_ms is not None and invoke.milliseconds > slow_ms:
        reasons.append(f"slower than {slow_ms:g} ms")
    return reasons


def _status_code(response: Any) -> Optional[int]:
    """The status of a proxy response; API Gateway and load balancers also take it as text."""
    if not isinstance(response, dict):
        return None
    try:
        return int(response["statusCode"])
    except (KeyError, TypeError, ValueError):
        return None


def _items(event: Any) -> Optional[list[Any]]:
    """The items of a batch (queues, streams, topics), or None for a single request."""
    records = event.get("Records") if isinstance(event, dict) else None
    return records if isinstance(records, list) and records else None


def _failed_items(items: list[Any], response: Any) -> int:
    """How many items a partial batch response gives back.

    As Lambda reads it: an identifier that is empty, null or missing fails the whole batch, and so does, for a queue,
    one that isn't in the batch. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return 0
    if not isinstance(failures, list):
        return len(items)
    identifiers = {failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures}
    known = {item["messageId"] for item in items if isinstance(item, dict) and "messageId" in item}
    if not all(identifiers) or (known and not identifiers <= known):
        return len(items)
    return min(len(items), len(identifiers))
