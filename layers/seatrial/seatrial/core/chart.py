"""One chart a release, as SVG: who got the traffic, what came to a bad end, and when something was decided. Pure.

Panels one above the other over one time axis, so that no line has to be read against two scales. Colours are CSS
classes, and STYLE says what they mean: whoever shows a chart sets the colours of LIGHT or DARK around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

LEFT, RIGHT = 46.0, 14.0  # room for the numbers of the axes, in pixels
LANE = 20.0  # the height of a row of mark numbers
TRAFFIC_HEIGHT, BAD_HEIGHT = 130.0, 90.0
TITLE = 30.0  # above each panel
KEY = 18.0  # for the key of the bars, where it doesn't fit beside their title
LETTER = 7.5  # the width of one, at most
WIDEST_BAR = 28.0
TICK_STEPS = (10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)  # seconds

# Each text reaches a contrast of 4.5 to 1 on its ground, and stable and candidate also differ in lightness.
LIGHT = """
  --ground: #ffffff; --ink: #1c2024; --faint: #5b6470; --rule: #d9dee4; --panel: #f4f6f8;
  --stable: #2a6fb5; --candidate: #c2570c; --good: #1a7340; --bad: #b3261e; --mark: #5b6470;"""
DARK = """
  --ground: #15181c; --ink: #e7eaee; --faint: #a3adb8; --rule: #343b44; --panel: #1e2329;
  --stable: #6fb1f2; --candidate: #f0924a; --good: #5cc98b; --bad: #ff8a80; --mark: #a3adb8;"""

STYLE = """svg { display: block; max-width: 100%; height: auto; margin-top: 1rem; }
svg text {
  font: 12px system-ui, sans-serif; fill: var(--ink);
  stroke: var(--ground); stroke-width: 4px; paint-order: stroke;
}
svg text.title { font-weight: 600; }
svg text.faint { fill: var(--faint); }
svg .grid { stroke: var(--rule); }
svg .candidate-line { fill: none; stroke: var(--candidate); stroke-width: 2; }
svg .candidate-area { fill: var(--candidate); opacity: .14; }
svg .met { fill: var(--candidate); }
svg rect.stable { fill: var(--stable); } svg rect.candidate { fill: var(--candidate); }
svg line.mark { stroke: var(--mark); stroke-dasharray: 3 3; }
svg .number circle { fill: var(--mark); } svg .number text { fill: var(--ground); stroke: none; font-weight: 600; }
svg line.alarm, svg line.rollback { stroke: var(--bad); }
svg .number.alarm circle, svg .number.rollback circle { fill: var(--bad); }"""


@dataclass(frozen=True)
class Weight:
    """From `t` on, `share` (0 to 1) of the traffic was sent to the candidate."""

    t: float
    share: float


@dataclass(frozen=True)
class Bucket:
    """The requests from `start` on, by the version that answered; `…_bad` are among `…_served`."""

    start: float
    stable_served: int
    stable_bad: int
    candidate_served: int
    candidate_bad: int

    @property
    def bad(self) -> int:
        return self.stable_bad + self.candidate_bad

    @property
    def served(self) -> int:
        return self.stable_served + self.candidate_served


@dataclass(frozen=True)
class Mark:
    """Something that happened at `t` and is worth a line; of its kinds `alarm` and `rollback` stand out."""

    t: float
    kind: str
    text: str


@dataclass(frozen=True)
class Chart:
    """What is drawn of a release. Every `t` and `seconds` is in seconds since its deployment began.

    `bucket` is how many seconds each bucket of requests covers. `weights` is None when the plan of the shift
    is unknown: then only what users met is drawn.
    """

    stable: str
    candidate: str
    seconds: float
    weights: tuple[Weight, ...] | None
    requests: tuple[Bucket, ...]
    marks: tuple[Mark, ...]
    bucket: float
    caption: str


