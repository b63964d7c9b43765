"""report.html: the report as one page that needs nothing else, neither a network nor a script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from seatrial.core import chart

from .report import RehearsedRelease, Report

WIDE, NARROW = 760, 340  # of the charts, in pixels; the style shows the one that fits

_COLOURS = f"""
:root {{ color-scheme: light dark;{chart.LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{{chart.DARK} }} }}
"""
_LAYOUT = """\
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 800px; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .25rem 0; }
a { color: inherit; }
.faint { color: var(--faint); }
.verdict { font-weight: 600; margin: .75rem 0 1rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
section { border-top: 1px solid var(--rule); margin-top: 2.5rem; padding-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
table.wide { table-layout: fixed; }
.wide th:first-child { width: 36%; } .wide th:last-child { width: 15%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--faint); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.tick { white-space: nowrap; font-weight: 600; }
.marks { padding-left: 0; list-style: none; font-size: .9rem; }
.marks li { display: grid; grid-template-columns: 1.7rem 3rem 5rem 1fr; padding: .15rem 0; }
.marks b { color: var(--faint); }
pre { white-space: pre-wrap; background: var(--panel); padding: .75rem; border-radius: 4px; font-size: .8rem; }
summary { cursor: pointer; margin-top: 1rem; }
"""
_ON_A_PHONE = """
svg.narrow { display: none; }
@media (max-width: 640px) {
  body { padding: 1rem .8rem 3rem; }
  svg.wide { display: none; } svg.narrow { display: block; }
  .marks li { grid-template-columns: 1.7rem 3rem 1fr; } .marks .what { grid-column: 2 / -1; }
  .wide thead { display: none; }
  .wide tr { display: block; border-bottom: 1px solid var(--rule); padding: .4rem 0; }
  .wide td { display: block; border: 0; padding: .05rem 0; }
  .wide td[data-name]::before { content: attr(data-name) ": "; color: var(--faint); font-weight: 400; }
}
"""
STYLE = _COLOURS + _LAYOUT + chart.STYLE + _ON_A_PHONE


def html(report: Report) -> str:
    """The whole page."""
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Seatrial: rehearsal of releases</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        *_head(report),
        *(line for release in report.releases for line in _section(release)),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


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
    yield f"<h2>{escape(release.title)}</h2>"
    yield (
        f'<p class="faint">{escape(release.service)}, version {escape(release.stable)} → {escape(release.candidate)},'
        f" {escape(release.deployment)}, {escape(release.configuration.removeprefix('CodeDeployDefault.Lambda'))}</p>"
    )
    won = f", first by {escape(release.won)}" if release.won else ""
    yield f"<p><strong>{escape(release.result.capitalize())}</strong>{won}: {escape(release.reason)}</p>"
    yield from _checks(release)
    yield chart.svg(release.chart, WIDE).replace("<svg ", '<svg class="wide" ', 1)
    yield chart.svg(release.chart, NARROW).replace("<svg ", '<svg class="narrow" ', 1)
    yield from _marks(release)
    yield from _numbers(release)
    yield f"<details{'' if release.ok else ' open'}><summary>Its story, {len(release.story)} lines</summary>"
    yield f"<pre>{escape(chr(10).join(release.story))}</pre></details>"
    yield "</section>"


def _checks(release: RehearsedRelease) -> Iterator[str]:
    yield '<h3>Expected and happened</h3><table class="wide">'
    yield "<thead><tr><th>what</th><th>expected</th><th>happened</th><th>as expected</th></tr></thead><tbody>"
    for check in release.checks:
        yield (
            f'<tr><td>{_cell(check.what)}</td><td data-name="expected">{_cell(check.expected)}</td>'
            f'<td data-name="happened">{_cell(check.happened)}</td>{_tick_cell(check.ok)}</tr>'
        )
    yield "</tbody></table>"


def _marks(release: RehearsedRelease) -> Iterator[str]:
    if not release.marks:
        return
    yield '<ol class="marks">'
    for number, mark in enumerate(release.marks, start=1):
        yield (
            f"<li><b>{number}</b><span>{chart.clock(mark.t)}</span><span>{mark.kind}</span>"
            f'<span class="what">{escape(mark.text)}</span></li>'
        )
    yield "</ol>"


def _numbers(release: RehearsedRelease) -> Iterator[str]:
    """The chart as a table, for those who can't see it or want it exactly."""
    yield "<details><summary>The chart's numbers</summary><table>"
    yield "<thead><tr><th>from</th>"
    for version in (release.stable, release.candidate):
        yield f'<th class="number">version {escape(version)} served</th><th class="number">of them bad</th>'
    yield "</tr></thead><tbody>"
    for bucket in release.requests:
        counts = (bucket.stable_served, bucket.stable_bad, bucket.candidate_served, bucket.candidate_bad)
        cells = "".join(f'<td class="number">{count}</td>' for count in counts)
        yield f"<tr><td>{chart.clock(bucket.start)}</td>{cells}</tr>"
    yield "</tbody></table></details>"


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
