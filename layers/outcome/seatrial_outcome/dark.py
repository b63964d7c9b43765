"""Whether an invoke is one of Seatrial's tests or a user's request."""

from __future__ import annotations

from typing import Any

MARK = "seatrial"
"""The key of a client context's custom part that Seatrial sets in each of its invokes."""

DARK_ALIAS = "dark"


def is_dark(context: Any) -> bool:
    """True for an invoke by the number of a version, through an alias named `dark`, or with Seatrial's own mark.

    Users come through an alias, and an alias's name can't be a number alone. A smoke test comes through the alias that
    users come by, so its client context has the mark. An invoke without a qualifier, or by `$LATEST`, is not dark: a
    service whose trigger names the bare function serves its users that way, and to hide their outcomes is worse than to
    count a developer's. It counts under the version `$LATEST`, which the judge never compares.
    """
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
    parts = str(getattr(context, "invoked_function_arn", "")).split(":")
    qualifier = parts[7] if len(parts) == 8 else ""
    return qualifier.isdigit() or qualifier == DARK_ALIAS or _is_marked(context)


def _is_marked(context: Any) -> bool:
    custom = getattr(getattr(context, "client_context", None), "custom", None)
    return isinstance(custom, dict) and bool(custom.get(MARK))
