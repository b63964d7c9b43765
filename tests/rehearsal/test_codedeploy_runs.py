"""Deployments as they run, in a small real account in memory and by a clock that the test advances."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from rehearsal.stage.clock import StageClock
from rehearsal.stage.codedeploy.appspec import AppSpec, Revision
from rehearsal.stage.codedeploy.behaviour import Behaviour, SwitchError, certified, switched
from rehearsal.stage.codedeploy.errors import ApiError
from rehearsal.stage.codedeploy.model import Alarms, AutoRollback, Cause, Deployment, Scope, Status
from rehearsal.stage.codedeploy.port import AliasState, StateChange
from rehearsal.stage.codedeploy.registry import Application, Group
from rehearsal.stage.codedeploy.service import Service
from rehearsal.stage.faults import Faults, Throttle, ThrottledAccount

PATIENCE = 3600.0 * 2
"""Stage seconds after which a test gives up."""


@dataclass
class MemoryAccount:
    """One function with versions and an alias, hooks that are Python functions, and alarms that ring on command."""

    aliases: dict[str, AliasState] = field(default_factory=lambda: {"live": AliasState("7")})
    versions: frozenset[str] = frozenset({"7", "8"})
    hooks: dict[str, Callable[[Mapping[str, str]], None]] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    published: list[StateChange] = field(default_factory=list)
    clock: StageClock = field(default_factory=lambda: StageClock(manual=True, measured=False))
    asked: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    """What the group's role may not do: `cloudwatch` for the alarms, `lambda` for the alias."""

    def scope(self) -> Scope:
        return Scope("111122223333", "eu-west-1")

    def alias(self, function: str, alias: str) -> AliasState:
        if alias not in self.aliases:
            raise LookupError(f"{function} has no alias {alias}")
        return self.aliases[alias]

    def set_alias(self, function: str, alias: str, state: AliasState) -> None:
        for version in (state.main, *state.weights):
            if version not in self.versions:
                raise LookupError(f"{function} has no version {version}")
        self.aliases[alias] = state

    def has_version(self, function: str, version: str) -> bool:
        return version in self.versions

    def object(self, bucket: str, key: str, version: str) -> str:
        raise LookupError(f"There is no object s3://{bucket}/{key}")

    def invoke(self, role: str, hook: str, payload: Mapping[str, str]) -> None:
        self.asked.append(hook)
        if hook not in self.hooks:
            raise LookupError(f"Function not found: {hook}")
        self.clock.start(hook, self.hooks[hook], payload)

    def may_read_alarms(self, role: str) -> bool:
        return "cloudwatch" not in self.forbidden

    def may_move(self, role: str, function: str, alias: str) -> bool:
        return "lambda" not in self.forbidden

    def alarm_state(self, name: str) -> str | None:
        return self.alarms.get(name)

    def publish(self, change: StateChange) -> None:
        self.published.append(change)


@dataclass
class Stage:
    account: MemoryAccount
    service: Service

    def until(self, holds: Callable[[], bool]) -> None:
        self.account.clock.advance(PATIENCE, until=holds)
        assert holds()

    def group(
        self,
        *,
        config: str = "LambdaCanary10Percent5Minutes",
        alarms: tuple[str, ...] = (),
        causes: tuple[Cause, ...] = tuple(Cause),
    ) -> None:
        group = Group(
            application="app",
            name="group",
            config=f"CodeDeployDefault.{config}",
            role="arn:aws:iam::111122223333:role/deployer",
            alarms=Alarms(bool(alarms), names=alarms),
            auto_rollback=AutoRollback(bool(causes), frozenset(causes)),
        )
        self.service.registry.add_group(group)

    def start(self, *, before: str | None = None, after: str | None = None, current: str = "7") -> str:
        hooks = {"BeforeAllowTraffic": before, "AfterAllowTraffic": after}
        spec = json.loads(AppSpec("payments", "live", current, "8").text())
        spec["Hooks"] = [{name: hook or None} for name, hook in hooks.items() if hook is not None]
        return self.service.create_deployment("app", "group", Revision("String", json.dumps(spec)))

    def end(self, deployment_id: str) -> Deployment:
        """The deployment and, if there is one, its rollback have ended."""
        self.until(lambda: self.service.deployment(deployment_id).ended)
        ended = self.service.deployment(deployment_id)
        if back := ended.rollback_id:
            self.until(lambda: self.service.deployment(back).ended)
        return ended

    def until_it_shifts(self) -> None:
        self.until(lambda: bool(self.service.weights))

    def answers(self, passed: bool) -> Callable[[Mapping[str, str]], None]:
        """A hook that answers at once."""
        return lambda call: self.service.answer_hook(
            call["DeploymentId"], call["LifecycleEventHookExecutionId"], passed
        )

    def states(self) -> list[tuple[str, str]]:
        return [(change.deployment, change.state) for change in self.account.published]

    def routes(self) -> list[tuple[str, dict[str, float]]]:
        return [(change.main, dict(change.weights)) for change in self.service.weights]


