"""CloudWatch: the alarms that a release names, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

# DescribeAlarms takes at most so many names …
_NAMES_A_CALL = 100

# … and GetMetricData so many queries.
QUERIES_A_CALL = 500


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Alarm:
    """`state` is OK, ALARM or INSUFFICIENT_DATA, since `since`. A composite alarm has no metrics of its own."""

    name: str
    state: str
    metrics: tuple[Metric, ...] = ()
    reason: str = ""
    since: datetime | None = None

    def counts(self, function: str) -> bool:
        """Whether a trial counts in it: metrics on FunctionName alone count the invokes of every version."""
        return any(
            metric.namespace == "AWS/Lambda" and dict(metric.dimensions) == {"FunctionName": function}
            for metric in self.metrics
        )


class CloudWatch:
    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def alarms(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        """Those of `names` that exist, metric alarms and composite ones."""
        found: list[Alarm] = []
        for some in batched(sorted(set(names)), _NAMES_A_CALL, strict=False):
            answer = self._client.describe_alarms(
                AlarmNames=list(some), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=_NAMES_A_CALL
            )
            found += [_alarm(alarm, tuple(_metrics(alarm))) for alarm in answer.get("MetricAlarms", [])]
            found += [_alarm(alarm) for alarm in answer.get("CompositeAlarms", [])]
        return tuple(sorted(found, key=lambda alarm: alarm.name))

    def sums(
        self, metrics: Sequence[Metric], since: datetime, until: datetime, period: int
    ) -> tuple[dict[datetime, float], ...]:
        """For each metric its sums by the beginning of their period (`period` seconds): one call for 500 metrics.

        A period in which nothing was counted is absent.
        """
        found: list[dict[datetime, float]] = [{} for _ in metrics]
        for some in batched(enumerate(metrics), QUERIES_A_CALL, strict=False):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[_sum(number, metric, period) for number, metric in some],
                StartTime=since,
                EndTime=until,
                ScanBy="TimestampAscending",
            )
            for result in (result for page in pages for result in page["MetricDataResults"]):
                moments = (moment.astimezone(UTC) for moment in result["Timestamps"])
                found[int(result["Id"].removeprefix("m"))].update(zip(moments, result["Values"], strict=True))
        return tuple(found)


def _sum(number: int, metric: Metric, period: int) -> MetricDataQueryTypeDef:
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
            },
            "Period": period,
            "Stat": "Sum",
        },
    }


def _alarm(alarm: Mapping[str, Any], metrics: tuple[Metric, ...] = ()) -> Alarm:
    """Updates of a state that stays the same move StateUpdatedTimestamp alone (API reference of MetricAlarm)."""
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return Alarm(alarm["AlarmName"], alarm["StateValue"], metrics, alarm.get("StateReason", ""), since)


def _metrics(alarm: Mapping[str, Any]) -> list[Metric]:
    """The metrics that an alarm reads: its own, or those below its expressions."""
    if "MetricName" in alarm:
        return [_metric(alarm)]
    queries = alarm.get("Metrics", [])
    return [_metric(query["MetricStat"]["Metric"]) for query in queries if "MetricStat" in query]


def _metric(stated: Mapping[str, Any]) -> Metric:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in stated.get("Dimensions", [])}
    return Metric(stated.get("Namespace", ""), stated.get("MetricName", ""), dimensions)
