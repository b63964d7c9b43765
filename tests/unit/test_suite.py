"""What a suite file means, and what is said about one that means nothing."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from seatrial.core import matchers, sections, suite, written
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.core.suite import Case, CompareSettings, JudgeSettings, ReleaseSettings, Suite
from seatrial.flows import suite_file, trial

SUITES = Path("tests/fixtures/suites")
SCHEMA = Path("layers/seatrial/seatrial/suite.schema.json")


def read(text: str, **files: str) -> Suite:
    """A suite from its text; `files` are event files by name, without `.json`."""
    content = {f"{name}.json": data.encode() for name, data in files.items()}
    return suite.parse(suite_file.read(text.encode(), "suite.yaml"), content)


def only_case(text: str, **files: str) -> Case:
    (case,) = read("cases:\n- " + text.strip().replace("\n", "\n  "), **files).cases
    return case


def mistakes(text: str, **files: str) -> list[str]:
    with pytest.raises(SuiteError) as error:
        read(text, **files)
    return [str(mistake) for mistake in error.value.mistakes]


def test_every_mistake_is_told_at_once_with_its_line_and_the_nearest_right_word() -> None:
    with pytest.raises(SuiteError) as error:
        trial.load_folder(SUITES / "mistaken")

    file = "tests/fixtures/suites/mistaken/suite.yaml"
    assert [str(mistake) for mistake in error.value.mistakes] == [
        f"{file}:2, defaults: 'body' is \"jason\"; did you mean 'json'?",
        f"{file}:5, case 'refund': 'smoke' is \"yes\"; it can be true or false",
        f"{file}:6, case 'refund': '$amuont' in 'event' is neither a column of a table nor the capture of"
        " an earlier case; did you mean '$amount'?",
        f"{file}:6, case 'refund': there is no file 'event.json' beside the suite; did you mean 'events.json'?",
        f"{file}:10, case 'refund': 'expect.statusCode' is not a path; did you mean 'response.statusCode'?",
        f"{file}:11, case 'refund': 'response.body.fee': 'bellow' is not a matcher; did you mean 'below'?"
        " (a whole object is compared by {equals: {…}})",
        f"{file}:12, case 'refund': 'response.body.rate': about and within need each other,"
        " as {about: 1.08, within: 5%}",
        f"{file}:13, case 'refund': 'lenght(response.body.lines)' calls 'lenght', which JMESPath does not have;"
        " did you mean 'length'?",
        f"{file}:15, case 'wires real money': 'effects: real' is not allowed; add real to release.allow_effects",
        f"{file}:16, case 'wires real money': '../secrets.json' leads out of the suite's folder;"
        " event files lie beside the suite or in folders below it",
        f"{file}:17, case 3: a case needs a name, as 'name: health answers'",
        f"{file}:19, judge: 'slow' is \"median\", which is not a percentile; write one as p95 or p99.9",
        f"{file}:21, release: 'backe' is not a key here; did you mean 'bake'?",
        f"{file}:22, release: 'bake' must be 0 to 50m, got \"2h\" (CodeDeploy waits one hour for the hook)",
        f"{file}:23, release: 'guard' is 10, which is not a duration; write one as 800ms, 30s, 5m or 1h",
    ]


def test_the_sample_on_the_page_is_read_as_the_page_says() -> None:
    payments = trial.load_folder(SUITES / "payments")

    assert [case.name for case in payments.cases] == [
        "health answers",
        "asks 0.25 for 12.5 EUR",
        "asks 2 for 80 JPY",
        "opens a refund",
        "the version we would go back to can read it",
    ]
    assert payments.release == ReleaseSettings()
    assert payments.judge == JudgeSettings()
    assert payments.compare == CompareSettings(
        ignore=("response.body.id", 'response.headers."x-request-id"'),
        unordered=("response.body.lines",),
        tolerate={"response.body.rate": 0.005, "duration": 0.5},
    )


def test_settings_are_read_in_seconds_and_fractions() -> None:
    stated = read("""
cases: [{name: a}]
judge: {worse_than: 2, warm_up: 90s, false_alarms: 0.5%, slow: p99.9, on_inconclusive: wait, min_requests: 100,
        metrics: [{bad: Declined, of: Asked}]}
release: {bake: 50m, guard: 0, contract: strict, irreversible: true, allow_effects: [], dry_run: true,
          windows: ["Mon-Thu 09:00-16:00 Europe/Lisbon"], alarms: [errors]}
