"""Gap of MiniStack: payloads of any size pass. Here a request or a response beyond Lambda's quotas is refused.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MOST_BYTES = 6 * 1024 * 1024
"""Of the request of a synchronous invoke."""
MOST_ASYNC_BYTES = 1024 * 1024
MOST_RESPONSE_BYTES = MOST_BYTES + 100
REQUEST_TOO_LARGE = "Request must be smaller than {} bytes for the InvokeFunction operation"


def refused_request(headers: Mapping[str, str], event: Any, *, later: bool) -> str | None:
    """Why an invoke is refused with RequestTooLargeException, or None. `later` is true of an asynchronous one."""
    most = MOST_ASYNC_BYTES if later else MOST_BYTES
    given = headers.get("content-length")
    size = int(given) if given else len(json.dumps(event).encode())
    return REQUEST_TOO_LARGE.format(most) if size > most else None


def refused_response(returned: Any) -> dict[str, str] | None:
    """The error payload in the place of a response that is too large, or None."""
    size = len(returned) if isinstance(returned, bytes) else len(json.dumps(returned, ensure_ascii=False).encode())
    if size <= MOST_RESPONSE_BYTES:
        return None
    said = f"Response payload size exceeded maximum allowed payload size ({MOST_RESPONSE_BYTES} bytes)."
    return {"errorMessage": said, "errorType": "Function.ResponseSizeTooLarge"}
