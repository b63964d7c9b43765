"""Evidence that grows with each closed minute and may be looked at after every one of them. Pure.

Both kinds are bets against a hypothesis. While it is true no bet is expected to win, so whoever starts with 1 reaches
1/alpha with a probability of at most alpha, at whichever minute one looks (Ville's inequality). All of it is kept as
logarithms: what a bad hour comes to has more digits than a float has room for.

Given a minute's bad outcomes on both sides, each falls on the candidate with odds in proportion to its traffic, so what
hits both versions alike cancels out. docs/judging.md says the same with the symbols.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

HARMS = {1.3: 6, 2.0: 5, 3.0: 4, 5.0: 3, 10.0: 3, 25.0: 3, 80.0: 3, 400.0: 3}
"""The harms that are bet on, as multiples of what is tolerated, each with its part of the stake.

The smaller a harm, the longer it takes to show, and the more time a larger part of the stake saves.
"""

HARMLESS_SHARE = 0.01
"""A candidate that fails a smaller share of its requests can be cleared, however rarely stable fails."""

FEW_REQUESTS = 50
"""With fewer requests of stable, no candidate can be shown to be worse than it, not even one that always fails.

The evidence that so few can give is below what `worse` needs. Then the candidate is held against a fixed share.
"""

# One odd minute, as one user's retries make it, must not decide alone …
MOST_A_MINUTE = 4.0
# … unless it is blatant: at least so many bad outcomes, and more than this share of the candidate's requests.
BLATANT_BAD, BLATANT_SHARE = 5, 0.20


class Row(NamedTuple):
    """A closed minute: the requests of stable (`base`) and of the candidate, and how many of each were bad."""

    base_n: int
    base_err: int
    cand_n: int
    cand_err: int


@dataclass(frozen=True)
class Stakes:
    """How a bet spreads its stake of 1 over the minutes in which a harm may begin, counting those with traffic.

    Most bad versions are bad at once: much of it is on the `first` minute, and on the one in which the tolerance of the
    warm-up ends (`warmed_up`), since a version no worse than a cold start has lost by then what was staked before.
    `later` is spread over all minutes after the first, nearly evenly over half an hour and ever thinner after it.
    """

    first: float = 0.3
    warmed_up: float = 0.5
    later: float = 0.2

    def at(self, minute: int, *, tolerance_falls: bool) -> float:
        """What is staked at a minute with traffic, counted from 1. All of them together come to 1 at most."""
        if minute == 1:
            return self.first
        # c / ((k + c - 1) (k + c)) over k = 1, 2, 3 … comes to 1 for every c, so that no horizon is needed.
        begun = minute - 1
        thin = _EVEN_MINUTES / ((begun + _EVEN_MINUTES - 1) * (begun + _EVEN_MINUTES))
        return self.later * thin + (self.warmed_up if tolerance_falls else 0.0)

    def without_warm_up(self) -> Stakes:
        """The stakes when every minute tolerates the same."""
        return Stakes(self.first + self.warmed_up, 0.0, self.later)


_EVEN_MINUTES = 30
_LOG_HARMS = tuple((harm, math.log(harm)) for harm in HARMS)
_LOG_PARTS = tuple(math.log(part / sum(HARMS.values())) for part in HARMS.values())
STAKES = Stakes()
_NEVER = -math.inf


class Weighing(NamedTuple):
    """How a minute is weighed."""

    row: Row
    # The multiple of stable's share of bad outcomes that the minute tolerates; it may fall once.
    tolerated: float
    # The share of bad outcomes that it is held against instead, where stable has too few requests; None elsewhere.
    fixed: float | None = None


def weighed(rows: Iterable[tuple[Row, float]], limit: float) -> Iterator[Weighing]:
    """Which minutes are held against `limit`, a share of bad outcomes; 1 holds none against it.

    Those in which stable has had fewer than FEW_REQUESTS so far and the comparison would say less than the limit: a bad
    outcome of the candidate is at most 1/limit times as likely as the limit has it, and 1 + base_n / (tolerated ·
    cand_n) times as likely as the comparison has it. Only counts of requests and stable's own outcomes decide, and
    these say nothing about the candidate: so the same stakes are bet either way, at the same false alarms.
    """
    base_n = base_err = 0
    for row, tolerated in rows:
        base_n, base_err = base_n + row.base_n, base_err + row.base_err
        is_alone = base_n < FEW_REQUESTS and row.base_n < (1 / limit - 1) * tolerated * row.cand_n
        stable_holds_it = base_err <= limit * base_n
        yield Weighing(row, tolerated, limit if is_alone and stable_holds_it else None)


def of_harm(
    rows: Iterable[tuple[Row, float]], stakes: Stakes = STAKES, *, absolute_limit: float = 1.0
) -> Iterator[float]:
    """The log of the evidence, after each minute, that the candidate is worse than tolerated (see weighed).

    What is bet against: in every minute the candidate's share is at most so many times stable's, or at most the fixed
    one. The bets differ in how bad it is (HARMS) and in the minute in which that begins.
    """
    bets = [_NEVER] * len(HARMS)
    unplaced, minute, evidence, tolerated_before = 1.0, 0, 0.0, 0.0
    for row, tolerated, fixed in weighed(rows, absolute_limit):
        if row.cand_n:  # a minute without users of the candidate says nothing and costs no stake
            minute += 1
            stake = stakes.at(minute, tolerance_falls=tolerated < tolerated_before)
            unplaced, tolerated_before = unplaced - stake, tolerated
            log_stake, gains = math.log(stake), _gains(row, tolerated, fixed)
            bets = [
                _log_sum(bet, log_stake + part) + gain for bet, part, gain in zip(bets, _LOG_PARTS, gains, strict=True)
            ]
            evidence = _log_total([*bets, math.log(unplaced)])
        yield evidence


def _gains(row: Row, tolerated: float, fixed: float | None) -> list[float]:
    """What each bet wins in a minute: the log likelihood ratio of its harm against what is tolerated."""
    gains = _log_ratios(row, tolerated) if fixed is None else [_log_ratio_fixed(row, fixed, harm) for harm in HARMS]
    return gains if _is_blatant(row) else [min(MOST_A_MINUTE, gain) for gain in gains]


def _is_blatant(row: Row) -> bool:
    return row.cand_err >= BLATANT_BAD and row.cand_err > BLATANT_SHARE * row.cand_n


def of_no_harm(rows: Iterable[Row], harmful: float, likely: Sequence[float]) -> Iterator[float]:
    """The log of the evidence, after each minute, that the candidate does no harm.

    What is bet against: the candidate's share of bad outcomes is at least `harmful` times stable's, and at least
    HARMLESS_SHARE. Half of the stake goes against the first half of that, on the `likely` multiples (all below
    `harmful`); the other half against the second, for which stable need never have failed.
    """
    compared = [0.0] * len(likely)
    alone = 0.0
    for row in rows:
        if row.cand_n:
            compared = [log + _log_ratio(row, harmful, ratio) for log, ratio in zip(compared, likely, strict=True)]
            alone += _log_ratio_alone(row)
        yield _log_mean([_log_mean(compared), alone])


def _log_ratio(row: Row, against: float, for_: float) -> float:
    """How much likelier a row is when the candidate is `for_` times as bad as stable than when it is `against` times.

    As a logarithm, given how many bad outcomes both had together. The row has requests of the candidate.
    """
    shift = math.log((row.base_n + for_ * row.cand_n) / (row.base_n + against * row.cand_n))
    return row.cand_err * (math.log(for_ / against) - shift) - row.base_err * shift


def _log_ratios(row: Row, against: float) -> list[float]:
    """_log_ratio of each harm times `against`. Written out, since a tick takes it 8 times a minute of each metric."""
    base_n, base_err, cand_n, cand_err = row
    expected, bad = against * cand_n, base_err + cand_err
    tolerated = base_n + expected
    log = math.log
    return [cand_err * log_harm - bad * log((base_n + harm * expected) / tolerated) for harm, log_harm in _LOG_HARMS]


def _log_ratio_fixed(row: Row, share: float, harm: float) -> float:
    """How much likelier a row is when the candidate's good outcomes are 1/harm of those that `share` leaves it."""
    failing = 1 - (1 - share) / harm
    return row.cand_err * math.log(failing / share) - (row.cand_n - row.cand_err) * math.log(harm)


_LIKELY_ALONE = HARMLESS_SHARE / 10
_BAD_ALONE = math.log(_LIKELY_ALONE / HARMLESS_SHARE)
_GOOD_ALONE = math.log((1 - _LIKELY_ALONE) / (1 - HARMLESS_SHARE))


def _log_ratio_alone(row: Row) -> float:
    """How much likelier a row is when the candidate fails a tenth of HARMLESS_SHARE than when it fails all of it."""
    return row.cand_err * _BAD_ALONE + (row.cand_n - row.cand_err) * _GOOD_ALONE


def _log_sum(left: float, right: float) -> float:
    """log(e^left + e^right), without leaving the logarithms."""
    if left > right:
        return left + math.log1p(math.exp(right - left))
    return right + math.log1p(math.exp(left - right))


def _log_mean(logs: Sequence[float]) -> float:
    """The log of the mean of e^log, of which at least one is finite."""
    return _log_total(logs) - math.log(len(logs))


def _log_total(logs: Sequence[float]) -> float:
    """The log of the sum of e^log, of which at least one is finite."""
    largest = max(logs)
    return largest + math.log(sum([math.exp(log - largest) for log in logs]))