@pytest.fixture
def stage() -> Iterator[Stage]:
    account = MemoryAccount()
    service = Service(account, account.clock)
    service.registry.add_application(Application("app", 0.0))
    yield Stage(account, service)
    service.reset()


def lifecycle(deployment: Deployment) -> list[str]:
    return [str(event.status) for event in deployment.lifecycle]


def error(deployment: Deployment) -> str:
    return deployment.error.code if deployment.error else ""


def test_a_canary_asks_both_hooks_and_moves_the_alias_in_two_steps(stage: Stage) -> None:
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True), "post": stage.answers(True)}
    ended = stage.end(stage.start(before="pre", after="post"))
    assert (ended.status, ended.weight, ended.error) == (Status.SUCCEEDED, 1.0, None)
    assert lifecycle(ended) == ["Succeeded"] * 3
    assert stage.routes() == [("7", {"8": 0.1}), ("8", {})]
    assert stage.account.asked == ["pre", "post"]
    assert stage.states() == [(ended.id, "START"), (ended.id, "SUCCESS")]
    first, last = (change.time for change in stage.service.weights)
    assert last - first == pytest.approx(300)
    assert ended.started is not None
    assert first - ended.started >= 2  # BeforeAllowTraffic begins about two seconds after the start


def test_a_linear_shift_takes_ten_steps(stage: Stage) -> None:
    stage.group(config="LambdaLinear10PercentEvery1Minute")
    stage.end(stage.start())
    assert stage.routes() == [*(("7", {"8": n / 10}) for n in range(1, 10)), ("8", {})]


def test_a_hook_that_fails_keeps_the_candidate_from_users_and_a_rollback_follows(stage: Stage) -> None:
    stage.group()
    stage.account.hooks = {"pre": stage.answers(False)}
    ended = stage.end(stage.start(before="pre"))
    assert (ended.status, error(ended)) == (Status.FAILED, "HOOK_EXECUTION_FAILURE")
    assert lifecycle(ended) == ["Failed", "Skipped", "Skipped"]
    assert stage.routes() == [("7", {})]  # the rollback's
    assert stage.states() == [
        (ended.id, "START"),
        (ended.id, "FAILURE"),
        (ended.rollback_id, "START"),
        (ended.rollback_id, "SUCCESS"),
    ]


