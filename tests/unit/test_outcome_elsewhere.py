"""The outcome line of other languages, field by field beside the one of `seatrial_outcome`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial_outcome import mark_bad, outcome

ROOT = Path(__file__).parents[2]
WRAPPERS = ROOT / "examples" / "outcome"
DRIVERS = ROOT / "tests" / "fixtures" / "outcome"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
NAMES = {"AWS_LAMBDA_FUNCTION_NAME": "payments", "AWS_LAMBDA_FUNCTION_VERSION": "7"}

QUEUE = {"Records": [{"messageId": "m-1"}, {"messageId": "m-2"}, {"messageId": "m-3"}]}
STREAM = {"Records": [{"dynamodb": {"SequenceNumber": "1"}}, {"dynamodb": {"SequenceNumber": "2"}}]}

KAFKA = {"records": {"quotes-0": [{"offset": 7}, {"offset": 8}], "quotes-1": [{"offset": 1}], "odd": "none"}}


def failures(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def case(event: Any = None, response: Any = None, **more: Any) -> dict[str, Any]:
    return {"event": event or {}, "response": response, "arn": f"{FUNCTION}:live"} | more


CASES = [
    case(response={"statusCode": 200, "body": "{}"}),
    case(response={"statusCode": 500}),
    case(response={"statusCode": 503.0}),
    case(response={"statusCode": " 502 "}),
    case(response={"statusCode": 499}),
    case(response={"statusCode": "soon"}),
    case(response={"statusCode": None}),
    case(response={"fee": 500}),
    case(response=[{"statusCode": 500}]),
    case(response="500"),
    case(raises="ValueError"),
    case(QUEUE, raises="KeyError"),
    case(QUEUE),
    case(QUEUE, failures()),
    case(QUEUE, failures("m-2")),
    case(QUEUE, failures("m-2", "m-2")),
    case(QUEUE, failures("")),
    case(QUEUE, failures(None)),
    case(QUEUE, failures("m-9")),
    case(QUEUE, {"batchItemFailures": [{"id": "m-2"}]}),
    case(QUEUE, {"batchItemFailures": ["m-2"]}),
    case(QUEUE, {"batchItemFailures": None}),
    case(QUEUE, {"batchItemFailures": "m-2"}),
    case(QUEUE, {"statusCode": 500}),
    case(STREAM, failures("2")),
    case(STREAM, failures(2)),
    case(STREAM, failures({"sequence": "2"})),
    case(QUEUE, failures(["m-2"])),
    case(QUEUE, failures({"m": 2})),
    case(QUEUE, failures(1)),
    case({"Records": [{"messageId": ["m-1"]}]}, failures("m-1")),
    case(KAFKA),
    case(KAFKA, failures({"partition": "quotes-0", "offset": 7}, {"offset": 7, "partition": "quotes-0"})),
    case(KAFKA, failures({"partition": "quotes-0", "offset": 7}, {"partition": "quotes-0", "offset": 8})),
    case(KAFKA, failures({})),
    case(KAFKA, failures("quotes-0")),
    case(response={"statusCode": 404}),
    case(response={"statusCode": "429"}),
    case(response={"statusCode": 404}, high_resolution=True),
    case(response={"statusCode": 404}, marks=["not found, though it was there"]),
    case(QUEUE, {"statusCode": 404}),
    case(letters=6_300_000),
    case(QUEUE, letters=6_300_000),
    case({"Records": []}),
    case({"Records": "m-1"}),
    case([1, 2]),
    case(marks=["the bank didn't answer: 日本 <é> & \U0001f4b6", *"abcdef"]),
    case(marks=["é\U0001f4b6" * 200]),
    case(QUEUE, failures("m-1"), marks=["m-1 is malformed", "m-2 is malformed"]),
    case(QUEUE, marks=["one", "two", "three", "four"]),
    case(response={"statusCode": 500}, marks=["late"], takes_ms=3, slow_ms=1),
    case(takes_ms=1, slow_ms=60_000),
    case(service="payments-of-all"),
    case(response={"statusCode": 500}, high_resolution=True),
    *(
        case(response={"statusCode": 500}, arn=FUNCTION + qualifier)
        for qualifier in (":8", ":8b", ":live", ":$LATEST", "", ":", ":dark", ":darker")
    ),
    case(response={"statusCode": 500}, arn="arn:aws:lambda:eu-west-1:123456789012:function:42"),
    case(response={"statusCode": 500}, arn=""),
    case(response={"statusCode": 500}, client_context={"custom": {"seatrial": "trial"}}),
    case(response={"statusCode": 500}, client_context={"custom": {"seatrial": ""}}),
    case(response={"statusCode": 500}, client_context={"custom": {"another": "trial"}}),
    case(response={"statusCode": 500}, client_context={}),
]


class Context:
    aws_request_id = "3f2c"

    def __init__(self, arn: str, client_context: Mapping[str, Any] | None = None) -> None:
        self.invoked_function_arn = arn
        self.client_context = client_context and SimpleNamespace(custom=client_context.get("custom"))


def here(given: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that the Python layer prints."""
    raised: type[Exception] = type(given.get("raises", ""), (Exception,), {})

    high_resolution = given.get("high_resolution", False)

    @outcome(service=given.get("service", ""), slow_ms=given.get("slow_ms"), high_resolution=high_resolution)
    def handler(event: Any, context: Any) -> Any:
        for mark in given.get("marks", ()):
            mark_bad(mark)
        time.sleep(given.get("takes_ms", 0) / 1000)
        if "raises" in given:
            raise raised
        return {"body": "x" * given["letters"]} if "letters" in given else given["response"]

    try:
        handler(given["event"], Context(given["arn"], given.get("client_context")))
    except raised:
        assert "raises" in given
    return capsys.readouterr().out.splitlines()


