"""How the requests of either version are counted in CloudWatch, by what is judged of them. Pure.

                 before the release      shift                           after 100 %
    stable       the alias as a whole    by ExecutedVersion              –
    candidate    –                       by ExecutedVersion              the alias as a whole, without stable

Lambda reports by ExecutedVersion only while an alias has weights, as far as anybody knows; so nothing here depends on
whether it does without them. Outcome lines name their version themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from seatrial.core import pairs
from seatrial.core.metric import Answers, Metric, Question
from seatrial.core.pairs import BAD_OUTCOMES, CLIENT_ERRORS, NAMESPACE, REQUESTS
from seatrial.core.release import Release
from seatrial.core.values import plain

OUTCOMES, ERRORS, SLOW = "outcomes", "errors", "slow"

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Span:
    """Whole minutes from `since` to `until`, or whole periods of so many seconds."""

    since: datetime
    until: datetime
    period: int = 60

    def __iter__(self) -> Iterator[datetime]:
        moment = self.since
        while moment < self.until:
            yield moment
            moment += timedelta(seconds=self.period)

    def asked(self, metric: Metric, statistic: str = "Sum") -> Question:
        return Question(metric, self.since, self.until, statistic, self.period)


@dataclass(frozen=True)
class Part:
    """`sign` (1 or -1) times a sum; with `fast`, a metric and its percentage, only what is not among them."""

    sum: Metric
    sign: int = 1
    fast: tuple[Metric, str] | None = None

    def questions(self, span: Span) -> Iterator[Question]:
        yield span.asked(self.sum)
        if self.fast:
            yield span.asked(*self.fast)

    def values(self, answers: Answers, span: Span) -> Iterator[tuple[datetime, float]]:
        fast = answers[span.asked(*self.fast)] if self.fast else {}
        for moment, value in answers[span.asked(self.sum)].items():
            # Percentages may arrive after sums: until then nothing was slow.
            yield moment, self.sign * value * (1 - fast.get(moment, 100.0) / 100 if self.fast else 1)


type Count = tuple[Part, ...]


@dataclass(frozen=True)
class Side:
    """One version's requests, and the bad ones of them."""

    of: Count
    bad: Count

    def questions(self, span: Span) -> Iterator[Question]:
        for part in (*self.of, *self.bad):
            yield from part.questions(span)

    def counted(self, answers: Answers, span: Span) -> dict[datetime, tuple[int, int]]:
        """By minute how many there were and how many were bad, of those minutes that have any."""
        of, bad = _total(self.of, answers, span), _total(self.bad, answers, span)
        whole = {moment: max(0, round(value)) for moment, value in of.items()}
        return {moment: (n, min(n, max(0, round(bad.get(moment, 0.0))))) for moment, n in whole.items()}

    def without(self, other: Side) -> Side:
        return Side((*self.of, *_negative(other.of)), (*self.bad, *_negative(other.bad)))


@dataclass(frozen=True)
class Sides:
    stable: Side
    candidate: Side


def while_both_serve(release: Release) -> dict[str, Sides]:
    """By what is judged, how stable and the candidate are counted side by side."""
    return _paired(_of_version(release, release.stable), _of_version(release, release.candidate))


def one_after_the_other(release: Release) -> dict[str, Sides]:
    """The same for stable alone, before the release, and for the candidate alone, after 100 %."""
    stable, candidate = _of_version(release, release.stable), _of_version(release, release.candidate)
    alone = _of_alias(release)
    return _paired(stable | alone, candidate | {name: side.without(stable[name]) for name, side in alone.items()})


def client_errors(release: Release) -> Sides:
    """The requests of either version that got a 4xx, which outcome lines count at any time."""
    stable, candidate = (
        _reported(release, version, REQUESTS, CLIENT_ERRORS) for version in (release.stable, release.candidate)
    )
    return Sides(stable, candidate)


def of_everybody(release: Release) -> dict[str, tuple[Metric, Metric]]:
    """All requests of the service and the bad ones of them, whichever version answered: for alarms, and in advance."""
    return {
        OUTCOMES: (_own(release, REQUESTS), _own(release, BAD_OUTCOMES)),
        ERRORS: (_lambda(release, "Invocations"), _lambda(release, "Errors")),
    }


def throttles(release: Release) -> Metric:
    """They run no version, so nobody can say whose they would have been."""
    return _lambda(release, "Throttles")


def durations(release: Release) -> Metric:
    """In milliseconds, of all that came by the alias."""
    return _lambda(release, "Duration")


def _paired(stable: Mapping[str, Side], candidate: Mapping[str, Side]) -> dict[str, Sides]:
    return {name: Sides(side, candidate[name]) for name, side in stable.items()}


def _total(count: Count, answers: Answers, span: Span) -> dict[datetime, float]:
    total: dict[datetime, float] = {}
    for part in count:
        for moment, value in part.values(answers, span):
            total[moment] = total.get(moment, 0.0) + value
    return total


def _negative(count: Count) -> Count:
    return tuple(replace(part, sign=-part.sign) for part in count)


def _of_version(release: Release, version: str) -> dict[str, Side]:
    """One of two versions that serve."""
    sides = {OUTCOMES: _reported(release, version, REQUESTS, BAD_OUTCOMES), **_of_alias(release, version)}
    for pair in release.judge.metrics:
        sides[f"{pair.bad} of {pair.of}"] = _reported(release, version, pair.of, pair.bad)
    return sides


def _of_alias(release: Release, version: str = "") -> dict[str, Side]:
    """What Lambda itself counts of the alias: of one version behind it or ("") of all that came by it."""
    invocations = _lambda(release, "Invocations", version)
    sides = {ERRORS: Side((Part(invocations),), (Part(_lambda(release, "Errors", version)),))}
    if release.slow_above:
        fast = (_lambda(release, "Duration", version), f"PR(:{plain(release.slow_above)})")
        sides[SLOW] = Side((Part(invocations),), (Part(invocations, fast=fast),))
    return sides


def _reported(release: Release, version: str, of: str, bad: str) -> Side:
    """What the service itself reports, in the dimensions of the outcome line."""

    def count(text: str) -> Count:
        return tuple(
            Part(Metric.of(term.namespace, term.name, service=release.function, version=version), term.sign)
            for term in pairs.read(text)
        )

    return Side(count(of), count(bad))


def _own(release: Release, name: str) -> Metric:
    return Metric.of(NAMESPACE, name, service=release.function)


def _lambda(release: Release, name: str, version: str = "") -> Metric:
    executed = {"ExecutedVersion": version} if version else {}
    return Metric.of("AWS/Lambda", name, FunctionName=release.function, Resource=release.service, **executed)