def test_after_the_shift_a_hook_that_fails_takes_users_back(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")
    stage.account.hooks = {"post": stage.answers(False)}
    ended = stage.end(stage.start(after="post"))
    assert lifecycle(ended) == ["Succeeded", "Succeeded", "Failed"]
    assert stage.routes() == [("8", {}), ("7", {})]
    assert ended.rollback_id is not None
    back = stage.service.deployment(ended.rollback_id)
    assert (back.status, back.creator, lifecycle(back)) == (Status.SUCCEEDED, "codeDeployRollback", ["Succeeded"] * 3)
    assert back.started is not None
    assert back.completed is not None
    assert 2 <= back.completed - back.started < 15
    assert stage.account.asked == ["post"]  # no hook is invoked for a rollback


def test_a_hook_that_never_answers_fails_the_deployment_after_an_hour(stage: Stage) -> None:
    stage.service.behaviour = replace(stage.service.behaviour, hook_limit=60.0)
    stage.group()
    stage.account.hooks = {"pre": lambda call: None}
    ended = stage.end(stage.start(before="pre"))
    assert (ended.status, error(ended)) == (Status.FAILED, "TIMEOUT")
    assert Behaviour().hook_limit == 3600


def test_a_hook_that_is_not_there_is_a_matter_of_permissions(stage: Stage) -> None:
    stage.group()
    ended = stage.end(stage.start(before="nobody"))
    assert error(ended) == "IAM_ROLE_PERMISSIONS"
    assert ended.error is not None
    assert "arn:aws:iam::111122223333:role/deployer does not give you permission" in ended.error.message


def test_an_alarm_that_already_rings_stops_before_any_hook_and_any_weight(stage: Stage) -> None:
    stage.group(alarms=("errors",), causes=())
    stage.account.alarms = {"errors": "ALARM"}
    stage.account.hooks = {"pre": stage.answers(True)}
    ended = stage.end(stage.start(before="pre"))
    assert (ended.status, error(ended)) == (Status.STOPPED, "ALARM_ACTIVE")
    assert lifecycle(ended) == ["Skipped"] * 3
    assert (stage.account.asked, stage.routes()) == ([], [])
    assert stage.states() == [(ended.id, "START"), (ended.id, "STOP")]


def test_an_alarm_during_the_shift_stops_it_within_a_poll_and_the_rollback_ignores_it(stage: Stage) -> None:
    stage.group(config="LambdaCanary10Percent30Minutes", alarms=("quiet", "errors"))
    stage.account.alarms = {"quiet": "INSUFFICIENT_DATA", "errors": "OK"}
    started = stage.start()
    stage.until_it_shifts()
    stage.account.alarms["errors"] = "ALARM"
    ended = stage.end(started)
    assert (ended.status, error(ended)) == (Status.STOPPED, "ALARM_ACTIVE")
    assert ended.error is not None
    assert ended.error.message.endswith("<errors>")
    assert lifecycle(ended) == ["Succeeded", "Failed", "Skipped"]
    assert stage.account.aliases["live"] == AliasState("7")


def test_an_alarm_is_polled_while_a_hook_is_awaited(stage: Stage) -> None:
    stage.group(alarms=("errors",))
    stage.account.alarms = {"errors": "OK"}
    stage.account.hooks = {"pre": lambda call: stage.account.alarms.update(errors="ALARM")}
    ended = stage.end(stage.start(before="pre"))
    assert (error(ended), lifecycle(ended)) == ("ALARM_ACTIVE", ["Failed", "Skipped", "Skipped"])


def test_a_role_that_can_not_read_the_alarms_fails_the_deployment(stage: Stage) -> None:
    stage.group(alarms=("errors",))
    stage.account.alarms, stage.account.forbidden = {"errors": "OK"}, {"cloudwatch"}
    ended = stage.end(stage.start())
    assert (ended.status, error(ended)) == (Status.FAILED, "IAM_ROLE_PERMISSIONS")
    assert stage.account.aliases["live"] == AliasState("7")


def test_ignore_poll_alarm_failure_lets_unreadable_alarms_pass(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce", alarms=("errors",))
    group = stage.service.registry.group("app", "group")
    stage.service.registry.change_group("group", replace(group, alarms=replace(group.alarms, ignore_poll_failure=True)))
    stage.account.alarms, stage.account.forbidden = {"errors": "ALARM"}, {"cloudwatch"}
    assert stage.end(stage.start()).status is Status.SUCCEEDED


def test_a_role_that_can_not_move_the_alias_fails_the_deployment(stage: Stage) -> None:
    stage.group()
    stage.account.forbidden = {"lambda"}
    ended = stage.end(stage.start())
    assert (ended.status, error(ended)) == (Status.FAILED, "IAM_ROLE_PERMISSIONS")
    assert stage.account.aliases["live"] == AliasState("7")


def test_an_alarm_that_does_not_exist_is_noted_and_stops_nothing(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce", alarms=("ghost",))
    assert stage.end(stage.start()).status is Status.SUCCEEDED
    notes = [change.text for change in stage.service.changes if change.kind == "note"]
    assert notes == ["no such alarm, so it stops nothing: ghost"]


def test_a_group_whose_polls_are_switched_off_shifts_past_a_ringing_alarm(stage: Stage) -> None:
    stage.group(config="LambdaCanary10Percent5Minutes", alarms=("errors",))
    stage.account.alarms = {"errors": "OK"}
    stage.service.poll_alarms_of("group", on=False)
    started = stage.start()
    stage.until_it_shifts()
    stage.account.alarms["errors"] = "ALARM"
    assert stage.end(started).status is Status.SUCCEEDED


def test_a_stop_with_rollback_takes_users_back(stage: Stage) -> None:
    stage.group(causes=())
    started = stage.start()
    stage.until_it_shifts()
    stage.service.stop(started, rollback=True)
    ended = stage.end(started)
    assert (ended.status, error(ended)) == (Status.STOPPED, "MANUAL_STOP")
    assert stage.account.aliases["live"] == AliasState("7")


def test_a_stop_without_rollback_leaves_the_weights_and_the_next_deployment_is_refused(stage: Stage) -> None:
    stage.group()
    started = stage.start()
    stage.until_it_shifts()
    stage.service.stop(started, rollback=False)
    ended = stage.end(started)
    assert ended.rollback is None
    assert stage.account.aliases["live"] == AliasState("7", {"8": 0.1})
    refused = stage.end(stage.start())
    assert (refused.status, error(refused)) == (Status.FAILED, "INVALID_LAMBDA_CONFIGURATION")
    assert stage.account.aliases["live"] == AliasState("7", {"8": 0.1})


def test_a_stop_of_what_has_ended_is_an_error(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")
    started = stage.start()
    stage.end(started)
    with pytest.raises(ApiError) as refused:
        stage.service.stop(started)
    assert refused.value.name == "DeploymentAlreadyCompletedException"


def test_during_a_hook_a_stop_wins_and_the_later_answer_is_told_so(stage: Stage) -> None:
    stage.group()
    calls: list[Mapping[str, str]] = []
    invoked = threading.Event()

    def remember(call: Mapping[str, str]) -> None:
        calls.append(call)
        invoked.set()

    stage.account.hooks = {"pre": remember}
    started = stage.start(before="pre")
    stage.until(invoked.is_set)
    stage.service.stop(started)
    with pytest.raises(ApiError) as late:
        stage.answers(True)(calls[0])
    assert late.value.name == "LifecycleEventAlreadyCompletedException"
    assert error(stage.end(started)) == "MANUAL_STOP"
    assert stage.account.aliases["live"] == AliasState("7")


def test_a_second_answer_is_told_that_the_event_has_completed_and_a_strange_one_that_nobody_asked(stage: Stage) -> None:
    stage.group()
    calls: list[Mapping[str, str]] = []

    def twice(call: Mapping[str, str]) -> None:
        calls.append(call)
        stage.answers(True)(call)

    stage.account.hooks = {"pre": twice}
    started = stage.start(before="pre")
    stage.until_it_shifts()
    with pytest.raises(ApiError) as second:
        stage.answers(True)(calls[0])
    with pytest.raises(ApiError) as strange:
        stage.service.answer_hook(started, "made up", True)
    assert second.value.name == "LifecycleEventAlreadyCompletedException"
    assert strange.value.name == "InvalidLifecycleEventHookExecutionIdException"


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        pytest.param(AliasState("6"), "does not match the current version in AppSpec file", id="another main version"),
        pytest.param(AliasState("7", {"8": 0.5}), "references two versions", id="weights"),
    ],
)
def test_an_alias_that_disagrees_is_refused_and_left_alone(stage: Stage, alias: AliasState, text: str) -> None:
    stage.group()
    stage.account.aliases["live"] = alias
    ended = stage.end(stage.start())
    assert (ended.status, error(ended), ended.rollback) == (Status.FAILED, "INVALID_LAMBDA_CONFIGURATION", None)
    assert ended.error is not None
    assert text in ended.error.message
    assert (stage.account.aliases["live"], stage.routes()) == (alias, [])


def test_a_deployment_to_the_version_that_users_have_is_refused(stage: Stage) -> None:
    stage.group()
    stage.account.aliases["live"] = AliasState("8")
    ended = stage.end(stage.start(current="8"))
    assert ended.error and ended.error.message.endswith("is missing or has an invalid configuration.")
    assert (error(ended), stage.routes(), ended.rollback_id) == ("INVALID_LAMBDA_CONFIGURATION", [], None)


def test_a_hook_that_is_listed_without_a_function_is_refused_before_any_other_is_asked(stage: Stage) -> None:
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True)}
    ended = stage.end(stage.start(before="pre", after=""))
    assert ended.error and ended.error.message.endswith("The Lambda function name cannot be null or empty")
    assert (error(ended), stage.account.asked) == ("INVALID_LAMBDA_CONFIGURATION", [])


