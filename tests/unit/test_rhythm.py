"""How stage time passes, with a wall clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stage.rhythm import Rhythm, Timeline, Wait, Work

FAST = 30.0
START = 1000.0


def nothing() -> None:
    """A wait whose end nobody looks at."""


def rhythm(*, manual: bool = False) -> Rhythm:
    return Rhythm(0.0, START, fast=FAST, manual=manual)


def test_idle_time_runs_fast_and_work_slows_it_to_wall_speed() -> None:
    clock = rhythm()
    assert clock.now(1.0) == START + 30
    work = clock.begin(1.0, "a hook")
    assert clock.now(3.0) == START + 32
    clock.end(3.0, work)
    assert clock.now(4.0) == START + 62


def test_a_slow_machine_slows_work_and_not_idle_time() -> None:
    clock = rhythm()
    work = clock.begin(0.0, "a hook")
    clock.slow_down(0.0, 4.0)
    assert clock.now(4.0) == START + 1
    clock.end(4.0, work)
    assert clock.now(5.0) == START + 31
    clock.slow_down(5.0, 0.2)
    assert clock.slowness == 1.0


def test_time_stops_at_a_due_moment_until_its_work_is_done() -> None:
    clock = rhythm()
    work = clock.begin(0.0, "alarms")
    woken: list[str] = []
    clock.wait(0.0, START + 10, work, lambda: woken.append("alarms"))
    # Nobody looked for a whole wall second: 20 stage seconds too many are not counted.
    assert clock.now(1.0) == START + 10
    assert (woken, clock.busy(1.0)) == (["alarms"], ["alarms"])
    assert clock.now(2.0) == START + 11
    clock.end(2.0, work)
    assert clock.now(3.0) == START + 41


def test_who_is_woken_works_from_that_moment() -> None:
    clock = rhythm()
    work = clock.begin(0.0, "a deployment")
    wait = clock.wait(0.0, START + 3600, work, nothing)
    assert clock.busy(0.0) == []
    clock.wake(1.0, wait)
    assert clock.busy(1.0) == ["a deployment"]
    assert clock.now(2.0) == START + 31
    clock.end(2.0, work)
    assert clock.next_due() is None


def test_a_wait_for_the_past_is_over_at_once() -> None:
    clock = rhythm()
    assert clock.now(1.0) == START + 30
    wait = clock.wait(1.0, START, None, nothing)
    assert wait.over
    assert clock.now(1.0) == START + 30


def test_what_is_to_begin_later_is_no_work_before() -> None:
    clock = rhythm()
    begun: list[Work] = []
    clock.expect(0.0, 60.0, "a late event", begun.append)
    assert (clock.busy(1.0), begun) == ([], [])
    assert clock.now(3.0) == START + 60
    assert clock.busy(3.0) == [work.name for work in begun] == ["a late event"]


def test_a_lease_holds_the_clock_until_it_expires_or_is_released() -> None:
    clock = rhythm()
    clock.hold(0.0, "sam deploy", 2.0)
    assert clock.busy(1.0) == ["sam deploy (holds the clock)"]
    assert clock.now(1.0) == START + 1
    assert clock.look_again(1.0) == 1.0
    assert clock.busy(2.0) == []
    lease = clock.hold(2.0, "sam deploy", 60.0)
    clock.release(3.0, lease)
    clock.release(3.0, lease)
    assert clock.busy(3.0) == []


def test_a_manual_clock_stands_still_and_ends_one_wait_at_a_time_in_order() -> None:
    clock = rhythm(manual=True)
    order: list[str] = []
    for name, due in (("b", 20), ("a", 10), ("c", 20), ("late", 99)):
        clock.wait(0.0, START + due, None, lambda name=name: order.append(name))  # type: ignore[misc]
    assert clock.now(1000.0) == START
    seen = []
    while clock.step(1000.0, START + 60):
        seen.append((clock.now(1000.0) - START, *order))
    assert seen == [(10, "a"), (20, "a", "b"), (20, "a", "b", "c")]
    assert clock.now(2000.0) == START + 60


def test_wall_times_of_the_past_are_translated_by_the_speed_of_then() -> None:
    clock = rhythm()
    work = clock.begin(1.0, "a hook")
    clock.end(3.0, work)
    assert clock.now(4.0) == START + 62
    for moment, stage in ((0.5, 15), (2.0, 31), (3.5, 47), (-10.0, -10), (5.0, 63)):
        assert clock.at(4.0, moment) == START + stage


def test_a_past_that_was_cut_off_is_translated_no_further_than_it_went() -> None:
    line = Timeline(0.0, START, FAST)
    line.go_on(1.0, 0.0, START + 10)
    assert line.at(0.9) == START + 10
    assert line.at(0.1) == START + 3


# One step: wall seconds that pass, what happens, and with how much.
steps = st.lists(
    st.tuples(
        st.floats(0.0, 5.0),
        st.sampled_from(["begin", "end", "wait", "wake", "slow", "hold", "nothing"]),
        st.floats(0.1, 100.0),
    ),
    max_size=40,
)


@given(steps)
def test_time_is_never_ahead_never_back_and_passes_nobody_over(happens: list[tuple[float, str, float]]) -> None:
    clock, wall, last = rhythm(), 0.0, START
    works: list[Work] = []
    waits: list[Wait] = []
    ended: dict[int, float] = {}
    woken: set[int] = set()
    slowness = 1.0

    def over(number: int) -> Callable[[], None]:
        return lambda: ended.update({number: clock._timeline.stage})

    for passes, what, amount in happens:
        before, busy = clock.now(wall), bool(clock.busy(wall))
        expires = min((lease.ends for lease in clock._leases), default=wall + passes)
        wall += passes
        now = clock.now(wall)
        assert now >= before >= last
        if busy and expires >= wall:
            assert now - before <= passes / slowness + 1e-6
        assert now - before <= passes * FAST + 1e-6
        due = clock.next_due()
        assert due is None or due > now
        last = now
        match what:
            case "begin":
                works.append(clock.begin(wall, f"work {len(works)}"))
            case "end" if works and not works[-1].idle:
                clock.end(wall, works.pop())
            case "wait":
                number = len(waits)
                work = clock.begin(wall, f"waits {number}")
                waits.append(clock.wait(wall, now + amount, work, over(number)))
            case "wake" if waits and not waits[-1].over:
                woken.add(len(waits) - 1)
                clock.wake(wall, waits[-1])
            case "slow":
                slowness = max(1.0, amount / 10)
                clock.slow_down(wall, slowness)
            case "hold":
                clock.hold(wall, "sam", amount / 10)
            case _:
                pass
    for number in ended.keys() - woken:
        assert ended[number] == waits[number].due


@given(st.lists(st.floats(0.1, 500.0), min_size=1, max_size=10))
def test_an_idle_clock_reaches_every_moment_in_order_and_exactly(dues: list[float]) -> None:
    clock, wall = rhythm(), 0.0
    reached: list[float] = []
    for due in dues:
        clock.wait(wall, START + due, None, lambda due=due: reached.append(due))  # type: ignore[misc]
    while (left := clock.look_again(wall)) is not None:
        wall += left + 1e-9
        clock.now(wall)
    assert [START + due for due in reached] == sorted(START + due for due in dues)
    assert wall == pytest.approx(max(dues) / FAST, abs=1e-3)


def test_a_lease_that_begins_with_a_moment_leaves_no_gap() -> None:
    clock = rhythm()
    wait = clock.wait(0.0, START + 30, None, nothing, ("users", 5.0))
    assert clock.now(2.0) == START + 30
    assert clock.busy(3.0) == ["users (holds the clock)"]
    assert wait.lease is not None
    clock.release(4.0, wait.lease)
    assert clock.now(5.0) == START + 62
