"""The minute under way, of a young release whose outcome lines have a high resolution. Pure.

It counts as a row like any other, as far as it has come. The next look has it again, with more in it: so it may only be
looked at more often, never remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from seatrial.core import sides
from seatrial.core.counted import Counted
from seatrial.core.evidence import Row
from seatrial.core.metric import Answers, Question
from seatrial.core.release import Release, State
from seatrial.core.sides import MINUTE, OUTCOMES, Sides, Span

# Most bad versions are bad at once.
YOUNG = timedelta(minutes=5)

_PERIOD = 10


@dataclass(frozen=True)
class UnderWay:
    """The outcomes of a release in spans of 10 seconds, which CloudWatch has of a high resolution alone.

    They begin with the last closed minute: whether it answers is seen there, however young the minute under way is.
    """

    release: Release
    minute: datetime
    span: Span

    @property
    def questions(self) -> frozenset[Question]:
        both = self._outcomes
        return frozenset((*both.stable.questions(self.span), *both.candidate.questions(self.span)))

    def added(self, counted: Counted, answers: Answers) -> Counted | None:
        """With the minute under way; None where the outcome line has no high resolution."""
        if not any(answers.get(question) for question in self.questions):
            return None
        if self.questions - answers.keys():
            return counted
        both = self._outcomes
        row = Row(
            *self._so_far(both.stable.counted(answers, self.span).items()),
            *self._so_far(both.candidate.counted(answers, self.span).items()),
        )
        rows = {**counted.shift.rows, OUTCOMES: (*counted.shift.rows[OUTCOMES], row)}
        return replace(counted, shift=replace(counted.shift, rows=rows))

    @property
    def _outcomes(self) -> Sides:
        return sides.while_both_serve(self.release)[OUTCOMES]

    def _so_far(self, counts: Iterable[tuple[datetime, tuple[int, int]]]) -> tuple[int, int]:
        kept = [count for moment, count in counts if moment >= self.minute]
        return sum(n for n, _ in kept), sum(bad for _, bad in kept)


def look_closer(release: Release, counted: Counted, now: datetime) -> UnderWay | None:
    """What to ask more of a release that prints outcome lines, as long as users have met its candidate only just."""
    if release.state is not State.SHIFTING or now - counted.shift.since > YOUNG or OUTCOMES in counted.silent:
        return None
    minute = now.replace(second=0, microsecond=0)
    until = now.replace(second=now.second - now.second % _PERIOD, microsecond=0)
    return UnderWay(release, minute, Span(minute - MINUTE, until, _PERIOD))
