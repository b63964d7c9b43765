"""After the end of a deployment: the alias goes back to stable, and nobody is left alone with what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seatrial.core.release import Release, State
from seatrial.flows import guard, monitor, preflight, rollback
from tests.small_account import REGION, SmallAccount, event, make_table

TICK = event("tick")
HEAL = (
    "check out the code of version 7, then `sam build && sam deploy --parameter-overrides Shifting=off` and, with the "
    "same code, `sam deploy --parameter-overrides Shifting=on`"
)


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes"]
        account.lambdas.tags = {"payments": {"seatrial": "released"}}
        account.lambdas.aliases = {"payments": ("8", 1)}
        yield account


def released(account: SmallAccount) -> Release:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.ledger.move(release, State.SHIFTING)
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    account.codedeploy.ends("d-1", "Succeeded")
    monitor.look(account.aws, TICK)
    account.topic.messages.clear()
    return account.ledger.release("d-1")


def rings(account: SmallAccount) -> dict[str, Any]:
    state = {"value": "ALARM", "reason": "3 of 3 datapoints", "timestamp": account.clock.now().isoformat()}
    return event("alarm") | {"detail": {"alarmName": "bad-outcomes", "state": state}}


def test_an_alarm_in_the_guard_sets_the_alias_to_stable_and_says_what_heals_it(account: SmallAccount) -> None:
    released(account)
    (outcome,) = rollback.take_back(account.aws, rings(account))["decisions"]
    assert outcome["action"] == "returned"
    assert account.lambdas.aliases["payments"][0] == "7"
    assert account.codedeploy.stops == []
    release = account.ledger.release("d-1")
    assert (release.state, release.reason) == (State.RETURNED, "alarm bad-outcomes rang: 3 of 3 datapoints")
    (told,) = account.told()
    assert told == (
        "payments:live: users were taken back from version 8 to version 7 after the deployment's end: alarm "
        "bad-outcomes rang: 3 of 3 datapoints. Users of payments:live get version 7; CloudFormation believes it is "
        "version 8, so AWS refuses the next release ('The Lambda function alias version does not match the current "
        f"version in AppSpec file') until it is healed: {HEAL}"
    )
    assert account.bus.events[-1][0] == "Release Rolled Back"


def test_the_same_alarm_again_finds_it_returned(account: SmallAccount) -> None:
    released(account)
    alarm = rings(account)
    rollback.take_back(account.aws, alarm)
    (again,) = rollback.take_back(account.aws, alarm)["decisions"]
    assert again == {"action": "ignored", "reason": "release d-1 of payments:live is already returned"}
    assert account.lambdas.pointed == [("payments", "7")]
    assert len(account.told()) == 1


def test_after_its_guard_an_alarm_leaves_a_release_alone(account: SmallAccount) -> None:
    released(account)
    account.clock.goes_on(timedelta(hours=1))
    monitor.look(account.aws, TICK)
    assert account.ledger.watched() == ()
    rollback.take_back(account.aws, rings(account))
    assert account.lambdas.pointed == []


def test_people_may_go_back_after_the_guard_too_and_it_is_watched_again(account: SmallAccount) -> None:
    released(account)
    account.clock.goes_on(timedelta(hours=2))
    monitor.look(account.aws, TICK)
    asked = event("rollback-requested") | {"time": account.clock.now().isoformat()}
    assert rollback.take_back(account.aws, asked)["decisions"][0]["action"] == "returned"
    assert [one.state for one in account.ledger.watched()] == [State.RETURNED]


def test_it_is_nagged_about_once_an_hour_until_somebody_heals_it(account: SmallAccount) -> None:
    released(account)
    rollback.take_back(account.aws, rings(account))
    account.topic.messages.clear()
    for _ in range(150):
        account.clock.goes_on(timedelta(minutes=1))
        monitor.look(account.aws, TICK)
    assert [subject for subject, _ in account.topic.messages] == ["[seatrial] payments:live is still to be healed"] * 2
    assert HEAL in account.told()[0]

    account.lambdas.aliases["payments"] = ("9", 5)  # `sam deploy` of the old code, without shifting
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").state is State.HEALED
    assert account.topic.messages[-1][0] == "[seatrial] payments:live is healed"
    assert account.ledger.watched() == ()


def test_a_return_that_was_left_half_done_is_finished_by_the_tick(account: SmallAccount) -> None:
    release = released(account)
    account.ledger.move(release, State.RETURNING, "alarm bad-outcomes rang", "functions/rollback")
    monitor.look(account.aws, TICK)
    assert account.lambdas.aliases["payments"][0] == "7"
    assert account.ledger.release("d-1").state is State.RETURNED


def test_an_alias_that_somebody_changes_meanwhile_is_looked_at_again(account: SmallAccount) -> None:
    release = released(account)

    def somebody_else_returns_it() -> None:
        account.lambdas.aliases["payments"] = ("7", 9)

    account.lambdas.intruders = [somebody_else_returns_it]
    assert guard.give_back(account.aws, release, "why", "on call")["action"] == "returned"
    assert account.lambdas.pointed == []


@pytest.mark.parametrize(
    ("happened", "sentence"),
    [
        pytest.param(
            lambda account: account.lambdas.aliases.update(payments=("9", 4)),
            "it leads to version 9 by now, which is neither 8 nor 7",
            id="another version is live",
        ),
        pytest.param(
            lambda account: account.lambdas.gone.add(("payments", "7")),
            "version 7 does not exist any more. Deploy a version that works",
            id="no stable version is left",
        ),
    ],
)
def test_what_is_not_ours_to_change_stays_and_people_are_told(
    account: SmallAccount, happened: Any, sentence: str
) -> None:
    released(account)
    happened(account)
    (outcome,) = rollback.take_back(account.aws, rings(account))["decisions"]
    assert outcome["action"] == "ignored"
    assert sentence in outcome["reason"]
    assert account.lambdas.pointed == []
    assert account.told() == [outcome["reason"]]
    assert account.ledger.release("d-1").state is State.RELEASED


def test_users_are_taken_back_though_the_ledger_is_gone(account: SmallAccount) -> None:
    release = released(account)
    boto3.client("dynamodb", **REGION).delete_table(TableName="ledger")
    assert guard.give_back(account.aws, release, "why", "on call")["action"] == "returned"
    assert account.lambdas.aliases["payments"][0] == "7"
    assert len(account.told()) == 1


def test_what_was_to_be_stopped_and_had_ended_well_is_returned_by_the_tick_when_nobody_came_to_do_it(
    account: SmallAccount,
) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.ledger.move(release, State.SHIFTING)
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    account.codedeploy.ends("d-1", "Succeeded")
    account.ledger.move(release, State.GOING_BACK, "on call asked for it", "functions/rollback")  # and then nothing
    for _ in range(2):
        monitor.look(account.aws, TICK)
    assert account.lambdas.aliases["payments"][0] == "7"
    release = account.ledger.release("d-1")
    assert (release.state, release.reason) == (State.RETURNED, "on call asked for it")


def test_what_was_to_be_stopped_and_cannot_be_returned_is_told_once(account: SmallAccount) -> None:
    release = released(account)
    account.lambdas.aliases["payments"] = ("9", 4)
    for _ in range(3):
        guard.give_back(account.aws, release, "on call asked for it", "functions/monitor")
    assert len(account.told()) == 1


def test_a_deployment_that_succeeds_just_before_it_is_stopped_is_returned(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.ledger.move(release, State.SHIFTING)
    account.codedeploy.ends("d-1", "Succeeded")
    (outcome,) = rollback.take_back(account.aws, rings(account))["decisions"]
    assert outcome["action"] == "returned"
    assert account.lambdas.aliases["payments"][0] == "7"
    assert account.ledger.release("d-1").state is State.RETURNED


def rolled_back_by_codedeploys_poll(account: SmallAccount) -> None:
    """Version 8 is released and guarded; version 9 had traffic until CodeDeploy rolled it back."""
    released(account)
    account.clock.goes_on(timedelta(minutes=2))
    begun = account.clock.now()
    account.codedeploy.begin("d-2", stable="8", candidate="9", createTime=begun)
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    preflight.let_begin(account.aws, release)
    account.codedeploy.shifts("d-2")
    account.clock.goes_on(timedelta(minutes=2))
    account.codedeploy.ends("d-2", "Stopped", "ALARM_ACTIVE", "bad-outcomes", rollback="d-3")
    account.codedeploy.begin("d-3", stable="9", candidate="8", creator="codeDeployRollback")
    account.codedeploy.deployments["d-3"] |= {"status": "Succeeded", "completeTime": account.clock.now()}
    account.alarms.alarms = [
        {
            "AlarmName": "bad-outcomes",
            "StateValue": "ALARM",
            "StateReason": "3 of 3 datapoints",
            "StateTransitionedTimestamp": account.clock.now(),
            "Period": 60,
            "EvaluationPeriods": 1,
        }
    ]


def test_a_good_release_stays_when_codedeploys_poll_rolls_its_successor_back(account: SmallAccount) -> None:
    rolled_back_by_codedeploys_poll(account)
    alarm = rings(account)
    rollback.take_back(account.aws, alarm)  # while the ledger believes that version 9 shifts
    for _ in range(3):
        monitor.look(account.aws, TICK)
        rollback.take_back(account.aws, alarm)
        account.clock.goes_on(timedelta(seconds=50))
    assert account.ledger.release("d-2").state is State.TAKEN_BACK
    assert account.ledger.release("d-1").state is State.RELEASED
    assert account.lambdas.pointed == []
    (declined,) = [step.sentence for step in account.ledger.steps("d-1") if step.kind == "declined"]
    assert "alarm bad-outcomes fired on the traffic of version 9 (d-2)" in declined


def test_when_the_alarm_outlasts_its_successors_data_the_good_release_goes_back(account: SmallAccount) -> None:
    rolled_back_by_codedeploys_poll(account)
    for _ in range(6):
        monitor.look(account.aws, TICK)
        account.clock.goes_on(timedelta(minutes=1))
    assert account.ledger.release("d-1").state is State.RETURNED
    assert account.lambdas.pointed == [("payments", "7")]


@pytest.mark.parametrize("alarm", [{"StateValue": "OK"}, {"TreatMissingData": "ignore"}], ids=["quiet", "ignores"])
def test_an_alarm_that_says_nothing_of_todays_data_rolls_nothing_back(
    account: SmallAccount, alarm: dict[str, Any]
) -> None:
    rolled_back_by_codedeploys_poll(account)
    rang = rings(account)
    monitor.look(account.aws, TICK)
    account.alarms.alarms = [{**account.alarms.alarms[0], **alarm}]
    account.clock.goes_on(timedelta(minutes=30))
    monitor.look(account.aws, TICK)
    rollback.take_back(account.aws, rang)
    assert account.lambdas.pointed == []


def test_while_the_alarm_cannot_be_read_the_good_release_stays(account: SmallAccount) -> None:
    rolled_back_by_codedeploys_poll(account)
    rang = rings(account)
    monitor.look(account.aws, TICK)
    account.alarms.broken = True
    account.clock.goes_on(timedelta(minutes=30))
    rollback.take_back(account.aws, rang)
    assert account.lambdas.pointed == []


def test_a_release_stays_when_its_successor_is_reverted_after_the_end(account: SmallAccount) -> None:
    """The alias leads to version 8 again, which is what d-1 had released."""
    released(account)
    account.clock.goes_on(timedelta(minutes=2))
    account.codedeploy.begin("d-2", stable="8", candidate="9", createTime=account.clock.now())
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    preflight.let_begin(account.aws, release)
    account.lambdas.aliases["payments"] = ("9", 5)
    account.ledger.finish(account.ledger.release("d-2"), State.RELEASED, "", "", account.clock.now())
    account.clock.goes_on(timedelta(minutes=1))
    alarm = rings(account)
    asked = event("rollback-requested") | {"time": account.clock.now().isoformat()}
    rollback.take_back(account.aws, asked)
    rollback.take_back(account.aws, alarm)
    assert account.lambdas.aliases["payments"][0] == "8"
    assert account.ledger.release("d-1").state is State.RELEASED
