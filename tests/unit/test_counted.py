"""What is asked of CloudWatch for a release, and the rows that its answers make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from seatrial.aws.metrics import Metrics
from seatrial.core import judge_story
from seatrial.core.counted import Counted
from seatrial.core.judging import clears, client_errors
from seatrial.core.metric import Metric
from seatrial.core.release import Release, State
from seatrial.core.sections import JudgeSettings, MetricPair
from seatrial.core.verdict import Verdict
from seatrial.flows import judging
from tests.small_account import SmallMetrics

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


RELEASE = Release(
    deployment_id="d-1",
    application="shop",
    group="payments",
    function="payments",
    alias="live",
    stable="7",
    candidate="8",
    opened_at=at(0.3),
    state=State.SHIFTING,
)


class Account:
    """CloudWatch, as a service fills it."""

    def __init__(self) -> None:
        self.cloudwatch = SmallMetrics()

    def invoked(self, minute: float, version: str, n: int, errors: int = 0, *, weights: bool = True) -> None:
        """By the alias. Lambda tells the versions apart while it has weights."""
        alias = {"FunctionName": "payments", "Resource": "payments:live"}
        for dimensions in (alias, alias | {"ExecutedVersion": version}) if weights else (alias,):
            self.cloudwatch.report(Metric.of("AWS/Lambda", "Invocations", **dimensions), at(minute), n)
            self.cloudwatch.report(Metric.of("AWS/Lambda", "Errors", **dimensions), at(minute), errors)

    def took(self, minute: float, version: str, *milliseconds: float) -> None:
        alias = {"FunctionName": "payments", "Resource": "payments:live"}
        for dimensions in (alias, alias | {"ExecutedVersion": version}):
            self.cloudwatch.report(Metric.of("AWS/Lambda", "Duration", **dimensions), at(minute), *milliseconds)

    def came_to(self, minute: float, version: str, n: int, bad: int = 0) -> None:
        self.counted(minute, version, Requests=n, BadOutcomes=bad)

    def counted(self, minute: float, version: str, namespace: str = "Seatrial", **counts: float) -> None:
        for name, count in counts.items():
            self.cloudwatch.report(Metric.of(namespace, name, service="payments", version=version), at(minute), count)

    def closer(self, release: Release, now: float) -> Counted | None:
        metrics = Metrics(self.cloudwatch)  # type: ignore[arg-type]
        found = judging.read(metrics, [release], at(now))
        return judging.closer(metrics, [release], found, at(now)).get("d-1")

    def read(self, release: Release, now: float) -> Counted:
        return judging.read(Metrics(self.cloudwatch), [release], at(now))["d-1"]  # type: ignore[arg-type]

    def verdict(self, release: Release, now: float) -> Verdict:
        return judging.verdicts(Metrics(self.cloudwatch), [release], at(now))["d-1"]  # type: ignore[arg-type]


@pytest.fixture
def account() -> Account:
    return Account()


def rows(counted: Counted, metric: str) -> list[tuple[int, ...]]:
    return [tuple(row) for row in counted.shift.rows[metric]]


def test_a_row_is_a_closed_minute_of_both_versions_from_when_users_met_the_candidate(account: Account) -> None:
    for minute in (0, 1, 2, 3, 4):
        account.invoked(minute, "7", 90, 1)
        if minute >= 2:
            account.invoked(minute, "8", 10, 2)
    counted = account.read(RELEASE, now=4.9)
    assert counted.shift.since == at(2)
    assert rows(counted, "errors") == [(90, 1, 10, 2), (90, 1, 10, 2)]
    assert counted.after is None


def test_what_arrives_late_is_in_the_rows_of_the_next_look(account: Account) -> None:
    account.invoked(1, "8", 10)
    assert rows(account.read(RELEASE, now=2), "errors") == [(0, 0, 10, 0)]
    account.invoked(1, "8", 3, 3)
    assert rows(account.read(RELEASE, now=3), "errors") == [(0, 0, 13, 3), (0, 0, 0, 0)]


def test_outcomes_are_judged_beside_errors_where_the_service_reports_them(account: Account) -> None:
    account.invoked(1, "8", 10)
    assert list(account.read(RELEASE, now=2).shift.rows) == ["errors"]
    assert account.read(RELEASE, now=2).silent == ("outcomes",)
    account.came_to(1, "7", 80, 4)
    account.came_to(1, "8", 10, 9)
    counted = account.read(RELEASE, now=2)
    assert list(counted.shift.rows) == ["outcomes", "errors"]
    assert rows(counted, "outcomes") == [(80, 4, 10, 9)]
    assert counted.silent == ()


def test_slow_requests_are_those_beyond_the_threshold_that_was_fixed_before(account: Account) -> None:
    for version, milliseconds in (("7", [100.0] * 18 + [400.0] * 2), ("8", [100.0] * 5 + [400.0] * 5)):
        account.invoked(1, version, len(milliseconds))
        account.took(1, version, *milliseconds)
    counted = account.read(replace(RELEASE, slow_above=250.0), now=2)
    assert rows(counted, "slow") == [(20, 2, 10, 5)]


def test_a_pair_of_the_suite_is_counted_by_version_and_never_has_more_bad_than_all(account: Account) -> None:
    judge = JudgeSettings(metrics=(MetricPair("Shop:Declined + Expired", "Asked - Shop:Retried"),))
    account.invoked(1, "8", 1)
    account.counted(1, "7", Asked=100, Expired=1)
    account.counted(1, "7", "Shop", Declined=2, Retried=10)
    account.counted(1, "8", Asked=5, Expired=7)
    counted = account.read(replace(RELEASE, judge=judge), now=2)
    assert rows(counted, "Shop:Declined + Expired of Asked - Shop:Retried") == [(90, 3, 5, 5)]


@pytest.mark.parametrize("weights", [True, False])
def test_after_100_percent_each_minute_stands_beside_one_of_the_hour_before(account: Account, weights: bool) -> None:
    """Whether or not Lambda tells versions apart on an alias without weights."""
    for minute in (-60, -59, -58):
        account.invoked(minute, "7", 200, 60 + minute, weights=weights)
    account.invoked(1, "7", 90, 9)
    account.invoked(1, "8", 10)
    account.invoked(2, "7", 40, 5)
    account.invoked(2, "8", 60, 1)
    account.invoked(3, "8", 101, 4, weights=weights)
    account.invoked(4, "8", 102, 5, weights=weights)
    counted = account.read(replace(RELEASE, state=State.BAKING, everybody_at=at(2.4)), now=5)
    assert rows(counted, "errors") == [(90, 9, 10, 0)]  # the minute of 100 % is no minute of the shift
    assert counted.after is not None
    assert counted.after.since == at(2)
    assert counted.after.rows["errors"] == ((200, 0, 60, 1), (200, 1, 101, 4), (200, 2, 102, 5))


def test_of_a_closed_release_only_its_own_time_counts(account: Account) -> None:
    for minute in (1, 2, 3, 4, 5):
        account.invoked(minute, "7", 100)
        account.invoked(minute, "8", 10)
    over = replace(RELEASE, state=State.TAKEN_BACK, closed_at=at(2.5))
    assert len(account.read(over, now=600).shift.rows["errors"]) == 2


def test_throttles_are_nobodys(account: Account) -> None:
    account.invoked(1, "8", 10)
    throttles = Metric.of("AWS/Lambda", "Throttles", FunctionName="payments", Resource="payments:live")
    account.cloudwatch.report(throttles, at(1), 1_200)
    assert account.read(RELEASE, now=2).throttles == 1_200
    told = account.verdict(RELEASE, now=2).sentence
    assert told.endswith("beside it 1,200 throttled requests, which ran no version")


def test_a_thousand_releases_are_read_with_as_few_calls_as_their_metrics_allow() -> None:
    account = Account()
    many = [replace(RELEASE, deployment_id=f"d-{n}", function=f"f-{n}", slow_above=100.0) for n in range(1_000)]
    found = judging.read(Metrics(account.cloudwatch), many, at(5))  # type: ignore[arg-type]
    assert len(found) == 1_000
    assert len(account.cloudwatch.calls) == ceil(sum(account.cloudwatch.calls) / 500)


def test_a_release_that_cannot_be_read_is_not_judged_and_the_others_are(account: Account) -> None:
    other = replace(RELEASE, deployment_id="d-2", function="refunds")
    answered = account.cloudwatch.paginate

    def fails_for_one(**asked: Any) -> list[dict[str, Any]]:
        pages = answered(**asked)
        for query, result in zip(asked["MetricDataQueries"], pages[0]["MetricDataResults"], strict=True):
            if {"Name": "FunctionName", "Value": "refunds"} in query["MetricStat"]["Metric"]["Dimensions"]:
                result["StatusCode"] = "InternalError"
        return pages

    account.cloudwatch.paginate = fails_for_one  # type: ignore[method-assign]
    assert set(judging.verdicts(Metrics(account.cloudwatch), [RELEASE, other], at(5))) == {"d-1"}  # type: ignore[arg-type]


# ---------------------------------------------------------------- the minute under way


def fine(account: Account) -> None:
    """Outcome lines of a high resolution, at any second of a minute."""
    account.cloudwatch.fine = True
    for minute in (1, 2, 2.1, 2.4):
        account.invoked(minute, "7", 80)
        account.invoked(minute, "8", 20)
        account.came_to(minute, "7", 80, 1)
        account.came_to(minute, "8", 20, 9)


def test_the_minute_under_way_is_a_row_as_far_as_it_has_come(account: Account) -> None:
    fine(account)
    closer = account.closer(RELEASE, now=2.5)
    assert closer is not None
    assert rows(closer, "outcomes") == [(80, 1, 20, 9), (240, 3, 60, 27)]
    assert rows(closer, "errors") == [(80, 0, 20, 0)]
    assert rows(account.read(RELEASE, now=3), "outcomes") == rows(closer, "outcomes"), (
        "the whole minute, once it closes"
    )


def test_in_the_first_second_of_a_minute_there_is_nothing_under_way_yet(account: Account) -> None:
    fine(account)
    closer = account.closer(RELEASE, now=2)
    assert closer is not None
    assert rows(closer, "outcomes") == [(80, 1, 20, 9), (0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("release", "now"),
    [
        pytest.param(RELEASE, 6.5, id="users met it more than five minutes ago"),
        pytest.param(replace(RELEASE, state=State.BAKING, everybody_at=at(2)), 2.5, id="all users are on it"),
    ],
)
def test_only_what_is_young_is_looked_at_closer(account: Account, release: Release, now: float) -> None:
    fine(account)
    assert account.closer(release, now) is None


def test_where_the_line_has_no_high_resolution_only_closed_minutes_count(account: Account) -> None:
    fine(account)
    account.cloudwatch.fine = False
    assert account.closer(RELEASE, now=2.5) is None


# ---------------------------------------------------------------- verdicts


def test_a_candidate_that_fails_is_worse_and_one_outage_of_both_is_nobodys_fault(account: Account) -> None:
    for minute in range(1, 6):
        account.invoked(minute, "7", 900, 400)
        account.invoked(minute, "8", 100, 45)
    assert account.verdict(RELEASE, now=6).verdict != "worse"
    for minute in range(6, 9):
        account.invoked(minute, "7", 900, 9)
        account.invoked(minute, "8", 100, 60)
    told = account.verdict(RELEASE, now=9)
    assert told.verdict == "worse"
    assert told.sentence.startswith("errors worse since minute 6: ")


def test_what_only_outcomes_show_is_found(account: Account) -> None:
    for minute in range(1, 4):
        for version, n, bad in (("7", 900, 2), ("8", 100, 30)):
            account.invoked(minute, version, n)
            account.came_to(minute, version, n, bad)
    told = account.verdict(RELEASE, now=4)
    assert (told.verdict, told.metric) == ("worse", "outcomes")


def test_a_slow_candidate_is_worse_but_not_for_its_warm_up(account: Account) -> None:
    slow = replace(RELEASE, slow_above=250.0)
    for minute in range(1, 8):
        account.invoked(minute, "7", 100)
        account.invoked(minute, "8", 20)
        account.took(minute, "7", *[100.0] * 95, *[400.0] * 5)
        account.took(minute, "8", *[400.0] * 20 if minute <= 2 or minute >= 6 else [100.0] * 20)
    assert account.verdict(slow, now=6).verdict != "worse"
    told = account.verdict(slow, now=8)
    assert (told.verdict, told.metric) == ("worse", "slow")


def after_everybody(account: Account, errors: int) -> Release:
    for minute in range(-60, 0):
        account.invoked(minute, "7", 1000, 1, weights=False)
    for minute in range(1, 6):
        account.invoked(minute, "7", 900, 1)
        account.invoked(minute, "8", 900)
    for minute in range(6, 12):
        account.invoked(minute, "8", 1000, errors, weights=False)
    return replace(RELEASE, state=State.BAKING, everybody_at=at(6))


def test_after_100_percent_there_is_no_control_group_and_the_verdict_says_so(account: Account) -> None:
    told = account.verdict(after_everybody(account, errors=300), now=12)
    assert told.verdict == "worse"
    assert told.sentence.startswith("since 100 %, with no control group but the hour before: errors worse since minute")
    assert "of those of the hour before" in told.sentence


def test_what_was_ok_while_both_served_stays_so_but_clears_nobody_who_looks_worse_since(account: Account) -> None:
    release = after_everybody(account, errors=4)
    told = account.verdict(release, now=12)
    assert (told.verdict, [part.verdict for part in told.parts]) == ("ok", ["ok", "inconclusive"])
    assert not clears(told)
    assert clears(account.verdict(RELEASE, now=6))


def test_with_too_little_to_tell_both_times_say_what_is_missing(account: Account) -> None:
    account.invoked(1, "8", 1)
    account.invoked(3, "8", 1, weights=False)
    told = account.verdict(replace(RELEASE, state=State.BAKING, everybody_at=at(2)), now=4)
    assert told.verdict == "inconclusive"
    assert "; since 100 %, with no control group" in told.sentence


def test_jump_of_client_errors_is_a_finding_and_no_verdict(account: Account) -> None:
    for minute in range(1, 4):
        account.came_to(minute, "7", 90)
        account.counted(minute, "8", Requests=10, BadOutcomes=0, ClientErrors=10)
        account.invoked(minute, "7", 90)
        account.invoked(minute, "8", 10)
    counted = account.read(RELEASE, now=4)
    found = client_errors(counted, RELEASE.judge)
    assert found is not None and (found.verdict, found.metric) == ("worse", "client errors")
    assert (found.total.cand_err, found.total.base_err) == (found.total.cand_n, 0)
    assert account.verdict(RELEASE, now=4).verdict != "worse"
    assert judge_story.client_errors(RELEASE, found).startswith(
        "payments:live: more client errors: 100 % of the requests to version 8 got a 4xx"
    )


def test_client_errors_of_both_versions_are_no_finding(account: Account) -> None:
    for minute in range(1, 4):
        account.counted(minute, "7", Requests=90, BadOutcomes=0, ClientErrors=45)
        account.counted(minute, "8", Requests=10, BadOutcomes=0, ClientErrors=5)
    assert client_errors(account.read(RELEASE, now=4), RELEASE.judge) is None


def test_client_errors_after_100_percent_are_compared_with_the_hour_before(account: Account) -> None:
    release = replace(RELEASE, state=State.CONFIRMING, everybody_at=at(1.5))
    for minute in range(-59, 1):
        account.came_to(minute, "7", 100)
    for minute in range(1, 4):
        account.counted(minute, "8", Requests=100, BadOutcomes=0, ClientErrors=100)
    assert client_errors(account.read(release, now=4), release.judge) is not None


def test_finding_is_news_for_five_minutes(account: Account) -> None:
    for minute in range(1, 20):
        account.came_to(minute, "7", 90)
        account.counted(minute, "8", Requests=10, BadOutcomes=0, ClientErrors=10)
    news = [client_errors(account.read(RELEASE, now=n), RELEASE.judge, news_only=True) is not None for n in (3, 5, 15)]
    assert news == [True, True, False]


def test_all_at_once_onto_a_service_that_nobody_called(account: Account) -> None:
    """No minute of both versions and no request in the hour before: the absolute limit is all there is."""
    release = replace(RELEASE, state=State.CONFIRMING, everybody_at=at(1))
    account.invoked(1, "8", 60_000, 60_000, weights=False)
    account.came_to(1, "8", 60_000, 60_000)
    told = account.verdict(release, now=2)
    assert told.verdict == "worse"
    assert "60,000 of 60,000" in told.sentence
    assert "more than 50 % is too much" in told.sentence
    assert account.verdict(replace(release, fix="ann: mends it"), now=2).verdict == "inconclusive"
