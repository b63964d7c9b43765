"""What a rehearsal needs of the wall's time."""

from __future__ import annotations

from rehearsal.telling.needed import Needed, longest


def test_lanes_go_side_by_side_and_phases_one_after_the_other() -> None:
    lanes = [Needed(5, 5, 5), Needed(1, 1, 20), Needed(4, 4, 4)]
    assert longest(lanes) == Needed(1, 1, 20)
    assert (Needed(2, 3) + longest(lanes)).total == 27
    assert longest([]) == Needed()
