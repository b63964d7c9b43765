"""The drawing of one release: panels one above the other over one time axis, and what happened across all. Pure.

So no line has to be read against two scales.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from seatrial.core.chart import Chart, Mark, clock, describe
from seatrial.core.drawing.axes import LEFT, RIGHT, Panel, TimeAxis, times
from seatrial.core.drawing.panels import parts

LANE = 20.0  # the height of a row of mark numbers
BETWEEN = 14.0
BELOW = 40.0  # for the moments and the caption


def svg(release: Chart, width: int = 760, kind: str = "") -> str:
    """The chart of a release, `width` pixels wide. `kind` is a CSS class."""
    axis = TimeAxis(*release.span, LEFT, width - RIGHT)
    lanes = _lanes(release.marks, axis)
    below = LANE * (max(lanes) + 1) + 4 - BETWEEN if lanes else -BETWEEN
    drawn: list[str] = []
    for part in parts(release):
        y0 = below + BETWEEN + part.heading.height(axis)
        panel = Panel(y0, y0 + part.height, part.top, part.bottom)
        drawn += [*part.heading.drawn(axis, panel), *part.content(axis, panel)]
        below = panel.y1
    height = below + BELOW
    return "\n".join(
        (
            f'<svg{_class(kind)} viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="img"'
            f' aria-label="{escape(describe(release))}">',
            *_marks(release.marks, lanes, axis, below),  # first, so that titles stand above their lines
            *drawn,
            *times(axis, below, release.caption),
            "</svg>",
        )
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _lanes(marks: Iterable[Mark], axis: TimeAxis) -> list[int]:
    """For each mark the row its number stands in: the first one where it touches no other."""
    ends: list[float] = []
    lanes = []
    for mark in marks:
        x = axis.x(mark.t)
        lane = next((i for i, end in enumerate(ends) if end < x), len(ends))
        ends[lane:] = [x + LANE, *ends[lane + 1 :]]
        lanes.append(lane)
    return lanes


def _marks(marks: Iterable[Mark], lanes: Iterable[int], axis: TimeAxis, bottom: float) -> Iterator[str]:
    for number, (mark, lane) in enumerate(zip(marks, lanes, strict=True), start=1):
        x, y = axis.x(mark.t), lane * LANE + LANE / 2
        yield f'<line class="mark {escape(mark.kind)}" x1="{x:.1f}" y1="{y + 9:.1f}" x2="{x:.1f}" y2="{bottom:.1f}"/>'
        yield (
            f'<g class="number {escape(mark.kind)}"><title>{clock(mark.t)} {escape(mark.text)}</title>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{number}</text></g>'
        )
