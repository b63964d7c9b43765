"""A release as a chart: what of the ledger, of the counts and of the judge's word is drawn, and where."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from seatrial.core.board import Shown
from seatrial.core.chart import Bucket, Weight
from seatrial.core.charted import chart, facts
from seatrial.core.drawing.svg import svg
from seatrial.core.release import State
from tests.shown_releases import NOON, REFUSED, RELEASED, SHIFTING, TAKEN_BACK, release, step


@pytest.mark.parametrize(
    ("shown", "weights"),
    [
        pytest.param(SHIFTING, ((42.0, 0.1),), id="one that shifts is as far as its plan is by now"),
        pytest.param(TAKEN_BACK, ((60.0, 0.1), (180.0, 0.0)), id="one that is taken back ends with nothing"),
        pytest.param(RELEASED, ((60.0, 0.1), (360.0, 1.0)), id="one that is released serves everybody"),
        pytest.param(
            replace(TAKEN_BACK, steps=TAKEN_BACK.steps[:3]),
            ((60.0, 0.1), (210.0, 0.0)),
            id="one whose way back left no step ends with nothing, too",
        ),
        pytest.param(
            replace(TAKEN_BACK, release=replace(TAKEN_BACK.release, state=State.STRANDED), steps=TAKEN_BACK.steps[:3]),
            ((60.0, 0.1),),
            id="one that is stranded stays where it was",
        ),
        pytest.param(REFUSED, (), id="one that is refused had no traffic"),
    ],
)
def test_the_line_of_traffic_follows_the_plan_as_far_as_it_was_carried_out(
    shown: Shown, weights: tuple[tuple[float, float], ...]
) -> None:
    assert chart(shown, NOON).weights == tuple(Weight(t, share) for t, share in weights)


@pytest.mark.parametrize(
    ("configuration", "weights"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", [(60, 1.0)]),
        ("CodeDeployDefault.LambdaCanary10Percent30Minutes", [(60, 0.1), (1860, 1.0)]),
        ("Linear40PercentEvery1Minute", [(60, 0.4), (120, 0.8), (180, 1.0)]),
        ("CodeDeployDefault.LambdaLinear10PercentEvery2Minutes", [(60 + 120 * n, (n + 1) / 10) for n in range(10)]),
    ],
)
def test_the_plan_is_what_the_configurations_name_says(configuration: str, weights: list[tuple[float, float]]) -> None:
    begun = release("d-1", -200, State.SHIFTING, configuration=configuration)
    shown = Shown(begun, (step("answer", -199, "passed", "functions/pre_traffic", "Succeeded"),))
    drawn = chart(shown, NOON).weights
    assert drawn is not None
    assert [(each.t, each.share) for each in drawn] == weights


def test_where_the_plan_is_unknown_only_what_users_met_is_drawn() -> None:
    unknown = replace(TAKEN_BACK, release=replace(TAKEN_BACK.release, configuration="shop-slowly"))
    assert chart(unknown, NOON).weights is None
    assert "candidate-line" not in svg(chart(unknown, NOON))


def test_what_is_told_long_after_the_end_does_not_stretch_the_chart() -> None:
    drawn = chart(TAKEN_BACK, NOON)
    assert drawn.seconds == 210
    assert max(mark.t for mark in drawn.marks) == 210


def test_what_is_true_of_the_whole_release_is_no_mark_but_a_fact_by_its_last_word() -> None:
    assert list(facts(TAKEN_BACK)) == [
        "besides code: memory 128 → 256",
        "about 31 of 1,793 requests (1.73 %) had a bad outcome because of it",
    ]
    assert not [mark for mark in chart(TAKEN_BACK, NOON).marks if "1,793" in mark.text or "besides" in mark.text]
    assert list(facts(RELEASED)) == []


def test_what_the_judge_reads_is_what_is_drawn_minute_by_minute() -> None:
    assert TAKEN_BACK.counted is not None
    rows = TAKEN_BACK.counted.shift.rows["outcomes"]
    assert chart(TAKEN_BACK, NOON).requests == tuple(Bucket(60.0 * (n + 1), *row) for n, row in enumerate(rows))


def test_after_100_percent_only_the_candidate_is_drawn_and_not_the_hour_before() -> None:
    drawn = chart(RELEASED, NOON).requests
    assert [bucket for bucket in drawn if bucket.start >= 360] == [
        Bucket(360.0 + 60 * n, 0, 0, 6000, 11) for n in range(7)
    ]


def test_a_service_that_prints_no_outcomes_is_drawn_by_lambdas_errors() -> None:
    drawn = chart(SHIFTING, NOON)
    assert (drawn.bad, sum(bucket.candidate_bad for bucket in drawn.requests)) == ("Lambda errors", 1)
    assert chart(TAKEN_BACK, NOON).bad == "Bad outcomes"


def test_the_evidence_is_the_verdicts_own_as_a_part_of_what_is_enough() -> None:
    assert TAKEN_BACK.verdict is not None
    (shift,) = TAKEN_BACK.verdict.parts
    drawn = {course.metric: course for course in chart(TAKEN_BACK, NOON).courses}
    assert list(drawn) == ["outcomes", "errors", "slow"]
    for told in shift.parts:
        course = drawn[told.metric]
        assert (course.start, course.limit) == (60.0, told.limit)
        assert 10 ** course.reached[-1] == pytest.approx(told.evidence / told.limit)
    assert drawn["outcomes"].reached[-1] >= 0
    assert max(drawn["errors"].reached) < 0


def test_after_100_percent_the_evidence_begins_anew_with_a_limit_of_its_own() -> None:
    first, second = (course for course in chart(RELEASED, NOON).courses if course.metric == "outcomes")
    assert (first.start, len(first.reached)) == (60.0, 5)
    assert (second.start, len(second.reached)) == (360.0, 7)
    assert second.limit == pytest.approx(10 * first.limit)


def test_without_counts_the_ledgers_word_is_drawn_alone() -> None:
    drawn = chart(replace(TAKEN_BACK, counted=None, verdict=None), NOON)
    assert (drawn.requests, drawn.courses) == ((), ())
    assert len(drawn.marks) == 5
    assert not math.isnan(drawn.span[1])
