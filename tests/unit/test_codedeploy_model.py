"""The stage's CodeDeploy as values: shifts, AppSpecs and what becomes of a deployment."""

from __future__ import annotations

import json

import pytest

from rehearsal.stage.codedeploy import model, shifting, triggers
from rehearsal.stage.codedeploy.appspec import AppSpec, AppSpecError, Revision, parse
from rehearsal.stage.codedeploy.model import AutoRollback, Cause, Deployment, Ending, EventStatus, Scope, Status
from rehearsal.stage.codedeploy.port import StateChange
from rehearsal.stage.codedeploy.shifting import AllAtOnce, Canary, Linear, Routing, Step, lasts, problem, steps
from tests.conformance.captures import capture

SPEC = AppSpec("payments", "live", "7", "8", before="pre", after="post")
ALL_CAUSES = AutoRollback(True, frozenset(Cause))


def deployment(**changes: object) -> Deployment:
    values = {
        "id": "d-1",
        "scope": Scope("111122223333", "eu-west-1"),
        "application": "app",
        "group": "group",
        "config": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        "revision": Revision("String", SPEC.text()),
        "spec": SPEC,
        "created": 100.0,
        "auto_rollback": ALL_CAUSES,
    }
    return Deployment(**{**values, **changes})  # type: ignore[arg-type]


def events(of: Deployment) -> list[tuple[str, str]]:
    return [(event.name, str(event.status)) for event in of.lifecycle]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param(AllAtOnce(), [Step(0, 1.0)], id="all at once is one change"),
        pytest.param(Canary(10, 5), [Step(0, 0.1), Step(300, 1.0)], id="a canary is two changes, an interval apart"),
        pytest.param(
            Linear(10, 1),
            [Step(60.0 * n, (n + 1) / 10) for n in range(10)],
            id="linear begins at once and is done after nine intervals",
        ),
        pytest.param(
            Linear(30, 2),
            [Step(0, 0.3), Step(120, 0.6), Step(240, 0.9), Step(360, 1.0)],
            id="the last increment is what is left",
        ),
        pytest.param(Linear(50, 1), [Step(0, 0.5), Step(60, 1.0)], id="halves take one interval"),
    ],
)
def test_a_routing_has_these_steps(routing: Routing, expected: list[Step]) -> None:
    assert list(steps(routing)) == expected


def test_the_predefined_configurations_are_those_of_aws() -> None:
    assert {
        name.removeprefix("CodeDeployDefault.Lambda"): lasts(one) / 60 for name, one in shifting.PREDEFINED.items()
    } == {
        "AllAtOnce": 0,
        "Canary10Percent5Minutes": 5,
        "Canary10Percent10Minutes": 10,
        "Canary10Percent15Minutes": 15,
        "Canary10Percent30Minutes": 30,
        "Linear10PercentEvery1Minute": 9,
        "Linear10PercentEvery2Minutes": 18,
        "Linear10PercentEvery3Minutes": 27,
        "Linear10PercentEvery10Minutes": 90,
    }


@pytest.mark.parametrize(
    ("routing", "says"),
    [
        pytest.param(Canary(100, 5), "from 1 to 99", id="a canary of everything"),
        pytest.param(Linear(0, 5), "from 1 to 99", id="increments of nothing"),
        pytest.param(Canary(10, 0), "at least one minute", id="no interval"),
        pytest.param(Canary(10, 2881), "2880 minutes", id="a canary of more than two days"),
        pytest.param(Linear(1, 30), "2880 minutes", id="many increments that add up to more than two days"),
    ],
)
def test_a_custom_routing_beyond_the_limits_is_refused(routing: Routing, says: str) -> None:
    assert says in str(problem(routing))


def test_a_custom_routing_at_the_limits_is_accepted() -> None:
    assert [problem(one) for one in (Canary(99, 2880), Linear(1, 29), AllAtOnce())] == [None, None, None]


def test_an_appspec_is_read_from_json_with_versions_as_strings() -> None:
    assert parse(SPEC.text()) == SPEC
    assert json.loads(SPEC.text()) == {
        "version": 0.0,
        "Resources": [
            {
                "payments": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {"Name": "payments", "Alias": "live", "CurrentVersion": "7", "TargetVersion": "8"},
                }
            }
        ],
        "Hooks": [{"BeforeAllowTraffic": "pre"}, {"AfterAllowTraffic": "post"}],
    }


def test_an_appspec_is_read_from_yaml_with_versions_as_numbers_and_without_hooks() -> None:
    text = """
        version: 0.0
        Resources:
          - anything:
              Type: AWS::Lambda::Function
              Properties: {Name: payments, Alias: live, CurrentVersion: 7, TargetVersion: 8}
    """
    assert parse(text) == AppSpec("payments", "live", "7", "8")


