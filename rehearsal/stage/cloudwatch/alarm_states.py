"""What state a metric alarm is in, from the values of its periods. Pure.

The rules are CloudWatch's: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from rehearsal.stage.cloudwatch.metric_math import MathError, Series
from rehearsal.stage.cloudwatch.metric_queries import (
    Grid,
    MetricStat,
    Query,
    check,
    dimensions_of,
    queries_of,
)
from rehearsal.stage.cloudwatch.statistics import BASIC_STATISTICS, checked_statistic, problem_of_alarm

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

EXTRA_PERIODS = 2
"""CloudWatch looks at more periods than it needs. How many it doesn't say; in its documentation's tables it is two."""

_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_MISSING = ("missing", "ignore", "breaching", "notBreaching")
_BAND_COMPARISONS = (
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_DAY = 24 * 3600


class AlarmError(ValueError):
    """An alarm that CloudWatch, or the stage, doesn't take. The text says why."""


@dataclass(frozen=True)
class Alarm:
    """A metric alarm's rule: `datapoints` (M) of `periods` (N) must breach. `watched` is the id that it watches.

    `statistic` and `unit` are for the reason alone and None where metric math is used. An alarm that isn't `trained`
    watches an anomaly band: on AWS a model learns for days, here it learns nothing, and the alarm stays as it is.
    """

    queries: tuple[Query, ...]
    watched: str
    period: int
    periods: int
    datapoints: int
    threshold: float
    comparison: str
    missing: str
    statistic: str | None = None
    unit: str | None = None
    trained: bool = True

    def breaches(self, value: float) -> bool:
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Evaluation:
    """`reason` and `reason_data` (JSON) are as CloudWatch words them; both are empty when nothing can be said anew."""

    state: State
    reason: str
    reason_data: str


def alarm_of(record: Mapping[str, Any]) -> Alarm:
    """The rule of an alarm in PutMetricAlarm's words. Raises AlarmError."""
    try:
        return _alarm(record)
    except MathError as error:
        raise AlarmError(str(error)) from None


def check_statistics(alarm: Alarm, *, open_ranks: bool, between_values: bool) -> None:
    """Raises AlarmError for a statistic that no alarm may watch: `statistics.problem_of_alarm`."""
    for query in alarm.queries:
        stat = query.metric.stat if query.metric else ""
        if stat and (problem := problem_of_alarm(stat, open_ranks=open_ranks, between_values=between_values)):
            raise AlarmError(problem)


def _alarm(record: Mapping[str, Any]) -> Alarm:
    comparison = str(record.get("ComparisonOperator"))
    if record.get("ThresholdMetricId"):
        return _untrained(record)
    if comparison not in _COMPARISONS:
        raise AlarmError(f"ComparisonOperator '{comparison}' is not one of {', '.join(_COMPARISONS)}")
    missing = record.get("TreatMissingData") or "missing"
    if missing not in _MISSING:
        raise AlarmError(f"TreatMissingData '{missing}' is not one of {', '.join(_MISSING)}")
    if record.get("Threshold") is None:
        raise AlarmError("Threshold is required")
    queries = _queries(record)
    watched = [query for query in queries if query.returned]
    if len(watched) != 1:
        raise AlarmError("Exactly one element of the metrics list should return data.")
    check(queries)
    listed = {query.metric.period for query in queries if query.metric}
    if len(listed) != 1:
        raise AlarmError(f"The metrics of an alarm have one period, not {sorted(listed)} seconds")
    period = listed.pop()
    periods = int(record.get("EvaluationPeriods") or 1)
    datapoints = int(record.get("DatapointsToAlarm") or periods)
    _check_length(period, periods, datapoints)
    metric = watched[0].metric
    return Alarm(
        queries=queries,
        watched=watched[0].id,
        period=period,
        periods=periods,
        datapoints=datapoints,
        threshold=float(record["Threshold"]),
        comparison=comparison,
        # "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data."
        missing="ignore" if metric and metric.namespace == "AWS/DynamoDB" else missing,
        statistic=metric.stat if metric else None,
        unit=metric.unit if metric else None,
    )


