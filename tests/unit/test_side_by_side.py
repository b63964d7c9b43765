"""The order in which a stack's aliases shift, and how they are cancelled together: pure."""

from __future__ import annotations

import pytest

from rehearsal.stage.cloudformation.side_by_side import CancelledError, Shifts, behind_the_rest, needed_by


def test_aliases_that_shift_come_together_behind_all_that_does_not_need_them() -> None:
    deps: dict[str, set[str]] = {"a": {"va"}, "va": set(), "b": {"vb"}, "vb": set(), "api": {"a"}, "z": set()}
    assert behind_the_rest(["va", "a", "api", "vb", "b", "z"], {"a", "b"}, deps) == ["va", "vb", "z", "a", "b", "api"]


def test_an_alias_that_needs_another_shifts_after_it() -> None:
    deps: dict[str, set[str]] = {"a": set(), "topic": {"a"}, "b": {"topic"}, "c": set()}
    assert behind_the_rest(["a", "c", "topic", "b"], {"a", "b", "c"}, deps) == ["a", "c", "topic", "b"]
    assert needed_by("b", deps) == {"topic", "a"}


def test_an_order_without_aliases_stays_as_it_is() -> None:
    assert behind_the_rest(["x", "y"], set(), {"x": set(), "y": {"x"}}) == ["x", "y"]


def test_what_cancels_a_stacks_shifts_cancels_those_of_its_nested_stacks_also_of_one_that_comes_late() -> None:
    stopped: list[str] = []
    root = Shifts()
    nested = Shifts(root)
    assert nested.begin(lambda: "d-1", stopped.append) == "d-1"
    root.cancel()
    assert (stopped, nested.cancelled) == (["d-1"], True)
    with pytest.raises(CancelledError):
        Shifts(root).begin(lambda: "d-2", stopped.append)
    assert stopped == ["d-1"]
