"""Gap of MiniStack: event source mappings invoke the main version of an alias, and its context names that version.

Here each batch of a queue or a stream draws its version by the alias's weights, as every other invoke does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc

from rehearsal import alias

POLLERS = ("_poll_sqs", "_poll_kinesis", "_poll_dynamodb_streams")

_polling: ContextVar[bool] = ContextVar("stage_polling", default=False)
"""MiniStack finds functions for its pollers as it does for GetFunction, which must not draw."""


def _as_poller(poll: Callable[[], bool]) -> Callable[[], bool]:
    @functools.wraps(poll)
    def polled() -> bool:
        token = _polling.set(True)
        try:
            return poll()
        finally:
            _polling.reset(token)

    return polled


def _drawn_while_polling(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def found(name: str, qualifier: str | None) -> tuple[Any, Any]:
        function = lambda_svc._functions.get(name)
        if not _polling.get() or function is None:
            return original(name, qualifier)  # type: ignore[no-any-return]
        try:
            record, _ = alias.resolve(function, qualifier, lambda_svc._func_arn(name))
        except LookupError:
            return None, None
        return record, record["config"]

    return found


def install() -> None:
    """Once, before the first event source mapping is made."""
    lambda_svc._get_func_record_for_qualifier = _drawn_while_polling(lambda_svc._get_func_record_for_qualifier)
    for name in POLLERS:
        setattr(lambda_svc, name, _as_poller(getattr(lambda_svc, name)))