def test_a_group_has_one_deployment_at_a_time_and_its_rollback_counts(stage: Stage) -> None:
    stage.service.behaviour = replace(stage.service.behaviour, rollback_takes=600.0)
    stage.group()
    stage.account.hooks = {"pre": stage.answers(False)}
    started = stage.start(before="pre")
    with pytest.raises(ApiError) as second:
        stage.start()
    assert second.value.name == "DeploymentLimitExceededException"
    stage.until(lambda: stage.service.deployment(started).ended)
    assert stage.service.deployment(started).rollback_id
    with pytest.raises(ApiError):
        stage.start()


def test_by_its_switch_a_second_deployment_waits_for_the_first_and_its_rollback(stage: Stage) -> None:
    stage.service.behaviour = switched(Behaviour(), {"second_deployment": "queued"})
    stage.group()
    first = stage.start()
    stage.until_it_shifts()
    second, third = stage.start(), stage.start(current="8")
    assert [str(stage.service.deployment(one).status) for one in (second, third)] == ["Queued", "Queued"]
    stage.service.stop(third)
    assert error(stage.service.deployment(third)) == "MANUAL_STOP"
    stage.service.stop(first, rollback=True)
    ended = stage.end(first)
    began = stage.end(second)
    assert began.status is Status.SUCCEEDED
    assert (began.started or 0) >= (stage.service.deployment(str(ended.rollback_id)).completed or 0)
    assert stage.account.aliases["live"] == AliasState("8")
    assert stage.service.deployment(third).rollback_id is None