@dataclass(frozen=True)
class TimeAxis:
    """Stage seconds from `first` to `last` across the pixels from `left` to `right`."""

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
    """Values from 0 to `top` between the pixels `y1` (below) and `y0` (above)."""

    y0: float
    y1: float
    top: float

    def y(self, value: float) -> float:
        return self.y1 - value / self.top * (self.y1 - self.y0)


def clock(t: float) -> str:
    """Stage seconds as minutes and seconds: 302.4 is 5:02."""
    seconds = round(t)
    return f"{'-' if seconds < 0 else ''}{abs(seconds) // 60}:{abs(seconds) % 60:02d}"


def _length(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def svg(release: Chart, width: int = 760) -> str:
    """The chart of a release, `width` pixels wide."""
    axis = TimeAxis(*_span(release), LEFT, width - RIGHT)
    lanes = _lanes(release.marks, axis)
    head = LANE * (max(lanes) + 1) + 4 if lanes else 0.0
    traffic = Panel(head + TITLE, head + TITLE + TRAFFIC_HEIGHT, 1.0)
    bad_from = traffic.y1 + TITLE + 14 + (0.0 if _key_fits(release, axis) else KEY)
    bad = Panel(bad_from, bad_from + BAD_HEIGHT, _top_of_bad(release))
    parts = [
        *_marks(release.marks, lanes, axis, bad.y1),  # first, so that titles stand above their lines
        *_traffic(release, axis, traffic),
        *_bad(release, axis, bad),
        *_times(axis, bad, release.caption),
    ]
    height = bad.y1 + 40
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="img"'
        f' aria-label="{escape(describe(release))}">\n' + "\n".join(parts) + "\n</svg>"
    )


def describe(release: Chart) -> str:
    """The chart in a sentence, for those who can't see it."""
    served = sum(bucket.candidate_served for bucket in release.requests)
    candidate_bad = sum(bucket.candidate_bad for bucket in release.requests)
    stable_bad = sum(bucket.stable_bad for bucket in release.requests)
    return (
        f"Version {release.candidate} {_shared(release.weights)}answered {served} requests,"
        f" {candidate_bad} of them badly."
        f" Version {release.stable} answered {stable_bad} badly."
    )


def _shared(weights: tuple[Weight, ...] | None) -> str:
    if weights is None:
        return ""
    most = max((weight.share for weight in weights), default=0.0)
    last = weights[-1].share if weights else 0.0
    return f"got at most {most:.0%} of the traffic and ended with {last:.0%}; it "


def _span(release: Chart) -> tuple[float, float]:
    """The first and the last second to show: everything that is known of the release."""
    moments = [0.0, release.seconds, *(mark.t for mark in release.marks)]
    moments += [weight.t for weight in release.weights or ()]
    moments += [t for bucket in release.requests for t in (bucket.start, bucket.start + release.bucket)]
    return min(moments), max(*moments, min(moments) + 1)


def _top_of_bad(release: Chart) -> float:
    """A round number that no bar reaches above."""
    most = max((bucket.bad for bucket in release.requests), default=0)
    scale = 1
    while True:
        for step in (2, 4, 10):
            if most <= step * scale:
                return float(step * scale)
        scale *= 10


