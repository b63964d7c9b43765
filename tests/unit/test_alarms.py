"""What state an alarm is in, and how a change of it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import alarms, metrics
from rehearsal.stage.cloudwatch.alarm_states import Alarm, AlarmError, State, alarm_of, evaluate, evaluation_range
from rehearsal.stage.codedeploy.behaviour import Behaviour, switched
from rehearsal.stage.lambdas import alias
from tests.conformance.captures import capture

INSTANCE = [{"Name": "InstanceId", "Value": "i-12345678901234567"}]
NOON = 1795521600  # 2026-11-24 12:00:00 UTC
ACCOUNT, REGION = "444455556666", "eu-west-1"


def a_rule(**changes: Any) -> dict[str, Any]:
    """An alarm as PutMetricAlarm takes it: bad outcomes of payments, 1 or more in a minute."""
    rule = {
        "AlarmName": "payments-bad",
        "AlarmDescription": "users met bad outcomes",
        "Namespace": "Seatrial",
        "MetricName": "BadOutcomes",
        "Dimensions": [{"Name": "service", "Value": "payments"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {**rule, **changes}


def an_alarm(**changes: Any) -> Alarm:
    return alarm_of(a_rule(**changes))


def drawn(picture: str, alarm: Alarm) -> dict[int, float]:
    """A series from CloudWatch's own way to draw one, the newest last: 0 is fine, X breaches, - is missing."""
    times = evaluation_range(alarm, NOON).times
    marks = picture.split()
    assert len(marks) == len(times)
    return {time: {"0": 0.0, "X": 5.0}[mark] for time, mark in zip(times, marks, strict=True) if mark != "-"}


KEEPS = None
"""The alarm stays in the state it is in."""


def three_of_three() -> list[Any]:
    return [
        pytest.param("0 - X - X", "OK", "OK", "OK", "OK", id="three values are enough, one of them is fine"),
        pytest.param("0 - - - -", "OK", "OK", "OK", "OK", id="two fillings can't be three"),
        pytest.param("- - - - -", "INSUFFICIENT_DATA", KEEPS, "ALARM", "OK", id="nothing but fillings"),
        pytest.param("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM", id="the newest three values breach"),
        pytest.param("- - X - -", "ALARM", KEEPS, "ALARM", "OK", id="a breach three periods old and nothing since"),
        pytest.param("- - - - X", "INSUFFICIENT_DATA", KEEPS, "ALARM", "OK", id="a breach that is too new to be sure"),
        pytest.param("X - - - -", "ALARM", KEEPS, "ALARM", "OK", id="a breach at the far end of the range"),
        pytest.param("X X X X 0", "OK", "OK", "OK", "OK", id="the newest value is fine"),
    ]


def two_of_three() -> list[Any]:
    return [
        pytest.param("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM", id="two of the newest three values breach"),
        pytest.param("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM", id="nothing is missing"),
        pytest.param("0 - X - -", "OK", "OK", "ALARM", "OK", id="one breach, one fine, one filling"),
        pytest.param("- - - - 0", "OK", "OK", "ALARM", "OK", id="one fine and two fillings"),
        pytest.param("- - - X -", "ALARM", KEEPS, "ALARM", "OK", id="a breach two periods old and nothing since"),
        pytest.param("- - - - X", "INSUFFICIENT_DATA", KEEPS, "ALARM", "OK", id="a breach that is too new to be sure"),
    ]


def assert_states(alarm: dict[str, Any], picture: str, expected: tuple[State | None, ...]) -> None:
    for current in ("OK", "ALARM"):
        for missing, state in zip(("missing", "ignore", "breaching", "notBreaching"), expected, strict=True):
            rule = an_alarm(**alarm, TreatMissingData=missing)
            found = evaluate(rule, drawn(picture, rule), NOON, current)
            assert found.state == (state or current), f"{picture} with {missing}, from {current}"


@pytest.mark.parametrize(("picture", "missing", "ignore", "breaching", "not_breaching"), three_of_three())
def test_an_alarm_of_3_out_of_3_follows_the_documented_table(
    picture: str, missing: State, ignore: State, breaching: State, not_breaching: State
) -> None:
    assert_states({"EvaluationPeriods": 3}, picture, (missing, ignore, breaching, not_breaching))