def _untrained(record: Mapping[str, Any]) -> Alarm:
    """An alarm on an anomaly band, checked like any other; a model that has learnt nothing has no band."""
    listed, band = record.get("Metrics") or [], record["ThresholdMetricId"]
    bands = [one for one in listed if one.get("Id") == band]
    if not bands or not str(bands[0].get("Expression", "")).startswith("ANOMALY_DETECTION_BAND("):
        raise AlarmError(f"ThresholdMetricId '{band}' is not the Id of an ANOMALY_DETECTION_BAND expression")
    if record.get("ComparisonOperator") not in _BAND_COMPARISONS:
        raise AlarmError(f"The ComparisonOperator of an anomaly band is one of {', '.join(_BAND_COMPARISONS)}")
    rest = {name: value for name, value in record.items() if name != "ThresholdMetricId"}
    rest |= {"Metrics": [one for one in listed if one not in bands]}
    rest |= {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0}
    return replace(_alarm(rest), trained=False)


def _queries(record: Mapping[str, Any]) -> tuple[Query, ...]:
    listed = record.get("Metrics")
    if listed and record.get("MetricName"):
        raise AlarmError("An alarm has either MetricName or Metrics, not both")
    if listed:
        return queries_of(listed)
    if not record.get("MetricName") or not record.get("Namespace"):
        raise AlarmError("An alarm needs MetricName and Namespace, or Metrics")
    metric = MetricStat(
        namespace=record["Namespace"],
        name=record["MetricName"],
        dimensions=dimensions_of(record.get("Dimensions")),
        period=int(record.get("Period") or 60),
        stat=_statistic(record),
        unit=record.get("Unit"),
    )
    return (Query("m1", metric=metric),)


def _statistic(record: Mapping[str, Any]) -> str:
    plain, extended = record.get("Statistic"), record.get("ExtendedStatistic")
    if plain and plain not in BASIC_STATISTICS:
        raise AlarmError(f"The Statistic '{plain}' is not one of {', '.join(BASIC_STATISTICS)}")
    return checked_statistic(extended or plain or "Average")


def _check_length(period: int, periods: int, datapoints: int) -> None:
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        raise AlarmError(f"Period {period} is not one of 10, 20, 30 or a multiple of 60 seconds")
    if not 1 <= datapoints <= periods:
        raise AlarmError(f"DatapointsToAlarm {datapoints} is not between 1 and EvaluationPeriods {periods}")
    if period * periods > (7 * _DAY if period >= 3600 else _DAY):
        raise AlarmError("EvaluationPeriods times Period is longer than a day (a week for periods of an hour or more)")