def _traffic(release: Chart, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    yield _title(panel, f"Traffic on version {release.candidate} (dots: as users met it)")
    yield from _scale(axis, panel, [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")])
    if release.weights is not None:
        yield from _shares(release.weights, axis, panel)
    for bucket in release.requests:
        if bucket.served:
            x, y = axis.x(bucket.start + release.bucket / 2), panel.y(bucket.candidate_served / bucket.served)
            yield f'<circle class="met" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'


def _shares(weights: Iterable[Weight], axis: TimeAxis, panel: Panel) -> Iterator[str]:
    points = [(axis.first, 0.0)]
    for weight in weights:
        points += [(weight.t, points[-1][1]), (weight.t, weight.share)]
    points.append((axis.last, points[-1][1]))
    line = " ".join(f"{axis.x(t):.1f},{panel.y(share):.1f}" for t, share in points)
    ground = f"{axis.x(axis.last):.1f},{panel.y1:.1f} {axis.x(axis.first):.1f},{panel.y1:.1f}"
    yield f'<polygon class="candidate-area" points="{line} {ground}"/>'
    yield f'<polyline class="candidate-line" points="{line}"/>'


def _bad(release: Chart, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    yield _title(panel, _bad_title(release), above=0.0 if _key_fits(release, axis) else KEY)
    key = axis.right
    for side, label in _key(release):
        key -= LETTER * len(label) + 6
        yield f'<text x="{key:.1f}" y="{panel.y0 - 14:.1f}">{escape(label)}</text>'
        key -= 15
        yield f'<rect class="{side}" x="{key:.1f}" y="{panel.y0 - 24:.1f}" width="11" height="11"/>'
        key -= 6
    yield from _scale(axis, panel, [(0.0, "0"), (panel.top / 2, f"{panel.top / 2:g}"), (panel.top, f"{panel.top:g}")])
    for bucket in release.requests:
        room = axis.x(bucket.start + release.bucket) - axis.x(bucket.start)
        width = min(max(room - 1, 1.0), WIDEST_BAR)
        left = axis.x(bucket.start) + (room - width) / 2
        floor = panel.y1
        for side, version, bad, served in (
            ("stable", release.stable, bucket.stable_bad, bucket.stable_served),
            ("candidate", release.candidate, bucket.candidate_bad, bucket.candidate_served),
        ):
            if bad:
                height = panel.y1 - panel.y(bad)
                floor -= height
                hint = f"{clock(bucket.start)}, version {version}: {bad} of {served} bad"
                yield (
                    f'<rect class="{side}" x="{left:.1f}" y="{floor:.1f}" width="{width:.1f}" height="{height:.1f}">'
                    f"<title>{escape(hint)}</title></rect>"
                )
    if not any(bucket.bad for bucket in release.requests):
        x, y = (axis.left + axis.right) / 2, panel.y(panel.top / 2) - 6
        yield f'<text class="faint" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_none(release)}</text>'


def _bad_title(release: Chart) -> str:
    return f"Bad outcomes in {_length(release.bucket)}"


def _key(release: Chart) -> tuple[tuple[str, str], ...]:
    return ("candidate", f"version {release.candidate}"), ("stable", f"version {release.stable}")


def _key_fits(release: Chart, axis: TimeAxis) -> bool:
    key = sum(LETTER * len(label) + 27 for _, label in _key(release))
    return LETTER * len(_bad_title(release)) + key <= axis.right


def _none(release: Chart) -> str:
    return "none" if any(bucket.served for bucket in release.requests) else "no request was counted"


def _title(panel: Panel, text: str, above: float = 0.0) -> str:
    return f'<text class="title" x="0" y="{panel.y0 - 14 - above:.1f}">{escape(text)}</text>'


def _scale(axis: TimeAxis, panel: Panel, values: Iterable[tuple[float, str]]) -> Iterator[str]:
    for value, label in values:
        y = panel.y(value)
        yield f'<line class="grid" x1="{axis.left:.1f}" y1="{y:.1f}" x2="{axis.right:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{axis.left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def _times(axis: TimeAxis, panel: Panel, caption: str) -> Iterator[str]:
    for t in axis.ticks():
        x = axis.x(t)
        yield f'<line class="grid" x1="{x:.1f}" y1="{panel.y1:.1f}" x2="{x:.1f}" y2="{panel.y1 + 5:.1f}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{panel.y1 + 17:.1f}" text-anchor="middle">{clock(t)}</text>'
    middle = (axis.left + axis.right) / 2
    yield (
        f'<text class="faint" x="{middle:.1f}" y="{panel.y1 + 34:.1f}" text-anchor="middle">{escape(caption)}</text>'
    )


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
