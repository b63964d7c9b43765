"""What `seatrial_outcome` counts, prints and leaves alone."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial_outcome import is_dark, mark_bad, outcome

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
QUEUE = {"Records": [{"messageId": "m-1"}, {"messageId": "m-2"}, {"messageId": "m-3"}]}


@dataclass(frozen=True)
class Context:
    """As much of Lambda's context as anybody reads."""

    invoked_function_arn: str = FUNCTION + ":live"
    function_name: str = "payments"
    function_version: str = "7"
    aws_request_id: str = "3f2c"
    client_context: Any = None


@pytest.fixture(autouse=True)
def no_lambda_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_VERSION", raising=False)


def returns(response: Any) -> Any:
    return outcome(lambda event, context: response)


def counted(capsys: pytest.CaptureFixture[str]) -> tuple[int, int]:
    """(requests, bad) of the one line that was printed."""
    (line,) = capsys.readouterr().out.splitlines()
    values = json.loads(line)
    return values["Requests"], values["BadOutcomes"]


def test_an_invoke_prints_one_whole_line_of_the_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    before = int(time.time() * 1000)
    returns({"statusCode": 200})({}, Context())
    printed = capsys.readouterr().out
    assert printed.endswith("\n") and printed.count("\n") == 1
    line = json.loads(printed)
    assert before <= line["_aws"].pop("Timestamp") <= int(time.time() * 1000)
    assert line == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Seatrial",
                    "Dimensions": [["service"], ["service", "version"]],
                    "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "BadOutcomes", "Unit": "Count"}],
                }
            ]
        },
        "service": "payments",
        "version": "7",
        "Requests": 1,
        "BadOutcomes": 0,
        "request_id": "3f2c",
    }


