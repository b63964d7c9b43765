"""The CodeDeploy adapter, against recorded answers: moto has neither hooks' answers nor stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from seatrial.aws.codedeploy import AlreadyCompleted, CodeDeploy, DeploymentUnknownError, Stopped
from seatrial.aws.deployment_info import shift_of
from seatrial.core import events
from seatrial.core.deployment import Deployment, Group, Shift, Traffic
from tests.small_account import REGION, event

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient

CREATED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@dataclass
class Recorded:
    codedeploy: CodeDeploy
    stub: Stubber
    pauses: list[float]

    def knows(self, **more: Any) -> Deployment:
        info = told_of("d-1") | {"revision": revision()} | more
        self.stub.add_response("get_deployment", {"deploymentInfo": info}, {"deploymentId": "d-1"})
        return self.codedeploy.deployment("d-1")


def told_of(id: str) -> dict[str, Any]:
    """A DeploymentInfo without its AppSpec."""
    return {
        "deploymentId": id,
        "applicationName": "shop",
        "deploymentGroupName": "payments",
        "status": "InProgress",
        "createTime": CREATED,
    }


def app_spec(stable: str = "7", candidate: str = "8", name: str = "payments") -> str:
    moved = {"Name": name, "Alias": "live", "CurrentVersion": stable, "TargetVersion": candidate}
    return json.dumps({"version": 0.0, "Resources": [{"fn": {"Type": "AWS::Lambda::Function", "Properties": moved}}]})


def revision(stable: str = "7", candidate: str = "8") -> dict[str, Any]:
    return {"revisionType": "String", "string": {"content": app_spec(stable, candidate), "sha256": "ab"}}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    client: CodeDeployClient = boto3.client("codedeploy", **REGION)
    pauses: list[float] = []
    with Stubber(client) as stub:
        yield Recorded(CodeDeploy(client, pauses.append), stub, pauses)
        stub.assert_no_pending_responses()


def test_a_deployment_says_what_it_moves(recorded: Recorded) -> None:
    deployment = recorded.knows(creator="user")
    assert deployment.shift == Shift("payments", "live", "7", "8")
    assert not deployment.goes_back


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-0"}}, id="it names what it takes back"),
        pytest.param({"creator": "codeDeployRollback"}, id="CodeDeploy's rollback started it"),
        pytest.param({"creator": "CloudFormationRollback"}, id="CloudFormation's rollback started it"),
        pytest.param({"revision": revision("8", "7")}, id="its target is older"),
        pytest.param({"revision": revision("10", "9")}, id="versions are numbers, not texts"),
        pytest.param(
            {"creator": "codeDeployRollback", "revision": {"revisionType": "String", "string": {"content": "?"}}},
            id="though its AppSpec can't be read",
        ),
    ],
)
def test_a_deployment_that_takes_users_back_is_known_by_any_one_sign(recorded: Recorded, told: dict[str, Any]) -> None:
    assert recorded.knows(**told).goes_back


def test_a_deployment_from_version_9_to_10_goes_forward(recorded: Recorded) -> None:
    assert not recorded.knows(revision=revision("9", "10")).goes_back


def test_an_appspec_that_getdeployment_leaves_out_is_looked_up(recorded: Recorded) -> None:
    bare = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab"}}
    info = told_of("d-1") | {"revision": bare}
    recorded.stub.add_response("get_deployment", {"deploymentInfo": info})
    recorded.stub.add_response(
        "get_application_revision",
        {"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": app_spec(), "sha256": "ab"}}},
        {"applicationName": "shop", "revision": bare},
    )
    assert recorded.codedeploy.deployment("d-1").shift == Shift("payments", "live", "7", "8")


def test_an_ended_deployment_says_why_and_what_takes_it_back(recorded: Recorded) -> None:
    deployment = recorded.knows(
        status="Stopped",
        completeTime=CREATED,
        errorInformation={"code": "ALARM_ACTIVE", "message": "Activated alarms: <a>"},
        rollbackInfo={"rollbackDeploymentId": "d-2"},
    )
    assert deployment.ended
    assert (deployment.error_code, deployment.error, deployment.rollback_id) == (
        "ALARM_ACTIVE",
        "Activated alarms: <a>",
        "d-2",
    )


def test_an_unknown_deployment_is_told_in_a_sentence(recorded: Recorded) -> None:
    recorded.stub.add_client_error("get_deployment", "DeploymentDoesNotExistException")
    with pytest.raises(DeploymentUnknownError, match="CodeDeploy knows no deployment d-404 in this account and Region"):
        recorded.codedeploy.deployment("d-404")


def test_an_arn_in_the_appspec_gives_the_functions_name() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
    assert shift_of(app_spec(name=arn)).function == "payments"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("version: 0.0", "it is no JSON .*; Seatrial reads AppSpecs as CloudFormation writes them"),
        ("{}", r"it should name one function .* \(KeyError: 'Resources'\)"),
        (
            json.dumps({"Resources": json.loads(app_spec())["Resources"] * 2}),
            "it should name one function .*too many values",
        ),
        ('{"Resources": ["fn"]}', "it should name one function"),
        ("[" * 100_000, "it is nested too deep"),
        (" " * 100_001, "it must have at most 100,000 characters, got 100,001"),
        ("1" * 5_000, "it is no JSON"),
        ("null", "it should name one function"),
        ("arn:".join(app_spec().split("payments")), "it should name one function"),
        (app_spec(name="arn:aws:lambda"), "it should name one function"),
        (app_spec(name="x" * 90_000), "Name is '"),
        (app_spec().replace('"payments"', '{"a": 1}', 2), "it should name one function|it is no JSON"),
        (app_spec().replace('"live"', "[[]]"), "Alias is 'list'"),
        (app_spec().replace('"8"', '"' + "9" * 5_000 + '"'), "TargetVersion is '9"),
    ],
    ids=lambda text: text[:30],
)
def test_an_appspec_that_cannot_be_read_says_why(content: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        shift_of(content)


def test_an_answer_that_was_given_before_stands(recorded: Recorded) -> None:
    recorded.stub.add_client_error(
        "put_lifecycle_event_hook_execution_status", "LifecycleEventAlreadyCompletedException"
    )
    recorded.stub.add_response("put_lifecycle_event_hook_execution_status", {})
    assert not recorded.codedeploy.answer("d-1", "x", passed=True)
    assert recorded.codedeploy.answer("d-1", "y", passed=True)


@pytest.mark.parametrize(
    ("routing", "minutes"),
    [
        ({"type": "TimeBasedCanary", "timeBasedCanary": {"canaryInterval": 5, "canaryPercentage": 10}}, 5),
        ({"type": "TimeBasedLinear", "timeBasedLinear": {"linearInterval": 10, "linearPercentage": 10}}, 90),
        ({"type": "AllAtOnce"}, 0),
    ],
)
def test_a_configuration_says_how_long_it_shifts(recorded: Recorded, routing: dict[str, Any], minutes: int) -> None:
    answer = {"deploymentConfigInfo": {"trafficRoutingConfig": routing}}
    recorded.stub.add_response("get_deployment_config", answer, {"deploymentConfigName": "named"})
    assert recorded.codedeploy.shifting("named").takes == timedelta(minutes=minutes)


def test_switching_alarms_sends_the_list_that_stays_and_nothing_else_of_the_group(recorded: Recorded) -> None:
    asked = {
        "applicationName": "shop",
        "currentDeploymentGroupName": "payments",
        "alarmConfiguration": {
            "enabled": False,
            "ignorePollAlarmFailure": True,
            "alarms": [{"name": "a"}, {"name": "b"}],
        },
    }
    recorded.stub.add_response("update_deployment_group", {}, asked)
    group = Group("shop", "payments", ("a", "b"), alarms_enabled=True, ignores_poll_failure=True)
    recorded.codedeploy.watch_alarms(group, on=False)


def test_an_answer_that_is_denied_is_given_again(recorded: Recorded) -> None:
    expected = event("leaving-hook-answer")
    call = events.hook_request(event("hook"))
    operation = "put_lifecycle_event_hook_execution_status"
    recorded.stub.add_client_error(operation, "AccessDeniedException", expected_params=expected)
    recorded.stub.add_client_error(operation, "AccessDeniedException", expected_params=expected)
    recorded.stub.add_response(operation, {}, expected)
    recorded.codedeploy.answer(call.deployment_id, call.execution_id, passed=False)
    assert recorded.pauses == [1, 2]


def test_an_answer_that_stays_denied_is_an_error_within_the_hooks_margin(recorded: Recorded) -> None:
    for _ in range(5):
        recorded.stub.add_client_error("put_lifecycle_event_hook_execution_status", "AccessDeniedException")
    with pytest.raises(ClientError):
        recorded.codedeploy.answer("d-1", "x", passed=False)
    assert sum(recorded.pauses) < 20


def test_a_stop_asks_for_the_rollback_too(recorded: Recorded) -> None:
    recorded.stub.add_response(
        "stop_deployment",
        {"status": "Pending", "statusMessage": "No instances left"},
        event("leaving-stop"),
    )
    assert recorded.codedeploy.stop("d-RGSWBD91L") == Stopped("Pending", "No instances left")


def test_stopping_what_has_ended_is_a_value(recorded: Recorded) -> None:
    recorded.stub.add_client_error("stop_deployment", "DeploymentAlreadyCompletedException", "it has completed")
    assert recorded.codedeploy.stop("d-1") == AlreadyCompleted("it has completed")


@pytest.mark.parametrize(
    ("rollback", "events"),
    [
        ({"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}, frozenset({"DEPLOYMENT_FAILURE"})),
        ({"enabled": False, "events": ["DEPLOYMENT_FAILURE"]}, frozenset()),
        ({}, frozenset()),
    ],
)
def test_a_group_rolls_back_only_while_that_is_enabled(
    recorded: Recorded, rollback: dict[str, Any], events: frozenset[str]
) -> None:
    info = {
        "alarmConfiguration": {"enabled": True, "alarms": [{"name": "a"}]},
        "autoRollbackConfiguration": rollback,
    }
    recorded.stub.add_response("get_deployment_group", {"deploymentGroupInfo": info})
    assert recorded.codedeploy.group("shop", "payments") == Group("shop", "payments", ("a",), True, events)


def test_alarms_that_are_switched_off_are_not_watched() -> None:
    assert Group("shop", "payments", ("a",), alarms_enabled=False).watched_alarms == ()


@pytest.mark.parametrize(
    ("weight", "status", "traffic"),
    [
        (0.0, "Pending", Traffic(0.0, began=False)),
        (0.0, "Skipped", Traffic(0.0, began=False)),
        (0.1, "InProgress", Traffic(0.1, began=True)),
        (0.0, "Failed", Traffic(0.0, began=True)),
        (1.0, "Succeeded", Traffic(1.0, began=True)),
    ],
)
def test_traffic_began_with_the_allowtraffic_event(
    recorded: Recorded, weight: float, status: str, traffic: Traffic
) -> None:
    target = {
        "lambdaFunctionInfo": {"targetVersionWeight": weight},
        "lifecycleEvents": [
            {"lifecycleEventName": "BeforeAllowTraffic", "status": "Succeeded"},
            {"lifecycleEventName": "AllowTraffic", "status": status},
        ],
    }
    recorded.stub.add_response("list_deployment_targets", {"targetIds": ["d-1:payments"]}, {"deploymentId": "d-1"})
    recorded.stub.add_response(
        "batch_get_deployment_targets",
        {"deploymentTargets": [{"deploymentTargetType": "LambdaTarget", "lambdaTarget": target}]},
        {"deploymentId": "d-1", "targetIds": ["d-1:payments"]},
    )
    assert recorded.codedeploy.traffic("d-1") == traffic


def test_a_deployment_that_has_not_started_moves_nobody(recorded: Recorded) -> None:
    recorded.stub.add_client_error("list_deployment_targets", "DeploymentNotStartedException")
    assert recorded.codedeploy.traffic("d-1") == Traffic(0.0, began=False)


def test_many_deployments_are_read_twenty_five_a_call_and_what_is_left_out_by_itself(recorded: Recorded) -> None:
    ids = [f"d-{n}" for n in range(30)]
    for some in (ids[:25], ids[25:]):
        told = [told_of(id) for id in some if id != "d-29"]
        recorded.stub.add_response("batch_get_deployments", {"deploymentsInfo": told}, {"deploymentIds": some})
    recorded.stub.add_client_error("get_deployment", "DeploymentDoesNotExistException")
    given = recorded.codedeploy.deployments(ids)
    assert [given[id]().id for id in ids[:29]] == ids[:29]
    with pytest.raises(DeploymentUnknownError):
        given["d-29"]()


def test_a_batch_that_has_an_id_that_is_none_is_read_one_by_one(recorded: Recorded) -> None:
    recorded.stub.add_client_error("batch_get_deployments", "InvalidDeploymentIdException")
    recorded.stub.add_response("get_deployment", {"deploymentInfo": told_of("d-1") | {"revision": revision()}})
    assert recorded.codedeploy.deployments(["d-1", "?"])["d-1"]().id == "d-1"


def test_a_batch_that_fails_is_the_trouble_of_its_own_deployments(recorded: Recorded) -> None:
    ids = [f"d-{n}" for n in range(26)]
    recorded.stub.add_client_error("batch_get_deployments", "ThrottlingException")
    recorded.stub.add_response("batch_get_deployments", {"deploymentsInfo": [told_of("d-25")]})
    given = recorded.codedeploy.deployments(ids)
    assert given["d-25"]().id == "d-25"
    with pytest.raises(ClientError, match="ThrottlingException"):
        given["d-0"]()