@pytest.mark.parametrize(("picture", "missing", "ignore", "breaching", "not_breaching"), two_of_three())
def test_an_alarm_of_2_out_of_3_follows_the_documented_table(
    picture: str, missing: State, ignore: State, breaching: State, not_breaching: State
) -> None:
    rule = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2}
    assert_states(rule, picture, (missing, ignore, breaching, not_breaching))


@pytest.mark.parametrize(
    ("minutes_ago", "state"),
    [
        pytest.param(1, "ALARM", id="the last closed minute"),
        pytest.param(2, "ALARM", id="nothing came since, so it is still the newest value"),
        pytest.param(3, "ALARM", id="the far end of the range"),
        pytest.param(4, "OK", id="outside the range"),
        pytest.param(0, "OK", id="the minute that isn't over"),
    ],
)
def test_a_sparse_metric_keeps_an_alarm_ringing_for_two_more_periods(minutes_ago: int, state: State) -> None:
    assert evaluate(an_alarm(), {NOON - 60 * minutes_ago: 3.0}, NOON, "OK").state == state


@pytest.mark.parametrize(
    ("comparison", "rings_at"),
    [
        ("GreaterThanOrEqualToThreshold", (1.0, 1.5)),
        ("GreaterThanThreshold", (1.5,)),
        ("LessThanThreshold", (0.5,)),
        ("LessThanOrEqualToThreshold", (0.5, 1.0)),
    ],
)
def test_a_comparison_says_which_side_of_the_threshold_breaches(comparison: str, rings_at: tuple[float, ...]) -> None:
    alarm = an_alarm(ComparisonOperator=comparison)
    values = (0.5, 1.0, 1.5)
    assert tuple(value for value in values if evaluate(alarm, {NOON - 60: value}, NOON).state == "ALARM") == rings_at


@pytest.mark.parametrize(
    ("period", "now", "newest_begins", "newest_ends"),
    [
        pytest.param(10, NOON + 29, NOON + 10, NOON + 20, id="ten seconds"),
        pytest.param(60, NOON + 59, NOON - 60, NOON, id="a minute"),
        pytest.param(300, NOON + 100, NOON - 240, NOON + 60, id="five minutes end at any whole minute"),
    ],
)
def test_only_closed_periods_count(period: int, now: int, newest_begins: int, newest_ends: int) -> None:
    seen = evaluation_range(an_alarm(Period=period), now)
    assert (seen.times[-1], seen.end, seen.count) == (newest_begins, newest_ends, 3)


@pytest.mark.parametrize(
    ("rule", "values", "reason"),
    [
        pytest.param(
            {},
            {1: 3.0},
            "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (24/11/26 11:59:00)] was greater than or equal to "
            "the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).",
            id="one rings",
        ),
        pytest.param(
            {},
            {1: 0.0},
            "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (24/11/26 11:59:00)] was not greater than or equal "
            "to the threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition).",
            id="one is fine",
        ),
        pytest.param(
            {"EvaluationPeriods": 3, "DatapointsToAlarm": 2},
            {1: 3.0, 2: 0.0, 3: 2.5},
            "Threshold Crossed: 2 out of the last 3 datapoints [3.0 (24/11/26 11:59:00), 2.5 (24/11/26 11:57:00)] were "
            "greater than or equal to the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition).",
            id="two of three ring",
        ),
        pytest.param(
            {},
            {},
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[NonBreaching].",
            id="silence is fine",
        ),
        pytest.param(
            {"EvaluationPeriods": 3, "TreatMissingData": "breaching"},
            {2: 3.0},
            "Threshold Crossed: 1 datapoint [3.0 (24/11/26 11:58:00)] was greater than or equal to the threshold (1.0) "
            "and 2 missing datapoints were treated as [Breaching].",
            id="silence rings too",
        ),
        pytest.param(
            {"EvaluationPeriods": 3, "TreatMissingData": "missing"},
            {},
            "Insufficient Data: 3 datapoints were unknown.",
            id="silence says nothing",
        ),
    ],
)
def test_the_reason_is_worded_as_cloudwatch_words_it(
    rule: dict[str, Any], values: dict[int, float], reason: str
) -> None:
    """`values` are by minutes ago."""
    series = {NOON - 60 * minutes: value for minutes, value in values.items()}
    assert evaluate(an_alarm(**rule), series, NOON).reason == reason


