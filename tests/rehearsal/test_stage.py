"""The stage itself: what invokes, roles and packages do on it, how it starts, and that nothing of it stays."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.stage import Stage, StageError, process
from tests import on_stage

HANDLER = """
import boto3
def handler(event, context):
    print("arn", context.invoked_function_arn)
    if event.get("raise"):
        raise ValueError("as asked")
    if event.get("list_topics"):
        boto3.client("sns").list_topics()
    return {"version": %s}
"""


def zipped(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("app.py", code)
    return packed.getvalue()


def until(what: str, holds: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def function(stage: Stage) -> Iterator[str]:
    """A function of two versions whose alias `live` sends 30 % to the second."""
    lambdas, iam = stage.client("lambda"), stage.client("iam")
    role = iam.create_role(RoleName="plain", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    common = {"Runtime": "python3.13", "Role": role, "Handler": "app.handler"}
    lambdas.create_function(FunctionName="two", Code={"ZipFile": zipped(HANDLER % 1)}, **common)
    lambdas.publish_version(FunctionName="two")
    lambdas.update_function_code(FunctionName="two", ZipFile=zipped(HANDLER % 2))
    lambdas.publish_version(FunctionName="two")
    routing = {"AdditionalVersionWeights": {"2": 0.3}}
    lambdas.create_alias(FunctionName="two", Name="live", FunctionVersion="1", RoutingConfig=routing)
    yield "two"


def test_an_alias_sends_each_invoke_to_a_version_by_its_weights(stage: Stage, function: str) -> None:
    served: Counter[str] = Counter()
    for _ in range(200):
        answer = stage.client("lambda").invoke(FunctionName=function, Qualifier="live", Payload=b"{}")
        assert json.load(answer["Payload"]) == {"version": int(answer["ExecutedVersion"])}
        served[answer["ExecutedVersion"]] += 1

    assert 30 <= served["2"] <= 90  # 60 are expected; beyond these bounds is one chance in a million


def test_a_function_sees_by_which_name_it_was_called(stage: Stage, function: str) -> None:
    def tail(qualifier: str) -> str:
        answer = stage.client("lambda").invoke(
            FunctionName=function, Qualifier=qualifier, LogType="Tail", Payload=b"{}"
        )
        return base64.b64decode(answer["LogResult"]).decode()

    assert f":function:{function}:live\n" in tail("live")
    assert f":function:{function}:2\n" in tail("2")
    assert "REPORT RequestId: " in tail("2")


def test_an_error_has_the_type_that_was_raised(stage: Stage, function: str) -> None:
    answer = stage.client("lambda").invoke(FunctionName=function, Qualifier="1", Payload=b'{"raise": true}')

    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "ValueError"


def test_a_function_finds_nothing_but_what_lambda_offers(stage: Stage, function: str) -> None:
    lambdas = stage.client("lambda")
    lambdas.update_function_code(FunctionName=function, ZipFile=zipped("import yaml"))
    answer = lambdas.invoke(FunctionName=function, Payload=b"{}")

    assert json.load(answer["Payload"])["errorType"] == "Runtime.ImportModuleError"


def test_a_call_that_the_role_does_not_allow_is_denied(stage: Stage, function: str) -> None:
    answer = stage.client("lambda").invoke(FunctionName=function, Qualifier="1", Payload=b'{"list_topics": true}')

    assert "not authorized to perform: sns:ListTopics" in json.load(answer["Payload"])["errorMessage"]
    assert [(call["action"], call["allowed"]) for call in stage.calls()] == [("sns:ListTopics", False)]


def test_each_version_has_its_own_package_by_range_where_asked(stage: Stage, function: str) -> None:
    def package(version: str, wanted: str | None = None) -> bytes:
        location = stage.client("lambda").get_function(FunctionName=function, Qualifier=version)["Code"]["Location"]
        request = urllib.request.Request(location, headers={"Range": wanted} if wanted else {})
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())

    assert b'"version": 1' in zipfile.ZipFile(io.BytesIO(package("1"))).read("app.py")
    assert b'"version": 2' in zipfile.ZipFile(io.BytesIO(package("2"))).read("app.py")
    assert package("1", "bytes=-22") == package("1")[-22:]
    assert package("1", "bytes=2-5") == package("1")[2:6]


def test_an_asynchronous_invoke_is_tried_three_times_and_then_told_to_its_destination(
    stage: Stage, function: str
) -> None:
    lambdas, sqs = stage.client("lambda"), stage.client("sqs")
    queue = sqs.create_queue(QueueName="failed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambdas.put_function_event_invoke_config(
        FunctionName=function, Qualifier="live", DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    lambdas.invoke(FunctionName=function, Qualifier="live", InvocationType="Event", Payload=b'{"raise": 7}')

    (message,) = on_stage.until(stage, "a message", lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    failed = json.loads(message["Body"])
    assert failed["requestPayload"] == {"raise": 7}
    assert failed["responsePayload"]["errorType"] == "ValueError"
    context, response = failed["requestContext"], failed["responseContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 3)
    assert context["functionArn"].endswith(f":function:{function}:live")
    assert (response["functionError"], response["executedVersion"] in ("1", "2")) == ("Unhandled", True)


def test_an_asynchronous_invoke_that_works_is_told_to_its_destination(stage: Stage, function: str) -> None:
    lambdas, sqs = stage.client("lambda"), stage.client("sqs")
    queue = sqs.create_queue(QueueName="done")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambdas.put_function_event_invoke_config(
        FunctionName=function, Qualifier="1", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    lambdas.invoke(FunctionName=function, Qualifier="1", InvocationType="Event", Payload=b'{"order": 7}')

    (message,) = until("a message", lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    done = json.loads(message["Body"])
    assert (done["requestPayload"], done["requestContext"]["condition"]) == ({"order": 7}, "Success")
    assert done["responseContext"] == {"statusCode": 200, "executedVersion": "1"}


# ---------------------------------------------------------------------------- starting and ending


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StageError, match=r"port \d+ is in use: stop what listens there, or choose another"):
            Stage(port=taken.getsockname()[1]).start()


def test_a_full_disk_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "NEEDED_BYTES", 10**18)
    with pytest.raises(StageError, match=r"MB free and the stage needs .* MB: free some, or set TMPDIR"):
        Stage().start()


def test_a_length_of_the_minute_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "rehearsal.rehearse", "--minute", "0", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1
    assert "MINUTE must be a number of seconds from 0.1 to 60, got '0'" in ran.stdout


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that name the stage's folder."""
    return subprocess.run(["pgrep", "-af", str(folder)], capture_output=True, text=True).stdout.splitlines()


def start_elsewhere() -> tuple[subprocess.Popen[str], Path]:
    """A stage that another process has started, with a function that runs on it."""
    code = (
        "from rehearsal.stage import Stage\nimport time\n"
        "with Stage(minute=1) as s:\n    print(s.folder, flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "a crash"])
def test_nothing_of_a_stage_outlives_who_started_it(number: signal.Signals) -> None:
    process, folder = start_elsewhere()
    assert processes_of(folder)

    os.kill(process.pid, number)
    process.wait()

    until("its processes and files are gone", lambda: not processes_of(folder) and not folder.exists())


def test_the_next_stage_removes_what_one_left_that_was_killed_with_its_starter(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = Path(tempfile.mkdtemp(prefix="seatrial-stage-"))
    (left / "pid").write_text(str(ended.pid))

    with Stage():
        assert not left.exists()
