"""The clock with its threads: nothing here waits by the wall."""

from __future__ import annotations

import json
import threading
from urllib.parse import quote

import pytest

from rehearsal.stage.clock import ClockError, StageClock, StageCondition, Waiting, idle_meanwhile, work_of_its_own
from rehearsal.stage.slowness import PAUSE, WEIGHT, WORK_SECONDS, Gauge, slowness
from seatrial.settings import Clock


@pytest.fixture
def clock() -> StageClock:
    return StageClock(manual=True, measured=False)


def working(clock: StageClock) -> list[str]:
    return list(clock.as_json()["working"])


def test_each_moment_does_its_work_before_the_next_begins(clock: StageClock) -> None:
    began, happened = clock.epoch(), []

    def work(name: str, again: float) -> None:
        happened.append((name, clock.epoch() - began))
        if again:
            clock.wait(again)
            happened.append((name, clock.epoch() - began))

    clock.later(10, "a", work, "a", 15)
    clock.later(20, "b", work, "b", 0)
    clock.later(20, "c", work, "c", 0)
    clock.later(99, "d", work, "d", 0)
    clock.advance(60)
    assert happened == [("a", 10), ("b", 20), ("c", 20), ("a", 25)]
    assert clock.epoch() - began == 60


def test_what_is_started_is_work_before_its_thread_runs(clock: StageClock) -> None:
    go = threading.Event()
    clock.start("a hook", go.wait)
    assert working(clock) == ["a hook"]
    go.set()
    clock.advance(0)
    assert working(clock) == []


def test_an_advance_that_takes_too_long_names_who_still_works(clock: StageClock) -> None:
    go = threading.Event()
    clock.start("a hook", go.wait)
    clock.hold("lease", "sam deploy", 60)
    with pytest.raises(ClockError, match=r"not all was idle: a hook, sam deploy \(holds the clock\)"):
        clock.advance(10, within=0.01)
    go.set()
    clock.release("lease")
    clock.advance(10)


def test_an_advance_ends_early_when_what_it_is_for_has_happened(clock: StageClock) -> None:
    began, seen = clock.epoch(), threading.Event()
    clock.later(10, "a", seen.set)
    clock.later(20, "b", lambda: None)
    clock.advance(60, until=seen.is_set)
    assert clock.epoch() - began == 10


def test_a_clock_that_runs_by_itself_is_not_advanced() -> None:
    with pytest.raises(ClockError, match="only a manual clock"):
        StageClock(0.1, measured=False).advance(1)


@pytest.mark.parametrize("minute", [0.0, 0.05, 61.0])
def test_a_minute_has_from_a_tenth_of_a_second_to_sixty(minute: float) -> None:
    with pytest.raises(ValueError, match=r"take 0\.1 to 60 seconds"):
        StageClock(minute)


def test_waiters_of_a_condition_work_from_the_moment_of_the_notice(clock: StageClock) -> None:
    turn, waits, after = StageCondition(clock), threading.Event(), threading.Event()

    def deployment() -> None:
        with turn:
            waits.set()
            turn.wait_until(clock.epoch() + 3600)
        after.wait()

    clock.start("a deployment", deployment)
    waits.wait()
    with turn:  # only free once the deployment waits
        assert working(clock) == []
        turn.notify_all()
        assert working(clock) == ["a deployment"]
    after.set()
    clock.advance(0)


def test_who_waits_for_another_thread_works_before_that_one_ends(clock: StageClock) -> None:
    seen: list[list[str]] = []
    waits: list[Waiting] = []

    def update() -> None:
        seen.append(working(clock))
        waits[0].wake()
        seen.append(working(clock))

    def stack() -> None:
        run = work_of_its_own("the update of an alias")
        with idle_meanwhile() as waiting:
            assert waiting is not None
            waits.append(waiting)
            threading.Thread(target=run, args=(update,)).start()
            waiting.until_woken()

    clock.start("a stack", stack)
    clock.advance(0)
    assert seen == [["the update of an alias"], ["a stack", "the update of an alias"]]


def test_a_function_that_waits_is_no_work_and_its_process_says_whose(clock: StageClock) -> None:
    done = threading.Event()

    def invoke() -> None:
        with clock.process(4711):
            done.wait()

    def request() -> None:
        with clock.on_behalf_of(4711):
            clock.wait(30)
        done.set()

    clock.start("the tick", invoke)
    threading.Thread(target=request).start()
    clock.advance(30)
    assert done.is_set()
    clock.advance(0)
    assert working(clock) == []


def test_the_products_clock_is_the_walls_or_reads_where_it_is_told() -> None:
    told = Clock(f"data:,{quote(json.dumps({'now': 1800000000.5}))}")
    assert (told.epoch(), told.now().isoformat()) == (1800000000.5, "2027-01-15T08:00:00.500000+00:00")
    assert Clock().epoch() == pytest.approx(StageClock(measured=False).epoch(), abs=60)


def test_slowness_is_the_worst_of_late_pauses_and_slow_work() -> None:
    assert slowness(taken=0.006, used=0.006, late=0.0) == 1.0
    assert slowness(taken=0.018, used=0.006, late=0.0) == pytest.approx(3.0)
    assert slowness(taken=0.006, used=0.006, late=0.04) == pytest.approx(5.0)
    assert slowness(taken=0.001, used=0.002, late=0.0) == 1.0


def test_slowness_is_smoothed_over_some_looks() -> None:
    wall, used = [0.0], [0.0]

    def spent() -> float:
        used[0] += WORK_SECONDS / 2
        wall[0] += WORK_SECONDS * 2  # a processor that others have for three quarters of the time
        return used[0]

    def pause(seconds: float) -> None:
        assert seconds == PAUSE
        wall[0] += seconds

    gauge = Gauge(lambda: wall[0], spent, pause)
    looks = [gauge.measure() for _ in range(30)]
    assert 1 < looks[0] < looks[5] < looks[-1]
    assert looks[-1] - 1 == pytest.approx((looks[0] - 1) / WEIGHT, rel=0.01)
