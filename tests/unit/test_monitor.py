"""functions/monitor: the ledger follows CodeDeploy, whatever events got lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core.release import Release, State
from seatrial.flows import monitor, preflight
from tests.small_account import CREATED, SmallAccount, event, make_table

TICK = event("tick")


def changed(id: str, state: str) -> dict[str, Any]:
    notification = event("deployment")
    return notification | {"detail": notification["detail"] | {"deploymentId": id, "state": state}}


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags = {"payments": {"seatrial": "released"}, "refunds": {"seatrial": "released"}}
        yield account


def shifting(account: SmallAccount, id: str = "d-1", function: str = "payments") -> Release:
    account.codedeploy.begin(id, function=function)
    account.codedeploy.shifts(id)
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment(id))
    account.ledger.move(release, State.SHIFTING)
    return release


def rolled_back(account: SmallAccount, id: str = "d-1", code: str = "ALARM_ACTIVE") -> None:
    account.codedeploy.ends(id, "Stopped", code, "Activated alarms: <bad-outcomes>", rollback="d-back")
    rollback_info = {"rollbackTriggeringDeploymentId": id}
    account.codedeploy.begin("d-back", stable="8", candidate="7", status="Succeeded", rollbackInfo=rollback_info)


def test_a_tick_with_nothing_open_asks_the_ledger_alone(account: SmallAccount) -> None:
    assert monitor.look(account.aws, TICK) == {"open": 0, "closed": [], "left": 0}


def test_an_open_release_whose_deployment_runs_stays_open(account: SmallAccount) -> None:
    shifting(account)
    assert monitor.look(account.aws, TICK) == {"open": 1, "closed": [], "left": 0}


def test_a_deployment_that_succeeded_closes_its_release_and_tells_people_once(account: SmallAccount) -> None:
    shifting(account)
    account.codedeploy.ends("d-1", "Succeeded")
    expected = {"open": 0, "closed": [{"release": "d-1", "end": "released"}], "left": 0}
    assert monitor.look(account.aws, changed("d-1", "SUCCESS")) == expected
    assert monitor.look(account.aws, changed("d-1", "SUCCESS")) == {"open": 0, "closed": [], "left": 0}
    assert monitor.look(account.aws, TICK) == {"open": 0, "closed": [], "left": 0}
    assert account.told() == ["payments:live: version 8 is released and serves everybody"]


def test_a_rollback_whose_events_were_all_lost_is_seen_by_the_next_tick(account: SmallAccount) -> None:
    shifting(account)
    rolled_back(account)
    monitor.look(account.aws, TICK)
    release = account.ledger.release("d-1")
    assert (release.state, release.by) == (State.TAKEN_BACK, "CodeDeploy's alarm poll")
    assert account.topic.messages == [
        (
            "[seatrial] payments:live was taken back",
            "payments:live: version 8 was taken back to version 7 by CodeDeploy's alarm poll: "
            "Activated alarms: <bad-outcomes>",
        )
    ]


def test_the_event_of_the_rollback_closes_the_release_that_it_took_back(account: SmallAccount) -> None:
    shifting(account)
    rolled_back(account)
    monitor.look(account.aws, changed("d-back", "SUCCESS"))
    assert account.ledger.release("d-1").state is State.TAKEN_BACK
    assert account.ledger.find("d-back") is None, "a rollback is no release"


def test_a_deployment_that_no_hook_opened_is_recorded_and_followed(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    assert monitor.look(account.aws, changed("d-1", "START")) == {"open": 1, "closed": [], "left": 0}
    account.codedeploy.shifts("d-1")
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").state is State.SHIFTING


def test_a_deployment_of_which_the_first_event_is_its_end_has_its_story_in_order(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    began = account.clock.now() - timedelta(seconds=30)
    account.codedeploy.targets["d-1"]["lifecycleEvents"][0]["startTime"] = began
    account.codedeploy.ends("d-1", "Succeeded")
    monitor.look(account.aws, changed("d-1", "SUCCESS"))
    steps = account.ledger.steps("d-1")
    told = [(step.kind, step.at) for step in steps if step.kind in ("opened", "shifting", "closed")]
    assert told == [("opened", CREATED), ("shifting", began), ("closed", account.clock.now())]


def test_a_function_without_the_tag_is_nobodys_release(account: SmallAccount) -> None:
    account.lambdas.tags["payments"] = {}
    account.codedeploy.begin("d-1")
    assert monitor.look(account.aws, changed("d-1", "START")) == {"open": 0, "closed": [], "left": 0}
    assert account.ledger.find("d-1") is None


def test_a_deployment_that_codedeploy_does_not_know_is_passed_over(account: SmallAccount) -> None:
    assert monitor.look(account.aws, changed("d-404", "START")) == {"open": 0, "closed": [], "left": 0}


def test_a_release_whose_deployment_is_gone_needs_somebody(account: SmallAccount) -> None:
    shifting(account)
    account.codedeploy.deployments.clear()
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").state is State.STRANDED
    assert account.topic.messages[0][0] == "[seatrial] payments:live NEEDS SOMEBODY: it is stranded"


def test_one_release_that_cannot_be_read_does_not_keep_the_others_open(account: SmallAccount) -> None:
    shifting(account)
    shifting(account, "d-2", "refunds")
    account.codedeploy.deployments["d-1"]["status"] = "Unheard of"
    account.codedeploy.ends("d-2", "Succeeded")
    with pytest.raises(ExceptionGroup):
        monitor.look(account.aws, TICK)
    assert account.ledger.release("d-2").state is State.RELEASED
    assert account.ledger.release("d-1").state is State.SHIFTING


def test_what_people_are_sent_is_the_sample_among_the_events(account: SmallAccount) -> None:
    release = shifting(account, "d-RGSWBD91L")
    reason = "on-call@example.com asked for it: refunds answer twice"
    account.ledger.move(release, State.GOING_BACK, reason, "functions/rollback")
    rolled_back(account, "d-RGSWBD91L", code="MANUAL_STOP")
    monitor.look(account.aws, TICK)
    sample = event("leaving-message")
    (sent,) = account.topic.sent
    assert sent | {"TopicArn": sample["TopicArn"]} == sample


def test_a_refusal_recorded_while_codedeploy_is_asked_is_the_reason(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    ask = account.codedeploy.batch_get_deployments

    def hook_answers_meanwhile(*, deploymentIds: list[str]) -> dict[str, Any]:  # noqa: N803
        account.ledger.explain(release, "1 of 2 cases failed", "functions/pre_traffic")
        account.codedeploy.ends("d-1", "Failed", "HOOK_EXECUTION_FAILURE", "a hook failed")
        return ask(deploymentIds=deploymentIds)

    account.codedeploy.batch_get_deployments = hook_answers_meanwhile  # type: ignore[method-assign]
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").reason == "1 of 2 cases failed"
