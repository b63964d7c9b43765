"""CloudWatch: what was counted, read for many metrics at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from seatrial.core.metric import Question

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

# GetMetricData takes so many queries a call …
QUERIES_A_CALL = 500
# … and answers with so many values, before it takes another page.
VALUES_A_CALL = 100_800

# A request that is wrong in itself (GetMetricData's reference and the common errors of CloudWatch).
_REFUSALS = frozenset(
    {"ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterCombination", "InvalidFormat"}
)
# About twenty bad questions among 500. With more of them something else is wrong, as the span of time.
_MOST_CALLS = 200

type Refused = dict[Question, str]

# A call of 500 questions takes a second, all of it waiting, and an account has 50 of them a second.
_AT_ONCE = 8


class Metrics:
    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read(
        self, questions: Iterable[Question], refused: dict[Question, str] | None = None
    ) -> dict[Question, dict[datetime, float]]:
        """The answers, with one call for 500 questions, whatever they are about.

        Only those that CloudWatch has answered completely: what it couldn't read is not the same as nothing. `refused`
        gets CloudWatch's reason for each question that it takes in no call, as for a name of 256 characters.
        """
        found: dict[Question, dict[datetime, float]] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for answers, no in pool.map(self._ask_or_split, _calls(questions)):
                found |= answers
                if refused is not None:
                    refused |= no
        return found

    def _ask_or_split(self, together: Sequence[Question]) -> tuple[dict[Question, dict[datetime, float]], Refused]:
        """One question that CloudWatch refuses has it refuse the whole call: halves are asked until it is alone."""
        found: dict[Question, dict[datetime, float]] = {}
        refused: Refused = {}
        left, calls = [together], 0
        while left:
            some = left.pop()
            calls += 1
            try:
                found |= self._ask(some)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _REFUSALS or calls > _MOST_CALLS:
                    raise
                if len(some) > 1:
                    left += [some[len(some) // 2 :], some[: len(some) // 2]]
                else:
                    refused[some[0]] = error.response["Error"].get("Message", "")
        return found, refused

    def _ask(self, together: Sequence[Question]) -> dict[Question, dict[datetime, float]]:
        series: list[dict[datetime, float]] = [{} for _ in together]
        complete = [False for _ in together]
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(number, question) for number, question in enumerate(together)],
            StartTime=min(question.since for question in together),
            EndTime=max(question.until for question in together),
            ScanBy="TimestampAscending",
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            number = int(result["Id"].removeprefix("m"))
            complete[number] = result["StatusCode"] == "Complete"  # before the last page it is PartialData
            moments = (moment.astimezone(UTC) for moment in result["Timestamps"])
            series[number].update(zip(moments, result["Values"], strict=True))
        return {
            question: _within(question, values)
            for question, values, is_whole in zip(together, series, complete, strict=True)
            if is_whole
        }


def _calls(questions: Iterable[Question]) -> Iterator[Sequence[Question]]:
    """Neighbours in time share a call as long as it takes them and its answer fits one page.

    Only those of one period do: how far back a call may begin depends on it.
    """
    together: list[Question] = []
    ends = datetime.min.replace(tzinfo=UTC)
    for question in sorted(dict.fromkeys(questions), key=lambda question: (question.period, question.since)):
        if together:
            lasts = max(ends, question.until) - together[0].since
            values = (len(together) + 1) * (lasts / timedelta(seconds=question.period))
            fits = len(together) < QUERIES_A_CALL and values <= VALUES_A_CALL
            if not fits or question.period != together[0].period:
                yield together
                together, ends = [], question.until
        together.append(question)
        ends = max(ends, question.until)
    if together:
        yield together


def _within(question: Question, values: dict[datetime, float]) -> dict[datetime, float]:
    """Its own part of what was asked for a longer span. The first period may have begun before it."""
    before = question.since - timedelta(seconds=question.period)
    return {moment: value for moment, value in values.items() if before < moment < question.until}


def _query(number: int, question: Question) -> MetricDataQueryTypeDef:
    metric = question.metric
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            },
            "Period": question.period,
            "Stat": question.statistic,
        },
    }