@pytest.mark.parametrize(
    ("response", "bad"),
    [
        pytest.param({"statusCode": 500, "body": ""}, 1, id="a 500 is bad though no error is raised"),
        pytest.param({"statusCode": 503}, 1, id="every 5xx is bad"),
        pytest.param({"statusCode": "502"}, 1, id="a status as text is read as API Gateway reads it"),
        pytest.param({"statusCode": 499}, 0, id="a 4xx is the client's doing"),
        pytest.param({"statusCode": "soon"}, 0, id="what is no number is no status"),
        pytest.param({"statusCode": None}, 0, id="null is no status"),
        pytest.param({"fee": 500}, 0, id="a plain value is good"),
        pytest.param(None, 0, id="no value is good"),
        pytest.param([{"statusCode": 500}], 0, id="a list is no proxy response"),
    ],
)
def test_a_response_is_bad_when_its_status_says_so(response: Any, bad: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert returns(response)({}, Context()) is response
    assert counted(capsys) == (1, bad)


@pytest.mark.parametrize("error", [ValueError("no such currency"), SystemExit(1)])
def test_a_raised_error_is_bad_and_raised_on_unchanged(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    @outcome
    def handler(event: Any, context: Any) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        handler({}, Context())
    assert caught.value is error
    assert counted(capsys) == (1, 1)


def failures(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    ("event", "response", "expected"),
    [
        pytest.param(QUEUE, failures(), (3, 0), id="a batch without failures is as many good requests"),
        pytest.param(QUEUE, None, (3, 0), id="and so is one that answers nothing"),
        pytest.param(QUEUE, failures("m-2"), (3, 1), id="a failed item is bad, the others are not"),
        pytest.param(QUEUE, failures("m-2", "m-2"), (3, 1), id="an item that is reported twice is one"),
        pytest.param(QUEUE, failures(""), (3, 3), id="Lambda takes an empty identifier for the whole batch"),
        pytest.param(QUEUE, failures("m-9"), (3, 3), id="and one that isn't in the batch"),
        pytest.param(QUEUE, {"batchItemFailures": [{"id": "m-2"}]}, (3, 3), id="and a failure under a wrong key"),
        pytest.param(QUEUE, {"batchItemFailures": None}, (3, 0), id="null is no failure"),
        pytest.param({"Records": []}, None, (1, 0), id="an empty batch is a request"),
        pytest.param(
            {"Records": [{"dynamodb": {"SequenceNumber": "1"}}, {"dynamodb": {"SequenceNumber": "2"}}]},
            failures("2"),
            (2, 1),
            id="a stream's identifiers are sequence numbers",
        ),
    ],
)
def test_a_batch_counts_by_item(
    event: Any, response: Any, expected: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    returns(response)(event, Context())
    assert counted(capsys) == expected


def test_an_error_fails_every_item_of_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def handler(event: Any, context: Any) -> None:
        raise KeyError("amount")

    with pytest.raises(KeyError):
        handler(QUEUE, Context())
    assert counted(capsys) == (3, 3)


def test_the_handler_can_mark_a_request_and_the_line_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def handler(event: Any, context: Any) -> dict[str, int]:
        mark_bad("the bank didn't answer, the user got yesterday's rate")
        return {"statusCode": 200}

    handler({}, Context())
    line = json.loads(capsys.readouterr().out)
    assert line["BadOutcomes"] == 1
    assert line["reasons"] == ["the bank didn't answer, the user got yesterday's rate"]


def test_a_mark_lasts_for_its_own_invoke_only(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def handler(event: Any, context: Any) -> None:
        if event["bad"]:
            mark_bad("asked to")

    mark_bad("outside of a handler nobody is marked")
    for bad in (True, False):
        handler({"bad": bad}, Context())
    assert [json.loads(line)["BadOutcomes"] for line in capsys.readouterr().out.splitlines()] == [1, 0]


def test_a_thread_of_the_handler_can_mark_too(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def handler(event: Any, context: Any) -> None:
        worker = threading.Thread(target=mark_bad, args=("one of the parts failed",))
        worker.start()
        worker.join()

    handler({}, Context())
    assert counted(capsys) == (1, 1)


def test_marks_and_reported_items_of_a_batch_are_not_added_up(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def handler(event: Any, context: Any) -> dict[str, Any]:
        mark_bad("m-1 is malformed")
        mark_bad("m-2 is malformed")
        return failures("m-1")

    handler(QUEUE, Context())
    assert counted(capsys) == (3, 2)


@pytest.mark.parametrize(
    ("limit", "bad"), [pytest.param(None, 0, id="off by default"), (0.0, 1), pytest.param(60_000.0, 0, id="in time")]
)
def test_a_response_over_slow_ms_is_bad(limit: float | None, bad: int, capsys: pytest.CaptureFixture[str]) -> None:
    @outcome(slow_ms=limit)
    def handler(event: Any, context: Any) -> None:
        sum(range(1000))

    handler({}, Context())
    assert counted(capsys) == (1, bad)


def test_the_service_is_the_functions_name_unless_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments-7")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "12")
    returns(None)({}, Context())
    outcome(service="payments")(lambda event, context: None)({}, Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["service"], line["version"]) for line in lines] == [("payments-7", "12"), ("payments", "12")]


@pytest.mark.parametrize(
    ("qualifier", "dark"),
    [
        pytest.param(":8", True, id="the number of a version is a trial"),
        pytest.param(":dark", True, id="an alias named dark is for tests"),
        pytest.param(":live", False, id="an alias is how users come"),
        pytest.param(":8b", False, id="an alias may start with a digit"),
        pytest.param(":$LATEST", False, id="$LATEST is somebody's request"),
        pytest.param("", False, id="and so is no qualifier, whatever digits the ARN has"),
    ],
)
def test_only_a_version_number_is_dark(qualifier: str, dark: bool, capsys: pytest.CaptureFixture[str]) -> None:
    context = Context(invoked_function_arn=FUNCTION + qualifier)
    assert is_dark(context) is dark
    returns({"statusCode": 500})({}, context)
    assert (capsys.readouterr().out == "") is dark


@pytest.mark.parametrize(
    ("client_context", "dark"),
    [
        (SimpleNamespace(custom={"seatrial": "trial"}), True),
        (SimpleNamespace(custom={"seatrial": ""}), False),
        (SimpleNamespace(custom={"app": "phone"}), False),
        (SimpleNamespace(custom=None), False),
        (SimpleNamespace(custom="seatrial"), False),
        (None, False),
    ],
)
def test_seatrials_mark_is_dark_through_any_alias(
    client_context: Any, dark: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    context = Context(client_context=client_context)
    returns({"statusCode": 500})({}, context)
    assert (capsys.readouterr().out == "") is dark is is_dark(context)


def test_a_function_whose_name_is_a_number_is_not_dark() -> None:
    assert not is_dark(Context(invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:42"))


class Broken:
    def write(self, text: str) -> int:
        raise OSError("stream is gone")

    def flush(self) -> None:
        raise OSError("stream is gone")


def test_a_request_that_can_not_be_counted_is_served_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken())
        assert returns("served")({}, Context()) == "served"
    assert "could not count this request: OSError: stream is gone" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken())
        patch.setattr(sys, "stderr", Broken())
        assert returns("served")({}, Context()) == "served"
    assert returns("served")({}, None) == "served", "not even a context that isn't one gets in the way"
    assert returns(failures([]))(QUEUE, Context()) == failures([]), "nor a response that makes no sense"


def test_the_wrapped_handler_keeps_its_name() -> None:
    @outcome
    def handler(event: Any, context: Any) -> None:
        """Answers."""

    assert (handler.__name__, handler.__doc__) == ("handler", "Answers.")


def test_a_line_of_high_resolution_says_so_of_each_metric_and_no_other_does(capsys: pytest.CaptureFixture[str]) -> None:
    def resolutions(**how: bool) -> list[int | None]:
        outcome(**how)(lambda event, context: {"statusCode": 200})({}, Context())
        (about,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
        return [metric.get("StorageResolution") for metric in about["Metrics"]]

    assert resolutions(high_resolution=True) == [1, 1]
    assert resolutions() == [None, None]
