"""CloudWatch: the alarms that a release names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from seatrial.core import alarm_owner
from seatrial.core.alarm_owner import DEEPEST, UNKNOWN_SPAN, Watch
from seatrial.core.metric import Metric

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

# DescribeAlarms takes at most so many names.
_NAMES_A_CALL = 100


@dataclass(frozen=True)
class Alarm:
    """`state` is OK, ALARM or INSUFFICIENT_DATA, since `since`. A composite alarm has no metrics of its own.

    `span` and `keeps` are those of its Watch; a composite alarm's are not its own, but those of its `children`.
    """

    name: str
    state: str
    metrics: tuple[Metric, ...] = ()
    reason: str = ""
    since: datetime | None = None
    span: timedelta = UNKNOWN_SPAN
    keeps: bool = False
    children: tuple[str, ...] = ()

    @property
    def watch(self) -> Watch:
        return Watch(self.span, fires=self.state == "ALARM", keeps=self.keeps)

    def counts(self, function: str) -> bool:
        """Whether a trial counts in it: metrics on FunctionName alone count the invokes of every version."""
        return any(
            metric.namespace == "AWS/Lambda" and dict(metric.dimensions) == {"FunctionName": function}
            for metric in self.metrics
        )

    def counts_errors(self, function: str, alias: str) -> bool:
        """Whether an invoke through the alias that fails counts in it: it watches Errors, Lambda's own metric."""
        return any(
            metric.namespace == "AWS/Lambda"
            and metric.name == "Errors"
            and dict(metric.dimensions).get("FunctionName") == function
            and dict(metric.dimensions).get("Resource") == f"{function}:{alias}"
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

    def watch(self, name: str, depth: int = DEEPEST) -> Watch:
        """How the alarm looks at its data, a composite one by its children. One that was deleted does not fire."""
        return next((self._watch(alarm, depth) for alarm in self.alarms([name])), Watch(UNKNOWN_SPAN, fires=False))

    def _watch(self, alarm: Alarm, depth: int) -> Watch:
        if not alarm.children or not depth:
            return alarm.watch
        below = self.alarms(alarm.children)
        return alarm_owner.together((self._watch(one, depth - 1) for one in below), fires=alarm.watch.fires)


def _alarm(alarm: Mapping[str, Any], metrics: tuple[Metric, ...] = ()) -> Alarm:
    """Updates of a state that stays the same move StateUpdatedTimestamp alone (API reference of MetricAlarm)."""
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return Alarm(
        alarm["AlarmName"],
        alarm["StateValue"],
        metrics,
        alarm.get("StateReason", ""),
        since,
        alarm_owner.span(_period(alarm), alarm.get("EvaluationPeriods")),
        alarm.get("TreatMissingData") == "ignore",
        alarm_owner.children(alarm.get("AlarmRule", "")),
    )


def _period(alarm: Mapping[str, Any]) -> int | None:
    """In seconds: its own, or the longest of its metrics and expressions."""
    queries = alarm.get("Metrics", [])
    periods = [query.get("MetricStat", query).get("Period") for query in queries]
    return max((period for period in (alarm.get("Period"), *periods) if period), default=None)


def _metrics(alarm: Mapping[str, Any]) -> list[Metric]:
    """The metrics that an alarm reads: its own, or those below its expressions."""
    if "MetricName" in alarm:
        return [_metric(alarm)]
    queries = alarm.get("Metrics", [])
    return [_metric(query["MetricStat"]["Metric"]) for query in queries if "MetricStat" in query]


def _metric(stated: Mapping[str, Any]) -> Metric:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in stated.get("Dimensions", [])}
    return Metric.of(stated.get("Namespace", ""), stated.get("MetricName", ""), **dimensions)
