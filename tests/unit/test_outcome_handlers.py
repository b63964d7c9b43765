"""`seatrial_outcome` on every kind of handler, and on responses that Lambda cannot send."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seatrial_outcome import mark_bad, outcome

ROOT = Path(__file__).parents[2]
BAD = {"statusCode": 500}


@dataclass(frozen=True)
class Context:
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:payments:live"
    function_name: str = "payments"
    function_version: str = "7"
    aws_request_id: str = "3f2c"


@pytest.fixture(autouse=True)
def no_lambda_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUNCTION_NAME", "FUNCTION_VERSION", "LOG_FORMAT", "LOG_LEVEL"):
        monkeypatch.delenv(f"AWS_LAMBDA_{name}", raising=False)


def printed(capsys: pytest.CaptureFixture[str]) -> list[tuple[int, int, tuple[str, ...]]]:
    """(requests, bad, reasons) of every line."""
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = map(json.loads, captured.out.splitlines())
    return [(line["Requests"], line["BadOutcomes"], tuple(line.get("reasons", ()))) for line in lines]


@outcome
async def async_500(event: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    return BAD


@outcome
async def async_raises(event: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    raise ValueError


@outcome
async def async_marks(event: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    mark_bad("late")
    return {"statusCode": 200}


@outcome
def generates_500(event: Any, context: Any) -> Generator[Any]:
    yield BAD
    yield {"statusCode": 200}


@outcome
def generator_raises(event: Any, context: Any) -> Generator[Any]:
    yield {"statusCode": 200}
    raise ValueError


@outcome
async def async_generates_500(event: Any, context: Any) -> AsyncGenerator[Any]:
    yield BAD


async def collected(values: AsyncGenerator[Any]) -> list[Any]:
    return [value async for value in values]


class Object:
    def __call__(self, event: Any, context: Any) -> Any:
        return {"statusCode": 502}


class AsyncObject:
    async def __call__(self, event: Any, context: Any) -> Any:
        return {"statusCode": 502}


class Routed:
    @outcome
    def handler(self, event: Any, context: Any) -> Any:
        return BAD


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param(lambda: asyncio.run(async_500({}, Context())), "status 500", id="async"),
        pytest.param(lambda: asyncio.run(async_raises({}, Context())), "raised ValueError", id="async that raises"),
        pytest.param(lambda: asyncio.run(async_marks({}, Context())), "late", id="async that marks"),
        pytest.param(lambda: list(generates_500({}, Context())), "status 500", id="generator"),
        pytest.param(lambda: list(generator_raises({}, Context())), "raised ValueError", id="generator that raises"),
        pytest.param(
            lambda: asyncio.run(collected(async_generates_500({}, Context()))), "status 500", id="async generator"
        ),
        pytest.param(lambda: Routed().handler({}, Context()), "status 500", id="method"),
        pytest.param(lambda: outcome(Object())({}, Context()), "status 502", id="object"),
        pytest.param(lambda: asyncio.run(outcome(AsyncObject())({}, Context())), "status 502", id="async object"),
        pytest.param(
            lambda: outcome(functools.partial(lambda code, e, c: {"statusCode": code}, 503))({}, Context()),
            "status 503",
            id="partial",
        ),
        pytest.param(
            lambda: outcome(lambda event, context: BAD)(event={}, context=Context()), "status 500", id="named arguments"
        ),
    ],
)
def test_every_kind_of_handler_is_counted_once(call: Any, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call()
    except ValueError:
        assert reason == "raised ValueError"
    assert printed(capsys) == [(1, 1, (reason,))]


def test_generator_receives_what_its_consumer_sends_and_throws() -> None:
    @outcome
    def handler(event: Any, context: Any) -> Generator[Any, Any, str]:
        try:
            got = yield 1
        except KeyError:
            got = yield "caught"
        return f"got {got}"

    running = handler({}, Context())
    assert next(running) == 1
    assert running.throw(KeyError()) == "caught"
    with pytest.raises(StopIteration) as end:
        running.send(3)
    assert end.value.value == "got 3"


def test_generator_that_is_read_in_part_is_counted_and_leaves_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    running = generates_500({}, Context())
    next(running)
    running.close()
    mark_bad("outside of every handler")
    outcome(lambda event, context: 1)({}, Context())
    assert printed(capsys) == [(1, 1, ("status 500",)), (1, 0, ())]


def test_async_function_stays_one() -> None:
    assert asyncio.iscoroutinefunction(async_500)


def test_decorated_functions_that_call_one_another_count_once(capsys: pytest.CaptureFixture[str]) -> None:
    @outcome
    def inner(event: Any, context: Any) -> Any:
        mark_bad("inner")
        return BAD

    @outcome
    def outer(event: Any, context: Any) -> Any:
        assert inner(event, context) == BAD
        return {"statusCode": 200}

    outer({}, Context())
    assert printed(capsys) == [(1, 1, ("inner",))]


def test_request_that_never_ended_does_not_hide_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    abandoned = generates_500({}, Context(aws_request_id="first"))
    next(abandoned)
    outcome(lambda event, context: BAD)({}, Context(aws_request_id="second"))
    assert printed(capsys) == [(1, 1, ("status 500",))]
    abandoned.close()


def test_mark_without_text_does_not_fail_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    class NoText:
        def __str__(self) -> str:
            raise RuntimeError

    @outcome
    def handler(event: Any, context: Any) -> Any:
        mark_bad(NoText())  # type: ignore[arg-type]
        return {"statusCode": 200}

    assert handler({}, Context()) == {"statusCode": 200}
    assert printed(capsys) == [(1, 1, ("marked with a NoText that has no text (RuntimeError)",))]


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
RESPONSES = [
    pytest.param({"when": datetime.datetime(2026, 1, 1)}, "the response is not JSON (TypeError)", id="datetime"),
    pytest.param({1, 2}, "the response is not JSON (TypeError)", id="set"),
    pytest.param(object(), "the response is not JSON (TypeError)", id="object"),
    pytest.param(ENDLESS, "the response is not JSON (ValueError)", id="contains itself"),
    pytest.param({"body": "x" * 6_300_000}, "the response has 6.3 MB, more than Lambda's 6 MB", id="over 6 MB"),
    pytest.param(["x" * 1000] * 6_400, "the response has 6.4 MB, more than Lambda's 6 MB", id="over 6 MB in parts"),
    pytest.param("\u00e9" * 2_000_000, "", id="4 MB of UTF-8"),
    pytest.param({"n": decimal.Decimal("1.5")}, "", id="Decimal"),
    pytest.param({"n": float("nan")}, "", id="NaN"),
    pytest.param(b"\xff", "", id="bytes"),
    pytest.param({"body": b"text"}, "", id="bytes within"),
    pytest.param({1: (2, None, True)}, "", id="number as key"),
    pytest.param([[]] * 1000, "", id="long list"),
]


@pytest.mark.parametrize(("response", "reason"), RESPONSES)
def test_response_that_lambda_cannot_send_is_bad(
    response: Any, reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "awslambdaric.lambda_runtime_marshaller", raising=False)
    assert outcome(lambda event, context: response)({}, Context()) is response
    assert printed(capsys) == [(1, 1 if reason else 0, (reason,) if reason else ())]


@pytest.mark.parametrize(("response", "reason"), RESPONSES)
def test_runtime_of_lambda_agrees_on_what_is_json(response: Any, reason: str) -> None:
    marshaller = pytest.importorskip("awslambdaric.lambda_runtime_marshaller").LambdaMarshaller()
    if "MB" in reason:
        content, _ = marshaller.marshal_response(response)
        assert len(content.encode()) > 6_291_556
        return
    try:
        marshaller.marshal_response(response)
    except Exception:  # noqa: BLE001  as the runtime does
        assert "not JSON" in reason
    else:
        assert reason == ""


def test_client_error_is_counted_by_version_and_is_not_bad(capsys: pytest.CaptureFixture[str]) -> None:
    outcome(lambda event, context: {"statusCode": 404})({}, Context())
    line = json.loads(capsys.readouterr().out)
    assert (line["Requests"], line["BadOutcomes"], line["ClientErrors"]) == (1, 0, 1)
    assert line["_aws"]["CloudWatchMetrics"][1] == {
        "Namespace": "Seatrial",
        "Dimensions": [["service", "version"]],
        "Metrics": [{"Name": "ClientErrors", "Unit": "Count"}],
    }


@pytest.mark.parametrize(
    ("log_format", "level", "stated"),
    [
        ("JSON", "WARN", "WARN"),
        ("JSON", "ERROR", "ERROR"),
        ("JSON", "FATAL", "FATAL"),
        ("JSON", "INFO", None),
        ("JSON", "", None),
        ("Text", "WARN", None),
    ],
)
def test_line_states_the_level_below_which_lambda_drops_lines(
    log_format: str,
    level: str,
    stated: str | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", log_format)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)
    outcome(lambda event, context: 1)({}, Context())
    line = json.loads(capsys.readouterr().out)
    assert line.get("level") == stated
    if stated:  # without a valid timestamp Lambda takes the line for INFO
        stamp = datetime.datetime.fromisoformat(line["timestamp"])
        assert stamp.timestamp() * 1000 == pytest.approx(line["_aws"]["Timestamp"], abs=1)
    else:
        assert "timestamp" not in line


def test_lines_of_many_threads_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Recording:
        """A stream whose write is slow enough for another thread to get in."""

        def __init__(self) -> None:
            self.depth, self.deepest = 0, 0

        def write(self, text: str) -> int:
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            assert text.endswith("}\n")
            return len(text)

        def flush(self) -> None:
            both_had_their_chance.wait(0.05)
            self.depth -= 1

    both_had_their_chance = threading.Event()
    stream = Recording()
    monkeypatch.setattr(sys, "stdout", stream)
    threads = [
        threading.Thread(target=outcome(lambda event, context: 1), args=({}, Context(aws_request_id=str(number))))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.deepest == 1


@pytest.mark.parametrize("slow_ms", ["soon", [], object()])
def test_limit_that_is_no_number_fails_the_import_and_so_the_trial(slow_ms: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        outcome(slow_ms=slow_ms)(lambda event, context: 1)


RUNTIME = """
import json, sys
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from seatrial_outcome import outcome

