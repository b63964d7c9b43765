"""What nobody could confirm: each test looks at what happens and hands that over, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.conformance.account import ENDED, NO_ROLLBACK, Account
from tests.conformance.marks import documented, modelled, published, question, reported
from tests.conformance.stacks import physical, released

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"

type Answered = Callable[[Any], None]


@question(
    "missing_alarm_stops",
    why=reported("public templates that name alarms of other stacks (no thread kept)"),
    danger=2,
    cost="Each release of a template that names a missing alarm would stop.",
)
def test_does_an_alarm_that_does_not_exist_stop_a_deployment(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE, alarms=("no-such-alarm",))
    answered(account.end(account.start())["status"] == "Stopped")


@question(
    "unanswered_code", minutes=62, danger=1, cost="The message would name another cause for a hook that timed out."
)
def test_how_does_a_deployment_fail_whose_hook_nobody_answers(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    ended = account.end(account.start(account.spec(before=account["Hook"])), 63)
    assert ended["completeTime"] - ended["startTime"] >= timedelta(minutes=59)
    answered(ended["errorInformation"]["code"])


@question(
    "stop_parameter_wins",
    minutes=2,
    why=modelled("codedeploy.StopDeployment"),
    danger=3,
    cost="A bad candidate would keep its weight after the judge stopped its deployment.",
)
def test_does_stop_deployment_win_over_a_group_that_does_not_roll_back(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(CANARY, autoRollbackConfiguration=NO_ROLLBACK)
    deployment = account.start()
    account.until_it_shifts(0.1)
    account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    answered("rollbackInfo" in account.end(deployment))


@question(
    "rollback_invokes_hooks",
    minutes=3,
    why=published("event log of a rollback, published by its owner"),
    danger=3,
    cost="A trial in a rollback could fail it, and users would stay on the bad candidate.",
)
def test_does_a_rollback_invoke_hooks(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"], after=account["Hook"]))
    account.answer(account.asked(deployment))
    account.answer(account.asked(deployment), "Failed")

    back, asked = account.rollback_of(deployment), []

    def over() -> bool:
        if call := account.letter(back):
            asked.append(call)
            account.answer(call)
        return account.info(back)["status"] in ENDED

    account.until(over, 3)
    answered(bool(asked))


@question(
    "rollback_can_be_stopped",
    minutes=6,
    danger=2,
    cost="A stop sent late could cancel a rollback, and both versions would keep traffic.",
)
def test_can_a_rollback_be_stopped(account: Account, answered: Answered) -> None:
    """It is over in two or three seconds: where the stop comes too late, another one is tried."""
    account.group()
    too_late = account.codedeploy.exceptions.DeploymentAlreadyCompletedException
    for _ in range(20):
        account.alias()
        deployment = account.start()
        account.until_it_shifts()
        account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
        back = account.rollback_of(deployment)
        try:
            account.codedeploy.stop_deployment(deploymentId=back, autoRollbackEnabled=False)
        except too_late:
            continue
        answered(account.end(back)["status"] == "Stopped")
        return
    raise AssertionError("no rollback took long enough to be stopped")


@question(
    "executed_version_always",
    minutes=12,
    danger=2,
    cost="The judge would find no figures for a version without weights.",
)
def test_do_metrics_carry_executed_version_while_the_alias_has_no_weights(account: Account, answered: Answered) -> None:
    account.alias()
    account.functions.invoke(FunctionName=account["Service"], Qualifier=account.name)
    account.until(account.invokes, 10)
    counted = account.now()
    account.until(lambda: account.invokes(ExecutedVersion="1") or account.now() - counted > 60)
    answered(account.invokes(ExecutedVersion="1") > 0)


@question(
    "two_versions_refused_at",
    minutes=2,
    why=documented("CodeDeploy User Guide: Troubleshoot AWS Lambda deployment issues"),
    danger=2,
    cost="The trial would run before CodeDeploy rejects the alias, and its message would mislead.",
)
def test_when_is_an_alias_with_two_versions_refused(account: Account, answered: Answered) -> None:
    account.alias("1", {"2": 0.5})
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=account["Hook"]))
    asked = []

    def over() -> bool:
        if call := account.letter(deployment):
            asked.append(call)
            account.answer(call)
        return account.info(deployment)["status"] in ENDED

    account.until(over, 3)
    assert account.info(deployment)["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    answered("shift" if asked else "start")


@question(
    "alarms_polled_during_hooks",
    minutes=3,
    why=published("event log of an ECS deployment, published by its owner"),
    danger=2,
    cost="A release would start its shift although an alarm is in ALARM.",
)
def test_does_an_alarm_stop_a_deployment_that_waits_for_a_hook(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE, alarms=(account["Alarm"],))
    deployment = account.start(account.spec(after=account["Hook"]))
    call = account.asked(deployment)
    account.rings("Alarm")
    rang = account.now()

    def settled() -> bool:
        return account.info(deployment)["status"] in ENDED or account.now() - rang > 90

    account.until(settled, 3)
    stopped = account.info(deployment)["status"] == "Stopped"
    if not stopped:
        account.answer(call)
    account.end(deployment)
    answered(stopped)


@question(
    "group_update_reaches_running",
    minutes=3,
    danger=1,
    cost="An alarm added during a release would stop it, or would not.",
)
def test_does_a_running_deployment_get_the_alarms_that_its_group_gets(account: Account, answered: Answered) -> None:
    account.alias()
    account.group()
    account.rings("Alarm")
    deployment = account.start()
    account.until_it_shifts()
    account.group(alarms=(account["Alarm"],))
    answered(account.end(deployment)["status"] == "Stopped")


@question(
    "revision_in_get_deployment",
    why=modelled("codedeploy.GetDeployment"),
    danger=3,
    cost="The hooks would not learn which versions they test.",
)
def test_does_get_deployment_give_the_text_of_the_appspec(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    ended = account.end(account.start())
    answered(bool(ended["revision"]["string"].get("content")))


@question("same_version_at_once", minutes=2, danger=1, cost="A repair to the version that is live already would fail.")
def test_does_an_all_at_once_deployment_to_the_same_version_succeed(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    answered(account.end(account.start(account.spec(current="1", target="1")))["status"] == "Succeeded")


@question(
    "removed_alarms_stay",
    minutes=5,
    why=reported("users' reports of alarms that stay on a group (no thread kept)"),
    danger=2,
    cost="An alarm that left the template would still stop releases.",
)
def test_do_alarms_that_leave_the_template_stay_on_the_group(account: Account, answered: Answered, stack: str) -> None:
    without = released(account, "One")
    del without["Resources"]["Group"]["Properties"]["AlarmConfiguration"]
    without["Resources"]["Group"]["Properties"]["DeploymentConfigName"] = (
        "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    )
    account.apply(stack, without)
    found = account.codedeploy.get_deployment_group(
        applicationName=physical(account, stack, "Application"), deploymentGroupName=physical(account, stack, "Group")
    )["deploymentGroupInfo"]
    answered(bool(found.get("alarmConfiguration", {}).get("alarms")))
