"""One look of the judge at half an hour of three metrics, beside scipy's Mann-Whitney test of the same minutes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module

from benchmarks.rows import Row, compare, milliseconds, ratio
from seatrial.core.judge import judge
from seatrial.core.sections import JudgeSettings

MINUTES, METRICS = 30, 3
LOOKS = 20
REPEATS = 15

type Minutes = Sequence[tuple[int, int, int, int]]


def one_look() -> Row:
    import_module("scipy.stats")
    metrics = [_minutes(random.Random(number)) for number in range(METRICS)]
    pairs = compare(
        lambda: milliseconds(lambda: [_judged(metrics) for _ in range(LOOKS)])() / LOOKS,
        lambda: milliseconds(lambda: [_tested(metrics) for _ in range(LOOKS)])() / LOOKS,
        REPEATS,
    )
    name = f"judge, one look at {MINUTES} minutes of {METRICS} metrics"
    return pairs.row(name, "ms", ratio(1.0), "scipy's Mann-Whitney test")


def _judged(metrics: Sequence[Minutes]) -> None:
    for rows in metrics:
        judge(rows, JudgeSettings(), share=1 / METRICS)


def _tested(metrics: Sequence[Minutes]) -> None:
    from scipy.stats import mannwhitneyu  # only `make bench` installs it; one_look imports it before it measures

    for rows in metrics:
        stable = [bad / of for of, bad, _, _ in rows]
        candidate = [bad / of for _, _, of, bad in rows]
        mannwhitneyu(candidate, stable, alternative="greater")


def _minutes(chance: random.Random) -> Minutes:
    """900 requests of stable a minute, 100 of the candidate, of which 1 in 100 is bad."""
    return [(900, chance.randint(5, 13), 100, chance.randint(0, 2)) for _ in range(MINUTES)]
