"""What a person sees while the rehearsal runs: a line a service that keeps still, a sentence a thing that happens."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

BAR = 20


@dataclass
class Row:
    """What is known of a service now. `share` is the candidate's share of the traffic, 0 to 1."""

    story: str = ""
    step: str = ""
    stable: str = "–"
    candidate: str = "–"
    share: float = 0.0
    served_stable: int = 0
    served_candidate: int = 0
    bad: int = 0
    alarm: str = "–"


class Screen:
    """Safe to use from any thread. Where nobody looks (no terminal) it prints the sentences alone."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._started = time.monotonic()
        self._rows: dict[str, Row] = {}
        self._lock = threading.Lock()
        self._live = Live(console=self.console, get_renderable=self._table, refresh_per_second=4, transient=True)

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def say(self, sentence: str, service: str = "") -> None:
        """One thing that happened, with the wall seconds since the start."""
        at = time.monotonic() - self._started
        who = f"{service}  " if service else ""
        self.console.print(Text(f"{at:6.1f}s  {who}{sentence}"), soft_wrap=not self.console.is_terminal)

    def row(self, service: str) -> Row:
        """The line of a service; change its fields and the screen follows."""
        with self._lock:
            return self._rows.setdefault(service, Row())

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("service", "release", "step", "traffic on the candidate", "served", "bad", "alarm"):
            table.add_column(heading, style="bold" if heading == "service" else "", no_wrap=True)
        with self._lock:
            rows = dict(self._rows)
        for name, row in sorted(rows.items()):
            filled = round(row.share * BAR)
            bar = "█" * filled + "░" * (BAR - filled) + f" {row.share:4.0%}"
            served = f"v{row.stable}: {row.served_stable}  v{row.candidate}: {row.served_candidate}"
            alarm = Text(row.alarm, style="red" if row.alarm == "ALARM" else "")
            table.add_row(name, row.story, row.step, bar, served, str(row.bad), alarm)
        return table
