"""What hooks are asked, and what their answers do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import Account, code
from tests.conformance.captures import as_captured, capture
from tests.conformance.marks import UNKNOWN, captured, claim, documented, modelled

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


@claim(
    captured("codedeploy-hook-event"), danger=3, cost="A good release would fail, and nothing of ours would explain it."
)
def test_a_hook_is_invoked_with_two_ids_and_nothing_else(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    call = account.asked(deployment)
    assert sorted(call) == sorted(capture("codedeploy-hook-event"))
    account.answer(call)
    assert account.end(deployment)["status"] == "Succeeded"


@claim(
    documented("CodeDeploy User Guide: AppSpec 'hooks' section"),
    danger=3,
    cost="A bad candidate would get production traffic without a check.",
)
def test_each_hook_is_asked_by_an_id_of_its_own_and_the_second_after_the_shift(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"], after=account["Hook"]))
    before = account.asked(deployment)
    assert account.routes() == ("1", {})
    account.answer(before)
    after = account.asked(deployment)
    assert account.routes() == ("2", {})
    assert before["LifecycleEventHookExecutionId"] != after["LifecycleEventHookExecutionId"]
    account.answer(after)
    assert account.end(deployment)["status"] == "Succeeded"


@claim(
    captured("observed-getdeployment-hook-failed"),
    danger=3,
    cost="A bad candidate would get production traffic without a check.",
)
def test_a_hook_that_answers_failed_fails_the_deployment_before_any_user_meets_the_candidate(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    account.answer(account.asked(deployment), "Failed")
    given, captured = as_captured(account.end(deployment), capture("observed-getdeployment-hook-failed"))
    assert given == captured
    assert account.routes() == ("1", {})
    assert account.lifecycle(deployment) == [
        ["BeforeAllowTraffic", "Failed"],
        ["AllowTraffic", "Skipped"],
        ["AfterAllowTraffic", "Skipped"],
    ]


@claim(
    documented("CodeDeploy User Guide: AppSpec 'hooks' section"),
    danger=3,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_a_hook_that_fails_after_the_shift_takes_users_back(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(after=account["Hook"]))
    account.answer(account.asked(deployment), "Failed")
    ended = account.end(deployment)
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", "HOOK_EXECUTION_FAILURE")
    assert account.routes() == ("1", {})


@claim(
    modelled("codedeploy.PutLifecycleEventHookExecutionStatus"),
    danger=2,
    cost="Seatrial would repeat or lose its answer to a hook.",
)
def test_a_second_answer_is_told_that_the_event_has_completed(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    call = account.asked(deployment)
    account.answer(call)
    account.end(deployment)
    with pytest.raises(ClientError) as second:
        account.answer(call)
    assert code(second.value) == "LifecycleEventAlreadyCompletedException"


@claim(modelled("codedeploy.PutLifecycleEventHookExecutionStatus"))
def test_an_answer_with_an_id_that_nobody_was_asked_by_is_refused(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    call = account.asked(deployment)
    with pytest.raises(ClientError) as strange:
        account.answer({**call, "LifecycleEventHookExecutionId": "made up"})
    assert code(strange.value) == "InvalidLifecycleEventHookExecutionIdException"
    account.answer(call)
    assert account.end(deployment)["status"] == "Succeeded"


@claim(UNKNOWN, danger=2, cost="Seatrial would repeat or lose its answer to a hook.")
def test_during_a_hook_a_stop_is_pending_and_the_later_answer_is_told_that_the_event_has_completed(
    account: Account,
) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    call = account.asked(deployment)
    stopped = account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    assert stopped["status"] in ("Pending", "Succeeded")
    assert account.end(deployment)["status"] == "Stopped"
    with pytest.raises(ClientError) as late:
        account.answer(call)
    assert code(late.value) == "LifecycleEventAlreadyCompletedException"


@claim(
    captured("observed-getdeployment-iam-role-permissions"),
    danger=2,
    cost="A bad candidate would get production traffic without a check.",
)
def test_a_hook_that_the_groups_role_may_not_invoke_fails_the_deployment(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["ForbiddenHook"]))
    given, captured = as_captured(account.end(deployment), capture("observed-getdeployment-iam-role-permissions"))
    assert given == captured
    assert account.routes() == ("1", {})
