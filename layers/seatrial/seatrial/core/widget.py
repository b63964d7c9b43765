"""What a CloudWatch dashboard asks of a custom widget, as values. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DESCRIPTION = """\
## Seatrial's board
The releases of this account and Region: those that are open first, then the last ones, and how delivery goes.

### Widget parameters
Param | Description
---|---
**service** | A function's name, or `function:alias`. Without it: every service
**days** | How many days back releases and figures go, 1 to 400. Default 28
**last** | How many ended releases are drawn, 0 to 20. Default 5

### Example parameters
``` yaml
service: payments
days: 28
last: 5
```
"""

_PARAMETERS = ("service", "days", "last")
_SERVICE = re.compile(r"[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?")
_MOST_DAYS, _MOST_RELEASES = 400, 20
_NARROWEST, _WIDEST = 280, 1_600


class WidgetError(Exception):
    """The widget's parameters can't be used. The text says which, and what would do."""


@dataclass(frozen=True)
class Asked:
    """What to show: releases opened from `since` to `until`, `last` of the ended ones drawn, `width` pixels wide.

    `service` is "" for all. `theme` is light or dark.
    """

    since: datetime
    until: datetime
    service: str = ""
    last: int = 5
    theme: str = "light"
    width: int = 760

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)


def asks_for_description(event: Mapping[str, Any]) -> bool:
    return event.get("describe") is True


def read(event: Mapping[str, Any], now: datetime) -> Asked:
    """The parameters stand beside `widgetContext`. Raises WidgetError.

    The dashboard's end of time is the board's, too: so one can look at last week. Its start is usually three hours ago,
    which is no time for releases: it counts only where it is further back than `days`.
    """
    context = event.get("widgetContext") or {}
    parameters = {name: value for name, value in event.items() if name != "widgetContext"}
    for name in parameters:
        if name not in _PARAMETERS:
            near = difflib.get_close_matches(name, _PARAMETERS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f": write one of {', '.join(_PARAMETERS)}"
            raise WidgetError(f"there is no parameter {name!r}{hint}")
    since, until = _range(context, now)
    days = timedelta(days=_whole(parameters, "days", 28, 1, _MOST_DAYS))
    return Asked(
        since=max(min(since, until - days), until - timedelta(days=_MOST_DAYS)),
        until=until,
        service=_service(parameters.get("service") or ""),
        last=_whole(parameters, "last", 5, 0, _MOST_RELEASES),
        theme="dark" if context.get("theme") == "dark" else "light",
        width=_width(context.get("width")),
    )


def _range(context: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """What is on the screen: the part that is zoomed into, or else the whole range; in milliseconds since 1970."""
    stated = context.get("timeRange") or {}
    shown = stated.get("zoom") or stated
    try:
        since, until = (datetime.fromtimestamp(float(shown[name]) / 1000, UTC) for name in ("start", "end"))
    except KeyError:
        return now, now
    except (TypeError, ValueError, OverflowError, OSError):
        raise WidgetError(f"the dashboard's time range can't be read: {shown!r:.100}") from None
    if since > until:
        raise WidgetError(f"the dashboard's time range ends before it begins: {shown!r:.100}")
    return since, min(until, now) if since < now else now


def _whole(parameters: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = parameters.get(name, default)
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise WidgetError(f"{name} is {value!r:.40}; write a whole number from {least} to {most}")
    return number


def _service(value: Any) -> str:
    if not isinstance(value, str) or (value and not _SERVICE.fullmatch(value)):
        raise WidgetError(f"service is {value!r:.100}; write a function's name, or function:alias")
    return value


def _width(value: Any) -> int:
    """The widget's own; on a page without one, 760."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 760
    return int(max(_NARROWEST, min(_WIDEST, value)))
