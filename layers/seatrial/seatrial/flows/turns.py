"""A turn for each release: what goes wrong in one is raised after the others had theirs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched

from aws_lambda_powertools import Logger

from seatrial.core.release import Release

# A release that changes costs a dozen calls of 20 to 50 ms, one after the other: nothing but waiting. With hundreds of
# releases in a minute the tick would not end within its own minute. boto3's clients may be shared by threads, and keep
# ten connections.
AT_ONCE = 8


# Seconds that a turn may take, with repeated calls: none begins when the function has less left.
A_TURN = 10.0


class Turns:
    """`at_once` is how many releases have their turn at the same time.

    `seconds_left` is how long Lambda lets the function run, in wall seconds. `left` has the deployments of the releases
    that had no turn because of it, the one that has come least far first.
    """

    def __init__(
        self,
        log: Logger | logging.Logger,
        at_once: int = AT_ONCE,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.log = log
        self.left: dict[str, None] = {}
        self._at_once = at_once
        self._seconds_left = seconds_left
        self._troubles: list[Exception] = []

    def has_time(self, seconds: float = A_TURN) -> bool:
        """Whether the function may run for so long."""
        return self._seconds_left() > seconds

    @contextmanager
    def turn(self, release: str) -> Iterator[None]:
        """`release` is whose turn it is: the id of a deployment, "" for what concerns several."""
        try:
            yield
        except Exception as error:  # raised by end()
            self.log.exception("the release can't be looked at", extra={"release": release})
            self._troubles.append(error)

    def leave(self, deployment_ids: Iterable[str]) -> None:
        """These have no turn: the function's time is over."""
        for id in deployment_ids:
            self.left.setdefault(id)

    def each(self, releases: Iterable[Release], take: Callable[[Release], object], keep: float = A_TURN) -> None:
        """A turn for each, begun in their order, as long as the function has more than `keep` seconds left."""

        self.together(tuple(releases), 1, lambda some: take(some[0]), keep)

    def together(
        self,
        releases: Sequence[Release],
        size: int,
        take: Callable[[tuple[Release, ...]], object],
        keep: float = A_TURN,
    ) -> None:
        """As each(), with a turn for each `size` of them."""

        def turn(some: tuple[Release, ...]) -> bool:
            if not self.has_time(keep):
                return False
            with self.turn(", ".join(release.deployment_id for release in some)):
                take(some)
            return True

        queue = tuple(batched(releases, size, strict=False))
        for some, had_its_turn in zip(queue, self._at_the_same_time(queue, turn), strict=True):
            if not had_its_turn:
                self.leave(release.deployment_id for release in some)

    def _at_the_same_time[T, R](self, queue: Sequence[T], turn: Callable[[T], R]) -> list[R]:
        if min(len(queue), self._at_once) < 2:
            return [turn(one) for one in queue]
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(turn, queue))

    def gather[T](self, releases: Iterable[Release], take: Callable[[Release], T | None]) -> dict[str, T]:
        """What `take` gives of each, by its deployment; without those whose turn failed, and without None."""
        found: dict[str, T] = {}
        for release in releases:
            with self.turn(release.deployment_id):
                if (taken := take(release)) is not None:
                    found[release.deployment_id] = taken
        return found

    def end(self) -> None:
        """Raises what went wrong, all of it together."""
        if self._troubles:
            raise ExceptionGroup("not every release could be reconciled", self._troubles)
