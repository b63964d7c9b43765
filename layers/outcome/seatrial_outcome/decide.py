"""The outcome of an invoke: how many requests it answered, how many of them were bad, how many were refused. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Invoke:
    """The facts of a finished invoke."""

    event: Any
    response: Any = None
    # What the handler raised; then there is no response.
    error: Optional[BaseException] = None
    # The handler's own time, without the cold start.
    milliseconds: float = 0.0
    # The reasons that the handler gave to mark_bad.
    marks: Sequence[str] = ()
    # Why Lambda cannot send the response (see response.undeliverable), "" when it can.
    undeliverable: str = ""


@dataclass(frozen=True)
class Outcome:
    """`bad` of `requests` were bad, `client_errors` got a 4xx; a batch has as many requests as items."""

    requests: int
    bad: int
    reasons: tuple[str, ...] = ()
    client_errors: int = 0


def of(invoke: Invoke, slow_ms: Optional[float] = None) -> Outcome:
    """Return the outcome of an invoke. With `slow_ms`, a longer one is bad (milliseconds)."""
    items = _items(invoke.event)
    status = status_code(invoke.response)
    spoilt = tuple(_spoilt(invoke, status, slow_ms))
    if items is None:
        reasons = spoilt + tuple(invoke.marks)
        is_client_error = not spoilt and status is not None and 400 <= status < 500
        return Outcome(1, 1 if reasons else 0, reasons, client_errors=1 if is_client_error else 0)
    if spoilt:
        return Outcome(requests=len(items), bad=len(items), reasons=spoilt + tuple(invoke.marks))
    failed = _failed_items(items, invoke.response, objects=_is_kafka(invoke.event))
    # A mark does not say which item it means, and a marked item is usually reported too: the larger number.
    bad = min(len(items), max(failed, len(invoke.marks)))
    reported = (f"{failed} of {len(items)} items failed",) if failed else ()
    return Outcome(requests=len(items), bad=bad, reasons=reported + tuple(invoke.marks))


def _spoilt(invoke: Invoke, status: Optional[int], slow_ms: Optional[float]) -> list[str]:
    """The reasons why every request of this invoke was bad."""
    reasons = []
    if invoke.error is not None:
        reasons.append(f"raised {type(invoke.error).__name__}")
    if status is not None and status >= 500:
        reasons.append(f"status {status}")
    if invoke.undeliverable:
        reasons.append(invoke.undeliverable)
    if slow_ms is not None and invoke.milliseconds > slow_ms:
        reasons.append(f"slower than {slow_ms:g} ms")
    return reasons


def status_code(response: Any) -> Optional[int]:
    """The status of a proxy response; API Gateway and load balancers also take it as text."""
    if not isinstance(response, dict):
        return None
    try:
        return int(response["statusCode"])
    except Exception:  # noqa: BLE001  absent, no number, infinite, or a mapping that raises: no status
        return None


def _is_kafka(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("records"), dict)


def _items(event: Any) -> Optional[list[Any]]:
    """The items of a batch (queues, streams, topics; Kafka's by partition), or None for a single request."""
    if not isinstance(event, dict):
        return None
    if _is_kafka(event):
        partitions = [part for part in event["records"].values() if isinstance(part, list)]
        return [item for part in partitions for item in part] or None
    records = event.get("Records")
    return records if isinstance(records, list) and records else None


def _failed_items(items: list[Any], response: Any, *, objects: bool) -> int:
    """How many items a partial batch response returns; `objects` says that identifiers may be objects (Kafka).

    As Lambda reads it: an identifier that is empty, null or missing fails the whole batch, and so does, for a queue,
    one that is not in the batch. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    An identifier of another type is not a valid one.
    """
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return 0
    if not isinstance(failures, (list, tuple)):
        return len(items)
    identifiers = {_identifier(failure, objects) for failure in failures}
    known = {item["messageId"] for item in items if isinstance(item, dict) and isinstance(item.get("messageId"), str)}
    if "" in identifiers or (known and not identifiers <= known):
        return len(items)
    return min(len(items), len(identifiers))


def _identifier(failure: Any, objects: bool) -> str:
    """A text that is equal for equal identifiers; "" for one that is not valid."""
    stated = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    if isinstance(stated, str):
        return stated
    if objects and isinstance(stated, dict) and stated:
        return json.dumps(stated, sort_keys=True, default=str)
    return ""
