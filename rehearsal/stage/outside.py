"""The stage's clock for those outside of it: who reads it, waits for it, moves it or keeps it from running fast."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any

from rehearsal.stage.clock_calls import LONGEST_WAIT, PATH

PATIENCE = 60.0
"""Wall seconds in which what takes no stage time is answered, however busy the machine is."""


class ClockRefusedError(Exception):
    """The stage's clock did not do what it was asked for. The text is its own."""


class OutsideClock:
    """The clock of the stage at `endpoint`. Times are stage epoch seconds."""

    def __init__(self, endpoint: str) -> None:
        self.url = f"{endpoint}{PATH}"

    def read(self) -> dict[str, Any]:
        """What rehearsal.stage.clock.StageClock.as_json says."""
        return self._ask(None, PATIENCE)

    def wait_until(self, due: float) -> float:
        """Until this stage time; the time then, which may be later."""
        return float(self._ask({"until": due}, None)["now"])

    def advance(self, seconds: float, within: float = LONGEST_WAIT) -> float:
        """Of a manual clock: on by so many stage seconds. Returns the time when all that was due has happened."""
        return float(self._ask({"advance": seconds, "within": within}, within + 30)["now"])

    @contextlib.contextmanager
    def held(self, who: str, seconds: float = 60.0) -> Iterator[Callable[[], None]]:
        """Time runs at most at wall speed inside, or until what this gives is called, or for so many wall seconds."""
        lease = self._ask({"hold": True, "seconds": seconds, "who": who}, PATIENCE)["lease"]
        try:
            yield lambda: self._release(lease)
        finally:
            self._release(lease)

    def turns(self, every: float, who: str, seconds: float = 60.0) -> Generator[float]:
        """The time, each so many stage seconds from now on.

        The body of the loop holds the clock, for so many wall seconds: what it does is done before time goes on.
        """
        turn = {"hold": True, "seconds": seconds, "who": who, "lease": uuid.uuid4().hex}
        due = float(self.read()["now"])
        try:
            while True:
                due += every
                yield float(self._ask({"until": due, **turn}, None)["now"])
        finally:
            self._release(str(turn["lease"]))

    def _release(self, lease: str) -> None:
        with contextlib.suppress(OSError):  # the stage may be gone
            self._ask({"hold": False, "lease": lease}, PATIENCE)

    def _ask(self, request: dict[str, Any] | None, timeout: float | None) -> dict[str, Any]:
        body = None if request is None else json.dumps(request).encode()
        try:
            with urllib.request.urlopen(self.url, body, timeout=timeout) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            raise ClockRefusedError(refused.read().decode()) from None
