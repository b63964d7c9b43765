"""What a benchmark reports: a row, its limit, and the rule that decides whether it missed the limit.

Pure, but for the callables that `compare` measures with. `bench` runs the rows and prints them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

type Measure = Callable[[], float]
"""Measures once, and returns the measured value in the unit of its row."""


class Kind(StrEnum):
    """Which value of a row its limit is about."""

    # ours divided by the baseline
    RATIO = "ratio"
    # ours minus the baseline, in the row's unit
    DIFFERENCE = "difference"
    # ours alone, in the row's unit; the baseline is there to compare with
    VALUE = "value"


@dataclass(frozen=True)
class Limit:
    """The highest value that a row promises."""

    kind: Kind
    at_most: float


def ratio(at_most: float) -> Limit:
    return Limit(Kind.RATIO, at_most)


def difference(at_most: float) -> Limit:
    """`at_most` is in the row's unit."""
    return Limit(Kind.DIFFERENCE, at_most)


def value(at_most: float) -> Limit:
    """`at_most` is in the row's unit."""
    return Limit(Kind.VALUE, at_most)


@dataclass(frozen=True)
class Row:
    """One line of the table of benchmarks."""

    name: str
    # medians, in `unit`
    ours: float
    baseline: float
    unit: str
    # median of the ratios of the pairs
    ratio: float
    # half the interquartile range of what the limit is about; 0 where nothing varies
    spread: float
    limit: Limit
    # what the baseline is, for the reader of the table
    beside: str = ""
    # conditions other than the limit that were not met, each a sentence: a number of calls, for one
    faults: tuple[str, ...] = ()

    @property
    def limited(self) -> float:
        """The value that the limit is about."""
        match self.limit.kind:
            case Kind.RATIO:
                return self.ratio
            case Kind.DIFFERENCE:
                return self.ours - self.baseline
            case Kind.VALUE:
                return self.ours

    @property
    def missed(self) -> bool:
        """Whether the limit is missed by more than the noise, or a fault was found."""
        return self.limited - self.spread > self.limit.at_most or bool(self.faults)


@dataclass(frozen=True)
class Pairs:
    """Measurements in turns: the n-th of ours right before the n-th of the baseline."""

    ours: tuple[float, ...]
    baseline: tuple[float, ...]

    def row(self, name: str, unit: str, limit: Limit, beside: str = "", faults: Iterable[str] = ()) -> Row:
        pairs = list(zip(self.ours, self.baseline, strict=True))
        ratios = [ours / baseline for ours, baseline in pairs]
        limited = {
            Kind.RATIO: ratios,
            Kind.DIFFERENCE: [ours - baseline for ours, baseline in pairs],
            Kind.VALUE: list(self.ours),
        }
        return Row(
            name=name,
            ours=statistics.median(self.ours),
            baseline=statistics.median(self.baseline),
            unit=unit,
            ratio=statistics.median(ratios),
            spread=spread(limited[limit.kind]),
            limit=limit,
            beside=beside,
            faults=tuple(faults),
        )


def fixed(name: str, ours: float, baseline: float, unit: str, limit: Limit, beside: str = "") -> Row:
    """The row of what does not vary: a size, a number of calls."""
    return Pairs((ours,), (baseline,)).row(name, unit, limit, beside)


def compare(ours: Measure, baseline: Measure, repeats: int, warm_up: int = 1) -> Pairs:
    """Measure both in turns (A B A B), so that a busy moment of the machine meets both.

    `warm_up` measurements of each come before and are dropped.
    """
    turns = [(ours(), baseline()) for _ in range(warm_up + repeats)][warm_up:]
    first, second = zip(*turns, strict=True)
    return Pairs(first, second)


def milliseconds(work: Callable[[], object]) -> Measure:
    """Measures how long the work takes, in wall milliseconds."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return (time.perf_counter() - began) * 1000

    return measure


def seconds(work: Callable[[], object]) -> Measure:
    """Measures how long the work takes, in wall seconds."""
    measured = milliseconds(work)
    return lambda: measured() / 1000


def spread(values: Sequence[float]) -> float:
    """Half the interquartile range: half of all measurements are that near the median, or nearer."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


COLUMNS = ("benchmark", "Seatrial", "baseline", "ratio", "limit", "spread", "result")


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts, one for each of COLUMNS."""
    return (
        row.name,
        _quantity(row.ours, row.unit),
        f"{_quantity(row.baseline, row.unit)}{f' ({row.beside})' if row.beside else ''}",
        f"{row.ratio:.2f}" if row.ratio >= 0.01 else f"{row.ratio:.1g}",
        _limit(row),
        "none" if row.spread == 0 else f"± {_in_kind(row.spread, row)}",
        "MISSED" if row.missed else "met",
    )


def markdown(rows: Iterable[Row]) -> str:
    """The table for the documentation."""
    head = [f"| {' | '.join(COLUMNS)} |", "| --- | ---: | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join([*head, *(f"| {' | '.join(cells(row))} |" for row in rows)])


def failures(rows: Iterable[Row]) -> tuple[str, ...]:
    """A sentence for each row that missed its limit by more than its spread, and for each fault."""
    sentences: list[str] = []
    for row in rows:
        if row.limited - row.spread > row.limit.at_most:
            found = f"{_in_kind(row.limited, row)} ± {_in_kind(row.spread, row)}"
            sentences.append(f"{row.name}: limit missed: expected {_limit(row)}, got {found}.")
        sentences += [f"{row.name}: {fault}" for fault in row.faults]
    return tuple(sentences)


def between(page: str, begin: str, end: str, table: str) -> str:
    """The page with the table between its two marker lines. Raises ValueError when a marker is missing."""
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no lines {begin!r} and {end!r}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _limit(row: Row) -> str:
    match row.limit.kind:
        case Kind.RATIO:
            return f"≤ {row.limit.at_most:g} ×"
        case Kind.DIFFERENCE:
            return f"≤ baseline + {row.limit.at_most:g} {row.unit}"
        case Kind.VALUE:
            return f"≤ {row.limit.at_most:,g} {row.unit}"


def _in_kind(number: float, row: Row) -> str:
    return f"{number:.2f}" if row.limit.kind is Kind.RATIO else _quantity(number, row.unit)


def _quantity(number: float, unit: str) -> str:
    digits = 0 if abs(number) >= 100 or number == int(number) else 1 if abs(number) >= 10 else 3
    return f"{number:,.{digits}f} {unit}"
