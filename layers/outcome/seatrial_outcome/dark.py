"""Whether an invoke is a trial in the dark or somebody's real request."""

from __future__ import annotations

from typing import Any


def is_dark(context: Any) -> bool:
    """True when the function was invoked by the number of a version, as only a trial does.

    Users come through an alias, and an alias's name can't be a number alone. An invoke without a qualifier, or by
    `$LATEST`, is not dark: a service whose trigger names the bare function serves its users that way, and to hide
    their outcomes is worse than to count a developer's. It counts under the version `$LATEST`, which the judge
    never compares.
    """
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
    parts = str(getattr(context, "invoked_function_arn", "")).split(":")
    return len(parts) == 8 and parts[7].isdigit()
