"""What the judge says: a verdict as a value, with the sentence in which people read it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seatrial.core.evidence import FEW_REQUESTS, HARMLESS_SHARE, Row
from seatrial.core.values import plain

type Word = Literal["ok", "worse", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What the judge says of one metric, or of all together (`parts`).

    `minute` counts closed minutes from 1: for `worse` the first in which the evidence sufficed, for `ok` the first of
    those in which it has sufficed since, else the last one judged (0: none). `evidence` is how much likelier the rows
    are if the candidate is worse than tolerated; `worse` needs `limit` of it. `no_harm` is the evidence of the opposite
    and `ok` needs `clear_limit` of it. `missing` is what an inconclusive verdict lacks. `total` are all rows in one.
    `course` is the evidence after each minute that was judged, as logarithms.
    """

    verdict: Word
    minute: int
    evidence: float
    limit: float
    no_harm: float
    clear_limit: float
    sentence: str
    metric: str
    total: Row
    missing: str = ""
    course: tuple[float, ...] = ()
    parts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Rival:
    """What the candidate is compared with, and how its requests are called."""

    name: str
    requests: str


STABLE = Rival("stable", "stable's")
BEFORE = Rival("the hour before", "those of the hour before")


@dataclass(frozen=True)
class Weighed:
    """What a verdict is made of. `harm` and `no_harm` are logarithms of evidence; `harmful` is a multiple."""

    metric: str
    rival: Rival
    minute: int
    total: Row
    harm: float
    limit: float
    no_harm: float
    clear_limit: float
    harmful: float
    course: tuple[float, ...]
    # The share that the last minute was held against, where stable has too few requests.
    fixed: float | None = None

    def worse(self) -> Verdict:
        return self._verdict(
            "worse",
            f"worse since minute {self.minute}: {self._compared()}; {self._alone()}the evidence is {shown(self.harm)} "
            f"and {plain(float(f'{self.limit:.4g}'))} is enough",
        )

    def ok(self, since: int) -> Verdict:
        told = (
            f"ok since minute {since}: {self._compared()}; it is not {plain(self.harmful)} times as bad as "
            f"{self.rival.name}, or fails less than {percent(HARMLESS_SHARE)}"
        )
        return replace(self._verdict("ok", told), minute=since)

    def inconclusive(self, missing: str) -> Verdict:
        told = f"too little to tell after {minutes(self.minute)}: {self._compared()}; missing: {missing}"
        return replace(self._verdict("inconclusive", told), missing=missing)

    def looks_worse(self) -> str:
        """What is missing when the evidence leans towards harm and is not enough for it."""
        return (
            f"certainty, for the candidate looks worse than {self.rival.name}: the evidence is {shown(self.harm)} and "
            f"{plain(float(f'{self.limit:.4g}'))} would be enough"
        )

    def _verdict(self, word: Word, told: str) -> Verdict:
        return Verdict(
            verdict=word,
            minute=self.minute,
            evidence=_number(self.harm),
            limit=self.limit,
            no_harm=_number(self.no_harm),
            clear_limit=self.clear_limit,
            sentence=f"{self.metric} {told}",
            metric=self.metric,
            total=self.total,
            course=self.course,
        )

    def _alone(self) -> str:
        if self.fixed is None:
            return ""
        too_much = f"more than {percent(self.fixed)} is too much"
        return f"{self.rival.name} has fewer than {FEW_REQUESTS} requests, so {too_much}; "

    def _compared(self) -> str:
        candidate = _part("the candidate's requests", self.total.cand_err, self.total.cand_n)
        return f"{candidate}, {_part(self.rival.requests, self.total.base_err, self.total.base_n)}"


def shares(metrics: Sequence[str]) -> dict[str, float]:
    """Each metric's part of the false alarms: half for the first, the rest split; a metric alone has all of it."""
    if len(metrics) == 1:
        return {metrics[0]: 1.0}
    return {metric: 0.5 if metric == metrics[0] else 0.5 / (len(metrics) - 1) for metric in metrics}


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several metrics, of which there is at least one: `worse` on one is worse, and `ok` needs all.

    The figures are those of the metric that decides: the first that was worse, or the first that is inconclusive.
    """
    worse = sorted((each for each in verdicts if each.verdict == "worse"), key=lambda each: each.minute)
    unclear = [each for each in verdicts if each.verdict == "inconclusive"]
    told = worse or unclear or list(verdicts)
    return replace(
        told[0],
        minute=told[0].minute if worse else max(each.minute for each in verdicts),
        sentence="; ".join(each.sentence for each in told),
        missing="" if worse else "; ".join(each.missing for each in unclear),
        parts=tuple(verdicts),
    )


def shown(log: float) -> str:
    """Evidence for people: two digits, or a power of ten once it is large."""
    if log > math.log(1e6):
        return f"1e{int(log / math.log(10))}"
    return plain(float(f"{math.exp(log):.2g}"))


def percent(share: float) -> str:
    """Three digits, and never an exponent: 12.5 %, 0.00001 %."""
    text = f"{share * 100:.3g}"
    return f"{f'{share * 100:.12f}'.rstrip('0').rstrip('.') if 'e' in text else text} %"


def minutes(count: int) -> str:
    return f"{count:,} minute{'' if count == 1 else 's'}"


def _part(whose: str, bad: int, of: int) -> str:
    return f"of {whose} {percent(bad / of)} are bad ({bad:,} of {of:,})" if of else f"of {whose} there are none"


def _number(log: float) -> float:
    """The evidence itself, as large and as small as a float can be."""
    return math.exp(max(-700.0, min(700.0, log)))
