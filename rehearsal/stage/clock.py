"""The one object that owns time on the local AWS: whatever works, waits or is due there says so here.

Stage time starts at wall time. It runs 60/MINUTE times as fast while all is idle, and at most at wall speed, divided by
how slow the machine is, while anything works. `rehearsal.stage.rhythm` decides; this adds threads to it.

Stage time: CodeDeploy, CloudWatch, schedules, the `time` of events, when a function or version was made, AppConfig, and
the pauses between Lambda's asynchronous retries. Wall time: CloudFormation, S3, SigV4 and Logs.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time as wall
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from rehearsal.stage import slowness
from rehearsal.stage.rhythm import Lease, Rhythm, Wait, Work

log = logging.getLogger("seatrial.stage.clock")

SHORTEST, LONGEST = 0.1, 60.0


class ClockError(Exception):
    """The clock can't do what it is asked for. The text says why and who is in the way."""


class StageClock:
    """`minute` is how many wall seconds a stage minute takes while all is idle; 60 is real time.

    `manual`: time stands still but for `advance`. `measured`: the slowness of the machine is. `wall_time` gives epoch
    seconds. Called from any thread; the methods take no other lock.
    """

    def __init__(
        self,
        minute: float = LONGEST,
        *,
        manual: bool = False,
        measured: bool = True,
        wall_time: Callable[[], float] = wall.time,
    ) -> None:
        if not SHORTEST <= minute <= LONGEST:
            raise ValueError(
                f"MINUTE={minute:g} is not a length for the stage's minute: take {SHORTEST:g} to {LONGEST:g} seconds"
            )
        self.minute = minute
        self._changed = threading.Condition(threading.Lock())
        self._wall_time = wall_time
        self._latest = wall_time()
        self._rhythm = Rhythm(self._latest, self._latest, fast=60 / minute, manual=manual)
        self._leases: dict[str, Lease] = {}
        self._processes: dict[int, Work | None] = {}
        self._waiting: set[int | None] = set()
        self._advancing = threading.Lock()
        threading.Thread(target=self._keep, daemon=True, name="stage-clock").start()
        if measured:
            threading.Thread(target=self._measure, daemon=True, name="stage-slowness").start()

    # ------------------------------------------------------------------ reading

    def epoch(self) -> float:
        """Stage time, in epoch seconds."""
        with self._changed:
            return self._rhythm.now(self._wall())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def at(self, moment: float) -> float:
        """Stage time, in epoch seconds, at a moment of wall time, in epoch seconds."""
        with self._changed:
            return self._rhythm.at(self._wall(), moment)

    @property
    def manual(self) -> bool:
        """Whether time stands still but for `advance`."""
        return self._rhythm.manual

    @property
    def slowness(self) -> float:
        """How many times as long as on an idle machine everything takes now; at least 1."""
        return self._rhythm.slowness

    def as_json(self) -> dict[str, Any]:
        """`now` in stage epoch seconds, `speed` in stage seconds a wall second, `working`: who keeps it slow."""
        with self._changed:
            now = self._rhythm.now(at := self._wall())
            return {
                "now": now,
                "speed": self._rhythm.speed,
                "slowness": round(self._rhythm.slowness, 2),
                "minute": self.minute,
                "manual": self._rhythm.manual,
                "working": self._rhythm.busy(at),
            }

    # ------------------------------------------------------------------ work

    def begin(self, name: str) -> Work:
        """Somebody works from now on, until `end`."""
        with self._turn():
            return self._rhythm.begin(self._wall(), name)

    def end(self, work: Work) -> None:
        with self._turn():
            self._rhythm.end(self._wall(), work)

    @contextmanager
    def working(self, name: str) -> Iterator[Work]:
        """What runs inside counts as work, except while it waits by this clock."""
        with self.carrying_on(self.begin(name)) as work:
            yield work

    @contextmanager
    def carrying_on(self, work: Work) -> Iterator[Work]:
        """What runs inside is this work, which has begun; it ends with it."""
        before = _current.set((self, work))
        try:
            yield work
        finally:
            _current.reset(before)
            self.end(work)

    def start(
        self, name: str, call: Callable[..., Any], *arguments: Any, context: contextvars.Context | None = None
    ) -> threading.Thread:
        """`call` on a thread of its own. It counts as work from now on: there is no gap before the thread runs."""
        work = self.begin(name)
        run = (context or contextvars.copy_context()).run

        def carry_on() -> None:
            with self.carrying_on(work):
                call(*arguments)

        thread = threading.Thread(target=run, args=(carry_on,), daemon=True, name=name)
        thread.start()
        return thread

    def later(self, stage_seconds: float, name: str, call: Callable[..., Any], *arguments: Any) -> None:
        """`call` in so many stage seconds, in the context of now. Until then nothing works for it."""
        run = contextvars.copy_context().run

        def carry_on(work: Work) -> None:
            with self.carrying_on(work):
                call(*arguments)

        def begin(work: Work) -> None:
            threading.Thread(target=run, args=(carry_on, work), daemon=True, name=name).start()

        with self._turn():
            self._rhythm.expect(self._wall(), stage_seconds, name, begin)

    # ------------------------------------------------------------------ waiting

    def wait(self, stage_seconds: float) -> None:
        self.wait_until(self.epoch() + stage_seconds)

    def wait_until(self, due: float) -> None:
        """Until this stage time, in epoch seconds. Work of this thread is idle meanwhile."""
        over = threading.Event()
        with self._turn():
            self._rhythm.wait(self._wall(), due, self._work(), over.set)
        over.wait()

    @contextmanager
    def waiting(self, due: float | None = None) -> Iterator[Waiting]:
        """Work of this thread is idle inside, until `due` or until another thread wakes it."""
        over = threading.Event()
        with self._turn():
            found = Waiting(self, over, self._rhythm.wait(self._wall(), due, self._work(), over.set))
        try:
            yield found
        finally:
            found.wake()

    def _wake(self, wait: Wait) -> None:
        with self._turn():
            self._rhythm.wake(self._wall(), wait)

    @contextmanager
    def process(self, pid: int) -> Iterator[None]:
        """What this thread works on is what the process of a function does meanwhile."""
        with self._turn():
            self._processes[pid] = self._work()
        try:
            yield
        finally:
            del self._processes[pid]

    def waits(self, pid: int) -> bool:
        """Whether the function in this process waits by this clock just now."""
        return pid in self._waiting

    @contextmanager
    def on_behalf_of(self, pid: int | None) -> Iterator[None]:
        """What this thread does by this clock is done for the work that runs in the process, if any does."""
        before = _current.set((self, self._processes.get(pid) if pid is not None else None))
        self._waiting.add(pid)
        try:
            yield
        finally:
            self._waiting.discard(pid)
            _current.reset(before)

    def _work(self) -> Work | None:
        clock, work = _current.get()
        return work if clock is self else None

    # ------------------------------------------------------------------ leases of those outside

    def hold(self, lease: str, name: str, seconds: float) -> None:
        """Somebody outside works for at most so many wall seconds from now on. The same lease again is renewed."""
        if not 0 < seconds <= 600:
            raise ClockError(f"a lease holds the clock for up to 600 wall seconds, not {seconds:g}")
        with self._turn():
            now = self._wall()
            if (before := self._leases.pop(lease, None)) is not None:
                self._rhythm.release(now, before)
            self._leases[lease] = self._rhythm.hold(now, name, seconds)

    def wait_and_hold(self, due: float, lease: str, name: str, seconds: float) -> None:
        """Until this stage time. Somebody outside works from that very moment, as by `hold`.

        The lease that they hold ends when the wait begins: they are never without one of the two.
        """
        over = threading.Event()
        with self._turn():
            wait = self._rhythm.wait(self._wall(), due, None, over.set, (name, seconds))
            if (before := self._leases.pop(lease, None)) is not None:
                self._rhythm.release(self._wall(), before)
        over.wait()
        with self._turn():
            if wait.lease is not None:
                self._leases[lease] = wait.lease

    def release(self, lease: str) -> None:
        """One that has expired or never was is no error."""
        with self._turn():
            if (before := self._leases.pop(lease, None)) is not None:
                self._rhythm.release(self._wall(), before)

    # ------------------------------------------------------------------ the manual clock

    def advance(self, seconds: float, within: float = 120.0, until: Callable[[], bool] = lambda: False) -> None:
        """Of a manual clock: move on by stage `seconds`, moment by moment, and return when all is idle again.

        Each thing that is due does its work before the next one begins; `until`, asked between two of them, ends it
        early. Raises ClockError, with who still works, when it takes more than `within` wall seconds.
        """
        if not self._rhythm.manual:
            raise ClockError("only a manual clock is advanced: this one runs by itself")
        if seconds < 0:
            raise ClockError(f"time does not go back by {-seconds:g} seconds")
        with self._advancing:
            deadline = wall.monotonic() + within
            end = self.epoch() + seconds
            while True:
                with self._changed:
                    self._wait_for_idleness(deadline, within)
                if until():
                    return
                with self._turn():
                    # What has begun meanwhile, by a request from outside, comes first.
                    if not self._rhythm.busy(self._wall()) and not self._rhythm.step(self._wall(), end):
                        return

    def _wait_for_idleness(self, deadline: float, within: float) -> None:
        while names := self._rhythm.busy(self._wall()):
            left = deadline - wall.monotonic()
            if left <= 0:
                raise ClockError(f"after {within:g} wall seconds not all was idle: {', '.join(names)}")
            ends = self._rhythm.look_again(self._wall())
            self._changed.wait(min(left, left if ends is None else ends + 0.001))

    # ------------------------------------------------------------------ inside

    def _wall(self) -> float:
        """In epoch seconds, for what others date by it; never back."""
        self._latest = max(self._latest, self._wall_time())
        return self._latest

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Whoever waits looks again after it."""
        with self._changed:
            yield
            self._changed.notify_all()

    def _keep(self) -> None:
        """End the waits that are due."""
        with self._changed:
            while True:
                self._rhythm.now(self._wall())
                self._changed.wait(self._rhythm.look_again(self._wall()))

    def _measure(self) -> None:
        """How slow the machine is, looked at while anything works and while any function runs."""
        gauge = slowness.Gauge()
        while True:
            with self._changed:
                while not (self._processes or self._rhythm.busy(self._wall())):
                    self._changed.wait()
            found = gauge.measure()
            with self._turn():
                self._rhythm.slow_down(self._wall(), found)


class Waiting:
    """A wait that any thread may end."""

    def __init__(self, clock: StageClock, over: threading.Event, wait: Wait) -> None:
        self._clock, self._over, self._wait = clock, over, wait

    def wake(self) -> None:
        """What waited works from this moment on, even before its thread runs."""
        self._clock._wake(self._wait)

    def until_woken(self) -> None:
        self._over.wait()


class StageCondition(threading.Condition):
    """A condition whose waits end by stage time, and whose waiters count as working from the moment of their notice."""

    def __init__(self, clock: StageClock) -> None:
        super().__init__()
        self._clock = clock
        self._sleepers: list[Waiting] = []

    def wait_until(self, due: float | None) -> None:
        """Until `notify_all` or this stage time, in epoch seconds. The condition is held, as for `wait`."""
        with self._clock.waiting(due) as waiting:
            self._sleepers.append(waiting)
            saved = self._release_save()  # type: ignore[attr-defined]
            try:
                waiting.until_woken()
            finally:
                self._acquire_restore(saved)  # type: ignore[attr-defined]
                self._sleepers.remove(waiting)

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Until the predicate is true. There is no wait by the wall here: `timeout` is refused."""
        if timeout is not None:
            raise ClockError("a stage condition waits by stage time: take wait_until")
        while not (found := predicate()):
            self.wait_until(None)
        return found

    def notify_all(self) -> None:
        for waiting in self._sleepers:
            waiting.wake()
        super().notify_all()


_current: contextvars.ContextVar[tuple[StageClock | None, Work | None]] = contextvars.ContextVar(
    "stage_work", default=(None, None)
)
"""What this thread works on, and by which clock."""


def idle_meanwhile() -> AbstractContextManager[Waiting | None]:
    """What this thread works on is idle inside; nothing where it is no work by a clock."""
    clock, _ = _current.get()
    return clock.waiting() if clock is not None else nullcontext()


def work_of_its_own(name: str) -> Callable[[Callable[[], Any]], Any]:
    """What runs a function on another thread as work that begins now, where this thread works by a clock."""
    clock, _ = _current.get()
    if clock is None:
        return lambda call: call()
    work = clock.begin(name)

    def run(call: Callable[[], Any]) -> Any:
        with clock.carrying_on(work):
            return call()

    return run
