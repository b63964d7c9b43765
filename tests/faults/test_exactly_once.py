"""Whatever is told twice, late, out of order or never, and wherever Seatrial is interrupted: a release goes back once.

A state machine drives the deployed flows over a small account whose CodeDeploy shifts, stops and rolls back, and whose
every call may be the last one before a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import boto3
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from moto import mock_aws

from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.core.gate import Report
from seatrial.core.release import State
from seatrial.flows import bake, monitor, preflight, rollback
from seatrial.flows.hook import HookCall, hook
from tests.small_account import REGION, SmallAccount, SmallCodeDeploy, SmallLambda, event, make_table
from tests.unit.test_hook import Limit

SERVICES = ("payments", "refunds")
SHARED = "everybody"
ENDED_WELL = {State.RELEASED}
TAKEN_BACK = {State.REFUSED, State.TAKEN_BACK, State.RETURNED, State.HEALED}  # refused: stopped before anybody met it


# One release after the other, so that a run can be repeated call by call.
look = partial(monitor.look, at_once=1)


class CrashError(BaseException):
    """The process is gone: no `except Exception` sees it."""


class Fuse:
    """Blows at the n-th call from now: before the call has an effect, or right after."""

    def __init__(self) -> None:
        self.left: float = float("inf")

    def before(self, *, after: bool) -> None:
        self.left -= 1
        if self.left == 0 and not after:
            raise CrashError

    def after(self) -> None:
        if self.left == 0:
            raise CrashError

    def call[T](self, made: Callable[[], T], *, after: bool) -> T:
        self.before(after=after)
        answer = made()
        self.after()
        return answer


class Fragile:
    """A client whose calls blow the fuse."""

    def __init__(self, client: Any, fuse: Fuse, world: World) -> None:
        self._client, self._fuse, self._world = client, fuse, world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("get_paginator", "meta", "package"):
            return found
        return lambda **asked: self._fuse.call(lambda: found(**asked), after=self._world.crashes_after)


class Shifting(SmallCodeDeploy):
    """Deployments that end, and take users back by themselves."""

    def __init__(self, lambdas: SmallLambda) -> None:
        super().__init__()
        self.lambdas = lambdas
        self.taken_back: Counter[str] = Counter()

    def get_deployment_group(self, **group: str) -> dict[str, Any]:
        self.alarms = [f"{group['deploymentGroupName']}-alarm", SHARED]
        return super().get_deployment_group(**group)

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:  # noqa: N803
        answer = super().stop_deployment(deploymentId=deploymentId, autoRollbackEnabled=autoRollbackEnabled)
        self._goes_back(deploymentId, "Stopped", "MANUAL_STOP")
        return answer

    def put_lifecycle_event_hook_execution_status(self, **answer: str) -> None:  # type: ignore[override]
        super().put_lifecycle_event_hook_execution_status(**answer)
        if answer["status"] == "Failed":
            self._goes_back(answer["deploymentId"], "Failed", "HOOK_EXECUTION_FAILURE")
        else:
            self.ends(answer["deploymentId"], "Succeeded")

    def _goes_back(self, id: str, status: str, code: str) -> None:
        self.taken_back[id] += 1
        self.ends(id, status, code, "no reason that helps", rollback=f"{id}-back")
        group = self.deployments[id]["deploymentGroupName"]
        stable = str(self.deployments[id]["stable"])
        self.begin(
            f"{id}-back", function=group, stable=str(int(stable) + 1), candidate=stable, creator="codeDeployRollback"
        )
        self.ends(f"{id}-back", "Succeeded")
        self.lambdas.aliases[group] = (stable, self.lambdas.aliases[group][1] + 1)


class World(RuleBasedStateMachine):
    """Two services, their releases, and events that may come at any time and any number of times."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._moto = mock_aws()
        self._moto.start()
        make_table()
        self.account = SmallAccount()
        self.fuse = Fuse()
        self.crashes_after = False
        self.codedeploy = Shifting(self.account.lambdas)
        ledger = boto3.client("dynamodb", **REGION)
        ledger.meta.events.register("before-call", lambda **_: self.fuse.before(after=self.crashes_after))
        ledger.meta.events.register("after-call", lambda **_: self.fuse.after())
        self.aws = replace(
            self.account.aws,
            codedeploy=CodeDeploy(Fragile(self.codedeploy, self.fuse, self), self.account.pauses.append),  # type: ignore[arg-type]
            lambdas=Lambdas(Fragile(self.account.lambdas, self.fuse, self)),  # type: ignore[arg-type]
            ledger=Ledger(ledger, "ledger", timedelta(days=400)),
        )
        self.version = dict.fromkeys(SERVICES, 1)
        self.believed = dict.fromkeys(SERVICES, "1")
        self.open: dict[str, str] = {}
        self.releases: dict[str, tuple[str, str, str, Any]] = {}
        self.accused: list[tuple[str, datetime]] = []
        self.told: list[tuple[Callable[..., Any], Mapping[str, Any]]] = []
        for service in SERVICES:
            self.account.lambdas.tags[service] = {"seatrial": "released"}
            self.account.lambdas.aliases[service] = ("1", 1)
        self.alarms = {f"{service}-alarm": self._quiet(f"{service}-alarm") for service in SERVICES}
        self.alarms[SHARED] = self._quiet(SHARED)

    def teardown(self) -> None:
        try:
            self._in_the_end()
        finally:
            self._moto.stop()

    # ------------------------------------------------------------------ what happens

    @rule(service=st.sampled_from(SERVICES), bakes=st.booleans(), guard=st.sampled_from([0, 3600]))
    def a_release_begins(self, service: str, bakes: bool, guard: int) -> None:
        if service in self.open or self.account.lambdas.aliases[service][0] != self.believed[service]:
            return  # one deployment a group; and AWS refuses where the alias disagrees
        self.version[service] += 1
        stable, candidate, id = (
            self.believed[service],
            str(self.version[service]),
            f"d-{service}{self.version[service]}",
        )
        self.account.clock.goes_on(timedelta(seconds=2))
        now = self.account.clock.now()
        self.codedeploy.begin(id, function=service, stable=stable, candidate=candidate, createTime=now)
        self.codedeploy.deployments[id]["stable"] = stable
        self.open[service], self.releases[id] = id, (service, stable, candidate, now)
        release = preflight.admitted(self.aws, self.aws.codedeploy.deployment(id))
        self.aws.ledger.settle(release, alarms=[], settings={"bake": 300.0 if bakes else 0.0, "guard": guard})
        preflight.let_begin(self.aws, release)
        self._later(look, self._changed(id))

    @rule(service=st.sampled_from(SERVICES))
    def users_come(self, service: str) -> None:
        if id := self._runs(service):
            self.codedeploy.shifts(id)

    @rule(service=st.sampled_from(SERVICES), crash=st.integers(0, 12), after=st.booleans())
    def the_shift_is_done(self, service: str, crash: int, after: bool) -> None:
        id = self._runs(service)
        if not id or id not in self.codedeploy.targets:
            return
        self.codedeploy.shifts(id, 1.0, "Succeeded")
        self.account.lambdas.aliases[service] = (self.releases[id][2], self.account.lambdas.aliases[service][1] + 1)

        @hook(self.aws, "post_traffic")
        def post_traffic(call: HookCall) -> Report:
            release = preflight.admitted(self.aws, call.deployment)
            self.aws.ledger.move(release, State.CONFIRMING)
            return bake.begin(self.aws, release, call)

        call = {"DeploymentId": id, "LifecycleEventHookExecutionId": f"x-{id}"}
        self._done(lambda: post_traffic(call, Limit()), crash, after)
        self._done(lambda: post_traffic(call, Limit()), 0, after)  # Lambda tries again

    @rule(alarm=st.sampled_from([f"{service}-alarm" for service in SERVICES] + [SHARED]), lost=st.booleans())
    def an_alarm_rings(self, alarm: str, lost: bool) -> None:
        self.account.clock.goes_on(timedelta(seconds=1))
        now = self.account.clock.now()
        if self.alarms[alarm]["StateValue"] != "ALARM":
            self.alarms[alarm] |= {"StateValue": "ALARM", "StateReason": "it rings", "StateTransitionedTimestamp": now}
        self.accused += [(service, now) for service in SERVICES if alarm in (SHARED, f"{service}-alarm")]
        state = {"value": "ALARM", "reason": "it rings", "timestamp": now.isoformat()}
        told = event("alarm") | {"id": f"e{len(self.told)}", "detail": {"alarmName": alarm, "state": state}}
        if not lost:
            self._later(rollback.take_back, told)

    @rule(alarm=st.sampled_from([f"{service}-alarm" for service in SERVICES] + [SHARED]))
    def an_alarm_is_quiet(self, alarm: str) -> None:
        self.alarms[alarm] = self._quiet(alarm)

    @rule(service=st.sampled_from(SERVICES), named=st.booleans())
    def on_call_asks(self, service: str, named: bool) -> None:
        detail = {"service": service, "reason": "no", "who": "on call"}
        if named and (mine := [id for id, (whose, *_) in self.releases.items() if whose == service]):
            detail["release"] = mine[-1]
        self.accused.append((service, self.account.clock.now()))
        sent = {"id": f"e{len(self.told)}", "time": self.account.clock.now().isoformat(), "detail": detail}
        self._later(rollback.take_back, event("rollback-requested") | sent)

    @precondition(lambda self: self.told)
    @rule(data=st.data(), crash=st.integers(0, 14), after=st.booleans())
    def an_event_arrives(self, data: st.DataObject, crash: int, after: bool) -> None:
        """Any of them, in any order and as often as it likes."""
        flow, told = self.told[data.draw(st.integers(0, len(self.told) - 1))]
        self._done(lambda: flow(self.aws, told), crash, after)

    @rule(crash=st.integers(0, 25), after=st.booleans())
    def the_minute_ticks(self, crash: int, after: bool) -> None:
        self.account.clock.goes_on(timedelta(minutes=1))
        self._done(lambda: look(self.aws, event("tick")), crash, after)

    @rule(minutes=st.sampled_from([2, 11, 70]))
    def time_passes(self, minutes: int) -> None:
        self.account.clock.goes_on(timedelta(minutes=minutes))

    @rule(service=st.sampled_from(SERVICES))
    def somebody_heals(self, service: str) -> None:
        if service not in self.open and self.account.lambdas.aliases[service][0] != self.believed[service]:
            self.version[service] += 1
            self.believed[service] = str(self.version[service])
            self.account.lambdas.aliases[service] = (self.believed[service], 900 + self.version[service])

    @rule(service=st.sampled_from(SERVICES), passed=st.booleans())
    def something_takes_users_back(self, service: str, passed: bool) -> None:
        """A deployment of CloudFormation's or of a person's, while Seatrial's ledger can't be reached."""
        self.codedeploy.begin("d-aside", function=service, stable="9", candidate="8")
        broken = replace(self.aws, ledger=Ledger(boto3.client("dynamodb", **REGION), "no-table", timedelta(days=1)))

        @hook(broken, "pre_traffic")
        def never(call: HookCall) -> Report:
            raise AssertionError("a way back was held up")

        self.account.codedeploy.answers.clear()
        call = {"DeploymentId": "d-aside", "LifecycleEventHookExecutionId": "x"}
        assert never(call, Limit())["answered"] == "Succeeded"

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def a_step_is_counted(self) -> None:
        World.steps += 1

    @invariant()
    def no_release_is_taken_back_twice(self) -> None:
        for id in self.releases:
            assert self._times_back(id) <= 1, f"{id} was taken back {self._times_back(id)} times"

    @invariant()
    def only_what_was_accused_is_taken_back(self) -> None:
        """By an alarm or a person, and while it ran: what was said before a release began is not about it."""
        for id, (service, _, _, opened) in self.releases.items():
            if self._times_back(id):
                assert any(whose == service and at >= opened for whose, at in self.accused), f"nobody accused {id}"

    @invariant()
    def every_service_has_a_version_to_serve(self) -> None:
        for service in SERVICES:
            assert 1 <= int(self.account.lambdas.aliases[service][0]) <= self.version[service]

    @invariant()
    def seatrial_points_an_alias_at_a_stable_version_alone(self) -> None:
        back = {(service, stable) for service, stable, _, _ in self.releases.values()}
        assert set(self.account.lambdas.pointed) <= back

    def _in_the_end(self) -> None:
        """Ticks that are not interrupted bring the ledger into line with what happened, with a reason for each."""
        for _ in range(20):  # longer than a cool-down
            self.account.clock.goes_on(timedelta(minutes=1))
            self._done(lambda: look(self.aws, event("tick")), 0, False)
            self.no_release_is_taken_back_twice()
        for id in self.releases:
            release = self.aws.ledger.release(id)
            if self._times_back(id):
                assert release.state in TAKEN_BACK, f"{id} was taken back and the ledger says {release.state}"
                assert release.reason, f"nobody says why {id} was taken back"
                assert release.by
            elif self.codedeploy.deployments[id]["status"] == "Succeeded":
                assert release.state in ENDED_WELL, f"{id} is released and the ledger says {release.state}"
            else:
                assert release.is_open
                assert release.state is not State.GOING_BACK, "what was begun is finished"
                assert not self._rings_for(release.function) or release.state is State.SHIFTING, "a tick sees alarms"

    # ------------------------------------------------------------------ small things

    def _done(self, flow: Callable[[], object], crash: int, after: bool) -> None:
        """`crash` is the call at which the process ends; 0 is never."""
        self.account.alarms.alarms = list(self.alarms.values())
        self.fuse.left, self.crashes_after = crash or float("inf"), after
        try:
            flow()
        except CrashError:
            pass
        except ExceptionGroup as troubles:
            if troubles.subgroup(lambda error: isinstance(error, AssertionError)):
                raise
        finally:
            self.fuse.left = float("inf")
        self._cloudformation_looks()

    def _cloudformation_looks(self) -> None:
        for service, id in list(self.open.items()):
            status = self.codedeploy.deployments[id]["status"]
            if status == "InProgress":
                continue
            del self.open[service]
            if status == "Succeeded":
                self.believed[service] = self.releases[id][2]
            self._later(look, self._changed(id))

    def _later(self, flow: Callable[..., Any], told: Mapping[str, Any]) -> None:
        self.told.append((flow, told))

    def _runs(self, service: str) -> str | None:
        id = self.open.get(service)
        return id if id and self.codedeploy.deployments[id]["status"] == "InProgress" else None

    def _times_back(self, id: str) -> int:
        service, stable, _, _ = self.releases[id]
        ended_well = self.codedeploy.deployments[id]["status"] == "Succeeded"
        returns = self.account.lambdas.pointed.count((service, stable)) if ended_well else 0
        others = [one for one, (whose, back, _, _) in self.releases.items() if (whose, back) == (service, stable)]
        return self.codedeploy.taken_back[id] + (returns if others[-1] == id else 0)

    def _rings_for(self, service: str) -> bool:
        return any(self.alarms[alarm]["StateValue"] == "ALARM" for alarm in (f"{service}-alarm", SHARED))

    @staticmethod
    def _quiet(alarm: str) -> dict[str, Any]:
        return {"AlarmName": alarm, "StateValue": "OK"}

    @staticmethod
    def _changed(id: str) -> dict[str, Any]:
        notification = event("deployment")
        return notification | {"detail": notification["detail"] | {"deploymentId": id}}


def run(examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        World,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )


def test_a_release_goes_back_once_and_everybody_can_read_why() -> None:
    run(examples=8, steps=30)


@pytest.mark.proof
def test_a_release_goes_back_once_in_five_thousand_steps() -> None:
    World.steps = 0
    run(examples=150, steps=60)
    assert World.steps >= 5_000
