"""`seatrial judge FILE`: what it prints, and the sentence for each file that it can't judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from seatrial.core import replay
from seatrial.core.evidence import Row
from seatrial.core.replay import Recorded, ReplayError
from seatrial.core.sections import JudgeSettings

WORSE = [[1080, 11, 120, 120]]
CASES = [
    {"name": "payments, Tuesday", "rows": WORSE},
    {"rows": [[1080, 11, 120, 1]] * 30},
    {"rows": [[54, 0, 6, 0]] * 5, "settings": {"min_requests": 100, "warm_up": "0s"}},
]


def run(tmp_path: Path, written: str, *options: str) -> tuple[int, str, str]:
    file = tmp_path / "rows.json"
    file.write_text(written)
    result = CliRunner().invoke(app, ["judge", str(file), *options])
    return result.exit_code, result.stdout, result.stderr.replace(str(tmp_path), ".")


def test_each_case_is_told_with_verdict_minute_and_evidence(tmp_path: Path) -> None:
    code, printed, _ = run(tmp_path, json.dumps(CASES))
    assert code == 0
    assert printed == (
        "payments, Tuesday: worse, minute 1, evidence 5.71e+37 of 100\n"
        "  errors worse since minute 1: of the candidate's requests 100 % are bad (120 of 120), of stable's 1.02 % are "
        "bad (11 of 1,080); the evidence is 1e37 and 100 is enough\n"
        "case 2: ok, minute 4, evidence 0.104 of 100\n"
        "  errors ok since minute 4: of the candidate's requests 0.833 % are bad (30 of 3,600), of stable's 1.02 % are "
        "bad (330 of 32,400); it is not 3 times as bad as stable, or fails less than 1 %\n"
        "case 3: inconclusive, minute 5, evidence 1 of 100\n"
        "  errors too little to tell after 5 minutes: of the candidate's requests 0 % are bad (0 of 30), of stable's "
        "0 % are bad (0 of 270); missing: 70 more requests of the candidate (min_requests)\n"
    )


def test_json_is_a_list_in_the_order_of_the_file(tmp_path: Path) -> None:
    code, printed, _ = run(tmp_path, json.dumps(CASES), "--json")
    told = json.loads(printed)
    assert code == 0
    assert [(case["verdict"], case["minute"]) for case in told] == [("worse", 1), ("ok", 4), ("inconclusive", 5)]
    assert told[0]["evidence"] > told[0]["limit"] == 100
    assert told[2]["missing"] == "70 more requests of the candidate (min_requests)"


def test_one_case_is_a_list_of_one_in_json(tmp_path: Path) -> None:
    assert [case["verdict"] for case in json.loads(run(tmp_path, json.dumps({"rows": WORSE}), "--json")[1])] == [
        "worse"
    ]


MISTAKES = [
    ("{", "line 1, column 2: not JSON: Expecting property name enclosed in double quotes"),
    ("[7]", 'case 1: is 7, which is not a case; write {"rows": [[100, 1, 10, 0]]}'),
    ("{}", "has no 'rows'; write them as [[base_n, base_err, cand_n, cand_err], …]"),
    ('{"rows": 3}', "'rows': is 3, which is not a list of rows"),
    ('{"rows": [], "name": 3}', "'name': is 3, which is not a text"),
    ('{"row": []}', "\"row\" is not a key here; did you mean 'rows'?"),
    ('{"rows": [], "rows": []}', 'the key "rows" stands twice in one object; keep one'),
    (
        '[{"rows": []}, {"rows": [[1, 0, 1, 0], [1, 2]]}]',
        "case 2, row 2: is [1, 2]; a row is [base_n, base_err, cand_n, cand_err]",
    ),
    ('{"rows": [[1, 0, 2, true]]}', "row 1, cand_err: is true; a count is a whole number, 0 or more"),
    ('{"rows": [[1, 0, 2.5, 0]]}', "row 1, cand_n: is 2.5; a count is a whole number, 0 or more"),
    ('{"rows": [[-1, 0, 2, 0]]}', "row 1, base_n: is -1; a count is a whole number, 0 or more"),
    ('{"rows": [[1e400, 0, 2, 0]]}', "row 1, base_n: is Infinity; a count is a whole number, 0 or more"),
    ('{"rows": [[1e99, 0, 2, 0]]}', "row 1, base_n: is 1e+99, more requests than a minute can have"),
    ('{"rows": [[NaN, 0, 2, 0]]}', "NaN is no number of JSON; a count is a whole number, 0 or more"),
    ('{"rows": [[1, 2, 2, 0]]}', "row 1: base_err is 2 and base_n only 1; bad requests are counted among all"),
    ('{"rows": [], "settings": 3}', "'settings': is 3; write a mapping, as {\"worse_than\": 2}"),
    (
        '{"rows": [], "settings": {"worse": 2}}',
        "'settings': \"worse\" is not a setting of the judge; did you mean 'worse_than'?",
    ),
    (
        '{"rows": [], "settings": {"false_alarms": 0.01}}',
        "'settings': 'false_alarms' is 0.01, which is not a percentage; write one as 5% or 0.5%",
    ),
    ("[" * 100_000, "nests too deep; it holds a case, or a list of cases"),
]


@pytest.mark.parametrize(("written", "sentence"), MISTAKES)
def test_what_cant_be_judged_gets_one_sentence_with_its_place(tmp_path: Path, written: str, sentence: str) -> None:
    code, printed, told = run(tmp_path, written)
    assert (code, printed) == (2, "")
    assert told.startswith("seatrial: ./rows.json") and told.count("\n") == 1
    assert told.rstrip().endswith(sentence)


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["judge", str(tmp_path / "none.json")])
    assert result.exit_code == 2
    assert result.stderr.endswith("none.json: can't be read: No such file or directory\n")


def test_a_case_may_have_settings_of_its_own() -> None:
    (case,) = replay.read(b'{"rows": [], "settings": {"worse_than": 2, "warm_up": "5m"}}', "rows.json")
    assert case == Recorded((), "", JudgeSettings(worse_than=2.0, warm_up=300.0))


def test_what_is_written_is_what_is_read() -> None:
    case = Recorded((Row(1, 0, 2, 1), Row(3, 0, 4, 0)), "payments")
    assert replay.read(json.dumps(replay.written(case)).encode(), "rows.json") == [case]


def test_text_that_is_not_utf_8_is_refused_by_its_byte() -> None:
    with pytest.raises(ReplayError, match=r"rows\.json, byte 3: not UTF-8; save the file as UTF-8"):
        replay.read(b'{"\xff": 1}', "rows.json")


def test_sentence_names_the_metric_of_its_case(tmp_path: Path) -> None:
    cases = [{"rows": [[0, 0, 50, 50]], "metric": "outcomes"}, {"rows": []}]
    told = replay.read(json.dumps(cases).encode(), "rows.json")
    assert [case.metric for case in told] == ["outcomes", "errors"]
    assert replay.read(json.dumps([replay.written(case) for case in told]).encode(), "again") == told


def test_metric_must_have_a_name() -> None:
    with pytest.raises(ReplayError, match="'metric': is 3, which is not the name of a metric"):
        replay.read(b'{"rows": [], "metric": 3}', "rows.json")
