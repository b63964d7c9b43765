"""What usually comes to a service: what CloudWatch counted of it in the week before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from seatrial.core import sides
from seatrial.core.metric import Answers, Metric, Question, Series
from seatrial.core.release import Release
from seatrial.core.sides import ERRORS, OUTCOMES

_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Usual:
    """`rate` is requests a second at this time of day; `came` are all of the week, `bad` the share of bad ones.

    `counts_outcomes` says whether the service printed outcome lines; without them Lambda's errors are the bad ones.
    """

    rate: float
    bad: float
    came: int
    counts_outcomes: bool


@dataclass(frozen=True)
class Asked:
    """What is asked for a release that begins at `now`: hourly sums, also of the hour that is not over."""

    release: Release
    now: datetime

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self._asked(metric) for pair in sides.of_everybody(self.release).values() for metric in pair)

    def usual(self, answers: Answers) -> Usual | None:
        """None where CloudWatch could not answer everything."""
        if not all(question in answers for question in self.questions):
            return None
        counted = {
            name: tuple(answers[self._asked(metric)] for metric in pair)
            for name, pair in sides.of_everybody(self.release).items()
        }
        counts_outcomes = any(counted[OUTCOMES][0].values())
        of, bad = counted[OUTCOMES if counts_outcomes else ERRORS]
        came = sum(of.values())
        return Usual(
            rate=self._rate(of),
            bad=min(1.0, sum(bad.values()) / came) if came else 0.0,
            came=round(came),
            counts_outcomes=counts_outcomes,
        )

    def _rate(self, of: Series) -> float:
        """Of the hours that were as late in their day as it is now; of all hours while there is no such day."""
        came = [moment for moment, value in of.items() if value]
        if not came:
            return 0.0
        days_before = [self._hour - timedelta(days=day) for day in range(1, _WEEK.days + 1)]
        hours = [hour for hour in days_before if hour >= min(came)] or _hours(min(came), self._hour)
        return sum(of.get(hour, 0.0) for hour in hours) / sum(self._seconds(hour) for hour in hours)

    def _seconds(self, hour: datetime) -> float:
        """How much of it is over, and not less than a minute."""
        return min(_HOUR, max(_HOUR / 60, self.now - hour)).total_seconds()

    @property
    def _hour(self) -> datetime:
        return self.now.replace(minute=0, second=0, microsecond=0)

    def _asked(self, metric: Metric) -> Question:
        return Question(metric, self._hour - _WEEK, self._hour + _HOUR, period=3_600)


def _hours(first: datetime, last: datetime) -> list[datetime]:
    return [first + number * _HOUR for number in range((last - first) // _HOUR + 1)]