def test_the_reason_data_has_what_the_decision_rests_on() -> None:
    found = evaluate(an_alarm(EvaluationPeriods=2), {NOON - 120: 1.0, NOON - 60: 2.0}, NOON + 1.25)
    assert json.loads(found.reason_data) == {
        "version": "1.0",
        "queryDate": "2026-11-24T12:00:01.250+0000",
        "startDate": "2026-11-24T11:58:00.000+0000",
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [1.0, 2.0],
        "threshold": 1.0,
    }


def a_metric(name: str, metric: str, **changes: Any) -> dict[str, Any]:
    dimensions = [{"Name": "service", "Value": "payments"}]
    stat = {"Metric": {"Namespace": "Seatrial", "MetricName": metric, "Dimensions": dimensions}, "Period": 60}
    return {"Id": name, "MetricStat": {**stat, "Stat": "Sum", **changes}, "ReturnData": False}


def a_share(expression: str = "100*bad/all", **changes: Any) -> dict[str, Any]:
    """An alarm on the percentage of bad outcomes."""
    rule = a_rule(
        Metrics=[
            {"Id": "share", "Expression": expression, "Label": "Share"},
            a_metric("bad", "BadOutcomes"),
            a_metric("all", "Requests"),
        ],
        **changes,
    )
    for single in ("Namespace", "MetricName", "Dimensions", "Statistic", "Period"):
        rule.pop(single)
    return rule


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        pytest.param({"ThresholdMetricId": "ad1"}, "'ad1' is not the Id of an ANOMALY", id="a band that isn't there"),
        pytest.param({"ComparisonOperator": "Above"}, "'Above' is not one of", id="an unknown comparison"),
        pytest.param({"TreatMissingData": "breach"}, "'breach' is not one of missing", id="an unknown treatment"),
        pytest.param({"Period": 45}, "Period 45 is not one of 10, 20, 30", id="an odd period"),
        pytest.param({"DatapointsToAlarm": 2}, "2 is not between 1 and EvaluationPeriods 1", id="M above N"),
        pytest.param({"EvaluationPeriods": 1441}, "longer than a day", id="more than a day"),
        pytest.param({"Metrics": [a_metric("m", "x")]}, "either MetricName or Metrics", id="both kinds"),
        pytest.param({"MetricName": None}, "needs MetricName", id="neither kind"),
        pytest.param({"Threshold": None}, "Threshold is required", id="no threshold"),
        pytest.param({"Statistic": "TM(10%:90%)"}, "'TM(10%:90%)' is not one of", id="an extended one as Statistic"),
        pytest.param({"ExtendedStatistic": "q50"}, "'q50' is not a statistic", id="an unknown statistic"),
    ],
)
def test_an_alarm_that_cant_be_evaluated_is_refused_by_name(rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(AlarmError) as refused:
        an_alarm(**rule)
    assert reason in str(refused.value)


def test_an_anomaly_band_is_taken_and_has_no_value_until_a_model_has_learnt() -> None:
    rule = {
        "EvaluationPeriods": 1,
        "ThresholdMetricId": "band",
        "Metrics": [
            {**a_metric("m", "x"), "ReturnData": True},
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"},
        ],
    }
    assert not alarm_of({**rule, "ComparisonOperator": "GreaterThanUpperThreshold"}).trained
    with pytest.raises(AlarmError, match="is one of LessThanLowerOrGreaterThanUpperThreshold"):
        alarm_of({**rule, "ComparisonOperator": "GreaterThanThreshold"})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("ANOMALY_DETECTION_BAND(bad)", "the function ANOMALY_DETECTION_BAND is not supported"),
        ("bad / total", "there is no query 'total'"),
        ("SUM(bad)", "it returns a number"),
        ("METRICS()", "it returns 2 time series"),
        ("share + 1", "'share' refers to itself"),
        ("bad +", "it ends where a value is missing"),
    ],
)
def test_an_expression_that_is_no_single_series_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(AlarmError, match="Error in expression 'share'") as refused:
        alarm_of(a_share(expression))
    assert reason in str(refused.value)


def test_exactly_one_of_the_metrics_returns_data() -> None:
    rule = a_share()
    rule["Metrics"][1]["ReturnData"] = True
    with pytest.raises(AlarmError, match="Exactly one element of the metrics list should return data"):
        alarm_of(rule)


# The running part, on MiniStack's own stores


@pytest.fixture
def stage() -> Iterator[alarms.Running]:
    """The alarms of an account of this test alone, evaluated only when the test says so."""
    metrics.install(StageClock())
    running = alarms.install(StageClock(), every=1e9)
    with request_scope(ACCOUNT, REGION):
        yield running
        cloudwatch.reset()
        eventbridge.reset()