def broken(**properties: object) -> str:
    known = {"Name": "payments", "Alias": "live", "CurrentVersion": "7", "TargetVersion": "8"}
    resource = {"Type": "AWS::Lambda::Function", "Properties": {**known, **properties}}
    return json.dumps({"version": 0.0, "Resources": [{"payments": resource}]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "neither YAML nor JSON"),
        ("just words", "must be a mapping"),
        ('{"version": 1.0, "Resources": []}', "version must be 0.0"),
        ('{"version": 0.0, "resources": []}', "unknown section 'resources'"),
        ('{"version": 0.0, "Resources": []}', "list of one Lambda function"),
        ('{"version": 0.0, "Resources": [{"x": {"Type": "AWS::ECS::Service"}}]}', "must be AWS::Lambda::Function"),
        (broken(TargetVersion=None), "needs the property TargetVersion"),
        (broken()[:-1] + ', "Hooks": [{"AfterAll": "x"}]}', "'AfterAll' is not one of"),
        (broken()[:-1] + ', "Hooks": {"BeforeAllowTraffic": "x"}}', "Hooks must be a list"),
    ],
)
def test_an_appspec_that_is_wrong_says_where(text: str, says: str) -> None:
    with pytest.raises(AppSpecError, match=says):
        parse(text)


def test_an_alarm_during_the_shift_leaves_the_lifecycle_that_aws_shows() -> None:
    shifting_now = model.event_succeeded(
        model.event_began(deployment(), "BeforeAllowTraffic", 102), "BeforeAllowTraffic", 103
    )
    stopped = model.ended(model.event_began(shifting_now, "AllowTraffic", 103), model.alarm_active(("errors",)), 120)
    assert stopped.status is Status.STOPPED
    assert stopped.error is not None
    assert stopped.error.code == "ALARM_ACTIVE"
    assert stopped.error.message.endswith("Activated alarms: <errors>")
    assert events(stopped) == [
        ("BeforeAllowTraffic", "Succeeded"),
        ("AllowTraffic", "Failed"),
        ("AfterAllowTraffic", "Skipped"),
    ]
    assert [event.started for event in stopped.lifecycle] == [102, 103, None]


def test_a_rollback_goes_back_in_one_step_and_each_of_the_two_knows_the_other() -> None:
    ended, back = model.rolled_back(model.ended(deployment(), model.hook_failed(), 130), "d-2", 130)
    assert (back.spec.current, back.spec.target) == ("8", "7")
    assert (back.config, back.creator, back.status) == (
        "CodeDeployDefault.LambdaAllAtOnce",
        "codeDeployRollback",
        Status.CREATED,
    )
    assert ended.rollback is not None
    assert back.rollback is not None
    assert (ended.rollback_id, back.rollback.triggering_id) == ("d-2", "d-1")
    assert ended.rollback.message == (
        "Deployment d-1 terminated. Automatic rollback is triggered with a DeploymentId d-2."
    )
    assert back.rollback.message == "Deployment d-2 is triggered to roll back deployment d-1."
    assert not back.alarms.enabled


def test_every_event_of_a_rollback_has_succeeded() -> None:
    assert {event.status for event in model.all_passed(deployment(), 1.0).lifecycle} == {EventStatus.SUCCEEDED}


@pytest.mark.parametrize(
    ("ending", "group", "follows"),
    [
        pytest.param(model.hook_failed(), ALL_CAUSES, True, id="a failure, if the group says so"),
        pytest.param(model.hook_failed(), AutoRollback(), False, id="not if the group says nothing"),
        pytest.param(model.hook_failed(), AutoRollback(False, frozenset(Cause)), False, id="not if it is switched off"),
        pytest.param(
            model.hook_failed(),
            AutoRollback(True, frozenset({Cause.ALARM})),
            False,
            id="not on an event it doesn't name",
        ),
        pytest.param(model.alarm_active(("a",)), AutoRollback(True, frozenset({Cause.ALARM})), True, id="an alarm"),
        pytest.param(model.stopped_by_user(None), ALL_CAUSES, True, id="a stop leaves it to the group"),
        pytest.param(model.stopped_by_user(None), AutoRollback(), False, id="which may not want it"),
        pytest.param(model.stopped_by_user(True), AutoRollback(), True, id="a stop may ask for it"),
        pytest.param(model.stopped_by_user(False), ALL_CAUSES, False, id="or do without"),
        pytest.param(model.alias_disagrees(), ALL_CAUSES, False, id="what was refused touched nothing"),
        pytest.param(model.alias_has_two_versions(), ALL_CAUSES, False, id="nor did an alias with weights"),
    ],
)
def test_what_a_rollback_follows(ending: Ending, group: AutoRollback, follows: bool) -> None:
    assert model.rolls_back(deployment(auto_rollback=group), ending) is follows


def test_a_rollback_is_never_rolled_back() -> None:
    back = deployment(creator="codeDeployRollback")
    assert not model.rolls_back(back, model.lambda_unknown("gone", shifting=True))


def test_a_triggers_message_has_the_members_of_awss_sample_and_its_nested_ones_are_text() -> None:
    sample = capture("codedeploy-sns-trigger-deployment-failed")
    failed = model.ended(deployment(), model.hook_failed(), 130)
    change = StateChange(failed.scope, failed.application, failed.group, "id", failed.id, "FAILURE")
    told = triggers.message("failed", "FAILED", change, failed)
    assert sorted(told) == sorted(sample)
    assert all(isinstance(value, str) for value in told.values())
    assert sorted(json.loads(told["errorInformation"])) == sorted(sample["errorInformation"])
    assert set(json.loads(told["deploymentOverview"])) >= set(sample["deploymentOverview"])
