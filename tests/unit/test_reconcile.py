"""What the ledger must record, whatever events arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core.deployment import Deployment, Status, Traffic
from seatrial.core.reconcile import Change, Close, Move, reconcile
from seatrial.core.release import ENDS, Release, State, states_before

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NOW = OPENED + timedelta(minutes=3)
NOBODY, SOME, EVERYBODY = Traffic(0.0, began=False), Traffic(0.1, began=True), Traffic(1.0, began=True)

in_trial = Release("d-1", "shop", "payments", "payments", "live", "7", "8", OPENED)
shifting = replace(in_trial, state=State.SHIFTING)
asked = replace(in_trial, state=State.GOING_BACK, reason="on call asked for it", by="functions/rollback")

running = Deployment("d-1", "shop", "payments", Status.IN_PROGRESS, OPENED)
done = replace(running, status=Status.SUCCEEDED)
alarmed = replace(
    running, status=Status.STOPPED, error_code="ALARM_ACTIVE", error="Alarms: <a>", rollback_id="d-2",
    completed=OPENED + timedelta(minutes=2),
)  # fmt: skip
stopped = replace(alarmed, error_code="MANUAL_STOP", error="The deployment was stopped by a user.")
hook_failed = replace(alarmed, status=Status.FAILED, error_code="HOOK_EXECUTION_FAILURE", error="A hook failed.")
back = Deployment("d-2", "shop", "payments", Status.SUCCEEDED, NOW, rollback_of="d-1")

TAKEN_BACK = "payments:live: version 8 was taken back to version 7 by"


def end(
    release: Release, deployment: Deployment, rollback: Deployment | None, traffic: Traffic, now: datetime = NOW
) -> Close:
    *_, change = reconcile(release, deployment, rollback, traffic, now)
    assert isinstance(change, Close), change
    return change


def end_of(change: Change) -> State:
    assert isinstance(change, Close)
    return change.end


def test_a_deployment_that_succeeded_is_a_release() -> None:
    assert end(shifting, done, None, EVERYBODY).end is State.RELEASED


@pytest.mark.parametrize(
    ("release", "deployment", "by", "sentence"),
    [
        pytest.param(
            asked, stopped, "functions/rollback", f"{TAKEN_BACK} functions/rollback: on call asked for it",
            id="Seatrial stopped it: its own reason says more than that somebody did",
        ),
        pytest.param(
            shifting, stopped, "a person (StopDeployment)",
            f"{TAKEN_BACK} a person (StopDeployment): The deployment was stopped by a user.",
            id="somebody stopped it past Seatrial",
        ),
        pytest.param(
            shifting, alarmed, "CodeDeploy's alarm poll", f"{TAKEN_BACK} CodeDeploy's alarm poll: Alarms: <a>",
            id="CodeDeploy's poll saw the alarm first",
        ),
        pytest.param(
            asked, alarmed, "CodeDeploy's alarm poll",
            f"{TAKEN_BACK} CodeDeploy's alarm poll: Alarms: <a> (on call asked for it)",
            id="both stopped it, and CodeDeploy's error code says who was first",
        ),
        pytest.param(
            replace(shifting, reason="2 of 9 cases failed"), hook_failed, "functions/post_traffic",
            f"{TAKEN_BACK} functions/post_traffic: 2 of 9 cases failed",
            id="the hook after the shift refused",
        ),
    ],
)  # fmt: skip
def test_who_took_it_back_and_why(release: Release, deployment: Deployment, by: str, sentence: str) -> None:
    close = end(release, deployment, back, SOME)
    assert (close.end, close.by, close.sentence) == (State.TAKEN_BACK, by, sentence)


def test_what_no_user_met_was_refused_and_need_not_wait_for_its_rollback() -> None:
    refused = replace(in_trial, reason="2 of 9 cases failed")
    close = end(refused, hook_failed, None, NOBODY)
    assert (close.end, close.by, close.reason) == (State.REFUSED, "functions/pre_traffic", "2 of 9 cases failed")


def test_a_release_that_was_let_begin_but_met_nobody_was_refused_too() -> None:
    assert end(shifting, alarmed, None, NOBODY).end is State.REFUSED


def test_it_is_going_back_until_the_rollback_has_succeeded() -> None:
    rolling = replace(back, status=Status.IN_PROGRESS)
    (change,) = reconcile(shifting, alarmed, rolling, SOME, NOW)
    assert isinstance(change, Move)
    assert (change.to, change.at) == (State.GOING_BACK, alarmed.completed)
    assert reconcile(asked, stopped, rolling, SOME, NOW) == ()


def test_a_rollback_that_failed_leaves_users_stranded() -> None:
    failed = replace(back, status=Status.FAILED, error="THROTTLED")
    close = end(asked, stopped, failed, SOME)
    assert close.end is State.STRANDED
    assert "its rollback d-2 is Failed (THROTTLED), after on call asked for it" in close.sentence
    assert "aws lambda get-alias --function-name payments --name live" in close.sentence


def test_a_stop_without_a_rollback_is_given_two_minutes_to_show_one() -> None:
    alone = replace(stopped, rollback_id="")
    assert not any(
        isinstance(change, Close) for change in reconcile(shifting, alone, None, SOME, OPENED + timedelta(minutes=4))
    )
    assert end(shifting, alone, None, SOME, OPENED + timedelta(minutes=4, seconds=1)).end is State.STRANDED


def test_the_tick_sees_that_users_came_when_no_hook_said_so() -> None:
    (change,) = reconcile(in_trial, running, None, replace(SOME, since=OPENED), NOW)
    assert isinstance(change, Move)
    assert (change.to, change.at) == (State.SHIFTING, OPENED)


@pytest.mark.parametrize(
    ("deployment", "rollback", "states"),
    [
        (done, None, [State.SHIFTING, State.RELEASED]),
        (alarmed, back, [State.SHIFTING, State.GOING_BACK, State.TAKEN_BACK]),
    ],
)
def test_a_look_that_comes_after_all_is_over_records_the_whole_way(
    deployment: Deployment, rollback: Deployment | None, states: list[State]
) -> None:
    changes = reconcile(in_trial, deployment, rollback, SOME, NOW)
    assert [change.to if isinstance(change, Move) else end_of(change) for change in changes] == states


def test_what_hangs_on_the_traffic_is_not_decided_without_it() -> None:
    with pytest.raises(ValueError, match="whether users met the candidate of d-1 must be known"):
        reconcile(shifting, alarmed, back, None, NOW)
    assert reconcile(shifting, running, None, None, NOW) == ()


@pytest.mark.parametrize("release", [in_trial, shifting, replace(shifting, state=State.CONFIRMING)])
def test_a_ledger_that_is_right_is_left_alone(release: Release) -> None:
    assert reconcile(release, running, None, NOBODY if release is in_trial else SOME, NOW) == ()


@pytest.mark.parametrize("state", sorted(ENDS))
def test_a_closed_release_stays_as_it_ended(state: State) -> None:
    assert reconcile(replace(shifting, state=state), alarmed, back, SOME, NOW) == ()
    assert not set(states_before(state)) & ENDS


def test_no_state_comes_before_itself() -> None:
    assert all(state not in states_before(state) for state in State)
    assert states_before(State.SHIFTING) == (State.TRIAL,)
