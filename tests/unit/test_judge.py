"""The judge: what its evidence promises, and the verdicts that come of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import pytest

from seatrial.core import evidence
from seatrial.core.evidence import HARMLESS_SHARE, Row, Stakes
from seatrial.core.judge import CLEARED_AT, judge, judge_after, judge_slow, warmed_up
from seatrial.core.sections import JudgeSettings
from seatrial.core.verdict import Verdict, combined, shares

DEFAULTS = JudgeSettings()
WARM = JudgeSettings(warm_up=0)

SAME = Row(1080, 11, 120, 1)
FIVE_TIMES = Row(1080, 11, 120, 6)
OUTAGE = Row(1080, 540, 120, 60)
ALL_FAIL = Row(1080, 11, 120, 120)


def chance(n: int, bad: int, share: float) -> float:
    return math.comb(n, bad) * share**bad * (1 - share) ** (n - bad)


def every_minute(base_n: int, cand_n: int, base: float, candidate: float) -> Iterator[tuple[float, Row]]:
    """Every row that so many requests can come to, with its probability."""
    for base_err, cand_err in product(range(base_n + 1), range(cand_n + 1)):
        yield (
            chance(base_n, base_err, base) * chance(cand_n, cand_err, candidate),
            Row(base_n, base_err, cand_n, cand_err),
        )


def expected(evidence_of: Callable[[Sequence[Row]], float], base: float, candidate: float) -> float:
    """The exact mean of the evidence after two minutes of small traffic, over everything that can happen."""
    first, second = list(every_minute(7, 4, base, candidate)), list(every_minute(5, 6, base, candidate))
    return sum(p * q * math.exp(evidence_of([one, other])) for (p, one), (q, other) in product(first, second))


def last(logs: Iterator[float]) -> float:
    return list(logs)[-1]


@pytest.mark.parametrize("base", [0.01, 0.2, 0.6])
@pytest.mark.parametrize("tolerated", [1.0, 1.5])
@pytest.mark.parametrize("part", [1.0, 0.5])
def test_evidence_of_harm_is_not_expected_to_grow_while_the_candidate_is_tolerable(
    base: float, tolerated: float, part: float
) -> None:
    """That is all that the bound on false alarms rests on; at the worst tolerable candidate and at a better one."""

    def after_two(rows: Sequence[Row]) -> float:
        return last(evidence.of_harm((row, tolerated) for row in rows))

    assert expected(after_two, base, part * tolerated * base) <= 1 + 1e-12


@pytest.mark.parametrize("base", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("candidate", [0.5, 0.45, 0.1])
@pytest.mark.parametrize(("base_n", "cand_n"), [(0, 6), (1, 6), (3, 6)])
def test_evidence_against_a_fixed_share_is_not_expected_to_grow_below_it(
    base: float, candidate: float, base_n: int, cand_n: int
) -> None:
    """Whichever minutes are compared with stable and whichever with the limit."""
    tolerated = max(1.5, candidate / base if base else math.inf) if base else 1.5
    first, second = (list(every_minute(base_n, cand_n, base, candidate)) for _ in range(2))
    if base == 0 and base_n:
        second = list(every_minute(0, cand_n, base, candidate))  # compared with stable, any failure would be worse
        first = list(every_minute(0, cand_n, base, candidate))
    mean = sum(
        p * q * math.exp(last(evidence.of_harm([(one, tolerated), (other, tolerated)], absolute_limit=0.5)))
        for (p, one), (q, other) in product(first, second)
    )
    assert mean <= 1 + 1e-12


def test_limit_holds_only_where_comparison_would_say_less() -> None:
    def fixed(*rows: Row, limit: float = 0.5) -> list[float | None]:
        return [minute.fixed for minute in evidence.weighed([(row, 1.5) for row in rows], limit)]

    assert fixed(Row(0, 0, 10, 10)) == [0.5]
    assert fixed(Row(14, 0, 10, 10), Row(15, 0, 10, 10)) == [0.5, None]
    assert fixed(Row(49, 0, 100, 100), Row(1, 0, 100, 100)) == [0.5, None]
    assert fixed(Row(4, 2, 10, 10), Row(4, 3, 10, 10)) == [0.5, None]
    assert fixed(Row(0, 0, 10, 10), limit=1.0) == [None]


def test_limit_can_be_set_and_switched_off() -> None:
    rows = [Row(0, 0, 1_000, 800)]
    assert judge(rows, DEFAULTS).verdict == "worse"
    assert "stable has fewer than 50 requests, so more than 50 % is too much" in judge(rows, DEFAULTS).sentence
    assert judge(rows, replace(DEFAULTS, absolute_limit=0.9)).verdict == "inconclusive"
    assert judge(rows, replace(DEFAULTS, absolute_limit=1.0)).verdict == "inconclusive"


def test_limit_holds_after_100_percent_where_the_hour_before_was_quiet() -> None:
    assert judge_after([Row(1, 0, 60_000, 60_000)], DEFAULTS).verdict == "worse"
    assert judge_after([Row(600, 0, 60_000, 60_000)], DEFAULTS).verdict == "worse"


def test_slow_requests_have_no_absolute_limit() -> None:
    assert judge_slow([Row(0, 0, 1_000, 1_000)] * 9, DEFAULTS).verdict == "inconclusive"


def test_evidence_of_harm_is_expected_to_grow_when_the_candidate_is_worse() -> None:
    assert expected(lambda rows: last(evidence.of_harm((row, 1.5) for row in rows)), 0.05, 0.5) > 2


@pytest.mark.parametrize(("base", "candidate"), [(0.1, 0.3), (0.3, 0.95), (0.0, HARMLESS_SHARE), (0.001, 0.2)])
def test_evidence_of_no_harm_is_not_expected_to_grow_while_the_candidate_is_harmful(
    base: float, candidate: float
) -> None:
    def after_two(rows: Sequence[Row]) -> float:
        return last(evidence.of_no_harm(rows, harmful=3.0, likely=(1.0, 1.5)))

    assert expected(after_two, base, candidate) <= 1 + 1e-12


def test_stakes_never_come_to_more_than_was_there() -> None:
    placed = sum(Stakes().at(minute, tolerance_falls=minute == 3) for minute in range(1, 100_000))
    assert 0.999 < placed <= 1


@pytest.mark.parametrize(
    ("rows", "word", "minute"),
    [
        pytest.param([SAME] * 30, "ok", 4, id="no difference is cleared"),
        pytest.param([FIVE_TIMES] * 30, "worse", 5, id="five times as bad is found after its warm-up"),
        pytest.param([ALL_FAIL], "worse", 1, id="all failing is found in the first minute"),
        pytest.param([SAME] * 5 + [OUTAGE] * 5, "ok", 4, id="an outage of both is nobody's doing"),
        pytest.param([SAME] * 10 + [ALL_FAIL], "worse", 11, id="a harm may begin late"),
        pytest.param([Row(1080, 0, 120, 0)] * 30, "ok", 4, id="stable need never have failed"),
        pytest.param([Row(54, 0, 6, 0)] * 5, "inconclusive", 5, id="little traffic tells little"),
        pytest.param([Row(0, 0, 60_000, 60_000)], "worse", 1, id="alone, more than half of all is too much"),
        pytest.param([Row(0, 0, 120, 55)] * 5, "inconclusive", 5, id="alone, less than half is not enough"),
        pytest.param([Row(3, 0, 20, 20)], "worse", 1, id="with a few requests of stable, too"),
        pytest.param([Row(3, 3, 20, 20)], "inconclusive", 1, id="unless stable fails as well"),
        pytest.param([Row(0, 0, 1, 1)] * 12, "worse", 10, id="a night with one request a minute"),
        pytest.param([Row(1200, 9, 0, 0)] * 5, "inconclusive", 5, id="without users nothing is known"),
        pytest.param([], "inconclusive", 0, id="no minute has closed"),
    ],
)
def test_a_shift_is_judged(rows: list[Row], word: str, minute: int) -> None:
    verdict = judge(rows, DEFAULTS)
    assert (verdict.verdict, verdict.minute) == (word, minute), verdict.sentence


def test_what_a_cold_start_spoils_is_tolerated_for_two_minutes_and_not_for_longer() -> None:
    cold = Row(27_000, 270, 3_000, 140)
    assert judge([cold] * 2, DEFAULTS).verdict != "worse"
    assert judge([cold] * 2, WARM).verdict == "worse"
    assert judge([cold] * 4, DEFAULTS).verdict == "worse"


def test_minutes_without_users_do_not_use_up_the_warm_up() -> None:
    cold = Row(27_000, 270, 3_000, 140)
    assert judge([Row(30_000, 300, 0, 0)] * 10 + [cold] * 2, DEFAULTS).verdict != "worse"


def test_one_odd_minute_does_not_decide_unless_it_is_blatant() -> None:
    odd, blatant = Row(27_000, 27, 3_000, 590), Row(27_000, 27, 3_000, 610)
    quiet = Row(27_000, 27, 3_000, 3)
    assert judge([quiet] * 5 + [odd], DEFAULTS).verdict != "worse"
    assert judge([quiet] * 5 + [odd] * 3, DEFAULTS).verdict == "worse"
    assert judge([quiet] * 5 + [blatant], DEFAULTS).verdict == "worse"


def test_errors_that_arrive_late_cost_time_and_nothing_else() -> None:
    """Each look judges every minute again, as it is known by then."""
    known = [FIVE_TIMES] * 5
    not_yet = [*known[:-1], known[-1]._replace(cand_err=0)]
    assert judge(not_yet, DEFAULTS).verdict != "worse"
    assert judge(known, DEFAULTS).verdict == "worse"
    assert judge([*not_yet, FIVE_TIMES], DEFAULTS).verdict != "worse"
    assert judge([*known, FIVE_TIMES], DEFAULTS) == judge(known, DEFAULTS)


def test_worse_stays_as_it_was_found_whatever_comes_after_it() -> None:
    found = judge([ALL_FAIL], DEFAULTS)
    assert judge([ALL_FAIL] + [SAME] * 60, DEFAULTS) == found


@pytest.mark.parametrize("judged", [judge, judge_after, judge_slow])
def test_a_verdict_shows_its_course_minute_by_minute_up_to_what_decided(judged: Callable[..., Verdict]) -> None:
    told = judged([SAME, SAME, SAME, *[ALL_FAIL] * 9], DEFAULTS)
    assert told.verdict == "worse"
    assert len(told.course) == told.minute < 12
    assert [log >= math.log(told.limit) for log in told.course] == [False] * (told.minute - 1) + [True]
    so_far = judged([SAME, SAME, SAME], DEFAULTS)
    assert math.exp(so_far.course[-1]) == pytest.approx(so_far.evidence)
    assert told.course[:3] == so_far.course


def test_ok_waits_for_the_requests_that_the_service_wants() -> None:
    wanting = replace(DEFAULTS, min_requests=1_000)
    verdict = judge([SAME] * 5, wanting)
    assert verdict.verdict == "inconclusive"
    assert verdict.missing == "400 more requests of the candidate (min_requests)"
    assert judge([SAME] * 9, wanting).minute == 9


def test_what_looks_worse_is_not_ok_though_it_fails_little() -> None:
    verdict = judge([Row(54_000, 10, 6_000, 4)] * 5, DEFAULTS)
    assert verdict.verdict == "inconclusive"
    assert 1 < verdict.evidence < verdict.limit
    assert verdict.no_harm > CLEARED_AT
    assert verdict.missing.startswith("certainty, for the candidate looks worse than stable: the evidence is ")


def test_what_is_missing_comes_true_when_things_go_on_as_they_went() -> None:
    rows = [Row(54, 1, 6, 0)] * 5
    verdict = judge(rows, DEFAULTS)
    assert verdict.missing == "about 110 more requests of the candidate, 19 minutes as they come"
    assert judge(rows * 4, DEFAULTS).verdict == "inconclusive"
    assert judge(rows + rows[:1] * 19, DEFAULTS).verdict == "ok"


def test_what_would_never_be_told_is_said_to_be_so() -> None:
    between = Row(1000, 100, 100, 25)
    assert judge([between], DEFAULTS).missing.startswith("a clearer difference")


def test_after_the_shift_more_is_tolerated_and_more_demanded() -> None:
    rows = [Row(1200, 12, 1200, 45)] * 4
    assert judge(rows, WARM).verdict == "worse"
    after = judge_after(rows, WARM)
    assert (after.verdict, after.limit) == ("inconclusive", 1000)
    assert "of those of the hour before 1 % are bad (48 of 4,800)" in after.sentence
    assert judge_after([Row(1200, 12, 1200, 240)] * 4, WARM).verdict == "worse"


def test_latency_counts_from_the_end_of_the_warm_up_on() -> None:
    idle = Row(10, 0, 0, 0)
    assert warmed_up([SAME, idle, SAME, FIVE_TIMES, idle], DEFAULTS) == [FIVE_TIMES, idle]


@pytest.mark.parametrize(
    ("metrics", "split"),
    [(["errors"], [1.0]), (["errors", "slow"], [0.5, 0.5]), (["errors", "slow", "outcomes"], [0.5, 0.25, 0.25])],
)
def test_metrics_share_the_false_alarms(metrics: list[str], split: list[float]) -> None:
    assert list(shares(metrics).values()) == split


def test_a_metric_with_half_of_the_false_alarms_needs_twice_the_evidence() -> None:
    assert judge([SAME], DEFAULTS, share=0.5).limit == 2 * judge([SAME], DEFAULTS).limit


def of(metric: str, rows: list[Row]) -> Verdict:
    return judge(rows, DEFAULTS, metric=metric)


def test_worse_on_one_metric_is_worse_and_ok_needs_all() -> None:
    ok, worse, unclear = of("errors", [SAME] * 9), of("slow", [ALL_FAIL]), of("outcomes", [SAME])
    assert combined([ok, worse, unclear]).verdict == "worse"
    assert combined([ok, worse, unclear]).metric == "slow"
    assert combined([ok, unclear]).verdict == "inconclusive"
    assert combined([ok, unclear]).missing == unclear.missing
    assert combined([ok, ok]).verdict == "ok"
    assert combined([ok, unclear]).parts == (ok, unclear)


SENTENCES = [
    pytest.param(
        judge([FIVE_TIMES] * 30, DEFAULTS),
        "errors worse since minute 5: of the candidate's requests 5 % are bad (30 of 600), of stable's 1.02 % are bad "
        "(55 of 5,400); the evidence is 120 and 100 is enough",
        id="worse",
    ),
    pytest.param(
        judge([SAME] * 30, DEFAULTS),
        "errors ok since minute 4: of the candidate's requests 0.833 % are bad (30 of 3,600), of stable's 1.02 % are "
        "bad (330 of 32,400); it is not 3 times as bad as stable, or fails less than 1 %",
        id="ok",
    ),
    pytest.param(
        judge([], DEFAULTS),
        "errors too little to tell after 0 minutes: of the candidate's requests there are none, of stable's there are "
        "none; missing: users of the candidate",
        id="inconclusive",
    ),
]


@pytest.mark.parametrize(("verdict", "sentence"), SENTENCES)
def test_a_verdict_says_what_it_rests_on(verdict: Verdict, sentence: str) -> None:
    assert verdict.sentence == sentence


def test_evidence_beyond_every_float_is_still_a_number() -> None:
    verdict = judge([Row(10**9, 0, 10**9, 10**9)], DEFAULTS)
    assert verdict.verdict == "worse"
    assert math.isfinite(verdict.evidence) and verdict.no_harm >= 0