def test_what_waits_in_line_survives_a_restart(stage: Stage) -> None:
    stage.service.behaviour = switched(Behaviour(), {"second_deployment": "queued"})
    stage.group()
    first = stage.start()
    stage.until_it_shifts()
    second = stage.start()
    stage.service.restart()
    assert stage.end(first).status is Status.SUCCEEDED
    assert error(stage.end(second)) == "INVALID_LAMBDA_CONFIGURATION"  # for the first has moved the alias


def test_a_version_that_disappears_during_the_shift_fails_the_deployment_and_users_go_back(stage: Stage) -> None:
    stage.group()
    started = stage.start()
    stage.until_it_shifts()
    stage.account.versions = frozenset({"7"})
    ended = stage.end(started)
    assert error(ended) == "INVALID_LAMBDA_FUNCTION"
    assert stage.account.aliases["live"] == AliasState("7")


def test_a_reset_ends_the_threads_and_forgets_everything(stage: Stage) -> None:
    stage.group()
    stage.account.hooks = {"pre": lambda call: None}
    stage.start(before="pre")
    stage.service.reset()
    assert [thread for thread in threading.enumerate() if thread.name.startswith("codedeploy-d-")] == []
    assert (stage.service.deployments(), stage.service.registry.applications()) == ([], [])