""")

    assert stated.judge == JudgeSettings(
        2.0, 90.0, 0.005, "p99.9", "wait", 100, (sections.MetricPair("Declined", "Asked"),)
    )
    assert stated.release == ReleaseSettings(
        3000.0, 0.0, "strict", True, (), True, ("Mon-Thu 09:00-16:00 Europe/Lisbon",), ("errors",)
    )


def test_what_yaml_would_turn_into_something_else_stays_text() -> None:
    event = "{no: NO, at: 12:30, day: 2026-02-01, code: 010, hex: 0x1F, thousand: 1_000, on: off, none: null, pi: 3.14}"

    assert only_case(f"name: a\nevent: {event}").request({}) == {
        "no": "NO", "at": "12:30", "day": "2026-02-01", "code": "010", "hex": "0x1F", "thousand": "1_000", "on": "off",
        "none": None, "pi": 3.14,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "cases: []\ncases: []", "2: the key 'cases' stands twice; the first is on line 1", id="a key twice"
        ),
        pytest.param(
            "cases: [&a {name: a}, *a]",
            "1: not readable as YAML: anchors (&) and aliases (*) are not read; write it out, or quote it",
            id="an anchor",
        ),
        pytest.param(
            "cases: !!set {a}",
            "1: not readable as YAML: tags (!) are not read; quote a text that begins with one",
            id="a tag",
        ),
        pytest.param("", "1: the file is empty; it needs at least 'cases'", id="an empty file"),
        pytest.param(
            "cases: [",
            "1: not readable as YAML: while parsing a flow node, expected the node content, but found '<stream end>'",
            id="an open bracket",
        ),
        pytest.param("[" * 60 + "]" * 60, "1: the file must nest at most 50 levels deep", id="deep nesting"),
        pytest.param(
            "[" * 3000, "1: the file must nest at most 50 levels deep", id="nesting deeper than Python's stack"
        ),
        pytest.param("- a", "1: 'the suite' must be a mapping of keys to values", id="a list"),
    ],
)
def test_what_is_not_plain_json_in_yaml_is_refused(text: str, sentence: str) -> None:
    assert mistakes(text)[0] == f"suite.yaml:{sentence}"


def test_a_count_that_is_mistyped_is_told_with_the_one_that_was_meant() -> None:
    text = """
cases: [{name: a}]
judge:
  metrics: [{bad: BadOutcome, of: Requests}]
"""
    (told,) = [mistake for mistake in mistakes(text) if "metrics" in mistake]
    assert told.startswith("suite.yaml:4")
    assert told.endswith("which no outcome line reports; did you mean 'BadOutcomes'?")


def test_events_are_merged_left_to_right_and_mappings_in_depth() -> None:
    case = only_case(
        "name: a\nevent: [get.json, {headers: {b: 3}, list: [9]}, {path: /x}]",
        get='{"headers": {"a": 1, "b": 2}, "list": [1, 2]}',
    )

    assert case.request({}) == {"headers": {"a": 1, "b": 3}, "list": [9], "path": "/x"}


def test_a_json_body_is_sent_as_the_string_that_api_gateway_sends() -> None:
    case = only_case("name: a\nbody: json\nevent: [post.json, {body: {é: [1]}}]", post='{"isBase64Encoded": true}')

    assert case.request({}) == {"body": '{"é": [1]}', "isBase64Encoded": False}


def test_a_body_that_is_a_text_is_sent_as_it_is() -> None:
    assert only_case("name: a\nbody: json\nevent: {body: not json}").request({}) == {"body": "not json"}


def test_without_body_json_a_body_stays_what_it_is() -> None:
    assert only_case("name: a\nevent: {body: {a: 1}}").request({}) == {"body": {"a": 1}}


def test_a_name_alone_keeps_its_type_and_inside_a_text_becomes_text() -> None:
    rows = read("""
cases:
- name: row $n
  table: [{n: 1, b: true, x: {k: [1]}}]
  event: {alone: $n, within: "n=$n b=$b x=$x", whole: $x, dollar: $$n, price: 5$}
