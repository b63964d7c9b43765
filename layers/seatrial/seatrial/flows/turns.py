"""A turn for each release: what goes wrong in one is raised after the others had theirs."""

from __future__ import annotations

import logging
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


class Turns:
    """`at_once` is how many releases have their turn at the same time."""

    def __init__(self, log: Logger | logging.Logger, at_once: int = AT_ONCE) -> None:
        self.log = log
        self._at_once = at_once
        self._troubles: list[Exception] = []

    @contextmanager
    def turn(self, release: str) -> Iterator[None]:
        """`release` is whose turn it is: the id of a deployment, "" for what concerns several."""
        try:
            yield
        except Exception as error:  # raised by end()
            self.log.exception("the release can't be looked at", extra={"release": release})
            self._troubles.append(error)

    def each(self, releases: Iterable[Release], take: Callable[[Release], object]) -> None:
        """A turn for each, begun in their order."""

        def turn(release: Release) -> None:
            with self.turn(release.deployment_id):
                take(release)

        self._at_the_same_time(tuple(releases), turn)

    def together(self, releases: Sequence[Release], size: int, take: Callable[[tuple[Release, ...]], object]) -> None:
        """A turn for each `size` of them, begun in their order."""

        def turn(some: tuple[Release, ...]) -> None:
            with self.turn(", ".join(release.deployment_id for release in some)):
                take(some)

        self._at_the_same_time(tuple(batched(releases, size, strict=False)), turn)

    def _at_the_same_time[T](self, queue: Sequence[T], turn: Callable[[T], object]) -> None:
        if min(len(queue), self._at_once) < 2:
            for one in queue:
                turn(one)
            return
        with ThreadPoolExecutor(self._at_once) as pool:
            for _ in pool.map(turn, queue):
                pass

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
