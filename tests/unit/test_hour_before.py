"""What the hour before a release says about the threshold of latency and the absolute limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core import judge_story
from seatrial.core.hour_before import Asked, HourBefore, fewest_requests
from seatrial.core.metric import Question
from seatrial.core.release import Release
from seatrial.core.sections import JudgeSettings
from seatrial.core.values import spoken_time

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RELEASE = Release("d-1", "shop", "payments", "payments", "live", "7", "8", NOW)


def hour(**sums: float) -> HourBefore | None:
    """Of an hour with these sums by the name of the metric, and a p95 of 27,760 ms."""
    asked = Asked(RELEASE, NOW)

    def answer(question: Question) -> dict[datetime, float]:
        value = 27_760.0 if question.statistic == "p95" else sums.get(question.metric.name)
        return {} if value is None else {NOW - timedelta(hours=1): value}

    return asked.found({question: answer(question) for question in asked.questions})


@pytest.mark.parametrize(
    ("quantile", "requests"), [("p50", 100), ("p95", 100), ("p99", 500), ("p99.9", 5_000), ("p1", 100)]
)
def test_threshold_needs_so_many_requests(quantile: str, requests: int) -> None:
    assert fewest_requests(quantile) == requests


def test_threshold_is_not_fixed_from_a_handful_of_requests() -> None:
    few, enough = hour(Invocations=99), hour(Invocations=100)
    assert few is not None and few.slow_above is None
    assert enough is not None and enough.slow_above == 27_760.0
    assert judge_story.slow(RELEASE, few) == (
        "payments:live: latency is not judged: version 7 had 99 requests in the hour before, and p95 needs 100"
    )
    assert judge_story.slow(RELEASE, enough) == (
        "payments:live: a request is slow above 28 s: p95 of the 100 requests in the hour before"
    )
    assert judge_story.slow(RELEASE, None) == (
        "payments:live: latency is not judged: CloudWatch did not return that of version 7"
    )


def test_hour_that_was_not_read_is_unknown() -> None:
    assert Asked(RELEASE, NOW).found({}) is None


@pytest.mark.parametrize(
    ("sums", "limit"),
    [
        pytest.param({}, 0.5, id="no request"),
        pytest.param({"Invocations": 10, "Errors": 5}, 0.5, id="half"),
        pytest.param({"Invocations": 10, "Errors": 6}, 1.0, id="more than half are errors"),
        pytest.param({"Invocations": 10, "Requests": 10, "BadOutcomes": 6}, 1.0, id="more than half are bad outcomes"),
    ],
)
def test_limit_does_not_hold_where_stable_exceeded_it(sums: dict[str, float], limit: float) -> None:
    found = hour(**sums)
    assert found is not None
    assert found.settings(JudgeSettings()).absolute_limit == limit


def test_fix_of_a_grant_has_no_absolute_limit() -> None:
    assert RELEASE.judged_by == RELEASE.judge
    assert replace(RELEASE, fix="ann").judged_by == replace(RELEASE.judge, absolute_limit=1.0)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (27_760, "28 s"),
        (1_234, "1.2 s"),
        (999.4, "999 ms"),
        (830.4, "830 ms"),
        (85.2, "85 ms"),
        (0.853, "0.85 ms"),
        (119_000, "119 s"),
        (300_000, "5 min"),
        (0, "0 ms"),
    ],
)
def test_times_have_the_digits_that_people_read(milliseconds: float, text: str) -> None:
    assert spoken_time(milliseconds) == text
