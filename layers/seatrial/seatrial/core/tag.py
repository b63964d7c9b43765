"""What a function's tags say: whether Seatrial may touch it at all, whether by itself, when it was committed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

KEY: Final = "seatrial"

# When the commit was made that the function was built from; whoever deploys may say so (docs/board.md).
_COMMITTED: Final = "seatrial:committed"

# Beyond these a time zone can lead out of the calendar, and no commit is so old or young.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200

# What the tag said before `seatrial disable`, so that `seatrial enable` can say it again.
BEFORE: Final = "seatrial:before"

DISABLED: Final = "off"
ENABLED: Final = "on"

# YAML 1.1, and so CloudFormation, reads an unquoted `off` or `no` as false, and the tag then says "false".
_OFF = frozenset({"off", "no", "false"})


class Tag(StrEnum):
    RELEASED = "released"
    OFF = "off"  # hooks let everything pass, alarms and the judge only tell; people are obeyed
    NONE = "none"  # not touched for anybody
    UNREAD = "unread"  # Lambda can't say just now


def read(tags: Mapping[str, str]) -> Tag:
    """Of all of a function's tags. Whatever the value is, if it doesn't say off, the function is released."""
    if KEY not in tags:
        return Tag.NONE
    return Tag.OFF if tags[KEY].strip().lower() in _OFF else Tag.RELEASED


def committed(tags: Mapping[str, str]) -> datetime | None:
    """When its code was committed, in ISO 8601 with an offset; None where nobody says so in a way that can be read."""
    try:
        moment = datetime.fromisoformat(tags.get(_COMMITTED, ""))
    except ValueError:
        return None
    return moment if moment.tzinfo and _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
