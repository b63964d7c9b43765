"""From an alarm to StopDeployment: Seatrial's index compared with a scan of every deployment group.

`python -m benchmarks.alarm_to_release` prints the table of docs/alarm-to-release.md. CodeDeploy and Lambda are
dictionaries and the ledger is moto's DynamoDB; each call waits `A_CALL`, as on a network.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto import mock_aws

from benchmarks.partitioned import partitioned, quick_ledger
from benchmarks.rows import Pairs, Row, value
from seatrial.aws.ledger import Ledger
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import State
from seatrial.flows import rollback
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import CREATED, REGION, Meter, SmallAccount, event, make_table

SIZES = (10, 10_000)
A_CALL = 0.025
"""Seconds that an AWS call takes within a Region, about."""
CALLS = ("Query", "GetFunction", "StopDeployment")
WARM = 150
"""Milliseconds that a warm function may need from the event to StopDeployment."""
_ALARMS = 5
_APPLICATIONS_A_PAGE = 100


@dataclass(frozen=True)
class Cost:
    """What it took until StopDeployment had been called."""

    calls: tuple[str, ...]
    seconds: float


def by_index(groups: int, takes: float = 0.0, alarms: int = 1) -> tuple[Cost, ...]:
    """Alarms fire, one after the other, among `groups` services that are all being released.

    Each service has an alarm of its own, and `alarms` of them fire. Each call takes `takes` seconds.
    """
    firing = range(groups // 2, groups // 2 + alarms)
    with mock_aws(), partitioned():
        make_table()
        line = _Line(takes)
        account = SmallAccount(through=line)
        _release_all(quick_ledger(), account, groups, firing)
        account.aws.ledger.alarms.naming("warm")  # the first call of a client reads its model
        return tuple(_until_stopped(account, line, f"service-{n}-alarm") for n in firing)


def by_scan(groups: int) -> tuple[str, ...]:
    """The calls of a scan for the same alarm: list the applications and their groups, and read each group.

    SAM makes an application for each stack, so that there is one group in each.
    """
    calls: list[str] = []
    for page in range(0, groups, _APPLICATIONS_A_PAGE):
        calls.append("ListApplications")
        calls += ["ListDeploymentGroups", "BatchGetDeploymentGroups"] * min(_APPLICATIONS_A_PAGE, groups - page)
    return (*calls, "ListDeployments", "StopDeployment")


def one_release() -> tuple[dict[str, Any], dict[str, Any]]:
    """An alarm's event, and the responses on the wire to the calls that lead from it to StopDeployment."""
    responses: dict[str, Any] = {}
    with mock_aws(), partitioned():
        make_table()
        account = SmallAccount()
        ledger = quick_ledger()
        _release_all(ledger, account, 1, range(1))
        key = {":pk": {"S": "alarm#service-0-alarm"}}
        client = QuickDynamoDB(REGION["region_name"])
        pages = client.get_paginator("query").paginate(
            TableName="ledger", KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key
        )
        responses["Query"] = {"Items": [item for page in pages for item in page["Items"]]}
        responses["GetFunction"] = account.lambdas.get_function(FunctionName="service-0")
    responses["StopDeployment"] = {"status": "Pending", "statusMessage": ""}
    return _fires("service-0-alarm"), responses


def ten_groups() -> Row:
    return _warm(10)


def ten_thousand_groups() -> Row:
    return _warm(10_000)


def table() -> str:
    rows = []
    for size in SIZES:
        costs, scan = by_index(size, A_CALL, _ALARMS), by_scan(size)
        calls, median = costs[0].calls, statistics.median(cost.seconds for cost in costs)
        rows.append(
            f"| {size:,} | {len(calls)} ({', '.join(calls)}) | {median * 1000:.0f} ms | {len(scan):,} | "
            f"{len(scan) * A_CALL:,.1f} s |"
        )
    head = (
        "| deployment groups | Seatrial's calls | until StopDeployment (measured) | a scan's calls | a scan at 25 ms a "
        "call |\n| ---: | ---: | ---: | ---: | ---: |"
    )
    return "\n".join([head, *rows])


def _warm(groups: int) -> Row:
    costs = by_index(groups, A_CALL, _ALARMS)
    scan = by_scan(groups)
    ours = tuple(cost.seconds * 1000 for cost in costs)
    other = {cost.calls for cost in costs} - {CALLS}
    return Pairs(ours, (len(scan) * A_CALL * 1000,) * len(ours)).row(
        f"alarm to StopDeployment, warm, {groups:,} deployment groups",
        "ms",
        value(WARM),
        beside=f"scan, {len(scan):,} calls of {A_CALL * 1000:.0f} ms",
        faults=[f"expected the calls {', '.join(CALLS)}, got {', '.join(calls)}" for calls in other],
    )


class _Line(Meter):
    """The calls in order, and when each was made."""

    def __init__(self, takes: float) -> None:
        super().__init__(takes)
        self.made: list[tuple[str, float]] = []

    def call(self, operation: str) -> None:
        super().call(operation)
        self.made.append((operation, time.perf_counter()))


def _release_all(ledger: Ledger, account: SmallAccount, groups: int, firing: range) -> None:
    """`ledger` writes into the ledger of `account` without waiting."""
    for n in range(groups):
        name = f"service-{n}"
        shift = Shift(name, "live", "7", "8")
        deployment = Deployment(f"d-{n}", "shop", name, Status.IN_PROGRESS, CREATED, shift)
        release = ledger.open(deployment, shift, [f"{name}-alarm"])
        if n in firing:
            account.codedeploy.begin(f"d-{n}", function=name)
            account.lambdas.tags[name] = {"seatrial": "released"}
            ledger.move(release, State.SHIFTING)


def _until_stopped(account: SmallAccount, line: _Line, alarm: str) -> Cost:
    line.made.clear()
    began = time.perf_counter()
    rollback.take_back(account.aws, _fires(alarm))
    calls = [operation for operation, _ in line.made]
    until = calls.index("StopDeployment")
    return Cost(tuple(calls[: until + 1]), line.made[until][1] - began)


def _fires(alarm: str) -> dict[str, Any]:
    at = (CREATED + timedelta(minutes=1)).isoformat()
    return event("alarm") | {
        "detail": {"alarmName": alarm, "state": {"value": "ALARM", "reason": "r", "timestamp": at}}
    }


if __name__ == "__main__":
    print(table())
