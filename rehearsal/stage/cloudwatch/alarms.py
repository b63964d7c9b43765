"""Gap of MiniStack: alarms ignore dimensions, M of N, missing data and metric math, and tell EventBridge nothing.

Here alarm_states decides, every ten seconds of stage time, and each change is told as CloudWatch tells it.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import requests, store
from rehearsal.stage.cloudwatch.alarm_states import (
    Alarm,
    AlarmError,
    Evaluation,
    alarm_of,
    check_statistics,
    evaluate,
    evaluation_range,
    timestamp,
)
from rehearsal.stage.cloudwatch.metric_queries import Solution
from rehearsal.stage.codedeploy.behaviour import Behaviour
from rehearsal.stage.notes import note
from rehearsal.stage.stage_time import sweep

__all__ = ["Evaluation", "Running", "evaluate", "install"]

EVERY_SECONDS = 10.0
"""How often alarms are evaluated, in stage seconds. CloudWatch: each minute, or each ten seconds at high resolution."""

CREATED = "Unchecked: Initial alarm creation"
_METRIC_FIELDS = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
_STATE_FIELDS = ("StateReasonData", "StateTransitionedTimestamp")

logger = logging.getLogger("seatrial.stage.alarms")

type Record = dict[str, Any]
type Listener = Callable[[str, str, str, str, float], None]


@dataclass(frozen=True)
class Told:
    """A state as events tell it. `since` is in stage epoch seconds; `reason_data` is JSON, or empty."""

    value: str
    reason: str
    reason_data: str
    since: float

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Told:
        return cls(
            value=record["StateValue"],
            reason=record.get("StateReason") or "",
            reason_data=record.get("StateReasonData") or "",
            since=float(record.get("StateUpdatedTimestamp") or 0),
        )

    def as_json(self) -> dict[str, str]:
        told = {"reason": self.reason, "timestamp": timestamp(self.since), "value": self.value}
        return {**told, "reasonData": self.reason_data} if self.reason_data else told


def configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    """What an alarm watches, as its events say it."""
    told: dict[str, Any] = {}
    if record.get("AlarmDescription"):
        told["description"] = record["AlarmDescription"]
    if "AlarmRule" in record:
        return {**told, "alarmRule": record["AlarmRule"]}
    if record.get("Metrics"):
        return {**told, "metrics": [_query_json(query) for query in record["Metrics"]]}
    metric = {
        "Metric": {name: record.get(name) for name in ("Namespace", "MetricName", "Dimensions")},
        "Period": record.get("Period", 60),
        "Stat": record.get("ExtendedStatistic") or record.get("Statistic"),
        "Unit": record.get("Unit"),
    }
    # CloudWatch gives the only metric an id that nobody chose; the stage's is the same for the same alarm.
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{record.get('AlarmArn')} {json.dumps(metric, sort_keys=True)}"))
    return {**told, "metrics": [_query_json({"Id": name, "MetricStat": metric, "ReturnData": True})]}


def _query_json(query: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    told |= {name.lower(): query[name] for name in ("Expression", "Label") if query.get(name)}
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        told["metricStat"] = {
            "metric": {
                "dimensions": {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []},
                "name": metric["MetricName"],
                "namespace": metric["Namespace"],
            },
            "period": int(stat["Period"]),
            "stat": stat["Stat"],
        }
        if stat.get("Unit"):
            told["metricStat"]["unit"] = stat["Unit"]
    return told


def event_detail(record: Mapping[str, Any], previous: Told) -> dict[str, Any]:
    """The detail of a `CloudWatch Alarm State Change`."""
    return {
        "alarmName": record["AlarmName"],
        "configuration": configuration(record),
        "previousState": previous.as_json(),
        "state": Told.of(record).as_json(),
    }


def action_payload(record: Mapping[str, Any], previous: Told, account: str, region: str) -> dict[str, Any]:
    """What a function gets that is an action of an alarm itself; not the event's shape."""
    state = Told.of(record)
    return {
        "source": "aws.cloudwatch",
        "alarmArn": record["AlarmArn"],
        "accountId": account,
        "time": timestamp(state.since),
        "region": region,
        "alarmData": {
            "alarmName": record["AlarmName"],
            "state": state.as_json(),
            "previousState": previous.as_json(),
            "configuration": configuration(record),
        },
    }


def _ignore(name: str, old: str, new: str, reason: str, at: float) -> None:
    """Nobody listens."""


