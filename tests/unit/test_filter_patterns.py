"""Which messages the filter patterns of CloudWatch Logs match; most examples are those of AWS's own page."""

from __future__ import annotations

import json

import pytest

from rehearsal.stage.cloudwatch.filter_patterns import PatternError, matcher, select

ERROR = "[ERROR] 419 MEMORY EXHAUSTED"
EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "latency": 80.5,
        "status": 500,
        "text": "500",
        "trueFlag": True,
        "nothing": None,
        "with.dot": 1,
    }
)
LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", ERROR, True),
        ("error", ERROR, False),
        ("ERROR MEMORY", ERROR, True),
        ("ERROR ARGUMENTS", ERROR, False),
        ('"MEMORY EXHAUSTED"', ERROR, True),
        ('"EXHAUSTED MEMORY"', ERROR, False),
        ('"[ERROR]"', ERROR, True),
        ("ERROR -EXHAUSTED", ERROR, False),
        ("ERROR -ARGUMENTS", ERROR, True),
        ("?ERROR ?WARN", "a WARN", True),
        ("?ERROR ?WARN", "an INFO", False),
        ("?ERROR WARN", "a WARN", True),
        ('?"Task timed out" ?ERROR', "x Task timed out after 3.00 seconds", True),
        ("%4[0-9]{2}%", ERROR, True),
        ("%5[0-9]{2}%", ERROR, False),
    ],
)
def test_terms(pattern: str, message: str, matches: bool) -> None:
    assert (matcher(pattern)(message) is not None) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType != "Update*" }', False),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.sourceIPAddress != "123.123.*" }', True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[*] = "another*" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[7].id = 2 }", False),
        ("{ $.latency > 80 }", True),
        ("{ $.latency >= 80.5 && $.latency < 81 }", True),
        ("{ $.latency > 1e2 }", False),
        ("{ $.status = 500 }", True),
        ("{ $.status = 5* }", True),
        ('{ $.text = "500" }', True),
        ("{ $.trueFlag IS TRUE }", True),
        ("{ $.nothing IS NULL }", True),
        ("{ $.other IS NULL }", False),
        ("{ $.other NOT EXISTS }", True),
        ("{ $.nothing NOT EXISTS }", False),
        ("{ $.other = * }", False),
        ("{ $.eventType = * }", True),
        ("{ $.['with.dot'] = 1 }", True),
        ("{ $.eventType = %Trail$% }", True),
        ('{ ($.status = 404) || ($.eventType = "Up*" && $.latency > 80) }', True),
        ('{ ($.status = 404 || $.eventType = "Up*") && $.latency > 81 }', False),
    ],
)
def test_selectors_of_json(pattern: str, matches: bool) -> None:
    pattern = pattern.replace("$.['", "$['")
    assert (matcher(pattern)(EVENT) is not None) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code]", False),
        ("[..., status_code = 4*, bytes]", True),
        ("[..., status_code = 5*, bytes]", False),
        ("[ip, ..., status_code = 404 || status_code = 410, bytes > 1000]", True),
        ("[ip = %127\\.0\\.0\\.[1-9]%, ...]", True),
        ('[ip, user, username, timestamp, request = "*html*", ...]', True),
    ],
)
def test_space_delimited_fields(pattern: str, matches: bool) -> None:
    assert (matcher(pattern)(LINE) is not None) is matches


def test_text_that_is_no_json_matches_no_selector() -> None:
    assert matcher("{ $.a = 1 }")("a = 1") is None
    assert matcher("{ $.a = 1 }")("2026-01-01 INFO {broken") is None


def test_a_field_gives_its_value_by_name() -> None:
    found = matcher("[..., status_code, bytes]")(LINE)
    assert found is not None
    assert found["$bytes"] == "1534"


def test_a_selector_leads_to_a_nested_value() -> None:
    assert select(json.loads(EVENT), "$.objectList[0].name") == "a"


@pytest.mark.parametrize("pattern", ['"open', "{ $.a = 1", "{ $.a }", "{ $.a = 1 $.b }", "[a, b", "%(%", "{ $.a > x }"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="Invalid filter pattern"):
        matcher(pattern)