def put(rule: dict[str, Any]) -> tuple[int, Any, bytes]:
    return cloudwatch._put_metric_alarm({}, rule, False, True)  # type: ignore[no-any-return]


def ring(name: str) -> None:
    request = {"AlarmName": name, "StateValue": "ALARM", "StateReason": "on call tries it"}
    cloudwatch._set_alarm_state({}, request, False, True)


def count(name: str, value: float, at: float, dimensions: dict[str, str] | None = None) -> None:
    """One value of Seatrial's metric `name`, of the service payments unless said otherwise."""
    whose = {"service": "payments"} if dimensions is None else dimensions
    listed = [{"Name": key, "Value": each} for key, each in whose.items()]
    datum = {"MetricName": name, "Dimensions": listed, "Value": value, "Unit": "Count", "Timestamp": at}
    cloudwatch._put_metric_data({}, {"Namespace": "Seatrial", "MetricData": [datum]}, False, True)


def state_of(name: str = "payments-bad") -> str:
    return str(cloudwatch._alarms[name]["StateValue"])


def events() -> list[dict[str, Any]]:
    return list(eventbridge._events_log_list())


def test_an_alarm_has_no_data_until_it_is_evaluated(stage: alarms.Running) -> None:
    put(a_rule())
    assert state_of() == "INSUFFICIENT_DATA"
    stage.evaluate_all(NOON)
    assert state_of() == "OK"


@pytest.mark.parametrize(
    "dimensions", [{}, {"service": "refunds"}, {"service": "payments", "version": "8"}], ids=["none", "other", "more"]
)
def test_dimensions_match_exactly_or_not_at_all(stage: alarms.Running, dimensions: dict[str, str]) -> None:
    put(a_rule())
    count("BadOutcomes", 3, NOON - 30, dimensions)
    stage.evaluate_all(NOON)
    assert state_of() == "OK"


def test_an_alarm_without_dimensions_watches_the_metric_that_has_none(stage: alarms.Running) -> None:
    put(a_rule(Dimensions=[]))
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    assert state_of() == "OK"
    count("BadOutcomes", 3, NOON - 30, {})
    stage.evaluate_all(NOON + 10)
    assert state_of() == "ALARM"


def test_an_alarm_with_a_unit_sees_values_of_that_unit_alone(stage: alarms.Running) -> None:
    put(a_rule(Unit="Seconds"))
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    assert state_of() == "OK"


def test_an_alarm_on_metric_math_rings_at_the_value_of_its_expression(stage: alarms.Running) -> None:
    put(a_share(Threshold=20.0))
    count("Requests", 10, NOON - 30)
    count("BadOutcomes", 1, NOON - 30)
    stage.evaluate_all(NOON)
    assert state_of() == "OK"
    count("BadOutcomes", 1, NOON - 20)
    stage.evaluate_all(NOON + 10)
    assert state_of() == "ALARM"
    assert "[20.0 (24/11/26 11:59:00)]" in cloudwatch._alarms["payments-bad"]["StateReason"]


