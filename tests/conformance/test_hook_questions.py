"""How CodeDeploy invokes a hook, and which policy lets it answer: each test passes on what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.conformance.account import ENDED, Account
from tests.conformance.marks import question, reported

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"

type Answered = Callable[[Any], None]


def called(account: Account, hook: str) -> dict[str, Any] | None:
    """What the hook that answers by itself reports of its call; None where the deployment ends without one."""
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start(account.spec(before=hook))

    def seen() -> dict[str, Any] | str | None:
        return account.letter(deployment) or (account.info(deployment)["status"] in ENDED and "ended") or None

    call = account.until(seen, 3)
    if not isinstance(call, dict):
        return account.letter(deployment)  # the report may have come after the last look
    if call["denied"]:
        account.answer(call)
    account.end(deployment)
    return call


@question(
    "hook_alias_runs",
    danger=3,
    cost="The hooks would run unreleased code without OnFailure, or each release of a service would fail.",
)
def test_is_a_hook_named_by_an_alias_arn_invoked_through_that_alias(account: Account, answered: Answered) -> None:
    version = account.functions.publish_version(FunctionName=account["OwnHook"])["Version"]
    alias = {"FunctionName": account["OwnHook"], "Name": account.name}
    try:
        made = account.functions.create_alias(**alias, FunctionVersion=version)
    except account.functions.exceptions.ResourceConflictException:
        made = account.functions.get_alias(**alias)
    call = called(account, made["AliasArn"])
    if call is None:
        answered("refused")
    else:
        answered("alias" if call["invoked"].endswith(f":{account.name}") else "$LATEST")


@question(
    "hook_answer_takes_group",
    danger=2,
    cost="A hook with AWS's own tutorial policy could not answer, and its release would fail after an hour.",
    why=reported("the policies of CDK's preHook and of eight public templates (no thread kept)"),
    minutes=3,
)
def test_may_a_hook_answer_whose_policy_names_the_deployment_group(account: Account, answered: Answered) -> None:
    """IAM may know the policy a minute late, so a denial is tried once more."""
    for last in (False, True):
        call = called(account, account["OwnHook"])
        assert call is not None
        assert call["denied"] in ("", "AccessDeniedException")
        if not call["denied"] or last:
            break
        account.time.go_on(60.0)
    answered(not call["denied"])
