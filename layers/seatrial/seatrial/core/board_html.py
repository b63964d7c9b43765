"""The board as HTML: a fragment for a dashboard's widget, or a page of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape

from seatrial.core import charted, rollback_story
from seatrial.core.board import Board, Shown
from seatrial.core.chart import Chart
from seatrial.core.delivery import Delivery
from seatrial.core.drawing.look import DARK, LIGHT, STYLE
from seatrial.core.drawing.page import NARROW, WIDE, charts, document, legend, numbers, prose, verdicts
from seatrial.core.release import Release, State

_STYLE = """
.seatrial .wound { border: 1px solid var(--bad); border-left-width: 6px; border-radius: 4px; margin: 1rem 0;
  padding: .5rem .75rem; }
.seatrial .wound h2 { font-size: 1.1rem; margin: 0; }
.seatrial dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
.seatrial dl div { background: var(--panel); border-radius: 4px; padding: .5rem .75rem; }
.seatrial dt { color: var(--faint); font-size: .8rem; font-weight: 400; }
.seatrial dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.seatrial dd small { display: block; color: var(--faint); font-size: .75rem; font-weight: 400; }
"""


def fragment(board: Board, *, theme: str, width: int) -> str:
    """HTML for a widget that is `width` pixels wide on a dashboard whose theme is light or dark."""
    scheme, colours = ("dark", DARK) if theme == "dark" else ("light", LIGHT)
    room = max(NARROW - 40, width - 40)  # the widget's frame and ours
    return "\n".join(
        (
            '<div class="cwdb-no-default-styles"></div>',
            f"<style>.seatrial {{ color-scheme: {scheme};{colours} }}{STYLE}{_STYLE}</style>",
            '<div class="seatrial">',
            *_content(board, (room,)),
            "</div>",
        )
    )


def page(board: Board) -> str:
    """A page of its own."""
    return document("Seatrial: releases", _content(board, (WIDE, NARROW)), _STYLE)


def trouble(sentence: str) -> str:
    """What a widget shows whose parameters can't be used."""
    return f'<p role="alert"><strong>Seatrial\'s board:</strong> {escape(sentence)}</p>'


def _content(board: Board, widths: Sequence[int]) -> Iterator[str]:
    whose = f" of {escape(board.service)}" if board.service else ""
    yield f"<h1>Releases{whose}</h1>"
    yield f'<p class="faint">{_moment(board.since)} to {_moment(board.until)} UTC</p>'
    if board.unread:
        yield f'<p class="bad">✗ What was counted is not shown, since CloudWatch says: {escape(board.unread)}</p>'
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
    yield f'<h2 class="bad">{_sign(release.state)} {escape(release.service)} is to be healed</h2>'
    yield f"<p>{prose(rollback_story.to_be_healed(release))}</p>"
    yield f'<p class="faint">{escape(release.deployment_id)} is {release.state}{escape(_why(release))}</p>'
    yield "</div>"


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
    drawn = charted.chart(shown, now)
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
    for fact in charted.facts(shown):
        yield f"<p>{prose(fact[:1].upper() + fact[1:])}</p>"
    if release.state is State.REFUSED:  # no user met it: there is nothing to draw
        yield from legend(drawn.marks)
    else:
        yield from charts(drawn, widths)
        yield from legend(drawn.marks)
        yield from verdicts(drawn)
        yield from _counts(shown, drawn)
    yield "</section>"


def _counts(shown: Shown, drawn: Chart) -> Iterator[str]:
    if drawn.requests:
        yield from numbers(drawn)
    elif shown.counted:
        yield (
            '<p class="faint">No request was counted: nobody called it by its alias, or that is longer ago than the 15 '
            "days for which CloudWatch keeps minutes.</p>"
        )
    else:
        yield '<p class="faint">What was counted of it could not be read from CloudWatch: look again in a minute.</p>'


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
