"""The four figures of delivery, and how long the parts of a release took, from tables of releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seatrial.core.delivery import Delivery, Moments, delivery, moments, spans
from seatrial.core.release import Release, State, Step

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PRE, POST = "functions/pre_traffic", "functions/post_traffic"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def release(state: State, id: str = "d-1", closed: float | None = None, **more: Any) -> Release:
    base = Release("d-1", "shop", "payments", "payments", "live", "7", "8", NOON, state)
    return replace(base, deployment_id=id, closed_at=None if closed is None else at(closed), **more)


def step(kind: str, when: float, by: str = "", outcome: str = "") -> Step:
    return Step(kind, "", "told", at(when), by, outcome)


LETS_BEGIN = step("answer", 2, PRE, "Succeeded")


@pytest.mark.parametrize(
    ("one", "steps", "expected"),
    [
        pytest.param(
            release(State.TAKEN_BACK, closed=6),
            [step("going back", 5), step("trial", 1), LETS_BEGIN, step("closed", 6)],
            Moments(tried=at(1), users=at(2), decided=at(5), back=at(6)),
            id="taken back while it shifted, whatever the order of its steps",
        ),
        pytest.param(
            release(State.TAKEN_BACK, closed=9),
            [LETS_BEGIN, step("smoke", 7), step("answer", 8, POST, "Failed"), step("going back", 8.5)],
            Moments(users=at(2), everybody=at(7), decided=at(8), back=at(9)),
            id="taken back by the hook after the shift: its answer decided",
        ),
        pytest.param(
            release(State.TAKEN_BACK, closed=14),
            [LETS_BEGIN, step("baking", 7), step("answer", 12, "functions/monitor", "Failed")],
            Moments(users=at(2), everybody=at(7), decided=at(12), back=at(14)),
            id="taken back at the end of its bake: the tick's answer decided",
        ),
        pytest.param(
            release(State.RETURNED, closed=12, everybody_at=at(6)),
            [LETS_BEGIN, step("smoke", 7), step("returning", 39), step("returned", 40)],
            Moments(users=at(2), everybody=at(6), decided=at(39), back=at(40)),
            id="taken back in two steps after its deployment had ended",
        ),
        pytest.param(
            release(State.RELEASED, closed=12, bake=240.0, bake_until=at(11.5)),
            [LETS_BEGIN, step("smoke", 7), step("baking", 7.5), step("closed", 12)],
            Moments(users=at(2), everybody=at(7)),
            id="released",
        ),
        pytest.param(
            release(State.TAKEN_BACK, closed=7),
            [step("hands off", 2, PRE), step("going back", 6)],
            Moments(users=at(2), decided=at(6), back=at(7)),
            id="let begin untried, since its function's tag says off",
        ),
        pytest.param(
            release(State.RELEASED, closed=12),
            [step("shifting", 3, "")],
            Moments(users=at(3), everybody=at(12)),
            id="released without Seatrial's hooks",
        ),
        pytest.param(
            release(State.RETURNED, closed=12),
            [LETS_BEGIN, step("smoke", 7), step("returned", 40)],
            Moments(users=at(2), everybody=at(7), decided=at(40), back=at(40)),
            id="taken back after its deployment had ended",
        ),
        pytest.param(
            release(State.REFUSED, closed=3),
            [step("trial", 1), LETS_BEGIN],
            Moments(tried=at(1)),
            id="refused after all: an alarm was faster than the first user",
        ),
        pytest.param(
            release(State.STRANDED, closed=9), [LETS_BEGIN], Moments(users=at(2)), id="stranded: nobody knows an end"
        ),
        pytest.param(release(State.TRIAL), [step("answer", 2, PRE, "Failed")], Moments(), id="not let begin"),
    ],
)
def test_steps_say_when_a_release_came_to_what(one: Release, steps: list[Step], expected: Moments) -> None:
    assert moments(one, steps) == expected


RELEASED = release(State.RELEASED, "d-released", closed=12)
BAKED = release(State.RELEASED, "d-baked", closed=40, bake=1800.0, bake_until=at(38))
TAKEN_BACK = release(State.TAKEN_BACK, "d-taken", closed=6)
RETURNED = release(State.RETURNED, "d-returned", closed=12)
REFUSED = release(State.REFUSED, "d-refused", closed=1)
STRANDED = release(State.STRANDED, "d-stranded", closed=9)
OPEN = release(State.SHIFTING, "d-open")
STEPS = {
    "d-taken": (LETS_BEGIN, step("going back", 5)),
    "d-returned": (LETS_BEGIN, step("returned", 40)),
    "d-stranded": (LETS_BEGIN,),
}


def test_the_four_figures_are_counted_from_the_ledger() -> None:
    everything = [RELEASED, BAKED, TAKEN_BACK, RETURNED, REFUSED, STRANDED, OPEN]
    assert delivery(everything, STEPS, 28) == Delivery(
        days=28,
        released=3,  # the one that was returned had reached everybody
        failed=3,
        refused=1,
        stranded=1,
        met_users=5,
        lead=minutes(12),  # of 8, 12 and 12: the bake is no part of it
        restore=minutes(21),  # of 4 and 38
    )


@pytest.mark.parametrize(
    ("made", "lead"),
    [
        pytest.param(at(-60), 72, id="since its commit or publish"),
        pytest.param(None, 12, id="since its deployment began, where nobody knows more"),
        pytest.param(at(13), 0, id="never less than no time, whatever clocks say"),
    ],
)
def test_lead_time_begins_when_the_change_was_ready(made: datetime | None, lead: float) -> None:
    assert delivery([replace(RELEASED, made_at=made)], {}, 28).lead == minutes(lead)


def test_the_failure_rate_knows_nothing_of_what_no_user_met() -> None:
    assert delivery([RELEASED, TAKEN_BACK], STEPS, 7).failure_rate == 0.5
    assert delivery([RELEASED, TAKEN_BACK, REFUSED, OPEN], STEPS, 7).failure_rate == 0.5


def test_where_nothing_was_released_there_is_nothing_to_say() -> None:
    nothing = delivery([OPEN, REFUSED], {}, 7)
    assert (nothing.released, nothing.failure_rate, nothing.lead, nothing.restore) == (0, None, None, None)


def test_frequency_is_a_day() -> None:
    assert delivery([RELEASED] * 14, {}, 28).a_day == 0.5


@pytest.mark.parametrize(
    ("one", "steps", "expected"),
    [
        pytest.param(
            TAKEN_BACK,
            [step("opened", 0.5), step("trial", 1.5), LETS_BEGIN, step("going back", 5)],
            {"ReleaseDuration": 6, "TrialDuration": 1, "TimeToDetect": 3, "TimeToRecover": 1},
            id="taken back",
        ),
        pytest.param(RELEASED, [LETS_BEGIN], {"ReleaseDuration": 12}, id="released: nothing to detect"),
        pytest.param(
            REFUSED, [step("opened", 0.5), step("trial", 1)], {"ReleaseDuration": 1, "TrialDuration": 0.5}, id="refused"
        ),
        pytest.param(
            TAKEN_BACK,
            [LETS_BEGIN, step("going back", 6.5)],
            {"ReleaseDuration": 6, "TimeToDetect": 4.5, "TimeToRecover": 0},
            id="told of late: nothing takes less than no time",
        ),
        pytest.param(OPEN, [LETS_BEGIN], {}, id="open: nothing is known yet"),
    ],
)
def test_what_a_release_took_is_told_as_far_as_it_is_known(
    one: Release, steps: list[Step], expected: dict[str, float]
) -> None:
    assert spans(one, steps) == {name: minutes(count) for name, count in expected.items()}
