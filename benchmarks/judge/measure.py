"""Runs the methods over simulated shifts. The same seed gives the same figures on every machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks.judge.worlds import Cell, shift
from seatrial.core.evidence import Row

SEED = "2026"


@dataclass(frozen=True)
class Found:
    """In which minute each shift of a cell had its first alarm; None where there was none."""

    minutes: tuple[int | None, ...]

    @property
    def share(self) -> float:
        return sum(minute is not None for minute in self.minutes) / len(self.minutes)

    def by(self, part: float) -> int | None:
        """The minute by which this part of all shifts had an alarm; None when so many never had one."""
        ordered = sorted(minute for minute in self.minutes if minute is not None)
        index = max(0, -int(-part * len(self.minutes) // 1) - 1)
        return ordered[index] if index < len(ordered) else None


def run[T](watch: Callable[[Sequence[Row]], T], cell: Cell, runs: int) -> Iterator[T]:
    """What `watch` says of each of so many shifts of a cell."""
    for number in range(runs):
        yield watch(shift(cell, f"{SEED} {number}"))


def found(watch: Callable[[Sequence[Row]], int | None], cell: Cell, runs: int) -> Found:
    return Found(tuple(run(watch, cell, runs)))


def side_by_side[A, T](work: Callable[[A], T], items: Sequence[A]) -> list[T]:
    """`work` of each item, on all processors. Both must be importable by name."""
    # Whoever calls may have threads, and a fork of those can hang.
    with ProcessPoolExecutor(os.process_cpu_count(), mp_context=get_context("forkserver")) as pool:
        return list(pool.map(work, items))
