"""The adapter of GetMetricData, against moto and recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from seatrial.aws.metrics import Metrics
from seatrial.core.metric import Metric, Question
from tests.small_account import REGION, SmallMetrics

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REQUESTS = Metric.of("Seatrial", "Requests", service="payments", version="7")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def question(metric: Metric = REQUESTS, since: float = -10, until: float = 0, period: int = 60) -> Question:
    return Question(metric, at(since), at(until), period=period)


def someones(number: int) -> Metric:
    return Metric.of("Seatrial", "Requests", service=f"service-{number}")


@pytest.fixture
def client() -> Iterator[CloudWatchClient]:
    with mock_aws():
        yield boto3.client("cloudwatch", **REGION)


def put(client: CloudWatchClient, minutes: float, value: float) -> None:
    dimensions: Any = [{"Name": name, "Value": value} for name, value in REQUESTS.dimensions]
    datum: Any = {"MetricName": REQUESTS.name, "Dimensions": dimensions, "Timestamp": at(minutes), "Value": value}
    client.put_metric_data(Namespace=REQUESTS.namespace, MetricData=[datum])


def test_each_question_is_answered_with_its_own_part_of_the_time(client: CloudWatchClient) -> None:
    for minutes in (-20, -5, -2):
        put(client, minutes, 10 - minutes)
    short, long, nobody = question(), question(since=-30), question(someones(1))
    assert Metrics(client).read([short, long, nobody]) == {
        short: {at(-5): 15.0, at(-2): 12.0},
        long: {at(-20): 30.0, at(-5): 15.0, at(-2): 12.0},
        nobody: {},
    }


@pytest.mark.parametrize("questions", [0, 1, 499, 500, 501, 13_000])
def test_a_call_is_made_for_500_questions_however_many_they_are_about(questions: int) -> None:
    client = SmallMetrics()
    Metrics(client).read([question(someones(n), since=-(n % 60) - 1) for n in range(questions)])  # type: ignore[arg-type]
    assert len(client.calls) == ceil(questions / 500)
    assert sum(client.calls) == questions


def test_what_is_asked_twice_is_asked_once() -> None:
    client = SmallMetrics()
    Metrics(client).read([question(), question()])  # type: ignore[arg-type]
    assert client.calls == [1]


def test_a_long_and_a_short_span_share_no_call_that_would_take_more_pages() -> None:
    client = SmallMetrics()
    days = [question(someones(n), since=-3 * 1440, until=-2 * 1440) for n in range(40)]
    now = [question(someones(n)) for n in range(100)]
    Metrics(client).read([*now, *days])  # type: ignore[arg-type]
    assert client.calls == [40, 100]


def test_periods_are_asked_apart() -> None:
    client = SmallMetrics()
    Metrics(client).read([question(period=60), question(period=300), question(since=-5)])  # type: ignore[arg-type]
    assert client.calls == [2, 1]


def result(status: str, *counts: tuple[float, float]) -> dict[str, Any]:
    return {
        "Id": "m0",
        "StatusCode": status,
        "Timestamps": [at(minutes) for minutes, _ in counts],
        "Values": [value for _, value in counts],
    }


def test_pages_are_put_together() -> None:
    client = boto3.client("cloudwatch", **REGION)
    with Stubber(client) as stub:
        first = {"MetricDataResults": [result("PartialData", (-3, 1.0))], "NextToken": "more"}
        stub.add_response("get_metric_data", first)
        stub.add_response("get_metric_data", {"MetricDataResults": [result("Complete", (-2, 2.0))]})
        assert Metrics(client).read([question()]) == {question(): {at(-3): 1.0, at(-2): 2.0}}


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_what_cloudwatch_could_not_read_is_not_taken_for_nothing(status: str) -> None:
    client = boto3.client("cloudwatch", **REGION)
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": [result(status, (-3, 1.0))]})
        assert Metrics(client).read([question()]) == {}


@pytest.mark.parametrize("bad", [(), (0,), (249, 250), (0, 17, 499), (600,)])
def test_call_that_is_rejected_is_split_until_the_bad_question_is_alone(bad: tuple[int, ...]) -> None:
    client = SmallMetrics()
    names = ["b" * 256 if number in bad else "Requests" for number in range(700)]
    questions = [question(Metric.of("Shop", name, service=f"s{number}")) for number, name in enumerate(names)]
    refused: dict[Question, str] = {}
    answers = Metrics(client).read(questions, refused)  # type: ignore[arg-type]
    assert refused == {questions[number]: "The name of a metric is too long" for number in bad}
    assert answers.keys() == set(questions) - refused.keys()
    assert len(client.calls) <= 2 + 20 * len(bad)


def test_call_of_bad_questions_alone_is_not_split_for_ever() -> None:
    client = SmallMetrics()
    questions = [question(Metric.of("Shop", "b" * 256, service=f"s{number}")) for number in range(500)]
    with pytest.raises(ClientError, match="ValidationError"):
        Metrics(client).read(questions)  # type: ignore[arg-type]
    assert len(client.calls) <= 201