""").cases

    assert rows[0].name == "row 1"
    assert rows[0].request({}) == {
        "alone": 1, "within": 'n=1 b=true x={"k": [1]}', "whole": {"k": [1]}, "dollar": "$n", "price": "5$",
    }  # fmt: skip


def test_a_dollar_in_a_row_an_event_file_or_a_pattern_is_only_a_dollar() -> None:
    case = only_case(
        "name: a\ntable: [{text: $x $$}]\nevent: [get.json, {t: $text}]\nexpect: {response.a: {matches: ^$text$}}",
        get='{"routeKey": "$default"}',
    )

    assert case.request({}) == {"routeKey": "$default", "t": "$x $$"}
    assert "^$text$" in str(case.expectations({}))


def test_rows_with_the_same_name_are_told_apart_by_their_number() -> None:
    cases = read("cases: [{name: pays, table: [{a: 1}, {a: 2}]}]").cases

    assert [case.name for case in cases] == ["pays (row 1)", "pays (row 2)"]


def test_a_row_may_choose_the_event_file() -> None:
    cases = read(
        "cases: [{name: $file, table: [{file: a.json}, {file: b.json}], event: $file}]", a="[1]", b='"b"'
    ).cases

    assert [case.request({}) for case in cases] == [[1], "b"]


def test_what_a_case_captures_is_filled_into_later_ones() -> None:
    _, later = read("""
