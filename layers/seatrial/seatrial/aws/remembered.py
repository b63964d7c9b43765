"""A client that does not repeat reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Remembered:
    """A client that makes each of some calls once: the same request again gets the first response.

    Errors are not kept. What it remembers is never renewed, so its life must be short.
    """

    def __init__(self, client: Any, *calls: str) -> None:
        """`calls` are names of methods whose arguments can be hashed."""
        self._client = client
        self._calls = calls
        self._responses: dict[tuple[str, frozenset[tuple[str, Any]]], Any] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return partial(self._once, name, method) if name in self._calls else method

    def _once(self, name: str, method: Callable[..., Any], /, **request: Any) -> Any:
        key = (name, frozenset(request.items()))
        if key not in self._responses:
            self._responses[key] = method(**request)
        return self._responses[key]
