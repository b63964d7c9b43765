"""How traffic moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.conformance.account import Account
from tests.conformance.captures import as_captured, capture
from tests.conformance.marks import captured, claim, documented, published

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def watched(account: Account, deployment: str, minutes: float) -> list[dict[str, Any]]:
    """What the alias was, one after the other, until the deployment ended; as the capture writes it."""
    seen: list[dict[str, Any]] = []

    def over() -> bool:
        ended = bool(account.info(deployment)["status"] == "Succeeded")
        main, weights = account.routes()
        now = {"FunctionVersion": main, "AdditionalVersionWeights": weights or None}
        if not seen or seen[-1] != now:
            seen.append(now)
        return ended

    account.until(over, minutes)
    return seen


@claim(
    captured("observed-alias-during-canary"),
    minutes=6,
    danger=3,
    cost="More users than planned would get a bad candidate.",
)
def test_a_canary_keeps_the_current_version_main_until_one_change_gives_the_candidate_everything(
    account: Account,
) -> None:
    account.alias()
    account.group("CodeDeployDefault.LambdaCanary10Percent5Minutes")
    deployment = account.start()
    captured = capture("observed-alias-during-canary")
    steps = [{key: one[key] for key in ("FunctionVersion", "AdditionalVersionWeights")} for one in captured["timeline"]]
    once = [step for at, step in enumerate(steps) if at == 0 or step != steps[at - 1]]
    assert watched(account, deployment, 7) in (once, once[1:])  # the first weight may be there when we first look
    info = account.target(deployment)["lambdaFunctionInfo"]
    at_end = {**captured["lambdaFunctionInfo_at_end"], "functionAlias": account.name}
    assert {key: info[key] for key in at_end} == at_end


@claim(
    published("event log of a linear deployment on ECS, published by its owner"),
    minutes=3,
    danger=2,
    cost="More users than planned would get a bad candidate.",
)
def test_a_linear_shift_gives_its_increment_at_once_again_every_interval_and_last_what_is_left(
    account: Account,
) -> None:
    account.alias()
    account.group(account["Steps"])
    deployment = account.start()
    shares = [one["AdditionalVersionWeights"] for one in watched(account, deployment, 3)]
    assert [share for share in shares if share] == [{"2": 0.4}, {"2": 0.8}]
    assert account.routes() == ("2", {})
    took = account.info(deployment)
    assert took["completeTime"] - took["startTime"] >= timedelta(minutes=2)


@claim(documented("CodeDeploy User Guide: Working with deployment configurations in CodeDeploy"))
def test_all_at_once_is_one_change_without_weights(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    assert not any(one["AdditionalVersionWeights"] for one in watched(account, deployment, 1))
    assert account.routes() == ("2", {})


@claim(captured("observed-lifecycle-events-stopped-and-rollback"))
def test_a_success_has_three_lifecycle_events_that_succeeded_whether_there_are_hooks_or_not(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    account.end(deployment)
    assert account.lifecycle(deployment) == capture("observed-lifecycle-events-stopped-and-rollback")["success"]


@claim(
    captured("codedeploy-deployment-state-change"), danger=2, cost="A message or a report would name the wrong cause."
)
def test_the_event_bus_is_told_start_and_success_without_error_data(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE)
    deployment = account.start()
    account.end(deployment)
    first, last = account.state_changes(deployment, 2)
    assert [first["detail"]["state"], last["detail"]["state"]] == ["START", "SUCCESS"]
    sample = capture("codedeploy-deployment-state-change")
    assert (sorted(last), sorted(last["detail"])) == (sorted(sample), sorted(sample["detail"]))
    for member in ("detail-type", "source", "version"):
        assert last[member] == sample[member]
    given, captured = as_captured(last["detail"]["deploymentId"], sample["detail"]["deploymentId"])
    assert given == captured
    assert [arn.split(":")[5] for arn in last["resources"]] == [arn.split(":")[5] for arn in sample["resources"]]