def test_a_change_of_state_is_told_on_the_default_bus_in_cloudwatchs_shape(stage: alarms.Running) -> None:
    put(a_rule())
    stage.evaluate_all(NOON - 3600)
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    stage.evaluate_all(NOON + 10)
    created, rang = events()
    assert (rang["Source"], rang["DetailType"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert rang["Resources"] == [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:payments-bad"]
    assert (rang["Account"], rang["Region"], rang["EventBusName"]) == (ACCOUNT, REGION, "default")
    first = json.loads(created["Detail"])
    assert first["previousState"]["reason"] == "Unchecked: Initial alarm creation"
    detail = json.loads(rang["Detail"])
    assert detail["previousState"] == first["state"]
    assert detail["state"]["timestamp"] == "2026-11-24T12:00:00.000+0000"
    metric_id = detail["configuration"]["metrics"][0].pop("id")
    assert metric_id == first["configuration"]["metrics"][0]["id"]
    assert detail["configuration"] == {
        "description": "users met bad outcomes",
        "metrics": [
            {
                "metricStat": {
                    "metric": {
                        "dimensions": {"service": "payments"},
                        "name": "BadOutcomes",
                        "namespace": "Seatrial",
                    },
                    "period": 60,
                    "stat": "Sum",
                },
                "returnData": True,
            }
        ],
    }
    data = json.loads(detail["state"]["reasonData"])
    assert (data["recentDatapoints"], data["threshold"]) == ([3.0], 1.0)


def as_put(sample: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """The alarm of a sample, as PutMetricAlarm takes it."""
    configuration = sample["detail"]["configuration"]
    metrics_ = [
        {
            "Id": one["id"],
            "ReturnData": one["returnData"],
            **({"Expression": one["expression"], "Label": one["label"]} if "expression" in one else {}),
            **({"MetricStat": stat_of(one["metricStat"])} if "metricStat" in one else {}),
        }
        for one in configuration["metrics"]
    ]
    only = {} if len(metrics_) > 1 else {**metrics_[0]["MetricStat"]["Metric"], "Period": 300, "Statistic": "Average"}
    return {
        "AlarmName": sample["detail"]["alarmName"],
        "AlarmDescription": configuration["description"],
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        **(only or {"Metrics": metrics_}),
        **rule,
    }


def stat_of(told: dict[str, Any]) -> dict[str, Any]:
    metric = told["metric"]
    dimensions = [{"Name": name, "Value": value} for name, value in metric["dimensions"].items()]
    whose = {"Namespace": metric["namespace"], "MetricName": metric["name"], "Dimensions": dimensions}
    return {"Metric": whose, "Period": told["period"], "Stat": told["stat"]}


def at(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


@pytest.mark.parametrize(
    ("name", "threshold", "data"),
    [
        ("cloudwatch-alarm-state-change-single", 50.0, {"CPUUtilization": 99.50160229693434}),
        ("cloudwatch-alarm-state-change-metric-math", 10000.0, {"NetworkIn": 45000.0, "NetworkOut": 628.0}),
    ],
)
def test_an_alarms_event_is_cloudwatchs_own_sample_field_by_field(
    stage: alarms.Running, name: str, threshold: float, data: dict[str, float]
) -> None:
    """Ids differ by nature, and the sample tells a state some milliseconds after it was evaluated."""
    sample = capture(name)
    put(as_put(sample, Threshold=threshold))
    state = sample["detail"]["state"]
    began = at(json.loads(state["reasonData"])["startDate"])
    for metric, value in data.items():
        datum = {"MetricName": metric, "Value": value, "Timestamp": began, "Dimensions": INSTANCE}
        cloudwatch._put_metric_data({}, {"Namespace": "AWS/EC2", "MetricData": [datum]}, False, True)
    record = cloudwatch._alarms[sample["detail"]["alarmName"]]
    previous = sample["detail"]["previousState"]
    record["StateValue"] = previous["value"]
    stage._told[ACCOUNT, REGION, sample["detail"]["alarmName"]] = alarms.Told(
        previous["value"], previous["reason"], previous.get("reasonData", ""), at(previous["timestamp"])
    )
    stage.evaluate_all(at(json.loads(state["reasonData"])["queryDate"]))
    (rang,) = events()
    given, expected = json.loads(rang["Detail"]), sample["detail"]
    given["state"]["timestamp"] = expected["state"]["timestamp"]
    if len(data) == 1:
        given["configuration"]["metrics"][0]["id"] = expected["configuration"]["metrics"][0]["id"]
    assert given == expected


def test_a_function_that_is_an_action_gets_another_shape_than_the_event() -> None:
    record = {
        **a_rule(),
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:payments-bad",
        "StateValue": "ALARM",
        "StateReason": "it rang",
        "StateReasonData": "{}",
        "StateUpdatedTimestamp": float(NOON),
    }
    payload = alarms.action_payload(record, alarms.Told("OK", "it was fine", "", NOON - 60.0), "1", "eu-west-1")
    assert payload.pop("alarmData")["state"] == {
        "value": "ALARM",
        "reason": "it rang",
        "reasonData": "{}",
        "timestamp": "2026-11-24T12:00:00.000+0000",
    }
    assert payload == {
        "source": "aws.cloudwatch",
        "alarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:payments-bad",
        "accountId": "1",
        "time": "2026-11-24T12:00:00.000+0000",
        "region": "eu-west-1",
    }


def test_the_listener_hears_each_change_once(stage: alarms.Running) -> None:
    heard: list[tuple[Any, ...]] = []
    stage.on_transition = lambda name, old, new, reason, at: heard.append((name, old, new, at))
    put(a_rule())
    count("BadOutcomes", 3, NOON - 30)
    for seconds in (0, 10, 20):
        stage.evaluate_all(NOON + seconds)
    assert heard == [("payments-bad", "INSUFFICIENT_DATA", "ALARM", NOON)]


def test_a_change_stands_in_the_alarms_history(stage: alarms.Running) -> None:
    put(a_rule())
    stage.evaluate_all(NOON)
    summaries = [entry["HistorySummary"] for entry in cloudwatch._history_entries()]
    assert summaries[-1] == "Alarm updated from INSUFFICIENT_DATA to OK"


def test_a_state_that_somebody_set_holds_until_the_next_period_closes(stage: alarms.Running) -> None:
    put(a_rule())
    now = stage._clock.epoch()
    cloudwatch._set_alarm_state(
        {}, {"AlarmName": "payments-bad", "StateValue": "ALARM", "StateReason": "try"}, False, True
    )
    stage.evaluate_all(now)
    assert state_of() == "ALARM"
    stage.evaluate_all(now + 120)
    assert state_of() == "OK"


def test_a_state_that_somebody_set_is_told_like_any_other(stage: alarms.Running) -> None:
    heard: list[tuple[str, str, str]] = []
    stage.on_transition = lambda name, old, new, reason, at: heard.append((old, new, reason))
    put(a_rule())
    ring("payments-bad")
    (rang,) = events()
    state = json.loads(rang["Detail"])["state"]
    assert (state["value"], state["reason"]) == ("ALARM", "on call tries it")
    assert "reasonData" not in state
    assert heard == [("INSUFFICIENT_DATA", "ALARM", "on call tries it")]


def test_a_composite_alarm_follows_its_children_and_tells_it_too(stage: alarms.Running) -> None:
    put(a_rule())
    composite = {"AlarmName": "payments", "AlarmRule": "ALARM(payments-bad)"}
    cloudwatch._put_composite_alarm({}, composite, False, True)
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    assert cloudwatch._composite_alarms["payments"]["StateValue"] == "ALARM"
    detail = json.loads(events()[-1]["Detail"])
    assert (detail["alarmName"], detail["previousState"]["value"], detail["state"]["value"]) == (
        "payments",
        "OK",
        "ALARM",
    )
    assert detail["configuration"] == {"alarmRule": "ALARM(payments-bad)"}
    assert json.loads(detail["state"]["reasonData"])["triggeringAlarms"][0]["arn"].endswith(":alarm:payments-bad")


def test_an_alarm_whose_actions_are_off_still_tells_the_bus(stage: alarms.Running) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"
    put(a_rule(ActionsEnabled=False, AlarmActions=[function]))
    ring("payments-bad")
    assert [event["DetailType"] for event in events()] == ["CloudWatch Alarm State Change"]


class Invoked:
    """Takes asynchronous invokes; knows one function."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []

    def invoke_async(self, reference: str, event: dict[str, Any]) -> None:
        if not reference.endswith(":function:page"):
            raise LookupError(f"Function not found: {reference}")
        self.payloads.append(event)


@pytest.mark.parametrize("function", ["nobody", "page"])
def test_an_action_that_is_a_function_is_invoked_and_may_be_missing(
    stage: alarms.Running, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    invoked = Invoked()
    monkeypatch.setattr(alias, "_invokes", invoked)  # where rehearsal.stage.lambdas.alias.install puts the stage's own
    put(a_rule(AlarmActions=[f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"]))
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    assert state_of() == "ALARM"
    assert [payload["alarmData"]["state"]["value"] for payload in invoked.payloads] == ["ALARM"] * (function == "page")


def test_a_new_rule_keeps_the_state_and_its_reason(stage: alarms.Running) -> None:
    put(a_rule())
    count("BadOutcomes", 3, NOON - 30)
    stage.evaluate_all(NOON)
    before = dict(cloudwatch._alarms["payments-bad"])
    put(a_rule(Threshold=100.0))
    after = cloudwatch._alarms["payments-bad"]
    kept = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    stage.evaluate_all(NOON + 10)
    assert state_of() == "OK"


def test_an_alarm_is_described_as_it_was_put(stage: alarms.Running) -> None:
    put(a_share(EvaluationPeriods=3, DatapointsToAlarm=2))
    described = cloudwatch._alarms["payments-bad"]
    assert described["Metrics"] == [{**query, "ReturnData": query["Id"] == "share"} for query in a_share()["Metrics"]]
    assert (described["EvaluationPeriods"], described["DatapointsToAlarm"]) == (3, 2)
    assert not {"MetricName", "Statistic", "Period", "Dimensions"} & described.keys()


def test_an_alarm_that_is_refused_is_not_stored(stage: alarms.Running) -> None:
    status, _, body = put(a_share("SEARCH('x')"))
    assert (status, json.loads(body)["__type"]) == (400, "ValidationError")
    assert "the function SEARCH is not supported by the stage" in json.loads(body)["message"]
    assert not list(cloudwatch._alarms)


def test_an_alarm_on_the_metrics_of_another_account_is_refused_and_one_on_its_own_is_not(
    stage: alarms.Running,
) -> None:
    def query(account: str) -> list[dict[str, Any]]:
        metric = {"Metric": {"Namespace": "Test", "MetricName": "Bad"}, "Period": 60, "Stat": "Sum"}
        return [{"Id": "bad", "AccountId": account, "MetricStat": metric}]

    rule = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    stage.record_from_template("own", {**rule, "Metrics": query(ACCOUNT)})
    with pytest.raises(AlarmError, match="777788889999"):
        stage.record_from_template("other", {**rule, "Metrics": query("777788889999")})


def test_a_template_may_hold_numbers_and_truth_values_as_text(stage: alarms.Running) -> None:
    props = a_share(Threshold="20", EvaluationPeriods="3", DatapointsToAlarm="2")
    for query in props["Metrics"][1:]:
        query["ReturnData"] = "false"
        query["MetricStat"]["Period"] = "60"
    record = stage.record_from_template("payments-bad", props)
    assert [query["ReturnData"] for query in record["Metrics"]] == [True, False, False]
    assert record["Metrics"][1]["MetricStat"]["Period"] == 60
    assert (alarm_of(record).period, alarm_of(record).periods, alarm_of(record).datapoints) == (60, 3, 2)
    assert not {"MetricName", "Namespace"} & record.keys()


def test_one_alarm_that_fails_does_not_silence_the_others(stage: alarms.Running) -> None:
    put(a_rule(AlarmName="broken"))
    cloudwatch._alarms["broken"]["ComparisonOperator"] = "nonsense"
    put(a_rule())
    stage.evaluate_all(NOON)
    assert state_of() == "OK"


@pytest.mark.parametrize(
    ("stat", "switch"),
    [
        ("PR(:800)", "alarms_take_open_ranks"),
        ("PR(100:)", "alarms_take_open_ranks"),
        ("TC(0:800)", "alarms_take_values_between"),
        ("TM(:800)", "alarms_take_values_between"),
    ],
)
def test_by_its_switch_an_alarm_takes_a_statistic_that_nobody_documents_for_it(
    stage: alarms.Running, stat: str, switch: str
) -> None:
    rule = a_rule(ExtendedStatistic=stat, Statistic=None)
    status, _, body = put(rule)
    assert (status, stat in json.loads(body)["message"]) == (400, True)
    alarms.install(StageClock(), every=1e9, behaviour=lambda: switched(Behaviour(), {switch: True}))
    assert put(rule)[0] == 200


@pytest.mark.parametrize("stat", ["p99.9", "tm90", "IQM", "PR(100:800)", "TC(10%:90%)", "WM(:95%)"])
def test_an_alarm_takes_each_extended_statistic_that_is_documented_for_it(stage: alarms.Running, stat: str) -> None:
    assert put(a_rule(ExtendedStatistic=stat, Statistic=None))[0] == 200


@pytest.mark.parametrize(("resolution", "state"), [(1, "ALARM"), (60, "INSUFFICIENT_DATA")])
def test_an_alarm_with_a_period_of_ten_seconds_sees_high_resolution_alone(
    stage: alarms.Running, resolution: int, state: str
) -> None:
    put(a_rule(Period=10, TreatMissingData="missing"))
    whose = [{"Name": "service", "Value": "payments"}]
    datum = {"MetricName": "BadOutcomes", "Value": 5.0, "Dimensions": whose, "StorageResolution": resolution}
    datum["Timestamp"] = NOON - 5
    cloudwatch._put_metric_data({}, {"Namespace": "Seatrial", "MetricData": [datum]}, False, True)
    stage.evaluate_all(NOON + 1)
    assert cloudwatch._alarms["payments-bad"]["StateValue"] == state
