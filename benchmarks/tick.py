"""The cost of a tick while many releases are open: its calls, and its time with a network's delay for each call.

`python -m benchmarks.tick` prints the table of docs/tick.md. CodeDeploy and Lambda are dictionaries, the ledger is
moto's DynamoDB without the wire, and each call waits 25 ms.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from moto import mock_aws

from benchmarks.partitioned import partitioned, quick_ledger
from benchmarks.rows import Pairs, Row, value
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.metric import Metric
from seatrial.core.release import Release, State
from seatrial.flows import monitor
from tests.small_account import CREATED, Meter, SmallAccount, event, make_table

A_CALL = 0.025
"""Seconds that an AWS call takes within a Region, give or take."""

# Minutes in which users have met what serves them.
_USERS = 5


@dataclass(frozen=True)
class Cost:
    """`calls` is how often the tick made which call, `queries` how many metrics each GetMetricData asked for, and
    `closed` how many releases it has closed."""

    calls: Counter[str]
    seconds: float
    closed: int
    queries: tuple[int, ...]


type Meanwhile = Callable[[SmallAccount, Release], object]


def shift_on(account: SmallAccount, release: Release) -> None:
    """Nothing has changed since the last tick."""
    account.ledger.move(release, State.SHIFTING)


def serve_users(account: SmallAccount, release: Release) -> None:
    """Five minutes of users and their outcomes on either version; the judge has found it ok before."""
    shift_on(account, release)
    account.ledger.judged(release, "ok")
    alias = {"FunctionName": release.function, "Resource": release.service}
    for version, requests in ((release.stable, 900), (release.candidate, 300)):
        reported = (
            (Metric.of("AWS/Lambda", "Invocations", **alias, ExecutedVersion=version), requests),
            (Metric.of("AWS/Lambda", "Errors", **alias, ExecutedVersion=version), 0),
            (Metric.of("Seatrial", "Requests", service=release.function, version=version), requests),
            (Metric.of("Seatrial", "BadOutcomes", service=release.function, version=version), requests // 300),
        )
        for metric, count in reported:
            for minute in range(_USERS):
                account.metrics.report(metric, CREATED + timedelta(minutes=minute), count)


def are_in_the_dark(account: SmallAccount, release: Release) -> None:
    """How far the weights are must be asked of each, since its hook may never come to say so."""
    account.codedeploy.shifts(release.deployment_id, 0.0, "Pending")


def have_ended(account: SmallAccount, release: Release) -> None:
    """All within the same minute, and every event of it was lost."""
    shift_on(account, release)
    account.codedeploy.ends(release.deployment_id, "Succeeded")


def tick(releases: int, meanwhile: Meanwhile = shift_on, takes: float = 0.0) -> Cost:
    """One tick over so many open releases, each with an alarm of its own."""
    with mock_aws(), partitioned():
        make_table()
        meter = Meter(takes)
        account = SmallAccount(through=meter)
        filling = SmallAccount()
        filling.ledger = quick_ledger()
        _open(filling, account, releases, meanwhile)
        aws = replace(account.aws, ledger=quick_ledger(meter))
        account.clock.goes_on(_USERS * timedelta(minutes=1))
        meter.calls.clear()
        began = time.perf_counter()
        told = monitor.look(aws, event("tick"))
        return Cost(meter.calls, time.perf_counter() - began, len(told["closed"]), tuple(account.metrics.calls))


def _open(unmetered: SmallAccount, account: SmallAccount, releases: int, meanwhile: Meanwhile) -> None:
    """`unmetered` writes into the ledger of `account` without waiting; the rest of `account` is filled itself."""
    unmetered.codedeploy, unmetered.metrics = account.codedeploy, account.metrics
    for n in range(releases):
        id, name = f"d-{n}", f"service-{n}"
        account.lambdas.tags[name] = {"seatrial": "released"}
        account.codedeploy.begin(id, function=name)
        shift = Shift(name, "live", "7", "8")
        deployment = Deployment(id, "shop", name, Status.IN_PROGRESS, CREATED, shift)
        release = unmetered.ledger.open(deployment, shift, [f"{name}-alarm"])
        unmetered.ledger.compared(release)
        meanwhile(unmetered, release)


ROWS = (
    (1, shift_on, "shifts on"),
    (100, shift_on, "shift on"),
    (1_000, shift_on, "shift on"),
    (1_000, serve_users, "shift on and are judged on five minutes of users"),
    (1_000, are_in_the_dark, "are in the dark"),
    (1_000, have_ended, "have ended, all in one minute"),
)


MANY = 1_000
LIMIT = 30
"""Seconds that a tick over MANY open releases may take."""


def steady() -> Row:
    """Nothing has changed since the last tick."""
    return _row("tick, 1,000 open releases, no change", shift_on, repeats=3)


def judged() -> Row:
    """The judge reads five minutes of requests of each, and its verdicts stay the same."""
    return _row("tick, 1,000 open releases, judged", serve_users, repeats=1)


def dark() -> Row:
    """The traffic share of each must be read, since none has begun to shift."""
    return _row("tick, 1,000 open releases in the dark", are_in_the_dark, repeats=1)


def ended() -> Row:
    """All end within one minute."""
    return _row("tick, 1,000 open releases that end in one minute", have_ended, repeats=1)


def _row(name: str, meanwhile: Meanwhile, repeats: int) -> Row:
    """The baseline is the same calls one after the other, computed."""
    costs = [tick(MANY, meanwhile, A_CALL) for _ in range(repeats)]
    calls = costs[0].calls.total()
    pairs = Pairs(tuple(cost.seconds for cost in costs), tuple(cost.calls.total() * A_CALL for cost in costs))
    beside = f"its {calls:,} calls of {A_CALL * 1000:.0f} ms, one after the other"
    return pairs.row(name, "s", value(LIMIT), beside)


def table(costs: list[Cost]) -> str:
    """`costs` are those of ROWS."""
    head = "| open releases | which | calls | a tick takes |\n| ---: | --- | ---: | ---: |"
    rows = [
        f"| {releases:,} | {which} | {cost.calls.total():,} | {cost.seconds:.1f} s |"
        for (releases, _, which), cost in zip(ROWS, costs, strict=True)
    ]
    return "\n".join([head, *rows])


def measured() -> list[Cost]:
    return [tick(releases, meanwhile, A_CALL) for releases, meanwhile, _ in ROWS]


if __name__ == "__main__":
    print(table(measured()))
