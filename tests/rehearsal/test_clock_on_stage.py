"""The clock of the local AWS, as functions, commands and tests meet it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.stage import ACCOUNT, Stage, environment
from rehearsal.stage.outside import ClockRefusedError
from seatrial import settings

FUNCTION = """
import json, os, urllib.request

def clock(**request):
    body = json.dumps(request).encode() if request else None
    with urllib.request.urlopen(os.environ["SEATRIAL_CLOCK_URL"], body) as answer:
        return json.load(answer)

def handler(event, context):
    if event:
        clock(wait=event["wait"])
    return clock()["now"]
"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as running:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as package:
            package.writestr("index.py", FUNCTION)
        running.client("lambda").create_function(
            FunctionName="reads",
            Runtime="python3.13",
            Handler="index.handler",
            Timeout=60,
            Role=f"arn:aws:iam::{ACCOUNT}:role/unknown",
            Code={"ZipFile": packed.getvalue()},
        )
        yield running


def invoked(stage: Stage, **how: Any) -> Any:
    return stage.client("lambda").invoke(FunctionName="reads", **how)


def working(stage: Stage) -> list[str]:
    return list(stage.time.read()["working"])


def test_function_command_and_test_read_the_same_clock_in_every_invoke(stage: Stage) -> None:
    command = settings.read(environment(stage.endpoint)).clock
    for _ in range(2):  # the second time in an environment that has been there since the first
        stage.time.advance(3600)
        now = json.load(invoked(stage)["Payload"])
        assert now == command.epoch() == stage.clock().epoch()


def test_a_function_that_waits_in_stage_time_is_idle_and_goes_on_when_it_is_due(stage: Stage) -> None:
    began = stage.clock().epoch()
    invoked(stage, InvocationType="Event", Payload=b'{"wait": 300}')
    stage.time.advance(299)
    assert (working(stage), stage.clock().epoch() - began) == ([], 299)
    stage.time.advance(1)
    assert working(stage) == []


def test_an_advance_that_a_lease_holds_up_fails_with_its_name(stage: Stage) -> None:
    with stage.time.held("sam deploy of payments", 60) as release:
        with pytest.raises(ClockRefusedError, match=r"sam deploy of payments \(holds the clock\)"):
            stage.time.advance(1, within=0.05)
        release()
        stage.time.advance(1)


def test_turns_of_those_outside_come_at_their_time_and_hold_it(stage: Stage) -> None:
    began, seen = stage.clock().epoch(), []
    turns = stage.time.turns(0.0, "users")
    for at in turns:
        seen.append(at - began)
        assert working(stage) == ["users (holds the clock)"]
        if len(seen) == 2:
            break
    turns.close()
    assert (seen, working(stage)) == ([0.0, 0.0], [])


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"rewind": 5}, "the clock can wait, hold and advance, and was asked for rewind"),
        ({"advance": -5}, "time does not go back by 5 seconds"),
        ({"hold": True, "seconds": 3600}, "a lease holds the clock for up to 600 wall seconds, not 3600"),
    ],
)
def test_what_the_clock_cannot_do_is_refused_with_what_it_can(
    stage: Stage, request_: dict[str, Any], says: str
) -> None:
    with pytest.raises(ClockRefusedError, match=says):
        stage.time._ask(request_, 10)
