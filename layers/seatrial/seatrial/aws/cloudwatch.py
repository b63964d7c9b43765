"""CloudWatch: the alarms that a release names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from seatrial.core.metric import Metric

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

# DescribeAlarms takes at most so many names.
_NAMES_A_CALL = 100


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
    return Metric.of(stated.get("Namespace", ""), stated.get("MetricName", ""), **dimensions)
