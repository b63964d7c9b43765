"""report.html: the report as one page that needs nothing else, neither a network nor a script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from seatrial.core.drawing.page import charts, document, legend, numbers, verdicts

from .report import RehearsedRelease, Report

_STYLE = """
.seatrial { padding: 1.5rem 1rem 4rem; }
.seatrial .verdict { font-weight: 600; margin: .75rem 0 1rem; }
.seatrial table.wide { table-layout: fixed; font-size: .9rem; }
.seatrial .wide th, .seatrial .wide td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; }
.seatrial .wide th { font-weight: 600; color: var(--faint); }
.seatrial .wide th:first-child { width: 36%; } .seatrial .wide th:last-child { width: 15%; }
.seatrial .tick { white-space: nowrap; font-weight: 600; }
.seatrial pre { white-space: pre-wrap; background: var(--panel); padding: .75rem; border-radius: 4px;
  font-size: .8rem; }
@media (max-width: 640px) {
  .seatrial .wide thead { display: none; }
  .seatrial .wide tr { display: block; border-bottom: 1px solid var(--rule); padding: .4rem 0; }
  .seatrial .wide td { display: block; border: 0; padding: .05rem 0; }
  .seatrial .wide td[data-name]::before { content: attr(data-name) ": "; color: var(--faint); font-weight: 400; }
}
"""


def html(report: Report) -> str:
    """The whole page."""
    sections = (line for release in report.releases for line in _section(release))
    return document("Seatrial: rehearsal of releases", (*_head(report), *sections), _STYLE)


def verdict(report: Report) -> str:
    """The rehearsal in a sentence."""
    count, wrong = len(report.releases), len(report.unexpected)
    if wrong:
        return f"{wrong} of {count} releases did not go as they should."
    if not report.ok:
        return "Every release went as it should, but the rehearsal itself did not."
    return f"All {count} releases went as they should."


def _head(report: Report) -> Iterator[str]:
    yield "<h1>Rehearsal of releases</h1>"
    yield (
        f'<p class="faint">Seatrial {escape(report.seatrial)}, {_moment(report.started)},'
        f" {report.wall_seconds:.0f} s on the wall; a minute of the stage took {report.minute:g} s</p>"
    )
    yield f'<p class="verdict {_class(report.ok)}">{_tick(report.ok)} {escape(verdict(report))}</p>'
    yield '<table class="wide">'
    yield "<thead><tr><th>release</th><th>result</th><th>taken back by</th><th>as expected</th></tr></thead>"
    yield "<tbody>"
    for release in report.releases:
        yield (
            f'<tr><td><a href="#{escape(release.id)}">{escape(release.title)}</a></td>'
            f'<td data-name="result">{escape(release.result)}</td>'
            f'<td data-name="taken back by">{escape(release.won or "nobody")}</td>{_tick_cell(release.ok)}</tr>'
        )
    yield "</tbody></table>"


def _section(release: RehearsedRelease) -> Iterator[str]:
    yield f'<section id="{escape(release.id)}">'
    yield f"<h3>{escape(release.title)}</h3>"
    yield (
        f'<p class="faint">{escape(release.service)}, version {escape(release.stable)} → {escape(release.candidate)},'
        f" {escape(release.deployment)}, {escape(release.configuration.removeprefix('CodeDeployDefault.Lambda'))}</p>"
    )
    won = f", first by {escape(release.won)}" if release.won else ""
    yield f"<p><strong>{escape(release.result.capitalize())}</strong>{won}: {escape(release.reason)}</p>"
    yield from _checks(release)
    yield from charts(release.chart)
    yield from legend(release.marks)
    yield from verdicts(release.chart)
    yield from numbers(release.chart)
    yield f"<details{'' if release.ok else ' open'}><summary>Its story, {len(release.story)} lines</summary>"
    yield f"<pre>{escape(chr(10).join(release.story))}</pre></details>"
    yield "</section>"


def _checks(release: RehearsedRelease) -> Iterator[str]:
    yield '<h4>Expected and happened</h4><table class="wide">'
    yield "<thead><tr><th>what</th><th>expected</th><th>happened</th><th>as expected</th></tr></thead><tbody>"
    for check in release.checks:
        yield (
            f'<tr><td>{_cell(check.what)}</td><td data-name="expected">{_cell(check.expected)}</td>'
            f'<td data-name="happened">{_cell(check.happened)}</td>{_tick_cell(check.ok)}</tr>'
        )
    yield "</tbody></table>"


def _cell(text: str) -> str:
    """Escaped, and allowed to break where UPDATE_ROLLBACK_COMPLETE has an underscore."""
    return escape(text).replace("_", "_<wbr>")


def _tick_cell(ok: bool) -> str:
    return f'<td class="tick {_class(ok)}" data-name="as expected">{_tick(ok)} {"yes" if ok else "no"}</td>'


def _tick(ok: bool) -> str:
    return "✓" if ok else "✗"


def _class(ok: bool) -> str:
    return "good" if ok else "bad"


def _moment(iso: str) -> str:
    """2026-11-23T10:00:00Z, as people write it."""
    return escape(iso.replace("T", " ").replace("Z", " UTC"))
