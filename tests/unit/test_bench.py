"""The pure parts of the benchmarks: ratio, noise, the table, and what fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

import pytest

from benchmarks import bench
from benchmarks.rows import (
    Limit,
    Pairs,
    Row,
    between,
    compare,
    difference,
    failures,
    fixed,
    markdown,
    ratio,
    spread,
    value,
)


def measured(limit: Limit, *ours: float, baseline: float = 10.0) -> Row:
    return Pairs(ours, (baseline,) * len(ours)).row("a thing", "ms", limit)


def test_ratio_is_the_median_of_the_pairs() -> None:
    row = Pairs((2.0, 30.0, 8.0), (1.0, 10.0, 2.0)).row("a thing", "ms", ratio(3))
    assert (row.ratio, row.ours, row.baseline) == (3.0, 8.0, 2.0)


def test_slow_moment_that_meets_both_sides_leaves_the_ratio() -> None:
    row = Pairs((1.0, 100.0, 1.0), (2.0, 200.0, 2.0)).row("a thing", "ms", ratio(1))
    assert (row.ratio, row.spread) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("values", "half"),
    [((1.0,), 0.0), ((5.0, 5.0, 5.0), 0.0), ((1.0, 2.0, 3.0, 4.0, 5.0), 1.0), ((3.0, 3.0, 3.0, 3.0, 90.0), 0.0)],
)
def test_spread_is_half_the_interquartile_range(values: tuple[float, ...], half: float) -> None:
    assert spread(values) == half


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        pytest.param(measured(ratio(1.2), 12.0, 12.0, 12.0), False, id="ratio at the limit"),
        pytest.param(measured(ratio(1.2), 12.1, 12.1, 12.1), True, id="ratio above the limit without noise"),
        pytest.param(measured(ratio(1.2), 11.0, 12.5, 14.0), False, id="ratio above the limit by less than the noise"),
        pytest.param(measured(ratio(1.2), 15.0, 16.0, 17.0), True, id="ratio above the limit by more than the noise"),
        pytest.param(measured(difference(0.5), 10.4), False, id="difference below its limit"),
        pytest.param(measured(difference(0.5), 10.6), True, id="difference above its limit"),
        pytest.param(measured(value(15), 14.0), False, id="value below its limit, whatever the ratio"),
        pytest.param(measured(value(15), 16.0), True, id="value above its limit"),
    ],
)
def test_limit_is_missed_by_more_than_the_spread(row: Row, missed: bool) -> None:
    assert row.missed is missed
    assert bool(failures([row])) is missed


def test_failure_names_the_row_its_limit_and_what_was_found() -> None:
    slow = Pairs((20.0, 22.0, 24.0), (10.0, 10.0, 10.0)).row("cold start", "ms", ratio(1.25))
    wrong = fixed("alarm", 90.0, 500.0, "ms", value(150))
    wrong = Row(**{**vars(wrong), "faults": ("expected 3 calls, got 4",)})
    assert failures([slow, wrong]) == (
        "cold start: limit missed: expected ≤ 1.25 ×, got 2.20 ± 0.10.",
        "alarm: expected 3 calls, got 4",
    )


def test_table_shows_each_row_with_its_limit_and_spread() -> None:
    rows = [
        Pairs((11.0, 12.0, 13.0), (10.0, 10.0, 10.0)).row("cold start", "ms", ratio(1.25), "bare client"),
        fixed("layer", 2_345_678, 2_000_000, "bytes", ratio(1.1)),
        fixed("wrapper", 0.25, 0.125, "ms", difference(0.05)),
        fixed("alarm", 90, 500_000, "ms", value(150), "scan"),
    ]
    assert markdown(rows) == (
        "| benchmark | Seatrial | baseline | ratio | limit | spread | result |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
        "| cold start | 12 ms | 10 ms (bare client) | 1.20 | ≤ 1.25 × | ± 0.05 | met |\n"
        "| layer | 2,345,678 bytes | 2,000,000 bytes | 1.17 | ≤ 1.1 × | none | MISSED |\n"
        "| wrapper | 0.250 ms | 0.125 ms | 2.00 | ≤ baseline + 0.05 ms | none | MISSED |\n"
        "| alarm | 90 ms | 500,000 ms (scan) | 0.0002 | ≤ 150 ms | none | met |"
    )


def test_both_sides_are_measured_in_turns_after_a_warm_up() -> None:
    made: list[str] = []

    def measure(side: str) -> Callable[[], float]:
        values: Iterator[float] = iter(range(1, 10))

        def once() -> float:
            made.append(side)
            return next(values)

        return once

    pairs = compare(measure("A"), measure("B"), repeats=2, warm_up=1)
    assert "".join(made) == "ABABAB"
    assert pairs == Pairs((2, 3), (2, 3))


def test_table_goes_between_the_marker_lines_of_the_page() -> None:
    page = f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n"
    assert between(page, bench.BEGIN, bench.END, "new") == f"before\n{bench.BEGIN}\nnew\n{bench.END}\nafter\n"
    with pytest.raises(ValueError, match="has no lines"):
        between("before", bench.BEGIN, bench.END, "new")


def test_page_has_the_marker_lines() -> None:
    between(bench.PAGE.read_text(), bench.BEGIN, bench.END, "")


def test_benchmark_that_raises_is_named_and_stops_no_other() -> None:
    def broken() -> Row:
        raise RuntimeError("no such file")

    rows, sentences = bench.run({"one": broken, "two": lambda: fixed("two", 1, 1, "s", ratio(1))}, lambda _: None)
    assert [row.name for row in rows] == ["two"]
    assert sentences == ["one: not measured: RuntimeError: no such file"]


@pytest.mark.parametrize(("module", "function"), [(module, function) for _, module, function in bench.BENCHMARKS])
def test_listed_benchmarks_exist(module: str, function: str) -> None:
    assert callable(getattr(import_module(module), function))
