"""The board: what is to be healed, open releases, the last ones, and how delivery goes. Pure.

How it looks is said in board_html.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from seatrial.core.counted import Counted
from seatrial.core.delivery import Delivery
from seatrial.core.release import Release, Step
from seatrial.core.verdict import Verdict


@dataclass(frozen=True)
class Shown:
    """A release on the board, as the judge sees it. `counted` and `verdict` are None while that can't be read."""

    release: Release
    steps: tuple[Step, ...] = ()
    counted: Counted | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Board:
    """What is shown at `now`. `open` and `last` are newest first; `service` is "" for every one.

    `more_open` is how many are open besides those in `open`. `wounds` are the releases that somebody must heal, however
    long ago they were. `unread` is why nothing that was counted can be shown, "" when it can.
    """

    now: datetime
    since: datetime
    until: datetime
    service: str
    delivery: Delivery
    open: tuple[Shown, ...]
    last: tuple[Shown, ...]
    more_open: int = 0
    wounds: tuple[Release, ...] = ()
    unread: str = ""