def elsewhere(command: Sequence[str], cwd: Path = ROOT) -> list[list[str]]:
    """The lines that a driver's wrapper prints, for each case."""
    environment = {**os.environ, **NAMES}  # with what a test has set
    ran = subprocess.run(
        command, input=json.dumps(CASES), cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, ran.stderr
    *lines, end = ran.stdout.split("--\n")
    assert not end and not ran.stderr
    return [each.splitlines() for each in lines]


def fields(line: str, *, reason: str | None = None) -> list[tuple[str, Any]]:
    """The fields in their order; the moment is checked and left out. `reason` stands for an error's name."""
    read = json.loads(line)
    moment = read["_aws"].pop("Timestamp") / 1000
    assert abs(moment - time.time()) < 600
    if "timestamp" in read:
        assert datetime.fromisoformat(read.pop("timestamp")).timestamp() == pytest.approx(moment, abs=0.002)
    if reason and "reasons" in read:
        read["reasons"] = [reason if one.startswith("raised ") else one for one in read["reasons"]]
    return list(read.items())


@pytest.fixture(autouse=True, params=["", "WARN"])
def in_lambda(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """With the text format and no level, and with JSON as format and a level that drops INFO."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON" if request.param else "Text")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", request.param)
    for name, value in NAMES.items():
        monkeypatch.setenv(name, value)


def test_node_prints_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    wrapper = WRAPPERS / "node" / "outcome.mjs"
    printed = elsewhere([node, str(DRIVERS / "drive.mjs"), wrapper.as_uri()])
    assert len(printed) == len(CASES)
    for given, lines in zip(CASES, printed, strict=True):
        assert [fields(line) for line in lines] == [fields(line) for line in here(given, capsys)], given


def test_go_prints_the_same_line_but_for_the_names_of_its_errors(capsys: pytest.CaptureFixture[str]) -> None:
    if not (go := shutil.which("go")):
        pytest.skip("go is not installed")
    printed = elsewhere([go, "run", "."], DRIVERS / "go")
    assert len(printed) == len(CASES)
    for given, lines in zip(CASES, printed, strict=True):
        own = [fields(line, reason="raised") for line in here(given, capsys)]
        assert [fields(line, reason="raised") for line in lines] == own, given


def test_node_refuses_a_handler_whose_response_it_would_not_see() -> None:
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    wrap = 'import { outcome } from "./outcome.mjs"; outcome((event, context, callback) => callback(null, 1));'
    ran = subprocess.run(
        [node, "--input-type=module", "--eval", wrap],
        cwd=WRAPPERS / "node",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "make this one async, without callback or stream" in ran.stderr


def test_the_page_shows_a_line_as_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "outcomes.md").read_text()
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    (printed,) = (json.loads(line) for line in here(case(response={"statusCode": 503}), capsys))
    for line in (shown, printed):
        line["_aws"].pop("Timestamp")
        line.pop("level", None), line.pop("timestamp", None)
    assert shown == printed | {"version": "8"}