class Running:
    """The alarms of all accounts and Regions, evaluated by a thread of its own.

    `on_transition` is called with (alarm name, old state, new state, reason, stage epoch seconds) at each change,
    also by composite alarms and SetAlarmState.
    """

    def __init__(
        self, clock: StageClock, every: float = EVERY_SECONDS, behaviour: Callable[[], Behaviour] = Behaviour
    ) -> None:
        self.on_transition: Listener = _ignore
        self._behaviour = behaviour
        self._clock = clock
        self._every = every
        # Requests replace an alarm's record while the thread moves its state: one of the two must be first.
        self._lock = threading.RLock()
        self._told: dict[tuple[str, str, str], Told] = {}
        self._held: dict[tuple[str, str, str], int] = {}

    def start(self) -> None:
        sweep(self._clock, "alarms", 0.0, lambda: self.evaluate_all(self._clock.epoch()), self._every)

    def evaluate_all(self, now: float) -> None:
        """Evaluate every metric alarm at `now`, in stage epoch seconds."""
        with self._lock:
            known = [*cloudwatch._alarms._data, *cloudwatch._composite_alarms._data]
            self._told = {key: self._told[key] for key in known if key in self._told}
            self._held = {key: self._held[key] for key in known if key in self._held}
        for account, region, name in list(cloudwatch._alarms._data):
            with request_scope(account, region):
                try:
                    self._evaluate(name, now)
                except Exception:
                    logger.exception("alarm %s was not evaluated", name)

    def _evaluate(self, name: str, now: float) -> None:
        with self._lock:
            record = cloudwatch._alarms.get(name)
            if record is None:
                return
            alarm = alarm_of(record)
            seen = evaluation_range(alarm, now)
            if not alarm.trained or seen.end <= self._held.get(_key(name), 0):
                return
            solution = Solution(alarm.queries, store.series, lambda _: seen)
            old = record["StateValue"]
            evaluation = evaluate(alarm, solution.series(alarm.watched), now, old)
            if evaluation.state == old:
                return
            _move(record, evaluation, now)
        cloudwatch._record_history(
            name, old, evaluation.state, evaluation.reason, reason_data=json.loads(evaluation.reason_data)
        )
        self.changed(record, old, evaluation.state, evaluation.reason)
        cloudwatch._evaluate_parent_alarms(record)

    def changed(self, record: Record, old: str, new: str, reason: str) -> None:
        """Tell a change of state that the record has already: by event, actions and listener."""
        key = _key(record["AlarmName"])
        with self._lock:
            previous = self._told.get(key)
            if previous is None or previous.value != old:
                created = float(record.get("AlarmConfigurationUpdatedTimestamp") or 0)
                previous = Told(old, CREATED, "", created)
            self._told[key] = Told.of(record)
        _put_event(record, previous)
        _notify_topics(record, old, new, reason)
        _invoke_functions(record, previous)
        self.on_transition(record["AlarmName"], old, new, reason, float(record["StateUpdatedTimestamp"]))

    def put_metric_alarm(self, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        """PutMetricAlarm, also with Metrics; what can't be evaluated is refused here and not found out later."""
        request = data if is_cbor or is_json else requests.unflattened(params)
        try:
            self._taken(request)
        except AlarmError as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        with self._lock:
            before = cloudwatch._alarms.get(request["AlarmName"])
            answer = _put_metric_alarm(params, data, is_cbor, is_json)
            record = cloudwatch._alarms.get(request["AlarmName"])
            if record is not None and record is not before:
                cloudwatch._alarms[request["AlarmName"]] = completed(record, request, before)
            return answer

    def _taken(self, request: Mapping[str, Any]) -> Alarm:
        """The rule of an alarm that is to be put. Raises AlarmError."""
        for query in request.get("Metrics") or []:
            if query.get("AccountId", get_account_id()) != get_account_id():
                raise AlarmError(
                    f"Query '{query.get('Id')}' is for account {query['AccountId']}; the stage has one alone"
                )
        if request.get("EvaluateLowSampleCountPercentile") == "ignore":
            note("an alarm on a percentile is evaluated on few values too (EvaluateLowSampleCountPercentile)")
        alarm, chosen = alarm_of(request), self._behaviour()
        check_statistics(
            alarm, open_ranks=chosen.alarms_take_open_ranks, between_values=chosen.alarms_take_values_between
        )
        return alarm

    def record_from_template(self, name: str, props: Mapping[str, Any]) -> Record:
        """In the place of MiniStack's, which refuses Metrics. Raises AlarmError: the stack's update fails."""
        stands_in: Record = {} if props.get("MetricName") else {"MetricName": "-", "Namespace": "-"}
        if not self._taken(props).trained:
            note(f"alarm {name} watches an anomaly band: no model learns on the stage, so it never rings")
            stands_in["Threshold"] = 0
        plain = {key: value for key, value in props.items() if key != "Metrics"}
        return completed(_record_from_template(name, {**plain, **stands_in}), props, None)

    def put_from_template(self, record: Record) -> None:
        """What CloudFormation writes; the state and its reason stay with an alarm that was there."""
        now = round(self._clock.epoch(), 3)
        with self._lock:
            before = cloudwatch._alarms.get(record["AlarmName"]) or {"StateUpdatedTimestamp": now}
            kept = {name: before[name] for name in ("StateUpdatedTimestamp", *_STATE_FIELDS) if name in before}
            _put_metric_alarm_record({**record, **kept, "AlarmConfigurationUpdatedTimestamp": now})

    def set_alarm_state(self, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        """SetAlarmState. It holds until the next comparison: the end of the next period."""
        request = data if is_cbor or is_json else {name: cloudwatch._p(params, name) for name in params}
        name = request.get("AlarmName", "")
        with self._lock:
            if record := cloudwatch._alarms.get(name):
                now = self._clock.epoch()
                self._held[_key(name)] = evaluation_range(alarm_of(record), now).end
                record.pop("StateReasonData", None)
                if record["StateValue"] != request.get("StateValue"):
                    record["StateTransitionedTimestamp"] = round(now, 3)
        return _set_alarm_state(params, data, is_cbor, is_json)


def _key(name: str) -> tuple[str, str, str]:
    return get_account_id(), get_region(), name


def _move(record: Record, evaluation: Evaluation, now: float) -> None:
    record["StateValue"] = evaluation.state
    record["StateReason"] = evaluation.reason
    record["StateReasonData"] = evaluation.reason_data
    record["StateUpdatedTimestamp"] = record["StateTransitionedTimestamp"] = round(now, 3)


def completed(record: Mapping[str, Any], request: Mapping[str, Any], before: Mapping[str, Any] | None) -> Record:
    """An alarm's record as it was put: with what MiniStack leaves out, without what it makes up, in its old state."""
    whole = dict(record)
    if request.get("Metrics"):
        whole = {name: value for name, value in whole.items() if name not in _METRIC_FIELDS}
        whole["Metrics"] = [_typed(query) for query in request["Metrics"]]
    elif request.get("ExtendedStatistic"):
        whole.pop("Statistic", None)
    if request.get("ThresholdMetricId"):  # the band is the threshold
        whole.pop("Threshold", None)
        whole["ThresholdMetricId"] = request["ThresholdMetricId"]
    if request.get("EvaluateLowSampleCountPercentile"):
        whole["EvaluateLowSampleCountPercentile"] = request["EvaluateLowSampleCountPercentile"]
    return {**whole, **{name: before[name] for name in _STATE_FIELDS if before and name in before}}


def _typed(query: Mapping[str, Any]) -> dict[str, Any]:
    """A query with numbers and truth values, which templates and the Query protocol may hold as text."""
    typed = dict(query)
    typed["ReturnData"] = str(query.get("ReturnData", True)).lower() != "false"
    if stat := query.get("MetricStat"):
        typed["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    if "Period" in query:
        typed["Period"] = int(query["Period"])
    return typed


def _put_event(record: Mapping[str, Any], previous: Told) -> None:
    from ministack.services import eventbridge

    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(event_detail(record, previous)),
        "Resources": [record["AlarmArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _invoke_functions(record: Mapping[str, Any], previous: Told) -> None:
    from rehearsal.stage.lambdas import (
        alias,  # it counts its invokes by rehearsal.stage.cloudwatch.metrics, and the stage installs it after this
    )

    if not record.get("ActionsEnabled", True):
        return
    field = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(record["StateValue"], "InsufficientDataActions")
    for action in record.get(field) or []:
        if action.startswith("arn:aws:lambda:"):
            try:
                alias.invoke_async(action, action_payload(record, previous, get_account_id(), get_region()))
            except LookupError as missing:
                # CloudWatch doesn't test actions: one that fails stands in the alarm's history alone.
                logger.warning("action of alarm %s: %s", record["AlarmName"], missing)


_put_metric_alarm = cloudwatch._put_metric_alarm
_put_metric_alarm_record = cloudwatch.cloudformation_put_metric_alarm
_set_alarm_state = cloudwatch._set_alarm_state
_notify_topics = cloudwatch._dispatch_alarm_actions
_record_from_template = provisioners._cw_metric_alarm_record


def _leave_to_the_thread(alarm: Mapping[str, Any]) -> None:
    """In the place of MiniStack's evaluation, at each put of data or of an alarm."""


def install(clock: StageClock, every: float = EVERY_SECONDS, behaviour: Callable[[], Behaviour] = Behaviour) -> Running:
    """Put this in the place of MiniStack's alarms and start it. `metrics` must be installed before.

    `clock` is the stage's; `every` is in stage seconds; `behaviour` are the switches as they are now.
    """
    running = Running(clock, every, behaviour)
    cloudwatch._evaluate_alarm = _leave_to_the_thread
    cloudwatch._dispatch_alarm_actions = running.changed
    cloudwatch._put_metric_alarm = running.put_metric_alarm
    cloudwatch._set_alarm_state = running.set_alarm_state
    cloudwatch.cloudformation_put_metric_alarm = running.put_from_template
    provisioners._cw_metric_alarm_record = running.record_from_template
    running.start()
    return running
