"""The board as HTML: a fragment for a dashboard's widget, or a page of its own. Pure.

What stands on it as text comes from templates, suites and people: all of it is escaped. There is no script: CloudWatch
would take it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape

from . import chart, story
from .board import Board, Shown, chart_of
from .chart import Chart, Mark
from .delivery import Delivery
from .release import Release, State

WIDE, NARROW = 760, 340  # of the charts on a page, in pixels; its style shows the one that fits
_PHONE = 640
_TYPED = re.compile(r"`([^`]+)`")

_STYLE = """
.seatrial { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; padding: .75rem; text-align: left; }
.seatrial * { box-sizing: border-box; }
.seatrial h1 { font-size: 1.4rem; line-height: 1.2; margin: 0 0 .25rem; color: inherit; }
.seatrial h2 { font-size: 1rem; margin: 1.5rem 0 0; color: var(--faint); }
.seatrial h3 { font-size: 1.1rem; line-height: 1.3; margin: 0; color: inherit; }
.seatrial p { margin: .25rem 0; color: inherit; }
.seatrial .faint { color: var(--faint); }
.seatrial .good { color: var(--good); } .seatrial .bad { color: var(--bad); }
.seatrial section { border-top: 1px solid var(--rule); margin-top: 1rem; padding-top: 1rem; }
.seatrial .wound { border: 1px solid var(--bad); border-left-width: 6px; border-radius: 4px; margin: 1rem 0;
  padding: .5rem .75rem; }
.seatrial code { background: var(--panel); color: inherit; border-radius: 3px; padding: .05rem .25rem;
  font: .85em ui-monospace, monospace; }
.seatrial dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
.seatrial dl div { background: var(--panel); border-radius: 4px; padding: .5rem .75rem; }
.seatrial dt { color: var(--faint); font-size: .8rem; font-weight: 400; }
.seatrial dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.seatrial dd small { display: block; color: var(--faint); font-size: .75rem; font-weight: 400; }
.seatrial ol { padding: 0; margin: .5rem 0; list-style: none; font-size: .85rem; }
.seatrial li { display: grid; grid-template-columns: 1.7rem 3.5rem 1fr; padding: .15rem 0; }
.seatrial li b { color: var(--faint); }
.seatrial summary { cursor: pointer; font-size: .85rem; }
.seatrial table { border-collapse: collapse; width: 100%; font-size: .8rem; }
.seatrial th, .seatrial td { text-align: right; padding: .2rem .4rem .2rem 0; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; }
"""


def fragment(board: Board, *, theme: str, width: int) -> str:
    """HTML for a widget that is `width` pixels wide on a dashboard whose theme is light or dark."""
    colours = chart.DARK if theme == "dark" else chart.LIGHT
    room = max(NARROW - 40, width - 40)  # the widget's frame and ours
    return "\n".join(
        (
            '<div class="cwdb-no-default-styles"></div>',
            f"<style>.seatrial {{ color-scheme: {'dark' if theme == 'dark' else 'light'};{colours} }}"
            f"{_STYLE}{_scoped(chart.STYLE)}</style>",
            '<div class="seatrial">',
            *_content(board, (room,)),
            "</div>",
        )
    )


def page(board: Board) -> str:
    """A page of its own, that needs nothing else and follows the reader's choice of light and dark."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>Seatrial: releases</title>",
            f"<style>:root {{ color-scheme: light dark;{chart.LIGHT} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{{chart.DARK} }} }}",
            "body { margin: 0; background: var(--ground); } .seatrial { max-width: 800px; margin: 0 auto; }",
            f"{_STYLE}{_scoped(chart.STYLE)}",
            ".seatrial svg.narrow { display: none; }",
            f"@media (max-width: {_PHONE}px) {{ .seatrial svg.wide {{ display: none; }}",
            ".seatrial svg.narrow { display: block; } }",
            "</style>",
            "</head>",
            '<body><div class="seatrial">',
            *_content(board, (WIDE, NARROW)),
            "</div></body>",
            "</html>",
        )
    )


def trouble(sentence: str) -> str:
    """What a widget shows whose parameters can't be used."""
    return f'<p role="alert"><strong>Seatrial\'s board:</strong> {escape(sentence)}</p>'


def _content(board: Board, widths: Sequence[int]) -> Iterator[str]:
    whose = f" of {escape(board.service)}" if board.service else ""
    yield f"<h1>Releases{whose}</h1>"
    yield f'<p class="faint">{_moment(board.since)} to {_moment(board.until)} UTC</p>'
    for wound in board.wounds:
        yield from _wound(wound)
    yield from _figures(board.delivery)
    yield f"<h2>{'Open now' if board.open else 'No release is open'}</h2>"
    for shown in board.open:
        yield from _section(shown, board.now, widths)
    if board.more_open:
        yield f"<p><strong>{board.more_open} more are open:</strong> <code>seatrial status</code> lists them all.</p>"
    if board.last:
        yield "<h2>The last ones</h2>"
    for shown in board.last:
        yield from _section(shown, board.now, widths)


