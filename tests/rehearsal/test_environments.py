"""Functions run on the stage as on Lambda: what an environment keeps, what its log has, what its errors say."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import ACCOUNT, Stage

COUNTS = """
import sys, time
print("imported")
asked = 0

def handler(event, context):
    global asked
    asked += 1
    if event.get("prints"):
        print(event["prints"])
    if event.get("raises"):
        raise KeyError("fee")
    if event.get("ends"):
        sys.exit(3)
    if event.get("sleeps"):
        time.sleep(30)
    sys.stderr.write(event.get("unfinished", ""))
    return asked
"""
NODE = """
let asked = 0;
exports.handler = async (event) => {
  asked += 1;
  console.log("number", asked);
  if (event.raises) throw new RangeError("no such fee");
  return asked;
};
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(minute=1) as stage:
        yield stage


@pytest.fixture
def functions(stage: Stage) -> Any:
    return stage.client("lambda")


def create(functions: Any, name: str, code: str, runtime: str = "python3.13") -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py" if runtime.startswith("python") else "index.js", code)
    functions.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="index.handler",
        Timeout=2,
        Role=f"arn:aws:iam::{ACCOUNT}:role/tests",
        Code={"ZipFile": package.getvalue()},
    )
    return name


def ask(functions: Any, name: str, **event: Any) -> tuple[Any, list[str]]:
    """What it answers, and its own lines in the log."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode().splitlines()
    own = [line for line in log if not line.startswith(("START ", "END ", "REPORT ", "Traceback", "  ", "KeyError"))]
    return json.load(answer["Payload"]), own


def test_an_exception_is_told_and_the_environment_lives_on(functions: Any) -> None:
    name = create(functions, "raises", COUNTS)
    assert ask(functions, name) == (1, ["imported"])
    raised, _ = ask(functions, name, raises=True)
    assert raised["errorType"] == "KeyError"
    assert ask(functions, name) == (3, [])


def test_each_invokes_log_has_its_own_lines_alone(functions: Any) -> None:
    name = create(functions, "prints", COUNTS)
    assert ask(functions, name, prints="one") == (1, ["imported", "one"])
    assert ask(functions, name, unfinished="two") == (2, ["two"])
    assert ask(functions, name, prints="three\n\nfour") == (3, ["three", "", "four"])
    assert ask(functions, name) == (4, [])


def test_an_environment_that_ends_or_takes_too_long_is_followed_by_a_new_one(functions: Any) -> None:
    name = create(functions, "ends", COUNTS)
    assert ask(functions, name)[0] == 1
    assert ask(functions, name, ends=True)[0] == {
        "errorMessage": "Runtime exited with error: exit status 3",
        "errorType": "Runtime.ExitError",
    }
    assert ask(functions, name) == (1, ["imported"])
    assert "timed out after 2.00 seconds" in ask(functions, name, sleeps=True)[0]["errorMessage"]
    assert ask(functions, name) == (1, ["imported"])


def test_a_nodejs_function_keeps_its_environment_and_names_its_errors(functions: Any) -> None:
    name = create(functions, "node", NODE, "nodejs20.x")
    assert ask(functions, name)[0] == 1
    raised, _ = ask(functions, name, raises=True)
    assert (raised["errorType"], raised["errorMessage"]) == ("RangeError", "no such fee")
    answer, log = ask(functions, name)
    assert (answer, [line.rpartition("\t")[2] for line in log]) == (3, ["number 3"])


@pytest.mark.parametrize("runtime", ["java21", "ruby3.3", "dotnet8"])
def test_a_runtime_that_the_stage_has_not_is_refused_when_it_is_deployed(functions: Any, runtime: str) -> None:
    with pytest.raises(ClientError, match=f"{runtime}.*python or nodejs"):
        create(functions, "other", "", runtime)


@pytest.mark.parametrize(
    ("runtime", "code"),
    [
        (
            "python3.13",
            "def handler(event, context):\n    given = context.client_context\n    return given and given.custom\n",
        ),
        ("nodejs22.x", "exports.handler = async (event, context) => context.clientContext?.custom ?? null;\n"),
    ],
)
def test_a_client_context_reaches_the_handler_and_not_the_next_one(functions: Any, runtime: str, code: str) -> None:
    name = create(functions, f"client-{runtime[:6]}", code, runtime)
    custom = {"custom": {"seatrial": "trial"}}
    given = base64.b64encode(json.dumps(custom).encode()).decode()
    marked = functions.invoke(FunctionName=name, ClientContext=given)
    assert json.load(marked["Payload"]) == {"seatrial": "trial"}
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) is None