class Client:
    marshaller = LambdaMarshaller()
    def post_invocation_result(self, *given): print("result")
    def post_invocation_error(self, *given): print("error")

class Sink(bootstrap.StandardLogSink):
    pass

sys.stdout = bootstrap.Unbuffered(sys.stdout)
bootstrap._setup_logging(bootstrap._AWS_LAMBDA_LOG_FORMAT, bootstrap._AWS_LAMBDA_LOG_LEVEL, Sink())
arn = "arn:aws:lambda:eu-west-1:123456789012:function:payments:live"
for response in ({"statusCode": 500}, {1, 2}):
    handler = outcome(lambda event, context: response)
    bootstrap.handle_event_request(
        Client(), handler, "3f2c", b"{}", "application/json", None, None, arn, 0, None, Sink())
"""


def test_runtime_of_lambda_passes_the_line_on_as_it_is() -> None:
    """With JSON as format and WARN as level, where the runtime's own logging is filtered."""
    pytest.importorskip("awslambdaric")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "outcome"),
        "AWS_LAMBDA_FUNCTION_NAME": "payments",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "payments",
        "AWS_LAMBDA_LOG_STREAM_NAME": "payments",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "WARN",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RUNTIME], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    lines = ran.stdout.splitlines()
    outcomes = [json.loads(line) for line in lines if '"_aws"' in line]
    assert [(line["BadOutcomes"], line["level"]) for line in outcomes] == [(1, "WARN"), (1, "WARN")]
    assert [line for line in lines if line in ("result", "error")] == ["result", "error"]
