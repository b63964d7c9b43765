"""Drawings among words: a page of its own, a release's charts, what their numbers stand for, and their counts. Pure.

What stands there as text comes from templates, suites and people: all of it is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from seatrial.core.chart import Chart, Mark, clock
from seatrial.core.drawing.look import DARK, LIGHT, STYLE
from seatrial.core.drawing.svg import svg

WIDE, NARROW = 760, 340  # of the charts on a page, in pixels; its style shows the one that fits
_PHONE = 640
_SIGNS = {"ok": ("✓", "good"), "worse": ("✗", "bad"), "inconclusive": ("•", ""), "": ("•", "faint")}
_TYPED = re.compile(r"`([^`]+)`")

_ON_A_PAGE = f"""
body {{ margin: 0; background: var(--ground); }}
.seatrial {{ max-width: 800px; margin: 0 auto; }}
.seatrial svg.narrow {{ display: none; }}
@media (max-width: {_PHONE}px) {{ .seatrial svg.wide {{ display: none; }}
  .seatrial svg.narrow {{ display: block; }} }}
"""


def document(title: str, content: Iterable[str], style: str = "") -> str:
    """A page that needs nothing else and follows its reader's choice of light and dark; `style` is its own."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>:root {{ color-scheme: light dark;{LIGHT} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{{DARK} }} }}",
            f"{STYLE}{_ON_A_PAGE}{style}</style>",
            "</head>",
            '<body><div class="seatrial">',
            *content,
            "</div></body>",
            "</html>\n",
        )
    )


def charts(release: Chart, widths: Sequence[int] = (WIDE, NARROW)) -> Iterator[str]:
    """The same chart for each width, of which the page's style shows one; a widget knows its own."""
    for kind, width in zip(("wide", "narrow"), widths, strict=False):
        yield svg(release, width, kind)


def legend(marks: Iterable[Mark]) -> Iterator[str]:
    """What the numbers in the chart stand for."""
    yield "<ol>"
    for number, mark in enumerate(marks, start=1):
        yield (
            f"<li><b>{number}</b><span>{clock(mark.t)}</span>"
            f"<span><small>{escape(mark.kind)}:</small> {prose(mark.text)}</span></li>"
        )
    yield "</ol>"


def verdicts(release: Chart) -> Iterator[str]:
    """What the judge says of each metric, and what stands beside it. A sign and a word tell what a colour does."""
    if release.judged:
        yield "<h4>What the judge says</h4><ul>"
        for each in release.judged:
            sign, tone = _SIGNS[each.word]
            yield f'<li><b class="{tone}">{sign}</b> <span>{escape(each.sentence)}</span></li>'
        yield "</ul>"


def numbers(release: Chart) -> Iterator[str]:
    """The chart as a table, for those who can't see it or want it exactly."""
    yield "<details><summary>The chart's numbers</summary><table>"
    yield f"<caption>{escape(release.bad)} among what was served</caption>"
    yield "<thead><tr><th>from</th>"
    for version in (release.stable, release.candidate):
        yield f"<th>version {escape(version)} served</th><th>of them bad</th>"
    yield "</tr></thead><tbody>"
    for bucket in release.requests:
        counts = (bucket.stable_served, bucket.stable_bad, bucket.candidate_served, bucket.candidate_bad)
        cells = "".join(f"<td>{count}</td>" for count in counts)
        yield f"<tr><td>{clock(bucket.start)}</td>{cells}</tr>"
    yield "</tbody></table></details>"


def prose(sentence: str) -> str:
    """A sentence, escaped; what stands between backticks is typed."""
    return _TYPED.sub(r"<code>\1</code>", escape(sentence))
