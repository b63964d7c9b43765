"""The order in which a stack's aliases shift: pure."""

from __future__ import annotations

from rehearsal.stage.codedeploy.side_by_side import behind_the_rest, needed_by


def test_aliases_that_shift_come_together_behind_all_that_does_not_need_them() -> None:
    deps: dict[str, set[str]] = {"a": {"va"}, "va": set(), "b": {"vb"}, "vb": set(), "api": {"a"}, "z": set()}
    assert behind_the_rest(["va", "a", "api", "vb", "b", "z"], {"a", "b"}, deps) == ["va", "vb", "z", "a", "b", "api"]


def test_an_alias_that_needs_another_shifts_after_it() -> None:
    deps: dict[str, set[str]] = {"a": set(), "topic": {"a"}, "b": {"topic"}, "c": set()}
    assert behind_the_rest(["a", "c", "topic", "b"], {"a", "b", "c"}, deps) == ["a", "c", "topic", "b"]
    assert needed_by("b", deps) == {"topic", "a"}


def test_an_order_without_aliases_stays_as_it_is() -> None:
    assert behind_the_rest(["x", "y"], set(), {"x": set(), "y": {"x"}}) == ["x", "y"]