cases:
- {name: first, capture: {id: response.id}}
- {name: later, event: {path: /$id}, expect: {response.id: $id, response.count: {above: $id}}}
""").cases

    assert later.needs == {"id"}
    assert later.request({"id": 7}) == {"path": "/7"}
    assert "limit=7" in str(later.expectations({"id": 7}))


def test_a_case_overrides_the_default_expectation_for_the_same_path() -> None:
    case = read(
        "{defaults: {expect: {response.a: 1, response.b: 2}}, cases: [{name: a, expect: {response.a: 3}}]}"
    ).cases[0]

    assert case.expect == {"response.a": 3, "response.b": 2}


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        pytest.param("{name: a, evnt: {}}", "'evnt' is not a key here; did you mean 'event'?", id="an unknown key"),
        pytest.param(
            "{name: a, event: {routeKey: $default}}",
            "'$default' in 'event' is neither a column of a table nor the capture of an earlier case;"
            " write '$$default' for a plain dollar",
            id="a dollar that was meant plainly",
        ),
        pytest.param(
            "{name: $b, table: [{a: 1}]}",
            "'$b' in 'name' is neither a column of a table nor the capture of an earlier case;"
            " write '$$b' for a plain dollar",
            id="a name that no row fills in",
        ),
        pytest.param(
            "{name: a, table: [{x: 1, y: 2}, {x: 1}]}",
            "row 2 of 'table' has no y; every row has every column",
            id="a row without a column",
        ),
        pytest.param(
            "{name: a, table: [3]}",
            "'table' must be a list of rows, as '- {amount: 12.50, currency: EUR}'",
            id="a table of something else",
        ),
        pytest.param(
            "{name: a, table: [{x: 1}], capture: {id: response.id}}",
            "a case with a table captures nothing, for each of its rows would; capture in a case of its own",
            id="a capture in a table",
        ),
        pytest.param(
            "{name: a, table: [{x: 1}], expect: {\"response.l[?k=='$x']\": []}}",
            "'$x' stands in the path 'response.l[?k=='$x']', where nothing is filled in; write it on the right",
            id="a name in a path",
        ),
        pytest.param(
            "{name: a, event: 5}",
            "'event' holds 5; it is made of files, as events/get.json, and of mappings",
            id="an event that is a number",
        ),
        pytest.param(
            "{name: a, event: broken.json}",
            "'broken.json' is not JSON: Expecting value: line 1 column 1 (char 0)",
            id="an event file that is not JSON",
        ),
        pytest.param(
            "{name: a, event: /etc/passwd}",
            "'/etc/passwd' leads out of the suite's folder; event files lie beside the suite or in folders below it",
            id="an absolute path",
        ),
        pytest.param(
            "{name: a, expect: {response.a: {}}}",
            "'response.a': nothing is expected; write a value, or a matcher:"
            " equals, above, below, about, within, matches, type or absent",
            id="an empty matcher",
        ),
        pytest.param(
            "{name: a, expect: {response.a: {below: 5m}}}",
            "'response.a': 'below' is \"5m\", which is not a number",
            id="a duration where no time is measured",
        ),
        pytest.param(
            "{name: a, expect: {body.a: 1}}",
            "'body.a' is not a path; did you mean 'response.body.a'?",
            id="a path without response",
        ),
        pytest.param(
            "{name: a, expect: {'1': 1}}",
            "'1' is not a JMESPath: invalid token: Parse error at column 0, token \"1\" (NUMBER)",
            id="no JMESPath",
        ),
        pytest.param(
            "{name: a, expect: {response.a: {matches: '('}}}",
            "'response.a': 'matches' is \"(\", which is not a"
            " regular expression: missing ), unterminated subpattern at position 0",
            id="no regular expression",
        ),
        pytest.param(
            "{name: a, smoke: true, effects: sandbox}",
            "a smoke case is asked again through the alias, so it has no effects and is not on stable",
            id="smoke with effects",
        ),
        pytest.param(
            "{name: a, effects: sandbox, on: stable}\n- {name: b}",
            "a case on stable has no effects, for what has them runs once and on the candidate",
            id="effects on stable",
        ),
        pytest.param(
            "{name: a, on: stable}",
            "every case is 'on: stable', so that none tries the candidate; add one that does",
            id="nothing for the candidate",
        ),
    ],
)
def test_a_mistake_in_a_case_is_one_sentence_that_names_the_cure(case: str, sentence: str) -> None:
    (mistake,) = mistakes(f"cases:\n- {case}", broken="")

    assert mistake.partition(": ")[2] == sentence


def test_a_capture_is_known_to_later_cases_only() -> None:
    (mistake,) = mistakes("cases: [{name: a, event: {x: $id}}, {name: b, capture: {id: response.id}}]")

    assert "'$id' in 'event' is neither" in mistake


def test_two_cases_with_one_name_are_refused() -> None:
    assert mistakes("cases: [{name: a}, {name: a}]") == [
        "suite.yaml:1, case 'a': this name stands twice; each case needs its own"
    ]


def test_a_smoke_case_may_only_need_what_smoke_cases_capture() -> None:
    (mistake,) = mistakes(
        "cases: [{name: a, capture: {id: response.id}}, {name: b, smoke: true, expect: {response.id: $id}}]"
    )

    assert mistake.endswith("a smoke case can't need '$id', for 'a' captures it and is none")


def test_real_effects_are_allowed_only_where_the_release_says_so() -> None:
    allowed = read("{cases: [{name: a, effects: real}], release: {allow_effects: [real]}}")

    assert allowed.cases[0].effects == "real"


def test_a_folder_without_a_suite_is_told_which_folder_to_name(tmp_path: Path) -> None:
    with pytest.raises(NoSuiteError, match=r"name the folder that holds suite\.yaml"):
        trial.load_folder(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    folder = tmp_path / "seatrial"
    folder.mkdir()
    (folder / "event.json").symlink_to(tmp_path / "secret.json")
    (folder / "suite.yaml").write_text("cases: [{name: a, event: event.json}]")

    with pytest.raises(SuiteError, match=r"there is no file 'event\.json' beside the suite"):
        trial.load_folder(folder)


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text())
    return loaded


def keys_of(*way: str) -> set[str]:
    part: Any = schema()
    for step in way:
        part = part[step]
    return set(part["properties"])


def test_the_schema_has_exactly_the_words_that_the_reader_knows() -> None:
    assert keys_of() == set(suite.TOP)
    assert keys_of("properties", "defaults") == set(suite.DEFAULTS)
    assert keys_of("$defs", "case") == set(written.CASE)
    assert keys_of("$defs", "matchers") == set(matchers.MATCHERS)
    for name, readers, settings in (
        ("compare", sections.COMPARE, CompareSettings),
        ("judge", sections.JUDGE, JudgeSettings),
        ("release", sections.RELEASE, ReleaseSettings),
    ):
        assert keys_of("properties", name) == set(readers) == {field.name for field in fields(settings)}


@pytest.mark.parametrize(("folder", "fits"), [("payments", True), ("mistaken", False)])
def test_an_editor_with_the_schema_agrees_with_the_reader(folder: str, fits: bool) -> None:
    path = SUITES / folder / "suite.yaml"
    data = suite_file.read(path.read_bytes(), str(path)).data

    assert jsonschema.Draft202012Validator(schema()).is_valid(data) is fits


def test_the_page_about_suites_shows_the_file_that_is_tested() -> None:
    sample = (SUITES / "payments" / "suite.yaml").read_text()
    shown = "\n".join(line for line in sample.splitlines() if "$schema" not in line)

    assert shown in Path("docs/suites.md").read_text()
