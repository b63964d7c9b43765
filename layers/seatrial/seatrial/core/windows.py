"""Windows: when releases of a service may start, as its suite writes them ("Mon-Thu 09:00-16:00 Europe/Lisbon")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WRITTEN = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d):([0-5]\d)-(\d\d):([0-5]\d) (\S+)", re.ASCII)
_A_DAY = 24 * 60


class WindowError(Exception):
    """A window that can't be read. Its text is a sentence that names the fix."""


@dataclass(frozen=True)
class Window:
    """`days` are weekdays, Monday is 0. `start` and `end` are minutes of the day; one that ends no later than it
    starts runs past midnight and belongs to the day on which it starts."""

    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= minute < self.end
        return (local.weekday() in self.days and minute >= self.start) or (
            (local.weekday() - 1) % 7 in self.days and minute < self.end
        )


def read(written: str) -> Window:
    """The one reader, for `seatrial suite check` and for a release. Raises WindowError."""
    found = _WRITTEN.fullmatch(written)
    if not found or found[1] not in _DAYS or (found[2] or found[1]) not in _DAYS:
        raise WindowError(f'{written!r} is no window; write one as "Mon-Thu 09:00-16:00 Europe/Lisbon"')
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
    start, end = (int(found[hour]) * 60 + int(found[hour + 1]) for hour in (3, 5))
    if max(start, end) > _A_DAY:
        raise WindowError(f"{written!r} has a time after 24:00; a day ends at 24:00")
    if found[7] not in _zones():
        near = get_close_matches(found[7], _zones(), 1)
        instead = f"did you mean {near[0]}?" if near else "write one of the IANA list, for example Europe/Lisbon or UTC"
        raise WindowError(f"{written!r} has an unknown time zone; {instead}")
    zone = ZoneInfo(found[7])
    days = frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
    return Window(days, start, end, zone)


@cache
def _zones() -> frozenset[str]:
    """The time zones that Lambda has, which are those of the package tzdata; a laptop's own database has others."""
    from importlib import resources  # takes milliseconds of a cold start

    listed = resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(listed.split())


def refusal(written: Iterable[str], now: datetime) -> str | None:
    """Why no release may start now; None inside any window, and where there are none. Raises WindowError."""
    windows = [(text, read(text)) for text in written]
    if not windows or any(window.is_open(now) for _, window in windows):
        return None
    opens = _opens_next([window for _, window in windows], now)
    when = f"the next opens on {opens:%a %Y-%m-%d at %H:%M} {opens.tzname()}" if opens else "none opens within a week"
    return (
        f"its suite lets releases start only {' or '.join(text for text, _ in windows)}: {when}. "
        "Deploy again then; a fix does not wait (`seatrial fix`)"
    )


def _opens_next(windows: Iterable[Window], now: datetime) -> datetime | None:
    """The first full minute, within a week and a day, at which one is open; in that window's own time."""
    starts = [
        start
        for window in windows
        for n in range(9)
        if (start := _starts_on(window, now, n)) > now and window.is_open(start)
    ]
    return min(starts, default=None)


def _starts_on(window: Window, now: datetime, days_ahead: int) -> datetime:
    day = now.astimezone(window.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = (day + timedelta(days=days_ahead)).replace(tzinfo=window.zone)
    return midnight.replace(hour=window.start // 60 % 24, minute=window.start % 60)