def evaluation_range(alarm: Alarm, now: float) -> Grid:
    """The periods an alarm looks at: closed ones alone, the newest last.

    A period longer than a minute doesn't wait for a multiple of itself but ends at the last whole minute: CloudWatch's
    own sample of a state change has a period of 300 s from 16:59:00, seen at 17:04:40.
    """
    step = min(alarm.period, 60)
    count = alarm.periods + EXTRA_PERIODS
    end = int(now // step) * step
    return Grid(end - count * alarm.period, alarm.period, count)


def evaluate(alarm: Alarm, series: Series, now: float, current: State = "INSUFFICIENT_DATA") -> Evaluation:
    """The state of `alarm` at `now` (epoch seconds). `series` has the values of its periods, `current` is its state.

    With N values or more in the range, the newest N decide and missing ones don't matter. With fewer, as many are
    filled in as `missing` says; without a filling, one good value is enough for OK, and only breaching ones ring
    when the oldest of them has been there for M periods.
    """
    times = evaluation_range(alarm, now).times
    found = [time for time in reversed(times) if time in series][: alarm.periods]
    lacking = alarm.periods - len(found)
    bad = [time for time in found if alarm.breaches(series[time])]
    filled = lacking if alarm.missing == "breaching" else 0
    told = _Told(alarm, series, tuple(found), now)
    if len(bad) + filled >= alarm.datapoints:
        return told.breaching(tuple(bad), filled)
    good = tuple(time for time in found if time not in bad)
    if good or lacking == 0 or alarm.missing in ("breaching", "notBreaching"):
        return told.fine(good, lacking if alarm.missing == "notBreaching" else 0)
    if alarm.missing == "ignore":
        return Evaluation(current, "", "")
    oldest = (times.stop - bad[-1]) // alarm.period if bad else 0
    if oldest >= alarm.datapoints:
        return told.breaching(tuple(bad), 0)
    return told.unknown(lacking)


@dataclass(frozen=True)
class _Told:
    """An evaluation in CloudWatch's words. `found` are the times of the values it rests on, the newest first."""

    alarm: Alarm
    series: Series
    found: tuple[int, ...]
    now: float

    def breaching(self, times: tuple[int, ...], filled: int) -> Evaluation:
        return self._crossed("ALARM", times, "", filled, "Breaching", self.alarm.datapoints)

    def fine(self, times: tuple[int, ...], filled: int) -> Evaluation:
        least = self.alarm.periods - self.alarm.datapoints + 1
        return self._crossed("OK", times, "not ", filled, "NonBreaching", least)

    def unknown(self, lacking: int) -> Evaluation:
        points = "1 datapoint was" if lacking == 1 else f"{lacking} datapoints were"
        return Evaluation("INSUFFICIENT_DATA", f"Insufficient Data: {points} unknown.", self._data())

    def _crossed(
        self, state: State, times: tuple[int, ...], no: str, filled: int, filling: str, least: int
    ) -> Evaluation:
        treated = f"{_count(filled, 'missing datapoint')} {_was(filled)} treated as [{filling}]"
        if not times:
            silence = "" if self.found else f"no datapoints were received for {_count(filled, 'period')} and "
            return Evaluation(state, f"Threshold Crossed: {silence}{treated}.", self._data())
        values = ", ".join(f"{self.series[time]!r} ({_short(time)})" for time in times)
        relation = (
            f"{_was(len(times))} {no}{_COMPARISONS[self.alarm.comparison][1]} the threshold ({self.alarm.threshold!r})"
        )
        if filled:
            reason = f"{_count(len(times), 'datapoint')} [{values}] {relation} and {treated}."
        else:
            # The other side's state is named although the alarm may come from INSUFFICIENT_DATA: so does CloudWatch.
            change = "OK -> ALARM" if state == "ALARM" else "ALARM -> OK"
            reason = (
                f"{len(times)} out of the last {len(self.found)} datapoints [{values}] {relation} "
                f"(minimum {_count(least, 'datapoint')} for {change} transition)."
            )
        return Evaluation(state, f"Threshold Crossed: {reason}", self._data())

    def _data(self) -> str:
        oldest_first = sorted(self.found)
        data: dict[str, Any] = {"version": "1.0", "queryDate": timestamp(self.now)}
        if oldest_first:
            data["startDate"] = timestamp(oldest_first[0])
        if self.alarm.unit:
            data["unit"] = self.alarm.unit
        if self.alarm.statistic:
            data["statistic"] = self.alarm.statistic
        data["period"] = self.alarm.period
        data["recentDatapoints"] = [self.series[time] for time in oldest_first]
        data["threshold"] = self.alarm.threshold
        return json.dumps(data, separators=(",", ":"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _short(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%d/%m/%y %H:%M:%S")


def timestamp(time: float) -> str:
    """As alarms write it: `2019-10-02T17:20:48.551+0000`."""
    at = datetime.fromtimestamp(round(time, 3), UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
