"""The three panels: the traffic of the candidate, what came to a bad end, and the evidence against its limit. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from html import escape

from seatrial.core.chart import Bucket, Chart, Course, Weight, clock
from seatrial.core.drawing.axes import Heading, Panel, TimeAxis, instead_of_values, scale
from seatrial.core.values import plain
from seatrial.core.verdict import shown

WIDEST_BAR = 28.0
_MINUTE = 60.0

# Evidence below a thousandth of what is enough, or beyond ten times of it, is drawn at the panel's edge.
_LEAST, _MOST = -3.0, 1.0
_COURSES = ("first", "second", "third")


@dataclass(frozen=True)
class Part:
    """A panel, `height` pixels high, for values from `bottom` to `top`; `content` is what is drawn in it."""

    heading: Heading
    height: float
    bottom: float
    top: float
    content: Callable[[TimeAxis, Panel], Iterator[str]]


def parts(release: Chart) -> Iterator[Part]:
    """From above: what was to happen, what happened, and what follows from it. Without a judge, without the last."""
    traffic = Heading(f"Traffic on version {release.candidate} (dots: as users met it)")
    yield Part(traffic, 130.0, 0.0, 1.0, partial(_traffic, release))
    yield Part(_bad_heading(release), 90.0, 0.0, _top_of_bad(release), partial(_bad, release))
    if release.courses:
        yield Part(_evidence_heading(release), 110.0, _lowest(release.courses), _MOST, partial(_evidence, release))


def _traffic(release: Chart, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    yield from scale(axis, panel, [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")])
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
    line = _points(axis, panel, points)
    ground = f"{axis.x(axis.last):.1f},{panel.y1:.1f} {axis.x(axis.first):.1f},{panel.y1:.1f}"
    yield f'<polygon class="candidate-area" points="{line} {ground}"/>'
    yield f'<polyline class="candidate-line" points="{line}"/>'


def _bad_heading(release: Chart) -> Heading:
    key = (("stable", f"version {release.stable}"), ("candidate", f"version {release.candidate}"))
    return Heading(f"{release.bad} in {_length(release.bucket)}", key)


def _top_of_bad(release: Chart) -> float:
    """A round number that no bar reaches above."""
    most = max((bucket.bad for bucket in release.requests), default=0)
    scale = 1
    while True:
        for step in (2, 4, 10):
            if most <= step * scale:
                return float(step * scale)
        scale *= 10


def _bad(release: Chart, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    """Bars of both versions, one upon the other."""
    yield from scale(axis, panel, [(0.0, "0"), (panel.top / 2, f"{panel.top / 2:g}"), (panel.top, f"{panel.top:g}")])
    for bucket in release.requests:
        yield from _bars(release, bucket, axis, panel)
    if not any(bucket.bad for bucket in release.requests):
        counted = any(bucket.served for bucket in release.requests)
        yield instead_of_values(axis, panel, "none" if counted else "no request was counted")


def _bars(release: Chart, bucket: Bucket, axis: TimeAxis, panel: Panel) -> Iterator[str]:
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


def _evidence_heading(release: Chart) -> Heading:
    """Metrics have the lines in turn; the first has one of its own, and the rest share what is left beyond three."""
    return Heading(
        "Evidence that it is worse",
        tuple((f"course {kind}", metric) for metric, kind in _kinds(release.courses).items()),
    )


def _lowest(courses: Iterable[Course]) -> float:
    """The power of ten below all evidence, as far as it is drawn."""
    reached = (value for course in courses for value in (_begins(course), *course.reached))
    return max(_LEAST, float(math.floor(min(reached))))


def _evidence(release: Chart, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    """Lines over powers of ten; the limit is the same for all, since each is drawn as a part of what is enough."""
    powers = range(-1, int(panel.bottom) - 1, -1)
    yield from scale(axis, panel, [(power, f"1/{10**-power}") for power in powers])
    y = panel.y(0)
    yield f'<line class="limit" x1="{axis.left:.1f}" y1="{y:.1f}" x2="{axis.right:.1f}" y2="{y:.1f}"/>'
    yield f'<text class="limit" x="{axis.left + 4:.1f}" y="{y - 6:.1f}">enough</text>'
    kinds = _kinds(release.courses)
    for course in release.courses:
        yield from _course(course, kinds[course.metric], axis, panel)


def _course(course: Course, kind: str, axis: TimeAxis, panel: Panel) -> Iterator[str]:
    """A line with a dot at the end of each minute: it is judged when it is closed."""
    values = (_begins(course), *course.reached)
    points = [(course.start + _MINUTE * n, panel.within(value)) for n, value in enumerate(values)]
    yield f'<polyline class="course {kind}" points="{_points(axis, panel, points)}"/>'
    for (t, height), value in zip(points[1:], course.reached, strict=True):
        amount = shown(value * math.log(10) + math.log(course.limit))
        hint = f"{clock(t)}, {course.metric}: {amount}, of which {plain(course.limit)} is enough"
        yield (
            f'<circle class="{kind}" cx="{axis.x(t):.1f}" cy="{panel.y(height):.1f}" r="2.5">'
            f"<title>{escape(hint)}</title></circle>"
        )


def _begins(course: Course) -> float:
    """Before the first minute the evidence is 1: it says nothing."""
    return -math.log10(course.limit)


def _kinds(courses: Iterable[Course]) -> dict[str, str]:
    metrics = dict.fromkeys(course.metric for course in courses)
    return {metric: _COURSES[min(number, len(_COURSES) - 1)] for number, metric in enumerate(metrics)}


def _points(axis: TimeAxis, panel: Panel, points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{axis.x(t):.1f},{panel.y(value):.1f}" for t, value in points)


def _length(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"
