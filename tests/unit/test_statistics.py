"""CloudWatch's statistics beyond the basic ones."""

from __future__ import annotations

import pytest

from rehearsal.stage.cloudwatch import statistics
from rehearsal.stage.cloudwatch.metric_math import MathError


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("p50", 5.5),
        ("p90", 9.1),
        ("tm90", 5.0),
        ("TM(10%:90%)", 5.5),
        ("TM(2:5)", 4.0),
        ("TM(50:60)", None),
        ("IQM", 5.5),
        ("tc90", 9.0),
        ("TC(10%:90%)", 8.0),
        ("TC(2:5)", 3.0),
        ("ts90", 45.0),
        ("TS(:3)", 6.0),
        ("WM(:5)", 4.0),
        ("WM(0%:90%)", 5.41),
        ("PR(:8)", 80.0),
        ("PR(2:8)", 60.0),
        ("PR(8:)", 20.0),
    ],
)
def test_an_extended_statistic_of_one_to_ten_is(stat: str, expected: float | None) -> None:
    assert statistics.of([(float(value), 1.0) for value in range(1, 11)], stat) == pytest.approx(expected)


def test_a_value_that_came_often_counts_as_often() -> None:
    assert statistics.of([(1.0, 3.0), (5.0, 1.0)], "tm50") == 1.0
    assert statistics.of([(1.0, 3.0), (5.0, 1.0)], "TM(50%:100%)") == 3.0


@pytest.mark.parametrize("stat", ["p101", "q50", "PR(1%:5%)", "TM(:)", "TM(5:1)", "TC(10%:5)", "TM(10%:120%)"])
def test_what_is_no_statistic_is_refused(stat: str) -> None:
    with pytest.raises(MathError, match="is not a statistic of CloudWatch"):
        statistics.checked_statistic(stat)
