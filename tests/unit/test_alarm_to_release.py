"""From an alarm to StopDeployment: calls, counted."""

from __future__ import annotations

import pytest

from benchmarks.alarm_to_release import CALLS, by_index


@pytest.mark.parametrize("groups", [1, 30])
def test_calls_until_the_stop_are_three_whatever_the_number_of_groups(groups: int) -> None:
    (cost,) = by_index(groups)
    assert cost.calls == CALLS == ("Query", "GetFunction", "StopDeployment")
