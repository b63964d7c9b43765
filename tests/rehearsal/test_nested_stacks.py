"""Releases in nested stacks on the stage, spoken to with boto3 alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.stage import Stage
from tests.rehearsal.test_codedeploy_stacks import (
    alias,
    apply,
    cancel_at_the_first_weight,
    deployments,
    physical,
    reasons,
    shifted,
    template,
)

CANARY, AT_ONCE = "LambdaCanary10Percent5Minutes", "LambdaAllAtOnce"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as started:
        started.client("s3").create_bucket(
            Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield started


def nested(stage: Stage, name: str, what: dict[str, Any]) -> dict[str, Any]:
    """A nested stack; like `sam package`, each template has an address of its own."""
    body = json.dumps(what)
    key = f"{name}-{abs(hash(body))}.json"
    stage.client("s3").put_object(Bucket="templates", Key=key, Body=body.encode())
    url = f"{stage.endpoint}/templates/{key}"
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}


def released(
    stage: Stage, number: str, texts: dict[str, str], config: str = CANARY, three: str = AT_ONCE
) -> dict[str, Any]:
    """A root with an alias of its own and two nested stacks, one of two aliases; `texts` are what services say."""
    hook = {"Ref": "Hook"}

    def service(name: str, shifts: str = config) -> dict[str, Any]:
        return shifted(name, f"{name} {number} {texts.get(name, '')}", number, hook, shifts, [])

    root = template(number, service("Own"))
    root["Resources"]["Left"] = nested(stage, "left", template(number, service("One"), service("Two")))
    root["Resources"]["Right"] = nested(stage, "right", template(number, service("Three", three)))
    return root


def stack_of(stage: Stage, root: str, child: str) -> str:
    return physical(stage, root, child).split("/")[1]


def everywhere(stage: Stage, root: str) -> dict[str, tuple[str, str]]:
    """The stack and the service of every alias."""
    left, right = stack_of(stage, root, "Left"), stack_of(stage, root, "Right")
    return {"Own": (root, "Own"), "One": (left, "One"), "Two": (left, "Two"), "Three": (right, "Three")}


def test_aliases_of_a_root_and_its_nested_stacks_shift_at_the_same_time(stage: Stage) -> None:
    assert apply(stage, "all", released(stage, "1", {}, AT_ONCE)) == "CREATE_COMPLETE"
    assert apply(stage, "all", released(stage, "2", {}, CANARY, CANARY)) == "UPDATE_COMPLETE"
    made = [one for stack, service in everywhere(stage, "all").values() for one in deployments(stage, stack, service)]
    assert [one["status"] for one in made] == ["Succeeded"] * 4
    assert max(one["startTime"] for one in made) < min(one["completeTime"] for one in made)
    found = {name: alias(stage, stack, service) for name, (stack, service) in everywhere(stage, "all").items()}
    assert found == dict.fromkeys(found, ("2", {}))
    assert apply(stage, "all", released(stage, "3", {}, AT_ONCE)) == "UPDATE_COMPLETE", "and once more"


def test_when_one_alias_is_refused_those_of_every_nested_stack_go_back_to_the_versions_they_had(stage: Stage) -> None:
    assert apply(stage, "back", released(stage, "1", {})) == "CREATE_COMPLETE"
    assert apply(stage, "back", released(stage, "2", {"Two": "bad"})) == "UPDATE_ROLLBACK_COMPLETE"
    found = {name: alias(stage, stack, service) for name, (stack, service) in everywhere(stage, "back").items()}
    assert found == dict.fromkeys(found, ("1", {}))
    left, right = stack_of(stage, "back", "Left"), stack_of(stage, "back", "Right")
    (refused, _) = deployments(stage, left, "Two")
    assert refused["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    for stack, service in ((left, "One"), (right, "Three"), ("back", "Own")):
        spec = json.loads(deployments(stage, stack, service)[-1]["revision"]["string"]["content"])
        (resource,) = spec["Resources"]
        assert next(iter(resource.values()))["Properties"]["TargetVersion"] == "1", service
    (said,) = [reason for status, reason in reasons(stage, "back", "Left") if status == "UPDATE_FAILED"]
    assert said.endswith("The following resource(s) failed to update: [TwoAlias].")
    told = [reason for status, reason in reasons(stage, left, "TwoAlias") if status == "UPDATE_FAILED"]
    assert "lifecycle event validation functions failed" in told[0]
    assert apply(stage, "back", released(stage, "3", {}, AT_ONCE)) == "UPDATE_COMPLETE", (
        "the next release is a plain one"
    )


def test_what_a_nested_release_leaves_behind_goes_when_the_whole_update_is_done(stage: Stage) -> None:
    def release(number: str, **texts: str) -> dict[str, Any]:
        made = released(stage, number, texts, AT_ONCE)
        child = template(number, shifted("Three", f"three {number}", number, None, AT_ONCE, []), hook=False)
        del child["Resources"][f"ThreeVersion{number}"]["DeletionPolicy"]
        return {**made, "Resources": {**made["Resources"], "Right": nested(stage, "unkept", child)}}

    def versions() -> list[str]:
        function = physical(stage, stack_of(stage, "unkept", "Right"), "Three")
        found = stage.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
        return [one["Version"] for one in found if one["Version"] != "$LATEST"]

    assert apply(stage, "unkept", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "unkept", release("2")) == "UPDATE_COMPLETE"
    assert versions() == ["2"]
    assert apply(stage, "unkept", release("3", Own="bad")) == "UPDATE_ROLLBACK_COMPLETE"
    assert (versions(), alias(stage, stack_of(stage, "unkept", "Right"), "Three")) == (["2"], ("2", {}))


def test_cancelling_a_roots_update_takes_the_releases_of_its_nested_stacks_back(stage: Stage) -> None:
    slow = "LambdaLinear10PercentEvery10Minutes"
    assert apply(stage, "cancelled", released(stage, "1", {}, slow)) == "CREATE_COMPLETE"
    left = stack_of(stage, "cancelled", "Left")
    cancel = threading.Thread(target=cancel_at_the_first_weight, args=(stage, left, "One", "cancelled"))
    cancel.start()
    assert apply(stage, "cancelled", released(stage, "2", {}, slow)) == "UPDATE_ROLLBACK_COMPLETE"
    cancel.join()
    found = {name: alias(stage, stack, service) for name, (stack, service) in everywhere(stage, "cancelled").items()}
    assert found == dict.fromkeys(found, ("1", {}))


def test_a_nested_template_that_cant_be_taken_says_why_and_changes_nothing(stage: Stage) -> None:
    assert apply(stage, "untaken", released(stage, "1", {}, AT_ONCE)) == "CREATE_COMPLETE"
    broken = released(stage, "2", {}, AT_ONCE)
    broken["Resources"]["Right"] = nested(stage, "macro", {"Transform": "Mine", "Resources": {}})
    assert apply(stage, "untaken", broken) == "UPDATE_ROLLBACK_COMPLETE"
    (said,) = [reason for status, reason in reasons(stage, "untaken", "Right") if status == "UPDATE_FAILED"]
    assert "No transform named Mine found" in said
    found = {name: alias(stage, stack, service) for name, (stack, service) in everywhere(stage, "untaken").items()}
    assert found == dict.fromkeys(found, ("1", {}))


def test_that_another_template_at_the_same_address_is_not_seen_is_told(stage: Stage) -> None:
    def release(number: str) -> dict[str, Any]:
        root = template(number, hook=False)
        child = nested(stage, "one", {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
        return {**root, "Resources": {**root["Resources"], "Child": child, f"New{number}": {"Type": "AWS::SQS::Queue"}}}

    assert apply(stage, "address", release("1")) == "CREATE_COMPLETE"
    assert apply(stage, "address", release("2")) == "UPDATE_COMPLETE"
    assert told(stage) == []
    third = release("3")
    key = third["Resources"]["Child"]["Properties"]["TemplateURL"].rpartition("/")[2]
    other = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Other": {"Type": "AWS::SQS::Queue"}}}
    stage.client("s3").put_object(Bucket="templates", Key=key, Body=json.dumps(other).encode())
    assert apply(stage, "address", third) == "UPDATE_COMPLETE"
    assert told(stage) == ["nested stack Child is left as it is"]


def told(stage: Stage) -> list[str]:
    """What notes say of addresses, up to their first comma."""
    notes = [one["text"] for one in stage.records() if one["kind"] == "note"]
    return [text.partition(",")[0] for text in notes if "same address" in text]
