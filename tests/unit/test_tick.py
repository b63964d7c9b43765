"""What a tick costs: calls, counted."""

from __future__ import annotations

import pytest

from benchmarks import tick
from seatrial.aws.metrics import QUERIES_A_CALL


@pytest.mark.parametrize(("releases", "deployments", "heads"), [(1, 1, 1), (100, 4, 1), (1_000, 40, 10)])
def test_releases_that_shift_on_cost_a_tick_a_call_for_many(releases: int, deployments: int, heads: int) -> None:
    cost = tick.tick(releases)
    judged = cost.calls.pop("GetMetricData")
    assert judged == len(cost.queries)
    assert all(queries == QUERIES_A_CALL for queries in sorted(cost.queries)[1:]), "no call asks for less than it may"
    assert cost.calls.pop("DescribeAlarms") == heads, "as many alarms as releases, and a hundred fit into a call"
    assert cost.calls == {"Query": 1, "BatchGetDeployments": deployments, "BatchGetItem": heads}


def test_what_is_judged_as_it_was_before_costs_nothing_but_the_reading() -> None:
    cost = tick.tick(30, tick.serve_users)
    assert cost.calls == {
        "Query": 1,
        "BatchGetDeployments": 2,
        "BatchGetItem": 1,
        "DescribeAlarms": 1,
        "GetMetricData": 1,
    }


def test_a_tick_with_nothing_open_costs_one_query() -> None:
    assert tick.tick(0).calls == {"Query": 1}


def test_how_far_the_weights_are_is_asked_where_something_hangs_on_it() -> None:
    calls = tick.tick(3, tick.are_in_the_dark).calls
    assert (calls["ListDeploymentTargets"], calls["BatchGetDeploymentTargets"]) == (3, 3)


def test_what_ends_in_one_minute_is_closed_in_one_tick() -> None:
    cost = tick.tick(30, tick.have_ended)
    assert cost.closed == 30
    assert cost.calls == {
        "Query": 1,
        "BatchGetDeployments": 2,
        "BatchGetItem": 3,  # heads; steps for the metrics of an end; heads with their ends
        "TransactWriteItems": 4,  # ends by ten; impacts together
        "PublishBatch": 3,
        "PutEvents": 3,
        "GetMetricData": 3,  # 540 questions for the impacts, 330 for the judge
        "DescribeAlarms": 1,
    }
