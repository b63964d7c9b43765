"""The hour before a release: what stable did in it, and so what the candidate is held against. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from seatrial.core import sides
from seatrial.core.metric import Answers, Metric, Question
from seatrial.core.release import Release
from seatrial.core.sections import JudgeSettings
from seatrial.core.sides import ERRORS

HOUR = timedelta(hours=1)

# A percentile of durations is fixed only where so many requests took longer, and never from fewer than that in all.
_BEYOND = 5
_FEWEST = 100


def fewest_requests(quantile: str) -> int:
    """How many requests a percentile ("p95") needs to be a threshold: 100 for p95, 500 for p99."""
    beyond = 1 - float(quantile[1:]) / 100
    return max(_FEWEST, math.ceil(round(_BEYOND / beyond, 6)))


@dataclass(frozen=True)
class HourBefore:
    """`requests` that Lambda counted of the alias, `bad` the largest share of bad ones that any metric has of them."""

    requests: int
    bad: float
    # Milliseconds beyond which a request is slow; None where there were too few requests to say.
    slow_above: float | None

    def settings(self, judge: JudgeSettings) -> JudgeSettings:
        """Without the absolute limit where stable itself has exceeded it."""
        return replace(judge, absolute_limit=1.0) if self.bad > judge.absolute_limit else judge


@dataclass(frozen=True)
class Asked:
    """What is asked for a release that begins at `now`."""

    release: Release
    now: datetime

    @property
    def questions(self) -> tuple[Question, ...]:
        counts = (self._asked(metric) for pair in sides.of_everybody(self.release).values() for metric in pair)
        return (*counts, self._duration)

    def found(self, answers: Answers) -> HourBefore | None:
        """None where CloudWatch could not answer everything."""
        if not all(question in answers for question in self.questions):
            return None
        counted = {
            name: tuple(sum(answers[self._asked(metric)].values()) for metric in pair)
            for name, pair in sides.of_everybody(self.release).items()
        }
        requests = round(counted[ERRORS][0])
        enough = requests >= fewest_requests(self.release.judge.slow)
        return HourBefore(
            requests=requests,
            bad=max(min(1.0, bad / of) if of > 0 else 0.0 for of, bad in counted.values()),
            slow_above=max(answers[self._duration].values(), default=None) if enough else None,
        )

    @property
    def _duration(self) -> Question:
        return self._asked(sides.durations(self.release), self.release.judge.slow)

    def _asked(self, metric: Metric, statistic: str = "Sum") -> Question:
        return Question(metric, self.now - HOUR, self.now, statistic, period=3_600)
