"""CodeDeploy's lists in pages. A token names the last item of its page, so what is new or gone moves no other item."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from .errors import ApiError


def page(items: Sequence[str], token: str | None, size: int) -> tuple[list[str], str | None]:
    """The page that begins where `token` says, and the token of the next one. Raises ApiError for a strange token."""
    start = _place(items, token) if token else 0
    found = list(items[start : start + size])
    return found, _token(found[-1]) if start + size < len(items) else None


def _token(item: str) -> str:
    return base64.urlsafe_b64encode(item.encode()).decode()


def _place(items: Sequence[str], token: str) -> int:
    try:
        return items.index(base64.urlsafe_b64decode(token.encode()).decode()) + 1
    except ValueError as error:  # neither base64, nor text, nor an item of this list
        raise ApiError("InvalidNextTokenException", "The nextToken is not one of this list.") from error
