"""Where a value stands in pixels, and the lines and words around it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from seatrial.core.chart import clock

LEFT, RIGHT = 50.0, 14.0  # room for the numbers of the axes, in pixels
TITLE = 30.0  # above each panel
KEY = 18.0  # for each row of a panel's key, where it doesn't fit beside the title
_ENTRY = 27.0  # for a sample and the distances around it, beside its words
LETTER = 7.5  # the width of one, at most
TICK_STEPS = (10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)  # seconds


@dataclass(frozen=True)
class TimeAxis:
    """Seconds from `first` to `last` across the pixels from `left` to `right`."""

    first: float
    last: float
    left: float
    right: float

    def x(self, t: float) -> float:
        return self.left + (t - self.first) / (self.last - self.first) * (self.right - self.left)

    def ticks(self) -> list[int]:
        """Round moments, at least 60 pixels apart."""
        fitting = [step for step in TICK_STEPS if self.x(step) - self.x(0) >= 60]
        step = fitting[0] if fitting else TICK_STEPS[-1]
        start = -int(-self.first // step) * step
        return list(range(start, int(self.last) + 1, step))


@dataclass(frozen=True)
class Panel:
    """Values from `bottom` to `top` between the pixels `y1` (below) and `y0` (above)."""

    y0: float
    y1: float
    top: float
    bottom: float = 0.0

    def y(self, value: float) -> float:
        return self.y1 - (value - self.bottom) / (self.top - self.bottom) * (self.y1 - self.y0)

    def within(self, value: float) -> float:
        """The nearest value that the panel has room for."""
        return min(max(value, self.bottom), self.top)


@dataclass(frozen=True)
class Heading:
    """The words above a panel, and the key of what is drawn in it, from the left: (CSS class, words)."""

    title: str
    key: tuple[tuple[str, str], ...] = ()

    def height(self, axis: TimeAxis) -> float:
        return TITLE if self._fits_beside(axis) else TITLE + KEY * len(self._rows(axis))

    def drawn(self, axis: TimeAxis, panel: Panel) -> Iterator[str]:
        base = panel.y0 - 14
        yield f'<text class="title" x="0" y="{base - self.height(axis) + TITLE:.1f}">{escape(self.title)}</text>'
        for above, row in enumerate(reversed(self._rows(axis))):
            yield from _entries(row, axis.right, base - KEY * above)

    def _fits_beside(self, axis: TimeAxis) -> bool:
        return LETTER * len(self.title) + sum(map(_room, self.key)) <= axis.right

    def _rows(self, axis: TimeAxis) -> list[list[tuple[str, str]]]:
        """As many rows as the key needs where it doesn't fit beside the title. What is longer than a row is cut."""
        longest = int((axis.right - _ENTRY) / LETTER)
        rows: list[list[tuple[str, str]]] = []
        for kind, words in self.key:
            entry = (kind, words if len(words) <= longest else f"{words[: longest - 1]}…")
            if rows and sum(map(_room, [*rows[-1], entry])) <= axis.right:
                rows[-1].append(entry)
            else:
                rows.append([entry])
        return rows


def _room(entry: tuple[str, str]) -> float:
    _, words = entry
    return LETTER * len(words) + _ENTRY


def _entries(row: Iterable[tuple[str, str]], right: float, base: float) -> Iterator[str]:
    """A row of a key, up to `right`."""
    x = right
    for kind, words in reversed(list(row)):
        x -= LETTER * len(words) + 6
        yield f'<text x="{x:.1f}" y="{base:.1f}">{escape(words)}</text>'
        x -= 15
        yield _sample(kind, x, base)
        x -= 6


def scale(axis: TimeAxis, panel: Panel, values: Iterable[tuple[float, str]]) -> Iterator[str]:
    """A line across the panel for each value, and its words on the left."""
    for value, label in values:
        y = panel.y(value)
        yield f'<line class="grid" x1="{axis.left:.1f}" y1="{y:.1f}" x2="{axis.right:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{axis.left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def times(axis: TimeAxis, bottom: float, caption: str) -> Iterator[str]:
    """The moments below the lowest panel."""
    for t in axis.ticks():
        x = axis.x(t)
        yield f'<line class="grid" x1="{x:.1f}" y1="{bottom:.1f}" x2="{x:.1f}" y2="{bottom + 5:.1f}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{clock(t)}</text>'
    middle = (axis.left + axis.right) / 2
    yield (f'<text class="faint" x="{middle:.1f}" y="{bottom + 34:.1f}" text-anchor="middle">{escape(caption)}</text>')


def instead_of_values(axis: TimeAxis, panel: Panel, words: str) -> str:
    """What stands in a panel that has nothing to show."""
    x, y = (axis.left + axis.right) / 2, (panel.y0 + panel.y1) / 2 - 6
    return f'<text class="faint" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{words}</text>'


def _sample(kind: str, x: float, base: float) -> str:
    """A piece of what is drawn: of a line where `kind` says course, else of a bar."""
    if kind.startswith("course"):
        return f'<line class="{kind}" x1="{x - 7:.1f}" y1="{base - 4:.1f}" x2="{x + 11:.1f}" y2="{base - 4:.1f}"/>'
    return f'<rect class="{kind}" x="{x:.1f}" y="{base - 10:.1f}" width="11" height="11"/>'