def _wound(release: Release) -> Iterator[str]:
    """What users get, what CloudFormation believes, and what brings the two together: the same words as everywhere."""
    yield '<div class="wound">'
    yield f'<h3 class="bad">{_sign(release.state)} {escape(release.service)} is to be healed</h3>'
    yield f"<p>{_prose(story.to_be_healed(release))}</p>"
    yield f'<p class="faint">{escape(release.deployment_id)} is {release.state}{escape(_why(release))}</p>'
    yield "</div>"


def _prose(sentence: str) -> str:
    """A sentence, escaped; what stands between backticks is typed."""
    return _TYPED.sub(r"<code>\1</code>", escape(sentence))


def _figures(figures: Delivery) -> Iterator[str]:
    rate = figures.failure_rate
    yield "<dl>"
    yield _figure("Released", _frequency(figures), f"{figures.released} in {figures.days:.3g} days")
    yield _figure("Lead time", _span(figures.lead), "from commit or publish to everybody, median")
    yield _figure(
        "Change failure rate",
        "–" if rate is None else f"{rate:.0%}",
        f"{figures.failed} of {figures.met_users} that users met; {figures.refused} refused before",
    )
    stranded = f"; {figures.stranded} stranded" if figures.stranded else ""
    yield _figure("Time to restore", _span(figures.restore), f"from the first users to all back, median{stranded}")
    yield "</dl>"


def _figure(name: str, value: str, explained: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}<small>{explained}</small></dd></div>"


def _frequency(figures: Delivery) -> str:
    if figures.a_day >= 1:
        return f"{figures.a_day:.2g} a day"
    return f"{figures.a_day * 7:.2g} a week" if figures.released else "–"


def _section(shown: Shown, now: datetime, widths: Sequence[int]) -> Iterator[str]:
    release = shown.release
    drawn = chart_of(shown, now)
    configuration = release.configuration.removeprefix("CodeDeployDefault.Lambda") or "configuration unknown"
    took = _span(timedelta(seconds=drawn.seconds))
    yield "<section>"
    yield f"<h3>{escape(release.service)}, version {escape(release.stable)} → {escape(release.candidate)}</h3>"
    signed = f"{_sign(release.state)} {release.state}"
    yield f'<p><strong class="{_class(release.state)}">{signed}</strong>{escape(_why(release))}</p>'
    yield (
        f'<p class="faint">{escape(release.deployment_id)}, {escape(configuration)}, since {_moment(release.opened_at)}'
        f"{', ' + took if release.is_open else ', took ' + took}</p>"
    )
    if release.state is State.REFUSED:  # no user met it: there is nothing to draw
        yield from _legend(drawn.marks)
    else:
        for name, width in zip(("wide", "narrow"), widths, strict=False):
            yield chart.svg(drawn, width).replace("<svg ", f'<svg class="{name}" ', 1)
        yield from _legend(drawn.marks)
        yield from _numbers(drawn)
    yield "</section>"


def _legend(marks: Iterable[Mark]) -> Iterator[str]:
    yield "<ol>"
    for number, mark in enumerate(marks, start=1):
        yield f"<li><b>{number}</b><span>{chart.clock(mark.t)}</span><span>{escape(mark.text)}</span></li>"
    yield "</ol>"


def _numbers(drawn: Chart) -> Iterator[str]:
    """The chart as a table, for those who can't see it or want it exactly."""
    if not drawn.requests:
        yield (
            '<p class="faint">No outcomes were counted: the service prints no outcome lines, or nobody called it.</p>'
        )
        return
    yield "<details><summary>The chart's numbers</summary><table>"
    yield "<thead><tr><th>from</th>"
    for version in (drawn.stable, drawn.candidate):
        yield f"<th>version {escape(version)} served</th><th>of them bad</th>"
    yield "</tr></thead><tbody>"
    for bucket in drawn.requests:
        counts = (bucket.stable_served, bucket.stable_bad, bucket.candidate_served, bucket.candidate_bad)
        cells = "".join(f"<td>{count}</td>" for count in counts)
        yield f"<tr><td>{chart.clock(bucket.start)}</td>{cells}</tr>"
    yield "</tbody></table></details>"


def _why(release: Release) -> str:
    by = f" by {release.by}" if release.by else ""
    return f"{by}: {release.reason}" if release.reason else ""


def _class(state: State) -> str:
    """Nothing is said by colour alone: the state's word and a sign stand beside it."""
    match state:
        case State.RELEASED:
            return "good"
        case State.TAKEN_BACK | State.GOING_BACK | State.STRANDED | State.RETURNING | State.RETURNED:
            return "bad"
    return ""


def _sign(state: State) -> str:
    return {"good": "✓", "bad": "✗"}.get(_class(state), "•")


def _scoped(style: str) -> str:
    """Each rule for `svg` only inside the board: a dashboard has drawings of its own."""
    return "\n".join(_scoped_line(line) for line in style.splitlines())


def _scoped_line(line: str) -> str:
    return line.replace("svg", ".seatrial svg") if line.startswith("svg") else line


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _span(span: timedelta | None) -> str:
    """A span as people say it: 40 s, 12 min, 3.5 h, 2 days."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= (2 if name == "days" else 1) * unit:
            return f"{seconds / unit:.2g} {name}" if seconds < 100 * unit else f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
