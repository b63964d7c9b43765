"""The table at the end of a rehearsal: what was expected and what happened."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from .page import verdict
from .report import RehearsedRelease, Report


def table(report: Report) -> Table:
    """One row a check, in groups of a release. Green and red say no more than ✓ and ✗ do."""
    shown = Table(
        title="Expected and happened",
        title_justify="left",
        caption=verdict(report),
        caption_justify="left",
        caption_style="bold green" if report.ok else "bold red",
    )
    for header, ratio in (("release", 3), ("what", 4), ("expected", 3), ("happened", 3)):
        shown.add_column(header, ratio=ratio, overflow="fold")
    shown.add_column("", width=1)
    for release in report.releases:
        _add(shown, release)
    return shown


def _add(shown: Table, release: RehearsedRelease) -> None:
    won = f" by {release.won}" if release.won else ""
    first = f"[bold]{escape(release.title)}[/bold]\n{release.result}{escape(won)}"
    for check in release.checks:
        tick = "[green]✓[/green]" if check.ok else "[bold red]✗[/bold red]"
        shown.add_row(first, escape(check.what), escape(check.expected), escape(check.happened), tick)
        first = ""
    if not release.checks:
        shown.add_row(first, "nothing was checked", "", escape(release.reason), "[bold red]✗[/bold red]")
    shown.add_section()
