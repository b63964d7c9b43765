"""How stage time passes: by whether anything works, who waits for which moment, and who holds the clock. Pure.

Every method takes the wall time, in seconds of any clock that never goes back. Stage time is in epoch seconds.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

REMEMBERED = 200_000
"""So many changes of speed are kept, to translate wall times of the past."""


@dataclass(eq=False)
class Work:
    """Somebody who works, or who waits for a moment of stage time and is idle meanwhile."""

    name: str
    idle: bool = False


@dataclass(eq=False)
class Wait:
    """Someone who waits until `due` (None: until woken). `work` is idle meanwhile; None was never counted as work.

    `then` is the name and the wall seconds of a lease that begins in the moment in which the wait is over.
    """

    due: float | None
    work: Work | None
    wake: Callable[[], None]
    then: tuple[str, float] | None = None
    lease: Lease | None = None
    over: bool = False


@dataclass(eq=False)
class Lease:
    """Somebody outside who holds the clock until the wall time `ends`."""

    name: str
    ends: float


@dataclass
class Timeline:
    """Stage time by wall time, in straight pieces. It never goes back."""

    wall: float
    stage: float
    speed: float = 0.0
    _past: list[tuple[float, float, float]] = field(default_factory=list)

    def now(self, wall: float) -> float:
        return self.stage + max(0.0, wall - self.wall) * self.speed

    def go_on(self, wall: float, speed: float, stage: float | None = None) -> None:
        """From `wall` on at `speed`, and from `stage` where one is given: a wait became due there, or a jump."""
        at = self.now(wall) if stage is None else stage
        if (speed, at) == (self.speed, self.now(wall)):
            return
        self._past.append((self.wall, self.stage, self.speed))
        if len(self._past) > REMEMBERED:
            del self._past[: REMEMBERED // 10]
        self.wall, self.stage, self.speed = max(wall, self.wall), at, speed

    def at(self, wall: float) -> float:
        """Stage time at a moment that is not in the future. Before the beginning a second was a second."""
        if wall >= self.wall:
            return self.now(wall)
        place = bisect.bisect_right(self._past, wall, key=lambda piece: piece[0]) - 1
        if place < 0:
            first = self._past[0] if self._past else (self.wall, self.stage, self.speed)
            return first[1] - (first[0] - wall)
        begun, stage, speed = self._past[place]
        ends = self._past[place + 1][1] if place + 1 < len(self._past) else self.stage
        return min(stage + (wall - begun) * speed, ends)


class Rhythm:
    """While anything works a stage second takes at least a wall second times `slowness`; else it takes 1/`fast`.

    `manual`: time stands still, except for `step`. A wait that is due is over before time goes on, and what waited
    works from that moment: nothing that is due is ever passed over, however late its thread gets to run.
    """

    def __init__(self, wall: float, stage: float, *, fast: float, manual: bool = False) -> None:
        self.fast = fast
        self.manual = manual
        self.slowness = 1.0
        self._timeline = Timeline(wall, stage)
        self._works: dict[Work, None] = {}
        self._leases: dict[Lease, None] = {}
        self._waits: list[tuple[float, int, Wait]] = []
        self._order = itertools.count()
        self._pace(wall)

    # ------------------------------------------------------------------ reading

    def now(self, wall: float) -> float:
        self._settle(wall)
        return self._timeline.now(wall)

    def at(self, wall: float, moment: float) -> float:
        """Stage time at a moment of wall time. In the future a second is a second."""
        self._settle(wall)
        return self._timeline.at(min(wall, moment)) + max(0.0, moment - wall)

    @property
    def speed(self) -> float:
        """Stage seconds a wall second."""
        return self._timeline.speed

    def busy(self, wall: float) -> list[str]:
        """The names of all that keeps time from running fast, the longest at it first."""
        self._expire(wall)
        working = [one.name for one in self._works if not one.idle]
        return [*working, *(f"{one.name} (holds the clock)" for one in self._leases)]

    def next_due(self) -> float | None:
        """The next moment, in stage time, for which anything waits."""
        while self._waits and self._waits[0][2].over:
            heapq.heappop(self._waits)
        return self._waits[0][0] if self._waits else None

    def look_again(self, wall: float) -> float | None:
        """In how many wall seconds something is due or expires, if nothing changes before."""
        due = self.next_due()
        found = [max(0.0, lease.ends - wall) for lease in self._leases]
        if due is not None and self.speed > 0:
            found.append(max(0.0, (due - self._timeline.now(wall)) / self.speed))
        return min(found, default=None)

    # ------------------------------------------------------------------ what happens

    def begin(self, wall: float, name: str) -> Work:
        """Somebody works from now on."""
        self._settle(wall)
        work = Work(name)
        self._works[work] = None
        self._pace(wall)
        return work

    def end(self, wall: float, work: Work) -> None:
        self._settle(wall)
        self._works.pop(work, None)
        self._pace(wall)

    def wait(
        self,
        wall: float,
        due: float | None,
        work: Work | None,
        wake: Callable[[], None],
        then: tuple[str, float] | None = None,
    ) -> Wait:
        """`work` is idle from now until `due` or until it is woken. `wake` is called then, once: it returns quickly."""
        self._settle(wall)
        made = Wait(due, work, wake, then)
        if due is not None and due <= self._timeline.now(wall):
            self._end_wait(wall, made)
            self._pace(wall)
            return made
        if work is not None:
            work.idle = True
        if due is not None:
            heapq.heappush(self._waits, (due, next(self._order), made))
        self._pace(wall)
        return made

    def expect(self, wall: float, seconds: float, name: str, wake: Callable[[Work], None]) -> Wait:
        """Work that begins in so many stage seconds: `wake` is called with it then."""
        work = Work(name, idle=True)
        self._works[work] = None
        return self.wait(wall, self.now(wall) + seconds, work, lambda: wake(work))

    def wake(self, wall: float, wait: Wait) -> None:
        """The wait is over before its time; what waited works from now on."""
        self._settle(wall)
        self._end_wait(wall, wait)
        self._pace(wall)

    def hold(self, wall: float, name: str, seconds: float) -> Lease:
        """Somebody outside works, for at most so many wall seconds."""
        self._settle(wall)
        lease = Lease(name, wall + seconds)
        self._leases[lease] = None
        self._pace(wall)
        return lease

    def release(self, wall: float, lease: Lease) -> None:
        self._settle(wall)
        self._leases.pop(lease, None)
        self._pace(wall)

    def slow_down(self, wall: float, slowness: float) -> None:
        """How many times as long as on an idle machine everything takes now; never less than 1."""
        self._settle(wall)
        self.slowness = max(1.0, slowness)
        self._pace(wall)

    def step(self, wall: float, until: float) -> bool:
        """Of a manual clock on which all is idle: on to the next moment for which anything waits, or to `until`.

        Ends one wait at most. False: `until` is reached, and nothing is due by then.
        """
        due = self.next_due()
        now = self._timeline.now(wall)
        if due is not None and due <= until:
            self._timeline.go_on(wall, 0.0, max(now, due))
            self._end_wait(wall, heapq.heappop(self._waits)[2])
            return True
        self._timeline.go_on(wall, 0.0, max(now, until))
        return False

    # ------------------------------------------------------------------ inside

    def _settle(self, wall: float) -> None:
        """End the waits that are due, each at its own moment: time goes on only after that."""
        self._expire(wall)
        if self.manual:
            return
        while (due := self.next_due()) is not None and due <= self._timeline.now(wall):
            # Whoever reads the clock settles it first: nobody has seen a later moment than this one.
            self._timeline.go_on(wall, 0.0, due)
            self._end_wait(wall, heapq.heappop(self._waits)[2])
            self._pace(wall)

    def _end_wait(self, wall: float, wait: Wait) -> None:
        if wait.over:
            return
        wait.over = True
        if wait.then is not None:
            name, seconds = wait.then
            wait.lease = Lease(name, wall + seconds)
            self._leases[wait.lease] = None
        if wait.work is not None:
            wait.work.idle = False
        wait.wake()

    def _expire(self, wall: float) -> None:
        gone = [lease for lease in self._leases if lease.ends <= wall]
        for lease in gone:
            del self._leases[lease]
        if gone:
            self._pace(wall)

    def _pace(self, wall: float) -> None:
        if self.manual:
            speed = 0.0
        elif self._leases or any(not one.idle for one in self._works):
            speed = min(self.fast, 1.0) / self.slowness
        else:
            speed = self.fast
        self._timeline.go_on(wall, speed)
