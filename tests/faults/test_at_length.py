"""What only many of a kind can show: ten thousand bad events or deployment groups, a thousand open releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks import alarm_to_release, tick
from tests.unit.test_oncall import mangled, refused_or_meant

pytestmark = pytest.mark.proof

DOCS = Path(__file__).parents[2] / "docs"
PAGE = """# From an alarm to its release

An index in the ledger names the releases that an alarm may take back, written when a release starts. So the calls from
the event to StopDeployment are the same however many deployment groups there are. `make proof` writes this table:
CodeDeploy and Lambda are dictionaries there, the ledger is moto's, and each call waits 25 ms, as on a network. A scan
has to read every group, since several may name the alarm.

"""
TICK_PAGE = """# What a tick costs

Each minute the monitor compares every open release with CodeDeploy. It reads 25 deployments a call, 100 releases of the
ledger, 100 alarms and 500 metrics. It reads the traffic share only of releases for which that decides something.
Releases that end together share their calls: one transaction, one SNS batch and one PutEvents for ten. When nothing is
open, a tick costs one query.

A tick ends before its function's limit: no turn begins when less than 10 seconds are left, and ends leave 25 seconds to
alarms, the judge and bakes. The releases that a tick does not come to are logged, and the next tick takes them first.

`make proof` writes this table. Each call waits 25 ms, as on a network. CodeDeploy and Lambda are dictionaries, and the
ledger is moto's without the wire: its own work on one processor is in the time, so a busy machine shows more seconds.
`make bench` holds the limit of 30 seconds.

"""


def test_ten_thousand_bad_events_are_each_refused_with_a_sentence() -> None:
    refused = 0

    @settings(max_examples=25_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mangled())
    def look(made: tuple[str, dict[str, object]]) -> None:
        nonlocal refused
        refused += refused_or_meant(*made)

    look()
    assert refused >= 10_000, f"only {refused} were bad"


def test_the_work_is_the_same_with_ten_deployment_groups_and_with_ten_thousand() -> None:
    few, many = (alarm_to_release.by_index(size)[0] for size in alarm_to_release.SIZES)
    assert few.calls == many.calls == alarm_to_release.CALLS
    (DOCS / "alarm-to-release.md").write_text(f"{PAGE}{alarm_to_release.table()}\n")


def test_table_of_ticks_closes_all_that_ended() -> None:
    costs = tick.measured()
    (DOCS / "tick.md").write_text(f"{TICK_PAGE}{tick.table(costs)}\n")
    assert [cost.closed for cost in costs] == [0, 0, 0, 0, 0, 1_000]