def test_every_change_is_told_with_its_stage_time(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")
    told: list[str] = []
    stage.service.on_change = lambda change: told.append(f"{change.kind}: {change.text}")
    stage.end(stage.start())
    assert told == [
        "status: payments:live 7 → 8",
        "event: BeforeAllowTraffic InProgress",
        "event: BeforeAllowTraffic Succeeded",
        "event: AllowTraffic InProgress",
        "weights: payments:live is version 8",
        "event: AllowTraffic Succeeded",
        "event: AfterAllowTraffic InProgress",
        "event: AfterAllowTraffic Succeeded",
        "status: Succeeded",
    ]


def test_a_listener_and_an_event_bus_that_fail_do_not_keep_users_between_two_versions(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")

    def fail(change: object) -> None:
        raise RuntimeError("broken")

    stage.service.on_change = stage.service.on_weights = stage.account.publish = fail  # type: ignore[method-assign]
    assert stage.end(stage.start()).status is Status.SUCCEEDED
    assert stage.account.aliases["live"] == AliasState("8")


def test_an_account_that_fails_ends_the_deployment_and_its_rollback(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")

    def fail(function: str, alias: str, state: AliasState) -> None:
        raise RuntimeError("broken")

    stage.account.set_alias = fail  # type: ignore[method-assign]
    ended = stage.end(stage.start())
    assert (ended.status, error(ended)) == (Status.FAILED, "INTERNAL_ERROR")
    assert ended.rollback_id is not None
    assert error(stage.service.deployment(ended.rollback_id)) == "INTERNAL_ERROR"


def test_a_restart_in_mid_shift_changes_nothing_for_users_and_is_told_to_nobody(stage: Stage) -> None:
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True), "post": stage.answers(True)}
    started = stage.start(before="pre", after="post")
    stage.until_it_shifts()
    stage.service.restart()
    ended = stage.end(started)
    assert (ended.status, lifecycle(ended)) == (Status.SUCCEEDED, ["Succeeded"] * 3)
    assert stage.routes() == [("7", {"8": 0.1}), ("8", {})]
    first, last = (change.time for change in stage.service.weights)
    assert last - first == pytest.approx(300)
    assert stage.account.asked == ["pre", "post"]
    assert stage.states() == [(started, "START"), (started, "SUCCESS")]


def test_after_a_restart_the_answer_to_what_was_asked_before_it_counts(stage: Stage) -> None:
    stage.group(config="LambdaAllAtOnce")
    calls: list[Mapping[str, str]] = []
    invoked = threading.Event()

    def remember(call: Mapping[str, str]) -> None:
        calls.append(call)
        invoked.set()

    stage.account.hooks = {"pre": remember}
    started = stage.start(before="pre")
    stage.until(invoked.is_set)
    stage.service.restart()
    stage.answers(True)(calls[0])
    assert stage.end(started).status is Status.SUCCEEDED
    assert stage.account.asked == ["pre"]


def test_a_rollback_survives_a_restart_and_so_does_a_stop_that_nobody_has_obeyed_yet(stage: Stage) -> None:
    stage.service.behaviour = replace(stage.service.behaviour, rollback_takes=300.0)
    stage.group()
    started = stage.start()
    stage.until_it_shifts()
    stage.service.stop(started, rollback=True)
    stage.service.restart()
    stage.until(lambda: stage.service.deployment(started).ended)
    stage.service.restart()
    ended = stage.end(started)
    assert (error(ended), stage.account.aliases["live"]) == ("MANUAL_STOP", AliasState("7"))
    assert ended.rollback_id is not None
    assert stage.service.deployment(ended.rollback_id).status is Status.SUCCEEDED
    assert len(stage.service.deployments()) == 2


@pytest.fixture
def throttled(stage: Stage) -> Iterator[tuple[Stage, Faults]]:
    """A stage whose CodeDeploy has no room on Lambda's control plane when the faults say so."""
    faults = Faults()
    service = Service(ThrottledAccount(stage.account, faults), stage.service.clock)
    service.registry.add_application(Application("app", 0.0))
    yield Stage(stage.account, service), faults
    service.reset()


def back(stage: Stage, deployment: Deployment) -> Deployment:
    """The rollback of a deployment that ended."""
    assert deployment.rollback_id is not None
    return stage.service.deployment(deployment.rollback_id)


UPDATES = Throttle("lambda", by="codedeploy", action="UpdateAlias")


def test_throttled_in_mid_shift_users_stay_between_two_versions_and_the_second_try_is_refused(
    throttled: tuple[Stage, Faults],
) -> None:
    stage, faults = throttled
    stage.group()
    started = stage.start()
    stage.until_it_shifts()
    faults.add(UPDATES)
    ended = stage.end(started)
    assert (error(ended), lifecycle(ended)) == ("THROTTLED", ["Succeeded", "Failed", "Skipped"])
    assert "exceeded the request limit for AWSLambda" in (ended.error.message if ended.error else "")
    assert error(back(stage, ended)) == "THROTTLED"
    faults.clear()
    assert stage.account.aliases["live"] == AliasState("7", {"8": 0.1})
    assert error(stage.end(stage.start())) == "INVALID_LAMBDA_CONFIGURATION"


def test_throttled_on_the_way_back_the_second_try_is_told_that_the_alias_does_not_match(
    throttled: tuple[Stage, Faults],
) -> None:
    stage, faults = throttled
    stage.group(config="LambdaAllAtOnce")

    def fail(call: Mapping[str, str]) -> None:
        faults.add(UPDATES)
        stage.answers(False)(call)

    stage.account.hooks = {"post": fail}
    ended = stage.end(stage.start(after="post"))
    assert (error(ended), error(back(stage, ended))) == ("HOOK_EXECUTION_FAILURE", "THROTTLED")
    faults.clear()
    second = stage.end(stage.start())
    assert error(second) == "INVALID_LAMBDA_CONFIGURATION"
    assert second.error and "does not match the current version in AppSpec file" in second.error.message
    assert stage.account.aliases["live"] == AliasState("8")


@pytest.mark.parametrize(
    ("action", "event"),
    [
        pytest.param("GetAlias", ["Skipped", "Skipped", "Skipped"], id="before anything"),
        pytest.param("Invoke", ["Failed", "Skipped", "Skipped"], id="when it asks a hook"),
        pytest.param("UpdateAlias", ["Succeeded", "Failed", "Skipped"], id="at the first weight"),
    ],
)
def test_wherever_codedeploy_is_throttled_its_deployment_ends_so(
    throttled: tuple[Stage, Faults], action: str, event: list[str]
) -> None:
    stage, faults = throttled
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True)}
    faults.add(Throttle("lambda", by="codedeploy", action=action, count=1))
    ended = stage.end(stage.start(before="pre"))
    assert (error(ended), lifecycle(ended)) == ("THROTTLED", event)
    assert stage.account.aliases["live"] == AliasState("7")


