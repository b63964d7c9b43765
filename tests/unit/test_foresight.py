"""What is said before a shift: what usually comes to the service, what the shift notices, and what nobody sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from seatrial.core.metric import Answers, Metric
from seatrial.core.release import Release
from seatrial.core.sections import JudgeSettings
from seatrial.core.usual import Asked, Usual
from seatrial.flows import foresight
from tests.small_account import CREATED, SmallAccount, make_table

NOW = CREATED + timedelta(minutes=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REQUESTS = Metric.of("Seatrial", "Requests", service="payments")
BAD = Metric.of("Seatrial", "BadOutcomes", service="payments")
INVOCATIONS, ERRORS = (
    Metric.of("AWS/Lambda", name, FunctionName="payments", Resource="payments:live")
    for name in ("Invocations", "Errors")
)
RELEASE = Release(
    deployment_id="d-1",
    application="shop",
    group="payments",
    function="payments",
    alias="live",
    stable="7",
    candidate="8",
    opened_at=CREATED,
    configuration="CodeDeployDefault.LambdaCanary10Percent5Minutes",
)


def usual(**counted: dict[datetime, float]) -> Usual:
    """What CloudWatch's hourly sums come to at half past ten."""
    asked = Asked(RELEASE, NOW)
    by_metric = {REQUESTS: "requests", BAD: "bad", INVOCATIONS: "invocations", ERRORS: "errors"}
    answers: Answers = {question: counted.get(by_metric[question.metric], {}) for question in asked.questions}
    found = asked.usual(answers)
    assert found is not None
    return found


def daily(count: float, days: int = 7, at: datetime = CREATED) -> dict[datetime, float]:
    return {at - day * DAY: count for day in range(1, days + 1)}


def test_the_rate_is_that_of_this_time_of_day() -> None:
    night = daily(7, at=CREATED - 8 * HOUR)
    assert usual(requests=daily(3600) | night).rate == 1.0
    assert usual(requests=daily(3600) | night).came == 7 * 3607


def test_days_before_the_service_had_users_do_not_count() -> None:
    assert usual(requests=daily(3600, days=2)).rate == 1.0


def test_days_without_users_count_once_there_were_any() -> None:
    assert usual(requests={CREATED - 4 * DAY: 3600.0}).rate == 0.25


def test_a_service_younger_than_a_day_is_taken_as_it_is() -> None:
    assert usual(requests={CREATED - HOUR: 3600.0, CREATED: 1800.0}).rate == 1.0
    assert usual(requests={CREATED: 90.0}).rate == 0.05


def test_the_share_of_bad_ones_is_that_of_the_whole_week() -> None:
    assert usual(requests=daily(1000), bad={CREATED - DAY: 14.0}).bad == 0.002


def test_outcomes_go_before_errors_which_stand_in_where_there_are_none() -> None:
    both = usual(requests=daily(36), bad=daily(9), invocations=daily(72), errors=daily(1))
    assert (both.rate, both.bad, both.counts_outcomes) == (0.01, 0.25, True)
    errors = usual(invocations=daily(72), errors=daily(36))
    assert (errors.rate, errors.bad, errors.counts_outcomes) == (0.02, 0.5, False)


def test_a_week_without_anybody_has_no_rate() -> None:
    assert usual() == Usual(rate=0.0, bad=0.0, came=0, counts_outcomes=False)


def test_what_cloudwatch_can_not_answer_is_not_nothing() -> None:
    asked = Asked(RELEASE, NOW)
    assert asked.usual({question: {} for question in asked.questions[1:]}) is None


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.clock.goes_on(NOW - account.clock.now())
        yield account


def weekly(account: SmallAccount, metric: Metric, count: float) -> None:
    for moment in daily(count):
        account.metrics.report(metric, moment, count)


def said(account: SmallAccount, release: Release = RELEASE) -> list[tuple[str, str]]:
    foresight.look(account.aws, release, JudgeSettings())
    return [(step.kind, step.sentence) for step in account.ledger.steps("d-1")]


def test_before_the_shift_the_ledger_says_what_it_notices(account: SmallAccount) -> None:
    weekly(account, REQUESTS, 0.4 * 3600)
    weekly(account, BAD, 1.44)
    assert said(account) == [
        (
            "foresight",
            "payments:live: Canary10Percent5Minutes at 0.4 requests/s can only notice a candidate that fails 75 % of "
            "its requests; 30 minutes at 25 % would notice 6.7 %",
        )
    ]
    assert account.told() == [], "nobody is disturbed by it"
    assert account.metrics.calls == [4], "one call"


def test_a_configuration_that_the_account_has_made_is_asked_for(account: SmallAccount) -> None:
    weekly(account, REQUESTS, 20 * 3600)
    canary = {"canaryInterval": 45, "canaryPercentage": 25}
    account.codedeploy.get_deployment_config = lambda **_: {  # type: ignore[method-assign]
        "deploymentConfigInfo": {"trafficRoutingConfig": {"type": "TimeBasedCanary", "timeBasedCanary": canary}}
    }
    ((_, sentence),) = said(account, replace(RELEASE, configuration="slowly-with-care"))
    assert sentence.startswith(
        "payments:live: slowly-with-care at 20 requests/s can only notice a candidate that fails"
    )
    assert "would notice" not in sentence, "it takes longer than what would be offered"


def test_a_service_without_outcome_lines_hears_that_its_500s_are_invisible(account: SmallAccount) -> None:
    weekly(account, INVOCATIONS, 3600)
    assert dict(said(account))["finding"] == (
        "payments has printed no outcome line in the last week: a 500 in a response is invisible then, since Lambda "
        "counts it as a success. Wrap its handler (docs/outcomes.md)"
    )
    assert account.told() == [], "who knows it already would hear it at every release"


def test_where_nobody_comes_nothing_is_noticed(account: SmallAccount) -> None:
    assert said(account) == [
        (
            "foresight",
            "payments:live: at this time of day nobody came in the last week: a shift with as few users notices "
            "nothing, so shift when they come",
        )
    ]


def test_a_release_waits_for_no_answer_of_cloudwatch(account: SmallAccount) -> None:
    account.metrics.broken = True
    assert said(account) == []


def test_the_moment_asked_for_is_in_whole_hours() -> None:
    (question, *_) = Asked(RELEASE, NOW).questions
    assert (question.since, question.until) == (
        datetime(2026, 11, 16, 10, tzinfo=UTC),
        datetime(2026, 11, 23, 11, tzinfo=UTC),
    )
