"""The AWS calls of one hook call: each read is made once, and nothing is kept for the next call."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import pre_traffic
from seatrial.aws.remembered import Remembered
from tests.unit.test_hook import CALL, SUITE, Limit, account, good, handler_of

__all__ = ["account"]

OF_ONE_CASE = [
    "get_deployment",
    "get_function",  # the tag
    "get_item",  # an answer of an earlier delivery
    "query",  # releases of the service
    "get_deployment_group",
    "get_function",  # the candidate
    "put_item",  # the release
    "put_item",  # step: opened
    "get_item",  # a hotfix grant
    "query",  # holds
    "get_metric_data",  # the hour before
    "put_item",  # step: slow
    "update_item",  # what the suite says
    "get_metric_data",  # the week before
    "put_item",  # step: sensitivity
    "list_event_source_mappings",  # traffic that goes past the alias
    "get_policy",  # of the function
    "get_policy",  # of stable
    "get_policy",  # of the candidate
    "get_deployment_config",
    "invoke",
    "put_item",  # step: trial
    "get_item",  # the release
    "update_item",  # traffic shifting starts
    "put_item",  # step: answer
    "put_lifecycle_event_hook_execution_status",
]


def test_before_allow_traffic_makes_no_call_twice(monkeypatch: Any) -> None:
    monkeypatch.setattr(pre_traffic, "A_CALL", 0.0)
    _, calls = pre_traffic.run_hook()
    assert sorted(set(calls)) == sorted(calls)
    assert [call.partition(" ")[0] for call in calls] == OF_ONE_CASE


def test_next_call_in_the_same_container_reads_tag_and_group_again(account: Any, monkeypatch: Any) -> None:
    pre_traffic_hook = handler_of("pre_traffic", account, monkeypatch)
    account.lambdas.has("payments", "8", SUITE, good)
    account.codedeploy.begin("d-1")
    assert pre_traffic_hook(CALL, Limit())["answered"] == "Succeeded"
    account.codedeploy.rollback_events = ()
    account.codedeploy.begin("d-2")
    assert pre_traffic_hook(CALL | {"DeploymentId": "d-2"}, Limit())["answered"] == "Failed"
    account.lambdas.tags["payments"] = {}
    account.codedeploy.begin("d-3")
    assert "no tag" in pre_traffic_hook(CALL | {"DeploymentId": "d-3"}, Limit())["reason"]


class Failing:
    """Raises at the first call and counts all."""

    def __init__(self) -> None:
        self.calls = 0

    def read(self, **request: str) -> str:
        self.calls += 1
        if self.calls == 1:
            raise OSError("no response")
        return f"{self.calls}: {request}"


def test_error_is_not_remembered_and_other_requests_are_made() -> None:
    client = Failing()
    remembered = Remembered(client, "read")
    with pytest.raises(OSError, match="no response"):
        remembered.read(name="a")
    assert remembered.read(name="a") == remembered.read(name="a")
    assert remembered.read(name="b") == "3: {'name': 'b'}"
