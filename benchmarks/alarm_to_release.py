"""From an alarm to StopDeployment: Seatrial's index beside the scan of every deployment group that others do.

`python -m benchmarks.alarm_to_release` prints the table of docs/alarm-to-release.md. CodeDeploy and Lambda are
dictionaries, the ledger is moto's DynamoDB: what is compared is the number of calls and the work, not a network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from moto import mock_aws

from seatrial.aws.ledger import Ledger
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import State
from seatrial.flows import rollback
from tests.small_account import CREATED, REGION, SmallAccount, event, make_table

SIZES = (10, 10_000)
A_CALL = 0.02
"""Seconds that an AWS call takes within a Region, give or take: the measure for calls that are only counted here."""
_APPLICATIONS_A_PAGE = 100


@dataclass(frozen=True)
class Cost:
    """What it took until StopDeployment was called: `seconds` are measured, the calls themselves take no time here."""

    calls: tuple[str, ...]
    seconds: float


def by_index(groups: int) -> Cost:
    """One alarm rings among `groups` services that are all being released, each with an alarm of its own."""
    with mock_aws():
        make_table()
        account = SmallAccount()
        _release_all(account, groups)
        made = _counted(account)
        service = f"service-{groups // 2}"
        began = time.perf_counter()
        stopped: list[float] = []
        stop = account.codedeploy.stop_deployment

        def stop_and_look_at_the_clock(**asked: Any) -> dict[str, Any]:
            made.append("StopDeployment")
            stopped.append(time.perf_counter() - began)
            return stop(**asked)

        account.codedeploy.stop_deployment = stop_and_look_at_the_clock  # type: ignore[method-assign]
        rollback.take_back(account.aws, _rings(f"{service}-alarm"))
        return Cost(tuple(made[: made.index("StopDeployment") + 1]), stopped[0])


def by_scan(groups: int) -> Cost:
    """The same question asked of CodeDeploy alone: list the applications and their groups, and read each for the alarm.

    SAM makes an application for each stack, so that there is one group in each.
    """
    alarms = {f"service-{n}": f"service-{n}-alarm" for n in range(groups)}
    wanted = f"service-{groups // 2}-alarm"
    made: list[str] = []
    began = time.perf_counter()
    names = list(alarms)
    for page in range(0, groups, _APPLICATIONS_A_PAGE):
        made.append("ListApplications")
        for name in names[page : page + _APPLICATIONS_A_PAGE]:
            made += ["ListDeploymentGroups", "BatchGetDeploymentGroups"]
            if alarms[name] == wanted:
                made.append("ListDeployments")
    made.append("StopDeployment")
    return Cost(tuple(made), time.perf_counter() - began)


def table() -> str:
    rows = [_row(size, by_index(size), by_scan(size)) for size in SIZES]
    head = (
        "| deployment groups | Seatrial's calls | until StopDeployment (measured) | a scan's calls | a scan at 20 ms a "
        "call |\n| ---: | ---: | ---: | ---: | ---: |"
    )
    return "\n".join([head, *rows])


def _row(size: int, index: Cost, scan: Cost) -> str:
    waits = len(scan.calls) * A_CALL
    return (
        f"| {size:,} | {len(index.calls)} ({', '.join(index.calls)}) | {index.seconds * 1000:.0f} ms | "
        f"{len(scan.calls):,} | {waits:,.1f} s |"
    )


def _release_all(account: SmallAccount, groups: int) -> None:
    for n in range(groups):
        name = f"service-{n}"
        shift = Shift(name, "live", "7", "8")
        deployment = Deployment(f"d-{n}", "shop", name, Status.IN_PROGRESS, CREATED, shift)
        release = account.ledger.open(deployment, shift, [f"{name}-alarm"])
        if n == groups // 2:
            account.codedeploy.begin(f"d-{n}", function=name)
            account.lambdas.tags[name] = {"seatrial": "released"}
            account.ledger.move(release, State.SHIFTING)


def _counted(account: SmallAccount) -> list[str]:
    """The names of the calls from now on: the ledger's and GetFunction."""
    made: list[str] = []
    client = boto3.client("dynamodb", **REGION)
    client.meta.events.register("before-call", lambda model, **_: made.append(model.name))
    object.__setattr__(account.aws, "ledger", Ledger(client, "ledger", timedelta(days=400)))
    look = account.lambdas.get_function
    account.lambdas.get_function = lambda **asked: (made.append("GetFunction"), look(**asked))[1]  # type: ignore[method-assign]
    account.aws.ledger.alarms.naming("warm")  # the first call of a client reads its model
    made.clear()
    return made


def _rings(alarm: str) -> dict[str, Any]:
    at = (CREATED + timedelta(minutes=1)).isoformat()
    return event("alarm") | {
        "detail": {"alarmName": alarm, "state": {"value": "ALARM", "reason": "r", "timestamp": at}}
    }


if __name__ == "__main__":
    print(table())
