"""What nobody could confirm of CloudFormation and aliases: each test hands over what happens, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.conformance import template
from tests.conformance.account import ENDED, Account
from tests.conformance.marks import question
from tests.conformance.stacks import deployments, move_the_alias, physical, release, released, started

type Answered = Callable[[Any], None]


def both(account: Account, number: str) -> dict[str, Any]:
    return template.with_another_alias(released(account, number))


def until_the_stack_is_back(account: Account, stack: str) -> None:
    """Deployments that send an alias back ask its hook."""

    def back() -> bool:
        for deployment in deployments(account, stack)[1:]:
            if call := account.letter(deployment):
                account.answer(call)
        return not account.status(stack).endswith("_IN_PROGRESS")

    account.until(back, 15)
    assert account.status(stack) == "UPDATE_ROLLBACK_COMPLETE"


@question(
    "stack_goes_back_by_deployment",
    minutes=12,
    danger=2,
    cost="A rollback of a stack would run our hooks for a lower version.",
)
def test_does_an_alias_that_had_shifted_go_back_with_its_stack_by_a_deployment(
    account: Account, stack: str, answered: Answered
) -> None:
    assert account.apply(stack, both(account, "One")) == "UPDATE_COMPLETE"
    account.begin(stack, both(account, "Two"))
    shifts, fails = started(account, stack), started(account, stack, group="OtherGroup")
    account.answer(account.asked(shifts, 3))
    assert account.end(shifts)["status"] == "Succeeded"
    account.answer(account.asked(fails, 3), "Failed")
    until_the_stack_is_back(account, stack)
    answered(len(deployments(account, stack)) > 1)


@question(
    "stack_stops_what_it_cancels",
    minutes=15,
    danger=3,
    cost="A candidate would go on to 100 % although its stack rolls back.",
)
def test_does_cloudformation_stop_a_deployment_when_another_of_its_stack_fails(
    account: Account, stack: str, answered: Answered
) -> None:
    assert account.apply(stack, both(account, "One")) == "UPDATE_COMPLETE"
    account.begin(stack, both(account, "Two"))
    waits, fails = started(account, stack), started(account, stack, group="OtherGroup")
    call = account.asked(waits, 3)
    account.answer(account.asked(fails, 3), "Failed")
    account.end(fails)
    failed = account.now()

    def settled() -> bool:
        return account.info(waits)["status"] in ENDED or account.now() - failed > 180

    account.until(settled, 4)
    stopped = account.info(waits)["status"] == "Stopped"
    if not stopped:
        account.answer(call)
    until_the_stack_is_back(account, stack)
    answered(stopped)


@question(
    "drift_aware_shifts_from_actual",
    minutes=10,
    danger=2,
    cost="A release after a late rollback would fail, or skip its canary.",
)
def test_does_a_drift_aware_change_set_shift_from_the_version_that_users_have(
    account: Account, stack: str, answered: Answered
) -> None:
    release(account, stack, "Two")
    move_the_alias(account, stack)
    account.change_set(stack, released(account, "Three"), DeploymentMode="REVERT_DRIFT", execute=True)
    deployment = started(account, stack, 1)

    def over() -> bool:
        if call := account.letter(deployment):
            account.answer(call)
        return account.info(deployment)["status"] in ENDED

    account.until(over, 3)
    account.settled(stack)
    answered(account.target(deployment)["lambdaFunctionInfo"]["currentVersion"] == "1")


@question(
    "alias_update_drops_weights",
    minutes=6,
    danger=3,
    cost="An update of the stack during a shift would end the canary in silence.",
)
def test_does_an_update_of_an_alias_drop_weights_that_its_template_does_not_state(
    account: Account, stack: str, answered: Answered
) -> None:
    release(account, stack, "Two")
    live = {"FunctionName": physical(account, stack, "Service"), "Name": "live"}
    account.functions.update_alias(**live, RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})
    what = released(account, "Two")
    what["Resources"]["Alias"]["Properties"]["Description"] = "told"
    assert account.apply(stack, what) == "UPDATE_COMPLETE"
    found = account.functions.get_alias(**live)
    assert found["Description"] == "told"
    answered("RoutingConfig" not in found)