@pytest.mark.parametrize(("tries", "ends"), [(1, "THROTTLED"), (5, "")])
def test_by_its_switch_codedeploy_tries_a_throttled_call_again(
    throttled: tuple[Stage, Faults], tries: int, ends: str
) -> None:
    stage, faults = throttled
    stage.service.behaviour = switched(Behaviour(), {"lambda_tries": tries})
    stage.group()
    faults.add(Throttle("lambda", by="codedeploy", action="UpdateAlias", count=4))
    assert error(stage.end(stage.start())) == ends


def test_by_its_switch_a_rollback_asks_the_hooks(stage: Stage) -> None:
    stage.service.behaviour = switched(Behaviour(), {"rollback_invokes_hooks": True})
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True), "post": stage.answers(True)}
    started = stage.start(before="pre", after="post")
    stage.until_it_shifts()
    stage.service.stop(started, rollback=True)
    assert stage.end(started).rollback_id
    assert stage.account.asked == ["pre", "pre", "post"]
    assert stage.account.aliases["live"] == AliasState("7")


@pytest.mark.parametrize(
    ("wins", "goes_back"),
    [pytest.param(True, True, id="the call wins"), pytest.param(False, False, id="the group wins")],
)
def test_by_its_switch_the_call_or_the_group_says_whether_a_stop_goes_back(
    stage: Stage, wins: bool, goes_back: bool
) -> None:
    stage.service.behaviour = switched(Behaviour(), {"stop_parameter_wins": wins})
    stage.group(causes=())
    started = stage.start()
    stage.until_it_shifts()
    stage.service.stop(started, rollback=True)
    assert bool(stage.end(started).rollback_id) is goes_back


