"""The cold start of each function beside that of a function with a bare boto3 client of CodeDeploy."""

from __future__ import annotations

import json
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import alarm_to_release, rie
from benchmarks.rows import Row, compare, ratio
from rehearsal.sam import PROJECT

MOST = 1.25
ALARM_MOST = 1.5  # three clients are made, and two calls of 25 ms come first
REPEATS = 5

_HOOK = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}

BARE = """
import boto3

codedeploy = boto3.client("codedeploy")


def handler(event, context):
    return codedeploy.get_deployment(deploymentId=event["DeploymentId"])
"""


def pre_traffic() -> Row:
    return _row("pre_traffic", _HOOK)


def post_traffic() -> Row:
    return _row("post_traffic", _HOOK)


def rollback() -> Row:
    return _row("rollback", _event("alarm"))


def monitor() -> Row:
    return _row("monitor", _event("tick"))


def fix_lane() -> Row:
    return _row("fix_lane", _event("tick"))


def dark_tester() -> Row:
    return _row("dark_tester", _event("dark-test-requested"))


def board() -> Row:
    return _row("board", _event("custom-widget"))


def alarm_to_stop() -> Row:
    """`functions/rollback` in a new environment, from the alarm's event to StopDeployment."""
    alarm, responses = alarm_to_release.one_release()
    made: list[tuple[str, ...]] = []

    def ours() -> float:
        took, calls = rie.milliseconds_to(
            "StopDeployment", PROJECT / "functions" / "rollback", alarm, rie.layer(), responses, alarm_to_release.A_CALL
        )
        made.append(calls)
        return took

    bare = partial(rie.milliseconds_to_first_call, _bare(), _HOOK, None)
    expected = alarm_to_release.CALLS
    pairs = compare(ours, bare, REPEATS)
    faults = [
        f"expected the calls {', '.join(expected)}, got {', '.join(calls)}" for calls in set(made) if calls != expected
    ]
    beside = "bare boto3 client, to its first AWS call"
    return pairs.row("alarm to StopDeployment, cold", "ms", ratio(ALARM_MOST), beside, faults)


def _row(name: str, event: dict[str, Any]) -> Row:
    ours = partial(rie.milliseconds_to_first_call, PROJECT / "functions" / name, event, rie.layer())
    bare = partial(rie.milliseconds_to_first_call, _bare(), _HOOK, None)
    pairs = compare(ours, bare, REPEATS)
    return pairs.row(f"cold start of {name}, to its first AWS call", "ms", ratio(MOST), "bare boto3 client")


@cache
def _bare() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="seatrial-bare-"))
    (folder / "app.py").write_text(BARE)
    return folder


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((PROJECT / "events" / f"{name}.json").read_text())
    return event
