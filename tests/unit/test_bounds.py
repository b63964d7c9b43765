"""The bounds of what a suite may set: each is stated by the reader, and listed in docs/suites.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from seatrial.core import bounds, sections, source, suite
from seatrial.core.bounds import Bound, UnfitError
from seatrial.core.sections import JudgeSettings
from seatrial.flows import suite_file

DOCS = Path(__file__).parents[2] / "docs" / "suites.md"
SCHEMA = Path(suite.__file__).parents[1] / "suite.schema.json"
CASE = "cases:\n - name: a\n   event: {}\n"


def mistakes(text: str, **files: bytes) -> list[str]:
    with pytest.raises(source.SuiteError) as error:
        suite.parse(suite_file.read(text.encode(), "suite.yaml"), files)
    return [str(mistake) for mistake in error.value.mistakes]


def test_documentation_lists_every_bound() -> None:
    _, _, after = DOCS.read_text().partition("| what | bound |\n| --- | --- |\n")
    table = after.partition("\n\n")[0].splitlines()
    assert table == [f"| {bound.subject} | {bound.span} |" for bound in bounds.in_suites()]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("release: {guard: 70000000h}", "release: 'guard' must be 0 to 168h, got \"70000000h\""),
        ("release: {bake: 51m}", "'bake' must be 0 to 50m, got \"51m\" (CodeDeploy waits one hour for the hook)"),
        ("judge: {worse_than: 1e308}", "a number must be -1e+100 to 1e+100, got \"1e308\"; quote it if it is a text"),
        ("judge: {worse_than: 101}", "judge: 'worse_than' must be 1 to 100, got 101"),
        ("judge: {worse_than: 0.5}", "judge: 'worse_than' must be 1 to 100, got 0.5"),
        ("judge: {warm_up: 2h}", "judge: 'warm_up' must be 0 to 1h, got \"2h\""),
        ("judge: {false_alarms: 0%}", "judge: 'false_alarms' must be 0.001 % to 50 %, got \"0%\""),
        ("judge: {false_alarms: 51%}", "judge: 'false_alarms' must be 0.001 % to 50 %, got \"51%\""),
        ("judge: {min_requests: 1000001}", "judge: 'min_requests' must be 0 to 1,000,000, got 1000001"),
        (
            f"judge: {{metrics: [{{bad: {'b' * 256}, of: a}}]}}",
            "the name or namespace of a metric must have at most 255 characters, got 256 (CloudWatch takes no more)",
        ),
        (f"judge: {{metrics: [{', '.join(['{bad: a, of: b}'] * 11)}]}}", "must have at most 10 entries, got 11"),
        ("judge: {metrics: [{bad: a + b + c + d + e + f, of: a}]}", "must have at most 5 entries, got 6"),
        (f"release: {{alarms: [{', '.join(f'a{n}' for n in range(300))}]}}", "must have at most 20 entries, got 300"),
        (f"release: {{alarms: [{'a' * 256}]}}", "the name of an alarm must have at most 255 characters, got 256"),
        (f"release: {{windows: [{', '.join(['Mon 09:00-10:00 UTC'] * 21)}]}}", "must have at most 20 entries, got 21"),
        ("compare: {tolerate: {response.a: 1001%}}", "must be 0 % to 1,000 %, got \"1001%\""),
        (f"compare: {{ignore: [{', '.join(f'response.a{n}' for n in range(101))}]}}", "must have at most 100 entries"),
    ],
)  # fmt: skip
def test_setting_beyond_its_bound_is_rejected(written: str, sentence: str) -> None:
    (mistake,) = mistakes(CASE + written)
    assert mistake.startswith("suite.yaml:4")
    assert sentence in mistake


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (f"name: {'a' * 201}\n   event: {{}}", "the name of a case must have at most 200 characters, got 201"),
        ("name: $a\n   event: {}\n   table: [{a: '" + "x" * 201 + "'}]", "the name of a case must have at most 200"),
        ("name: $a\n   event: {}\n   table: [" + ", ".join(f"{{a: {n}}}" for n in range(201)) + "]", "got 201"),
        ("name: a\n   event: {}\n   table: [{" + ", ".join(f"a{n}: 1" for n in range(51)) + "}]", "50 entries, got 51"),
        ("name: a\n   event: [" + ", ".join(["{}"] * 21) + "]", "'event' must have at most 20 entries, got 21"),
        ("name: a\n   event: {}\n   expect: {" + ", ".join(f"response.a{n}: 1" for n in range(101)) + "}", "got 101"),
        ("name: a\n   event: {}\n   expect: {response.n: {above: 1" + "0" * 400 + "}}", "a number must be -1e+100"),
        ("name: a\n   event: {}\n   expect: {duration: {below: 169h}}", "must be 0 to 168h, got \"169h\""),
        ("name: a\n   event: {}\n   expect: {log: {matches: '" + "a" * 501 + "'}}", "at most 500 characters, got 501"),
        ("name: a\n   event: {}\n   expect: {log: {matches: 'a{1,5000000000}'}}", "not a regular expression"),
        ("name: a\n   event: {}\n   expect: {log: \"\\ud800\"}", "half a character"),
        ("name: a\n   event: {}\n   capture: {" + ", ".join(f"c{n}: response" for n in range(21)) + "}", "got 21"),
        ("name: a\n   event: {}\n   capture: {" + "c" * 51 + ": response}", "at most 50 characters, got 51"),
    ],
)  # fmt: skip
def test_case_beyond_a_bound_is_rejected(case: str, sentence: str) -> None:
    assert any(sentence in mistake for mistake in mistakes(f"cases:\n - {case}\n"))


@pytest.mark.parametrize(
    "path",
    [
        "(" * 1000 + "response" + ")" * 1000,
        "response" + ".a" * 2000,
        "response" + " | @" * 1000,
        "!" * 1000 + "response",
        "response" + "[]" * 1000,
    ],
)
def test_path_beyond_its_length_is_rejected(path: str) -> None:
    (mistake,) = mistakes(f"{CASE}   expect:\n     ? '{path}'\n     : 1\n")
    assert "must have at most 500 characters" in mistake


@pytest.mark.parametrize("path", ["!" * 400 + "response", "(" * 200 + "response" + ")" * 200 + " | @" * 10 + "[]" * 9])
def test_path_that_nests_deep_is_rejected_or_read(path: str) -> None:
    text = f"{CASE}   expect:\n     ? '{path}'\n     : 1\n"
    if path.startswith("!"):
        assert "must nest at most 50 levels deep" in mistakes(text)[0]
    else:
        assert suite.parse(suite_file.read(text.encode(), "suite.yaml"), {}).cases


def test_more_than_500_cases_are_rejected() -> None:
    text = "cases:\n" + "".join(f" - {{name: a{n}, event: {{}}}}\n" for n in range(501))
    assert mistakes(text) == ["suite.yaml:1: a suite must have at most 500 entries, got 501"]


def test_suite_file_beyond_its_size_is_rejected_unread() -> None:
    (mistake,) = mistakes(CASE + "#" + "x" * 100_000)
    assert "the file must have at most 100,000 bytes, got 100,032" in mistake


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[" * 101 + b"]" * 101, "'e.json' must nest at most 100 levels deep"),
        (b"[" * 100_000 + b"]" * 100_000, "'e.json' must nest at most 100 levels deep"),
        (b"[NaN]", "'e.json' holds NaN, which is not JSON"),
        (b"[1e999]", "'e.json' holds Infinity, which is not JSON"),
        (b"[" + b"1" * 5_000 + b"]", "'e.json' holds a number of more than 4,300 digits"),
        (b"[" + b"1," * 500_000 + b"1]", "'e.json' must have at most 500,000 entries"),
    ],
)
def test_event_file_beyond_a_bound_is_rejected(content: bytes, sentence: str) -> None:
    found = mistakes("cases: [{name: a, event: e.json}]", **{"e.json": content})
    assert any(sentence in mistake for mistake in found)


def test_event_that_grows_beyond_its_bound_is_not_written() -> None:
    columns = "{a: '" + "x" * 40_000 + "'}"
    text = f"cases:\n - name: a\n   event: {{b: '{'$a' * 100}'}}\n   table: [{columns}]\n"
    (case,) = suite.parse(suite_file.read(text.encode(), "suite.yaml"), {}).cases
    with pytest.raises(UnfitError, match="must have at most 1,000,000 characters, got 4,000,"):
        case.request({})


@pytest.mark.parametrize(
    ("value", "clamped"),
    [(5, 5), (-1, 0), (1e300, 10), (10**400, 10), (float("nan"), 3), ("7", 3), (None, 3), (True, 3)],
)
def test_stored_value_is_clamped_or_replaced(value: object, clamped: float) -> None:
    assert Bound("a number", 10, "number").clamped(value, 3) == clamped


def test_long_sentence_says_how_much_is_left_out() -> None:
    assert bounds.short("a" * 1_000) == "a" * 1_000
    cut = bounds.short("a" * 278_000)
    assert len(cut) <= 1_000
    kept = cut.index("…")
    assert cut == "a" * kept + f"… ({278_000 - kept:,} more characters)"


def test_every_number_of_the_judge_is_clamped_where_it_was_stored() -> None:
    default = JudgeSettings()
    numbers = [each.name for each in fields(JudgeSettings) if isinstance(getattr(default, each.name), int | float)]
    for name in numbers:
        assert sections.stored_judge({name: "no number"}) == default
        assert sections.stored_judge({name: 1e300}) != default


LIMITS = frozenset({"maxItems", "maxLength", "maxProperties", "maximum", "minimum"})
IN_THE_SCHEMA = {
    "properties.cases.maxItems": bounds.CASES.most,
    "properties.redact.maxItems": bounds.REDACT.most,
    "properties.redact.items.maxLength": bounds.REDACT_NAME.most,
    "properties.compare.properties.tolerate.maxProperties": bounds.PATHS.most,
    "properties.compare.properties.tolerate.propertyNames.maxLength": bounds.PATH.most,
    "properties.judge.properties.worse_than.minimum": bounds.WORSE_THAN.least,
    "properties.judge.properties.worse_than.maximum": bounds.WORSE_THAN.most,
    "properties.judge.properties.min_requests.minimum": bounds.MIN_REQUESTS.least,
    "properties.judge.properties.min_requests.maximum": bounds.MIN_REQUESTS.most,
    "properties.judge.properties.metrics.maxItems": bounds.METRICS.most,
    "properties.release.properties.allow_effects.maxItems": bounds.EFFECTS.most,
    "properties.release.properties.windows.maxItems": bounds.WINDOWS.most,
    "properties.release.properties.windows.items.maxLength": bounds.WINDOW.most,
    "properties.release.properties.alarms.maxItems": bounds.ALARMS.most,
    "properties.release.properties.alarms.items.maxLength": bounds.ALARM_NAME.most,
    "$defs.case.properties.name.maxLength": bounds.NAME.most,
    "$defs.case.properties.event.anyOf.2.maxItems": bounds.EVENT_PARTS.most,
    "$defs.case.properties.table.maxItems": bounds.ROWS.most,
    "$defs.case.properties.table.items.maxProperties": bounds.COLUMNS.most,
    "$defs.case.properties.capture.maxProperties": bounds.CAPTURES.most,
    "$defs.case.properties.capture.propertyNames.maxLength": bounds.CAPTURE_NAME.most,
    "$defs.case.properties.capture.additionalProperties.maxLength": bounds.PATH.most,
    "$defs.expect.maxProperties": bounds.EXPECTATIONS.most,
    "$defs.expect.propertyNames.maxLength": bounds.PATH.most,
    "$defs.matchers.properties.matches.maxLength": bounds.PATTERN.most,
    "$defs.figure.minimum": bounds.NUMBER.least,
    "$defs.figure.maximum": bounds.NUMBER.most,
    "$defs.paths.maxItems": bounds.PATHS.most,
    "$defs.paths.items.maxLength": bounds.PATH.most,
}


def limits(part: Any, *way: str) -> Iterator[tuple[str, float]]:
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if key in LIMITS:
            yield ".".join((*way, key)), value
        elif isinstance(value, dict | list):
            yield from limits(value, *way, str(key))


def test_schema_states_the_bounds_that_the_readers_take() -> None:
    assert dict(limits(json.loads(SCHEMA.read_text()))) == IN_THE_SCHEMA
