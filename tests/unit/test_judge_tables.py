"""The judge beside what people use today, on simulated shifts with fixed seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.judge import tables
from benchmarks.judge.measure import found
from benchmarks.judge.methods import Method, the_judge
from benchmarks.judge.tables import ALONE_CELLS, HARMLESS_CELLS, Runs
from benchmarks.judge.worlds import ALONE, HARMFUL, Cell

DOCUMENT = Path(__file__).parents[2] / "docs" / "judge-tables.md"


def test_the_judge_raises_no_alarm_where_nothing_is_worse() -> None:
    alarms = sum(found(the_judge, cell, 20).share for cell in HARMLESS_CELLS)
    assert alarms == 0


@pytest.mark.parametrize(
    ("rate", "base", "name", "minute"),
    [
        (20, 0.01, "x5", 6),
        (20, 0.01, "x20", 2),
        (20, 0.01, "all failing", 1),
        (500, 0.01, "x2", 6),
        (500, 0.01, "x5", 4),
        (500, 0.01, "x20", 2),
        (500, 0.01, "all failing", 1),
        (1, 0.01, "all failing", 2),
        (1, 0.001, "all failing", 2),
    ],
)
def test_half_of_the_bad_releases_are_found_by_a_minute(rate: float, base: float, name: str, minute: int) -> None:
    (world,) = (world for world in HARMFUL if world.name == name)
    by = found(the_judge, Cell(world, rate, base), 60).by(0.5)
    assert by is not None and by <= minute


@pytest.mark.parametrize(("name", "method", "cell"), ALONE_CELLS)
def test_limit_alarms_only_above_it(name: str, method: Method, cell: Cell) -> None:
    shifts = found(method, cell, 20)
    if "without the limit" in name:
        assert shifts.share == 0
    elif cell.world in ALONE[:3] and cell.candidate_share == 1:
        assert shifts.share <= 0.05
    elif cell.world.name == "all failing":
        assert shifts.by(0.9) is not None


@pytest.mark.proof
def test_the_tables_are_written() -> None:
    DOCUMENT.write_text(tables.document(Runs()))
