"""Looks within the minute: how much sooner what fails is found, and that they raise no more false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched

import pytest

from benchmarks.judge.measure import found
from benchmarks.judge.worlds import BASE_SHARES, TRAFFIC, Cell, World
from seatrial.core.evidence import Row
from seatrial.core.judge import judge
from seatrial.core.sections import JudgeSettings

LOOKS_A_MINUTE = 4
MINUTES, YOUNG = 8, 5

# What happens by the quarter of a minute; an outage may begin in the middle of one.
HARMLESS = (
    World("no difference"),
    World("an outage hits both from the middle of a minute on", outage=tuple(range(3, 12))),
    World("cold start of the candidate", factor=4, until=2 * LOOKS_A_MINUTE),
    World("candidate x1.2 (tolerated)", factor=1.2),
)


def cell(world: World, rate: float, base: float) -> Cell:
    """A cell whose rows are quarters of a minute."""
    return Cell(world, rate / LOOKS_A_MINUTE, base, minutes=MINUTES * LOOKS_A_MINUTE)


def looks(quarters: Sequence[Row]) -> Iterator[tuple[int, list[Row]]]:
    """What the judge is given at each look, and after how many quarters: closed minutes, and the one under way."""
    closed: list[Row] = []
    for minute, parts in enumerate(batched(quarters, LOOKS_A_MINUTE, strict=True)):
        for n in range(1, LOOKS_A_MINUTE + 1):
            so_far = Row(*map(sum, zip(*parts[:n], strict=True)))
            if n == LOOKS_A_MINUTE or minute < YOUNG:
                yield minute * LOOKS_A_MINUTE + n, [*closed, so_far]
        closed.append(so_far)


def found_after(quarters: Sequence[Row]) -> int | None:
    """The quarters of a minute until the first look that takes it back."""
    settings = JudgeSettings()
    return next((quarter for quarter, rows in looks(quarters) if judge(rows, settings).verdict == "worse"), None)


def false_alarms(runs: int) -> dict[str, float]:
    cells = [cell(world, rate, base) for world in HARMLESS for rate in TRAFFIC for base in BASE_SHARES]
    return {f"{each.world.name}, {each.rate:g}, {each.base:g}": found(found_after, each, runs).share for each in cells}


def test_a_few_looks_at_minutes_under_way_raise_no_alarm() -> None:
    assert sum(false_alarms(5).values()) == 0


@pytest.mark.proof
def test_looks_at_minutes_under_way_raise_no_more_false_alarms_than_promised() -> None:
    shares = false_alarms(400)
    print(*(f"{share:.2%}  {name}" for name, share in shares.items()), sep="\n")
    assert max(shares.values()) <= JudgeSettings().false_alarms
    assert sum(shares.values()) / len(shares) <= JudgeSettings().false_alarms / 10


@pytest.mark.parametrize("rate", [20, 500])
def test_what_fails_every_request_is_found_at_the_first_look(rate: float) -> None:
    assert found(found_after, cell(World("all failing", fails=1.0), rate, 0.01), 20).by(0.9) == 1
