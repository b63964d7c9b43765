"""On call's events: what their schemas allow is read, all else is refused with a sentence and not acted on."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samcli.yamlhelper import yaml_parse

from seatrial.core import events, oncall
from seatrial.core.holds import ALL
from seatrial.core.oncall import (
    EventError,
    FixGranted,
    FlagRollbackRequested,
    HoldReleased,
    HoldRequested,
    RollbackRequested,
)
from tests.small_account import EVENTS, event

REQUESTS = ("rollback-requested", "rollback-requested-of-flag", "hold-requested", "hold-released", "fix-granted")
FORM_OF = {name: name.removesuffix("-of-flag") for name in REQUESTS}
SENT = datetime(2026, 11, 23, 10, 7, 31, tzinfo=UTC)
BASE = event("rollback-requested")
OF_ANOTHER_REGION = "arn:aws:lambda:us-east-1:123456789012:function:payments"


def schema(name: str) -> Any:
    return json.loads((EVENTS / "schema" / f"{name}.schema.json").read_text())


def allowed(sent: Any, name: str) -> bool:
    return bool(jsonschema.Draft202012Validator(schema(FORM_OF[name])).is_valid(sent))


def with_detail(sample: str, **detail: Any) -> dict[str, Any]:
    found = event(sample)
    return found | {"detail": found["detail"] | detail}


def test_each_sample_is_read_as_what_it_says() -> None:
    who, ids = "on-call@example.com", [event(name)["id"] for name in REQUESTS]
    assert [oncall.request(event(name)) for name in REQUESTS] == [
        RollbackRequested(ids[0], SENT, "payments", "refunds answer twice", who),
        FlagRollbackRequested(ids[1], SENT, "shop/production/checkout", "the new checkout loses baskets", who),
        HoldRequested(ids[2], SENT, ALL, "the bank's interface is down", who),
        HoldReleased(ids[3], SENT, ALL, "the bank is back", who),
        FixGranted(ids[4], SENT, "payments", "the currency table is mended", who, timedelta(minutes=30)),
    ]


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".schema.json") for path in EVENTS.glob("schema/*")))
def test_each_schema_is_one_and_allows_its_sample(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema.validate(event(name), schema(name))


def test_a_flag_is_asked_for_by_the_form_that_a_service_is_asked_for_by() -> None:
    jsonschema.validate(event("rollback-requested-of-flag"), schema("rollback-requested"))


@pytest.mark.parametrize("name", ["alarm", "alarm-of-metric-math", "alarm-composite"])
def test_an_alarm_of_each_kind_is_read_and_as_its_schema_says(name: str) -> None:
    jsonschema.validate(event(name), schema("alarm"))
    alarm = events.rollback_trigger(event(name))
    assert isinstance(alarm, events.AlarmChanged)
    assert (alarm.alarm, alarm.state) == (event(name)["detail"]["alarmName"], "ALARM")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (
            with_detail("hold-requested", reasons="x"),
            "Hold Requested: 'detail.reasons' is not a key: did you mean 'reason'?",
        ),
        (
            with_detail("hold-requested", service="payments"),
            "Hold Requested: give either 'detail.service' or 'detail.all': true",
        ),
        (
            with_detail("hold-requested", all=False),
            "Hold Requested: give either 'detail.service' or 'detail.all': true",
        ),
        (
            BASE | {"detail": {"reason": "r", "who": "w"}},
            "Rollback Requested: 'detail.service' is missing: a function's name, function:alias, or its ARN",
        ),
        (
            with_detail("rollback-requested", flag="shop/production/checkout"),
            "Rollback Requested: give either 'detail.flag' or 'detail.service', not both",
        ),
        (
            with_detail("rollback-requested-of-flag", release="d-1"),
            "Rollback Requested: give either 'detail.flag' or 'detail.release', not both",
        ),
        (
            with_detail("rollback-requested-of-flag", flag="checkout"),
            "Rollback Requested: 'detail.flag' must be application/environment/profile, each by name or id, "
            "got 'checkout'",
        ),
        (
            with_detail("rollback-requested", service="*"),
            "Rollback Requested: 'detail.service' must be a function's name, function:alias, or its ARN, got '*'",
        ),
        (
            with_detail("rollback-requested", release="last"),
            "Rollback Requested: 'detail.release' must be a deployment's id, for example d-RGSWBD91L, got 'last'",
        ),
        (
            with_detail("hold-requested", who="x" * 501),
            "Hold Requested: 'detail.who' has 501 characters; at most 500",
        ),
        (
            with_detail("fix-granted", minutes=True),
            "Fix Granted: 'detail.minutes' must be a whole number from 1 to 240, got True",
        ),
        (
            with_detail("fix-granted", minutes=241),
            "Fix Granted: 'detail.minutes' must be a whole number from 1 to 240, got 241",
        ),
        (
            event("fix-granted") | {"source": "aws.events"},
            "Fix Granted: 'source' must be 'seatrial.oncall', got 'aws.events'",
        ),
        (event("fix-granted") | {"time": "noon"}, "Fix Granted: 'time' must be an ISO 8601 time, got 'noon'"),
        (event("fix-granted") | {"detail": "now"}, "Fix Granted: 'detail' must be an object, got 'now'"),
        (
            with_detail("hold-released", service="payments:8")
            | {"detail": {"service": "payments:8", "reason": "r", "who": "w"}},
            "Hold Released: 'detail.service' must be a function's name, function:alias, or its ARN, got 'payments:8'",
        ),
        (
            BASE | {"detail": {"service": OF_ANOTHER_REGION, "reason": "r", "who": "w"}},
            "Rollback Requested: 'detail.service' is of us-east-1, and this bus is of eu-west-1: send it there",
        ),
        (
            BASE | {"detail-type": "Rollback Request"},
            "'Rollback Request' is not a request: did you mean 'Rollback Requested'?",
        ),
        (
            event("fix-granted") | {"detail-type": "Fix"},
            "'Fix' is not a request: it can be 'Rollback Requested', 'Hold Requested', 'Hold Released', 'Fix Granted' "
            "or 'Dark Test Requested'",
        ),
    ],
)
def test_what_is_not_as_its_schema_says_is_refused_in_one_sentence(sent: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EventError) as error:
        oncall.request(sent)
    assert str(error.value) == sentence


def test_a_grant_that_reaches_the_rollback_function_says_that_grants_are_off() -> None:
    with pytest.raises(EventError, match="hotfix grants are switched off"):
        events.rollback_trigger(event("fix-granted"))


@pytest.mark.parametrize(("qualifier", "service"), [("", "payments"), (":live", "payments:live")])
def test_a_service_may_be_written_as_its_arn(qualifier: str, service: str) -> None:
    arn = f"arn:aws:lambda:{BASE['region']}:{BASE['account']}:function:payments{qualifier}"
    read = oncall.request(with_detail("rollback-requested", service=arn))
    assert isinstance(read, RollbackRequested)
    assert read.service == service


def test_control_characters_of_the_sender_are_written_out() -> None:
    read = oncall.request(with_detail("rollback-requested", who="eve\n\x1b[2K", reason="\u202e gnp"))
    assert (read.who, read.reason) == ("eve\\n\\x1b[2K", "\\u202e gnp")


def test_the_on_call_policy_lets_a_role_send_these_events_and_nothing_else() -> None:
    resources = yaml_parse((EVENTS.parent / "template.yaml").read_text())["Resources"]
    (statement,) = resources["OnCallPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("events:PutEvents", {"Fn::GetAtt": ["Bus", "Arn"]})
    (test, conditions), *others = statement["Condition"].items()
    assert (test, others) == ("StringEquals", [])
    assert conditions["events:source"] == oncall.SOURCE
    assert sorted(conditions["events:detail-type"]) == sorted({event(name)["detail-type"] for name in REQUESTS})


def test_each_request_is_heard_by_one_function_also_one_that_is_misspelt() -> None:
    resources = yaml_parse((EVENTS.parent / "template.yaml").read_text())["Resources"]
    heard = {
        name: rule["Properties"]["Pattern"]["detail-type"]
        for name, function in resources.items()
        for rule in function.get("Properties", {}).get("Events", {}).values()
        if oncall.SOURCE in rule["Properties"].get("Pattern", {}).get("source", [])
    }
    condition, with_grants, without = heard.pop("RollbackFunction")["Fn::If"]
    assert (condition, resources["FixLaneFunction"]["Condition"]) == ("HasFixLane", "HasFixLane")
    assert with_grants == [{"anything-but": ["Fix Granted", oncall.DARK_TEST]}]
    assert without == [{"anything-but": [oncall.DARK_TEST]}]
    assert heard == {"FixLaneFunction": ["Fix Granted"], "DarkTesterFunction": [oncall.DARK_TEST]}


_MEANT = ["payments", "d-1", "*", "shop/production/checkout"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 500) | st.text(max_size=8) | st.sampled_from(_MEANT),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)
words = st.sampled_from(["service", "flag", "all", "release", "reason", "who", "minutes", "Service", "why", ""])


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A sample with a few changes, each of which may or may not be a mistake."""
    name = draw(st.sampled_from(REQUESTS))
    sent = copy.deepcopy(event(name))
    for _ in range(draw(st.integers(1, 3))):
        place = sent if draw(st.integers(0, 4)) == 0 else sent.get("detail")
        if not isinstance(place, dict):
            continue
        key = draw(st.sampled_from(["source", "detail-type", "detail", "id"]) if place is sent else words)
        if draw(st.booleans()):
            place.pop(key, None)
        else:
            place[key] = draw(json_values)
    return name, sent


def refused_or_meant(name: str, sent: dict[str, Any]) -> bool:
    """Whether it was refused with a sentence; the parser and the schema must agree about that."""
    try:
        oncall.request(sent)
    except EventError as error:
        assert str(error).strip()
        assert "\n" not in str(error)
        assert not allowed(sent, name), f"{error}, though the schema allows it"
        return True
    assert any(allowed(sent, one) for one in REQUESTS), "it was read, though no schema allows it"
    return False


@settings(max_examples=400, deadline=None)
@given(mangled())
@example(("rollback-requested", {**event("rollback-requested"), "detail": {"\n": None}}))
def test_the_parser_and_the_schemas_allow_the_same(made: tuple[str, dict[str, Any]]) -> None:
    refused_or_meant(*made)
