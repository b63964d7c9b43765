"""All benchmarks in one run: `make bench` prints one table and writes it to docs/performance.md.

A benchmark is a function without arguments that returns a `Row`. It is listed below, under a word that `make bench
ONLY=WORD` selects. Only a run of all benchmarks is written to the page. The exit code is 1 when a row missed its limit
by more than its spread, or could not be measured.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.rows import COLUMNS, Row, between, cells, failures, markdown

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"

# Word for ONLY, module, function. A module is imported when its turn comes: imports of one row cost no other row.
BENCHMARKS: tuple[tuple[str, str, str], ...] = (
    ("alarm", "benchmarks.alarm_to_release", "ten_groups"),
    ("alarm", "benchmarks.alarm_to_release", "ten_thousand_groups"),
    ("cold", "benchmarks.cold_start", "alarm_to_stop"),
    ("tick", "benchmarks.tick", "steady"),
    ("tick", "benchmarks.tick", "judged"),
    ("tick", "benchmarks.tick", "dark"),
    ("tick", "benchmarks.tick", "ended"),
    ("cold", "benchmarks.cold_start", "rollback"),
    ("cold", "benchmarks.cold_start", "pre_traffic"),
    ("cold", "benchmarks.cold_start", "post_traffic"),
    ("cold", "benchmarks.cold_start", "monitor"),
    ("cold", "benchmarks.cold_start", "fix_lane"),
    ("cold", "benchmarks.cold_start", "dark_tester"),
    ("cold", "benchmarks.cold_start", "board"),
    ("hook", "benchmarks.pre_traffic", "one_case"),
    ("command", "benchmarks.command_start", "help_page"),
    ("layer", "benchmarks.layer_size", "zipped"),
    ("wrapper", "benchmarks.outcome_wrapper", "median_invoke"),
    ("judge", "benchmarks.judge_look", "one_look"),
    ("invoke", "benchmarks.invoke", "silent"),
    ("invoke", "benchmarks.invoke", "printing"),
    ("rehearse", "benchmarks.rehearsal", "whole"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = list(dict.fromkeys(word for word, _, _ in BENCHMARKS))
    parser.add_argument("--only", choices=words, action="append", help="run these alone and leave the page as it is")
    only = parser.parse_args().only
    console = Console(width=None if sys.stdout.isatty() else 160)
    chosen = [f"{module}:{function}" for word, module, function in BENCHMARKS if not only or word in only]
    began = time.perf_counter()
    rows, broken = run({name: _found(name) for name in chosen}, lambda line: console.print(line, highlight=False))
    console.print(screen(rows))
    console.print(f"{len(rows)} benchmarks in {time.perf_counter() - began:.0f} s", highlight=False)
    if not only and not broken:
        PAGE.write_text(between(PAGE.read_text(), BEGIN, END, markdown(rows)))
    missed = [*failures(rows), *broken]
    for sentence in missed:
        console.print(sentence, style="red", highlight=False, markup=False)
    sys.exit(1 if missed else 0)


def run(benchmarks: Mapping[str, Callable[[], Row]], say: Callable[[str], object]) -> tuple[list[Row], list[str]]:
    """The rows, and a sentence for each benchmark that raised. One that raises does not stop the others.

    What a benchmark prints, log lines of the product above all, is dropped.
    """
    rows: list[Row] = []
    broken: list[str] = []
    for name, measure in benchmarks.items():
        began = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                rows.append(measure())
        except (Exception, SystemExit) as error:  # noqa: BLE001  # reported, and the exit code is 1
            broken.append(f"{name}: not measured: {type(error).__name__}: {error}")
        say(f"{name}: {time.perf_counter() - began:.0f} s")
    return rows, broken


def screen(rows: Iterable[Row]) -> Table:
    """The table for a terminal."""
    table = Table(box=box.SIMPLE_HEAD)
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number in (0, len(COLUMNS) - 1) else "right")
    for row in rows:
        table.add_row(*cells(row), style="red" if row.missed else "")
    return table


def _found(name: str) -> Callable[[], Row]:
    """Imports when it is called."""
    module, _, function = name.partition(":")

    def measure() -> Row:
        row: Row = getattr(import_module(module), function)()
        return row

    return measure


if __name__ == "__main__":
    main()
