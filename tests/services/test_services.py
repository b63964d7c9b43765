"""Services of every shape, each released well and badly on one stage; docs/stage-services.md tells what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rehearsal.sam import PROJECT
from rehearsal.stage import Stage
from tests.services import judge, page
from tests.services.catalogue import BY_NAME, SERVICES
from tests.services.releases import BAD, FIRST, GOOD, Owner, Release, Service

PAGE = PROJECT / "docs" / "stage-services.md"

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as stage:
        yield stage


@pytest.fixture(scope="module")
def released(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Owner, list[Release]]]:
    """Every service with its first, good and bad release."""
    folder = tmp_path_factory.mktemp("services")
    found = {}
    for service in SERVICES:
        if service.needs:
            Owner(stage, Service(service.needs, "", {}), folder).release(FIRST)
        owner = Owner(stage, service, folder)
        found[service.name] = (owner, [owner.release(word) for word in (FIRST, GOOD, BAD)])
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_a_good_release_shifts_by_its_configuration_and_a_bad_one_is_taken_back_everywhere(
    released: dict[str, tuple[Owner, list[Release]]], name: str
) -> None:
    service, (owner, (first, good, bad)) = BY_NAME[name], released[name]
    assert first.deployments == (), "the first deployment of a stack releases nothing"
    assert list(judge.good(service, good, first.aliases, owner.configs(good))) == []
    assert list(judge.bad(service, bad, good.aliases)) == []


def test_seven_functions_all_serve_the_old_version_when_the_hook_of_one_refuses_it(
    released: dict[str, tuple[Owner, list[Release]]],
) -> None:
    _, (_, good, bad) = released["seven"]
    shifted = {one.alias for one in bad.deployments}
    assert len(shifted) == 7
    assert {bad.aliases[alias] for alias in shifted} == {good.aliases[alias] for alias in shifted} == {"2"}
    assert bad.stack == "UPDATE_ROLLBACK_COMPLETE"
    failed = [(name, reason) for name, status, reason in bad.events if status == "UPDATE_FAILED"]
    assert len(failed) == 7
    assert [name for name, reason in failed if "lifecycle event validation functions failed" in reason] == [
        "FourAliaslive"
    ]


def test_seven_functions_shift_at_the_same_time(released: dict[str, tuple[Owner, list[Release]]]) -> None:
    _, (_, good, _) = released["seven"]
    order = [name for name, status, reason in good.events if reason.startswith("CodeDeploy deployment started")]
    complete = [name for name, status, _ in good.events if name in order and status == "UPDATE_COMPLETE"]
    positions = {(name, status): at for at, (name, status, _) in enumerate(good.events) if status == "UPDATE_COMPLETE"}
    last_start = max(at for at, (_, _, reason) in enumerate(good.events) if reason.startswith("CodeDeploy deployment"))
    assert len(order) == len(complete) == 7
    assert last_start < min(positions[name, "UPDATE_COMPLETE"] for name in complete)


def test_a_version_without_a_deletion_policy_goes_in_the_clean_up_and_a_refused_one_with_the_rollback(
    released: dict[str, tuple[Owner, list[Release]]],
) -> None:
    owner, _ = released["assembled"]
    assert owner.versions() == ["2", "1"] or owner.versions() == ["1", "2"], "the function's 2 and its hook's 1"
    kept, _ = released["classic"]
    assert sorted(set(kept.versions())) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("service", "source"),
    [
        ("Feed", "aws:dynamodb"),
        ("Feed", "aws:sns"),
        ("Feed", "aws.events"),
        ("Links", "aws.scheduler"),
        ("Links", "links"),
    ],
)
def test_every_kind_of_event_reaches_both_versions_through_the_alias(
    stage: Stage, released: dict[str, tuple[Owner, list[Release]]], service: str, source: str
) -> None:
    """Of each event the functions count where it came from, and the version and qualifier that they ran as."""
    metrics = stage.client("cloudwatch").list_metrics(Namespace=service)["Metrics"]
    found = [{one["Name"]: one["Value"] for one in metric["Dimensions"]} for metric in metrics]
    met = {(one["version"], one["qualifier"]) for one in found if one["source"] == source}
    assert met >= {("1", "live"), ("2", "live")}
    assert {qualifier for _, qualifier in met} == {"live"}


def test_a_topic_is_told_of_a_groups_deployments_in_json_whose_members_are_json(
    stage: Stage, released: dict[str, tuple[Owner, list[Release]]]
) -> None:
    owner, (_, good, bad) = released["classic"]
    inbox, told = owner.resources()["Inbox"], []
    while messages := stage.client("sqs").receive_message(QueueUrl=inbox, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            stage.client("sqs").delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
            told.append(json.loads(json.loads(message["Body"])["Message"]))
    (passed,), (stopped, back) = good.of("classic-prod-hello:live"), bad.of("classic-prod-hello:live")
    assert sorted((one["deploymentId"], one["status"]) for one in told) == sorted(
        [
            *((passed.id, status) for status in ("CREATED", "SUCCEEDED")),
            *((stopped.id, status) for status in ("CREATED", "ABORTED")),
            *((back.id, status) for status in ("CREATED", "SUCCEEDED")),
        ]
    )
    (aborted,) = (one for one in told if one["status"] == "ABORTED")
    assert json.loads(aborted["errorInformation"])["ErrorCode"] == "ALARM_ACTIVE"
    assert json.loads(aborted["rollbackInformation"])["RollbackDeploymentId"] == back.id


def test_reserved_concurrency_stands_as_the_template_says(
    stage: Stage, released: dict[str, tuple[Owner, list[Release]]]
) -> None:
    owner, _ = released["mailer"]
    reserved = stage.client("lambda").get_function_concurrency(FunctionName=owner.resources()["Mailer"])
    assert reserved["ReservedConcurrentExecutions"] == 5


def test_the_page_tells_of_every_service(released: dict[str, tuple[Owner, list[Release]]]) -> None:
    text = page.page((BY_NAME[name], releases) for name, (_, releases) in released.items())
    PAGE.write_text(text)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(BY_NAME)
