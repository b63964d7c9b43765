"""What watches a shift: four methods in use today and the judge. Each says in which minute it first raises an alarm.

All of them look after every closed minute, as a release needs it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import NormalDist

from seatrial.core.evidence import Row, Stakes
from seatrial.core.judge import judge, judge_after
from seatrial.core.sections import JudgeSettings

type Method = Callable[[Sequence[Row]], int | None]

DEFAULTS = JudgeSettings()


def alarm_on_alias(rows: Sequence[Row]) -> int | None:
    """A CloudWatch alarm on all requests of the alias: 1 % bad or more in two minutes one after the other."""
    return _second_in_a_row([_share(row.base_err + row.cand_err, row.base_n + row.cand_n) >= 0.01 for row in rows])


def alarm_on_candidate(rows: Sequence[Row]) -> int | None:
    """A CloudWatch alarm on the candidate's version: 5 % bad or more in two minutes one after the other."""
    return _second_in_a_row([_share(row.cand_err, row.cand_n) >= 0.05 for row in rows])


def mann_whitney(rows: Sequence[Row]) -> int | None:
    """Kayenta's test, of the shares of all minutes so far: the candidate's are higher, with 98 % confidence."""
    base: list[float] = []
    candidate: list[float] = []
    for minute, row in enumerate(rows, start=1):
        base.append(_share(row.base_err, row.base_n))
        candidate.append(_share(row.cand_err, row.cand_n))
        if _rank_sum(candidate, base) > _Z_98:
            return minute
    return None


def z_test(rows: Sequence[Row]) -> int | None:
    """Two proportions, of all requests so far: the candidate's is higher, p < 0.01."""
    base_n = base_err = cand_n = cand_err = 0
    for minute, row in enumerate(rows, start=1):
        base_n, base_err = base_n + row.base_n, base_err + row.base_err
        cand_n, cand_err = cand_n + row.cand_n, cand_err + row.cand_err
        pooled = _share(base_err + cand_err, base_n + cand_n)
        deviation = math.sqrt(pooled * (1 - pooled) * (1 / max(1, base_n) + 1 / max(1, cand_n)))
        if deviation and (_share(cand_err, cand_n) - _share(base_err, base_n)) / deviation > _Z_99:
            return minute
    return None


def the_judge(rows: Sequence[Row]) -> int | None:
    verdict = judge(rows, DEFAULTS)
    return verdict.minute if verdict.verdict == "worse" else None


def the_judge_with_one_stake(rows: Sequence[Row]) -> int | None:
    """The judge as the method was first written down: no stake of its own for the end of the warm-up."""
    verdict = judge(rows, DEFAULTS, stakes=Stakes(first=0.5, warmed_up=0.0, later=0.5))
    return verdict.minute if verdict.verdict == "worse" else None


def the_judge_without_limit(rows: Sequence[Row]) -> int | None:
    verdict = judge(rows, replace(DEFAULTS, absolute_limit=1.0))
    return verdict.minute if verdict.verdict == "worse" else None


def the_judge_after_100_percent(rows: Sequence[Row]) -> int | None:
    verdict = judge_after(rows, DEFAULTS)
    return verdict.minute if verdict.verdict == "worse" else None


METHODS: dict[str, Method] = {
    "CloudWatch alarm on the alias, >= 1 %, 2 of 2 minutes": alarm_on_alias,
    "CloudWatch alarm on the candidate, >= 5 %, 2 of 2 minutes": alarm_on_candidate,
    "Mann-Whitney on minute shares, 98 %, peeked": mann_whitney,
    "two-proportion z-test, p < 0.01, peeked": z_test,
    "the judge": the_judge,
}

_Z_98, _Z_99 = NormalDist().inv_cdf(0.99), NormalDist().inv_cdf(0.995)


def _share(bad: int, of: int) -> float:
    return bad / of if of else 0.0


def _second_in_a_row(breaching: Sequence[bool]) -> int | None:
    return next((minute for minute in range(2, len(breaching) + 1) if all(breaching[minute - 2 : minute])), None)


def _rank_sum(first: Sequence[float], second: Sequence[float]) -> float:
    """By how many deviations `first` lies above `second`: Mann-Whitney, normal approximation, ties corrected."""
    ordered, together = sorted(second), sorted([*first, *second])
    wins = sum((bisect_left(ordered, each) + bisect_right(ordered, each)) / 2 for each in first)
    n, m, total = len(first), len(second), len(together)
    counts = [bisect_right(together, each) - bisect_left(together, each) for each in set(together)]
    ties = sum(count**3 - count for count in counts) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    return (wins - n * m / 2 - 0.5) / math.sqrt(variance) if variance > 0 else 0.0