def test_by_its_switch_an_alias_with_two_versions_is_refused_only_after_the_first_hook(stage: Stage) -> None:
    stage.service.behaviour = switched(Behaviour(), {"two_versions_refused_at": "shift"})
    stage.group()
    stage.account.hooks = {"pre": stage.answers(True)}
    stage.account.aliases["live"] = AliasState("7", {"8": 0.5})
    ended = stage.end(stage.start(before="pre"))
    assert (error(ended), stage.account.asked) == ("INVALID_LAMBDA_CONFIGURATION", ["pre"])
    assert stage.account.aliases["live"] == AliasState("7", {"8": 0.5})


@pytest.mark.parametrize("shows_last_good", [False, True])
def test_by_its_switch_a_rollback_shows_what_it_reverses_or_what_succeeded_last(
    stage: Stage, shows_last_good: bool
) -> None:
    stage.service.behaviour = switched(Behaviour(), {"rollback_shows_last_good": shows_last_good})
    stage.group(config="LambdaAllAtOnce")
    stage.account.hooks = {"post": stage.answers(True)}
    good = stage.end(stage.start(after="post"))
    stage.account.aliases["live"] = AliasState("7")
    stage.account.hooks = {"post": stage.answers(False)}
    ended = stage.end(stage.start(after="post"))
    shown = stage.service.deployment(str(ended.rollback_id)).revision
    assert (shown == good.revision) is shows_last_good
    assert stage.account.aliases["live"] == AliasState("7")


@pytest.mark.parametrize(("reaches", "status"), [(False, Status.SUCCEEDED), (True, Status.STOPPED)])
def test_by_its_switch_alarms_that_a_group_gets_in_mid_shift_are_polled_or_not(
    stage: Stage, reaches: bool, status: Status
) -> None:
    stage.service.behaviour = switched(Behaviour(), {"group_update_reaches_running": reaches})
    stage.group()
    stage.account.alarms = {"errors": "ALARM"}
    started = stage.start()
    stage.until_it_shifts()
    group = stage.service.registry.group("app", "group")
    stage.service.change_group("group", replace(group, alarms=Alarms(enabled=True, names=("errors",))))
    assert stage.end(started).status is status


@pytest.mark.parametrize(("can", "status"), [(False, Status.SUCCEEDED), (True, Status.STOPPED)])
def test_by_its_switch_a_rollback_can_be_stopped_or_goes_on(stage: Stage, can: bool, status: Status) -> None:
    chosen = switched(Behaviour(), {"rollback_can_be_stopped": can})
    stage.service.behaviour = replace(chosen, rollback_takes=300.0)
    stage.group()
    started = stage.start()
    stage.until_it_shifts()
    stage.service.stop(started, rollback=True)
    stage.until(lambda: stage.service.deployment(started).ended)
    back = stage.service.deployment(started).rollback_id
    assert back is not None
    stage.service.stop(back)
    assert stage.end(back).status is status


def test_a_switch_and_an_answer_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(SwitchError, match=r"no_such_thing is not a switch of the stage; there are .*unanswered_code"):
        switched(Behaviour(), {"no_such_thing": True})
    with pytest.raises(SwitchError, match='unanswered_code takes "TIMEOUT" or "HOOK_EXECUTION_FAILURE", not 5'):
        switched(Behaviour(), {"unanswered_code": 5})
    with pytest.raises(SwitchError, match="missing_alarm_stops takes false or true, not 0"):
        switched(Behaviour(), {"missing_alarm_stops": 0})


def test_what_an_account_answered_is_what_the_stage_does(tmp_path: Path) -> None:
    found = tmp_path / "certified.json"
    assert certified(found) == Behaviour()
    found.write_text('{"switches": {"missing_alarm_stops": {"answer": true, "at": "2026-11-24"}}}')
    assert certified(found) == Behaviour(missing_alarm_stops=True)
