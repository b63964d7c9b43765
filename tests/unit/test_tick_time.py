"""A tick ends before Lambda ends its function: what it does not come to is first in the next tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import State
from seatrial.flows import monitor
from tests.small_account import CREATED, SmallAccount, event, make_table

TICK = event("tick")


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        yield SmallAccount()


def shifting(account: SmallAccount, number: int, state: State = State.SHIFTING) -> None:
    """The n-th release, a second younger than the one before it."""
    id, name, created = f"d-{number:02}", f"service-{number:02}", CREATED + timedelta(seconds=number)
    account.lambdas.tags[name] = {"seatrial": "released"}
    account.codedeploy.begin(id, function=name, createTime=created)
    shift = Shift(name, "live", "7", "8")
    release = account.ledger.open(Deployment(id, "shop", name, Status.IN_PROGRESS, created, shift), shift, [])
    account.ledger.compared(release)
    if state is not State.TRIAL:
        account.ledger.move(release, state)


def time_for(turns: int) -> Callable[[], float]:
    """The time of a function is over after so many questions for it."""
    seconds = iter([math.inf] * turns)
    return lambda: next(seconds, 0.0)


def tick(account: SmallAccount, seconds_left: Callable[[], float]) -> tuple[list[str], int]:
    """The releases that were closed, and how many were left."""
    told = monitor.look(account.aws, TICK, at_once=1, seconds_left=seconds_left)
    return [one["release"] for one in told["closed"]], told["left"]


def test_tick_without_time_does_nothing_and_reports_what_is_left(
    account: SmallAccount, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        shifting(account, number)
        account.codedeploy.ends(f"d-{number:02}", "Succeeded")
    assert tick(account, lambda: 5.0) == ([], 3)
    assert "tick: 3 of 3 releases left for the next tick" in caplog.text
    assert account.told() == []


def test_oldest_ends_are_closed_first_and_the_rest_in_the_next_ticks(account: SmallAccount) -> None:
    for number in reversed(range(25)):
        shifting(account, number)
        account.codedeploy.ends(f"d-{number:02}", "Succeeded")
    # One question before the 25 are read, one for each of them, and one for each ten that are closed.
    closed, left = tick(account, time_for(1 + 25 + 1))
    assert (closed, left) == ([f"d-{number:02}" for number in range(10)], 25)
    closed, left = tick(account, lambda: math.inf)
    assert (closed, left) == ([f"d-{number:02}" for number in range(10, 25)], 0)
    assert len(account.told()) == 25
    assert account.ledger.agenda()[1] is False


def test_what_was_left_is_first_in_the_next_tick(account: SmallAccount) -> None:
    """Each tick has time for two of six: all six are read within three ticks, not the oldest two again."""
    for number in range(6):
        shifting(account, number, State.TRIAL)
    read: list[str] = []
    targets = account.codedeploy.list_deployment_targets

    def reading(*, deploymentId: str) -> dict[str, object]:  # noqa: N803
        read.append(deploymentId)
        return targets(deploymentId=deploymentId)

    account.codedeploy.list_deployment_targets = reading  # type: ignore[method-assign]
    for _ in range(4):
        tick(account, time_for(1 + 2))
    assert read == ["d-00", "d-01", "d-02", "d-03", "d-04", "d-05", "d-00", "d-01"]


def test_tick_that_comes_to_everything_writes_nothing_about_what_is_left(account: SmallAccount) -> None:
    shifting(account, 0)
    assert tick(account, lambda: math.inf) == ([], 0)
    assert account.ledger.agenda() == (account.ledger.listed(), False)


def test_alarm_event_that_was_lost_waits_for_no_end(account: SmallAccount) -> None:
    """Ends may use the time until 25 seconds are left: these are for alarms, the judge and bakes."""
    for number in range(2):
        shifting(account, number)
    account.codedeploy.ends("d-00", "Succeeded")
    release = account.ledger.release("d-01")
    account.ledger.settle(release, alarms=["bad-outcomes"], settings={})
    since = CREATED + timedelta(seconds=30)
    account.clock.goes_on(timedelta(minutes=5))
    ringing = {"AlarmName": "bad-outcomes", "StateValue": "ALARM", "StateReason": "r"}
    account.alarms.alarms = [ringing | {"StateTransitionedTimestamp": since}]
    assert tick(account, lambda: 20.0) == ([], 2)
    assert account.codedeploy.stops == ["d-01"]
