"""A schedule on a stage whose minute is short never runs over itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rehearsal.stage import notes
from rehearsal.stage.lambdas.schedules import Schedules
from seatrial.settings import Clock

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:monitor:live"


def due(rule: str) -> dict[str, object]:
    return {"source": "aws.events", "resources": [f"arn:aws:events:eu-west-1:111122223333:rule/{rule}"]}


@pytest.fixture
def told() -> Iterator[list[str]]:
    heard: list[str] = []
    notes.install(heard.append)
    yield heard
    notes.install(lambda text: None)


def test_what_is_due_while_it_still_runs_is_left_out_and_that_is_said_once(told: list[str]) -> None:
    schedules = Schedules(Clock(rate=30))

    begun = [schedules.begin(FUNCTION, due("tick")) for _ in range(3)]

    assert begun == [True, False, False]
    assert [one.partition(" was due")[0] for one in told] == ["tick"]


def test_it_starts_again_once_it_is_done_and_other_schedules_do_not_wait(told: list[str]) -> None:
    schedules = Schedules(Clock(rate=30))
    schedules.begin(FUNCTION, due("tick"))

    assert schedules.begin(FUNCTION, due("another"))
    schedules.end(FUNCTION, due("tick"))
    assert schedules.begin(FUNCTION, due("tick"))
    assert told == []


def test_events_are_never_left_out(told: list[str]) -> None:
    schedules = Schedules(Clock(rate=30))
    alarm = {"source": "aws.cloudwatch", "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:bad"]}

    assert all(schedules.begin(FUNCTION, event) for event in (alarm, alarm, {"body": "x"}, {"body": "x"}, "text"))


def test_in_real_time_a_schedule_keeps_its_time(told: list[str]) -> None:
    schedules = Schedules(Clock(rate=1))

    assert all(schedules.begin(FUNCTION, due("tick")) for _ in range(3))
