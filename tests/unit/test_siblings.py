"""A release that CloudFormation stopped because another alias of the stack failed: what is named as the cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core import siblings, story
from seatrial.core.release import Release, State, Step
from seatrial.flows import monitor, preflight
from tests.small_account import CREATED, SmallAccount, event, make_table, refused

TICK = event("tick")


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        stack = {"seatrial": "released", "aws:cloudformation:stack-name": "shop"}
        account.lambdas.tags = {"payments": stack, "refunds": stack}
        account.stacks.events["shop"] = [
            told(2, "refundsAliaslive", "CodeDeploy deployment started: d-2"),
            told(2, "paymentsAliaslive", "CodeDeploy deployment started: d-1"),
            told(-1, "shop", "User Initiated", PhysicalResourceId="arn:shop"),
            told(-9, "refundsAliaslive", "CodeDeploy deployment started: d-0"),
        ]
        yield account


def told(second: float, name: str, reason: str, **more: Any) -> dict[str, Any]:
    return {
        "StackId": "arn:shop",
        "Timestamp": CREATED + timedelta(seconds=second),
        "LogicalResourceId": name,
        "ResourceStatus": "UPDATE_IN_PROGRESS",
        "ResourceStatusReason": reason,
        **more,
    }


def begun(account: SmallAccount, id: str, function: str) -> Release:
    account.codedeploy.begin(id, function=function)
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment(id))
    preflight.let_begin(account.aws, release)
    account.codedeploy.shifts(id)
    return account.ledger.release(id)


def ends(account: SmallAccount, id: str, code: str, second: float, function: str) -> None:
    status = "Failed" if code == "HOOK_EXECUTION_FAILURE" else "Stopped"
    account.codedeploy.ends(id, status, code, f"{code} of {id}", rollback=f"{id}b")
    account.codedeploy.deployments[id]["completeTime"] = CREATED + timedelta(seconds=second)
    account.codedeploy.begin(f"{id}b", function=function, stable="8", candidate="7", creator="codeDeployRollback")
    account.codedeploy.ends(f"{id}b", "Succeeded")


@pytest.mark.parametrize("code", ["HOOK_EXECUTION_FAILURE", "ALARM_ACTIVE", "MANUAL_STOP"])
def test_the_sibling_its_deployment_and_its_reason_are_named(account: SmallAccount, code: str) -> None:
    begun(account, "d-1", "payments")
    other = begun(account, "d-2", "refunds")
    account.ledger.explain(other, "1 of 3 cases failed", "functions/pre_traffic")
    ends(account, "d-2", code, 60, "refunds")
    ends(account, "d-1", "MANUAL_STOP", 61, "payments")
    monitor.look(account.aws, TICK)
    release = account.ledger.release("d-1")
    assert (release.state, release.by) == (State.TAKEN_BACK, "CloudFormation")
    assert release.reason == (
        "CloudFormation cancelled the update of stack shop: refunds:live (d-2) failed: 1 of 3 cases failed"
    )
    assert account.ledger.release("d-2").by == (
        "CodeDeploy's alarm poll" if code == "ALARM_ACTIVE" else "functions/pre_traffic"
    )


def test_a_sibling_that_failed_later_or_in_another_update_is_not_named(account: SmallAccount) -> None:
    begun(account, "d-1", "payments")
    begun(account, "d-2", "refunds")
    account.codedeploy.begin("d-0", function="refunds")
    ends(account, "d-0", "ALARM_ACTIVE", 5, "refunds")
    ends(account, "d-1", "MANUAL_STOP", 61, "payments")
    ends(account, "d-2", "ALARM_ACTIVE", 90, "refunds")
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").by == "a person (StopDeployment)"


@pytest.mark.parametrize("trouble", ["no stack", "unreadable", "by hand"])
def test_where_the_stack_says_nothing_a_person_is_assumed(account: SmallAccount, trouble: str) -> None:
    begun(account, "d-1", "payments")
    match trouble:
        case "no stack":
            account.lambdas.tags["payments"] = {"seatrial": "released"}
        case "unreadable":
            account.stacks.broken = refused("DescribeStackEvents", "AccessDenied")
        case _:
            del account.stacks.events["shop"][1]
    ends(account, "d-1", "MANUAL_STOP", 61, "payments")
    monitor.look(account.aws, TICK)
    assert account.ledger.release("d-1").by == "a person (StopDeployment)"


def test_what_a_person_asked_for_is_not_held_against_a_sibling(account: SmallAccount) -> None:
    release = begun(account, "d-1", "payments")
    ends(account, "d-1", "MANUAL_STOP", 61, "payments")
    deployment = account.aws.codedeploy.deployment("d-1")
    assert siblings.may_be_stopped_for_one(release, deployment)
    account.ledger.explain(release, "on call asked for it", "functions/rollback")
    assert not siblings.may_be_stopped_for_one(account.ledger.release("d-1"), deployment)


def test_nothing_contradicts_the_end_of_a_release() -> None:
    def step(kind: str, minute: float) -> Step:
        return Step(kind, "", f"{kind} at {minute}", CREATED + timedelta(minutes=minute))

    steps = [step("trial", 1), step("closed", 2), step("answer", 3), step("verdict", 3), step("smoke", 4)]
    after = [step("returned", 5), step("nag", 65), step("cost", 6), step("besides", 3)]
    assert story.of_its_way([*steps, *after]) == [*steps[:2], *after]
    assert story.of_its_way(steps[:1] + steps[2:]) == steps[:1] + steps[2:], "one that is open has no end"
