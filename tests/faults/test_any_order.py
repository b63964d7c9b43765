"""News of a release may come in any order, twice, or never: after a tick the ledger says the same.

What happens to a release happens at its time: CodeDeploy moves on and calls its hooks, an alarm rings. What tells of it
is news: CodeDeploy's events, the tick, and each call made again. Every order of the news is tried, with any number of
repetitions and losses, by states: orders that have led to the same account so far go on together.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from seatrial.core.release import Release, Step
from seatrial.flows import monitor, rollback
from tests.small_account import CREATED, REGION, SmallAccount, event, make_table
from tests.unit.test_hook import Limit, bad, good, handler_of

PLAIN = """
cases:
  - {name: health answers, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}
"""
PROMPT = f"{PLAIN}release: {{bake: 0s}}\n"
BAKES = f"{PLAIN}release: {{bake: 5m}}\n"
ALARM = "bad-outcomes"
BACK = "d-back"

# When the ledger learned of it, which hangs on the order of the news.
WRITTEN_WHEN = ("closed_at", "everybody_at", "traffic_from", "traffic_until")

type News = Mapping[str, Any]


@dataclass(frozen=True)
class Moment:
    """What happens at `minute` of the release's life: to CodeDeploy, then a call that it causes, then news of it."""

    minute: int
    truth: Callable[[SmallAccount], object] = lambda account: None
    call: News | None = None
    news: tuple[News, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of release. News may come at its moment or at any later one."""

    moments: tuple[Moment, ...]
    suite: str = PROMPT
    answer: Callable[[dict[str, Any]], dict[str, Any]] = good


# ---------------------------------------------------------------- news and calls, as they enter


def hook(execution: str, function: str, id: str = "d-1") -> News:
    return {"to": function, "DeploymentId": id, "LifecycleEventHookExecutionId": execution}


def changed(id: str, state: str) -> News:
    notification = event("deployment")
    return {"to": "monitor"} | notification | {"detail": notification["detail"] | {"deploymentId": id, "state": state}}


def rings(minute: int, state: str = "ALARM") -> News:
    at = (CREATED + timedelta(minutes=minute)).isoformat()
    told = {"value": state, "reason": "3 of 3 datapoints", "timestamp": at}
    return {"to": "rollback"} | event("alarm") | {"detail": {"alarmName": ALARM, "state": told}}


def asked(minute: int) -> News:
    at = (CREATED + timedelta(minutes=minute)).isoformat()
    detail = {"service": "payments", "reason": "refunds answer twice", "who": "on-call@example.com"}
    return {"to": "rollback"} | event("rollback-requested") | {"time": at, "detail": detail}


TICK: News = {"to": "monitor"} | event("tick")


# ---------------------------------------------------------------- what CodeDeploy does


def created(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.aliases["payments"] = ("7", 1)


def shifts(weight: float, status: str = "InProgress") -> Callable[[SmallAccount], None]:
    return lambda account: account.codedeploy.shifts("d-1", weight, status)


def everybody(account: SmallAccount) -> None:
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    account.lambdas.aliases["payments"] = ("8", 2)


def succeeds(account: SmallAccount) -> None:
    account.codedeploy.ends("d-1", "Succeeded")


def ends(status: str, code: str, message: str) -> Callable[[SmallAccount], None]:
    """It ends, and the deployment begins that takes it back."""

    def happens(account: SmallAccount) -> None:
        account.codedeploy.ends("d-1", status, code, message, rollback=BACK)
        info = {"rollbackTriggeringDeploymentId": "d-1"}
        account.codedeploy.begin(BACK, stable="8", candidate="7", creator="codeDeployRollback", rollbackInfo=info)

    return happens


def taken_back(account: SmallAccount) -> None:
    account.codedeploy.ends(BACK, "Succeeded")
    account.lambdas.aliases["payments"] = ("7", 3)


def stays(account: SmallAccount) -> None:
    account.codedeploy.ends(BACK, "Failed", "THROTTLED", "Rate exceeded")


# ---------------------------------------------------------------- the kinds

BEFORE, AFTER = hook("x-1", "pre_traffic"), hook("x-2", "post_traffic")
BEGINS = (
    Moment(0, created, news=(changed("d-1", "START"),)),
    Moment(1, call=BEFORE, news=(BEFORE,)),
    Moment(2, shifts(0.1), news=(TICK,)),
)
BY_ITSELF = (Moment(0, created, news=(changed("d-1", "START"),)), Moment(2, shifts(0.1), news=(TICK,)))
IS_BACK = Moment(9, taken_back, news=(changed(BACK, "SUCCESS"),))
HOOK_FAILED = ends("Failed", "HOOK_EXECUTION_FAILURE", "One of the lifecycle event validations failed")
STOPPED = ends("Stopped", "MANUAL_STOP", "The deployment was stopped")
STOPPED_BY_POLL = ends("Stopped", "ALARM_ACTIVE", f"Activated alarms: <{ALARM}>")
SUCCEEDED = Moment(11, succeeds, news=(changed("d-1", "SUCCESS"),))


def goes_back(minute: int, how: Callable[[SmallAccount], None], state: str) -> tuple[Moment, ...]:
    return (Moment(minute, how, news=(changed("d-1", state), changed(BACK, "START"))), IS_BACK)


KINDS = {
    "good": Kind((*BEGINS, Moment(7, everybody, AFTER, (AFTER,)), SUCCEEDED)),
    "good, after its bake": Kind(
        (*BEGINS, Moment(5, everybody, AFTER, (AFTER,)), Moment(10, call=TICK, news=(TICK,)), SUCCEEDED), suite=BAKES
    ),
    "refused in the dark": Kind(
        (*BEGINS[:2], *goes_back(2, HOOK_FAILED, "FAILURE")),
        answer=bad,
    ),
    "taken back by its alarm while it shifts": Kind(
        (*BEGINS, Moment(3, call=rings(3), news=(rings(3),)), *goes_back(4, STOPPED, "STOP"))
    ),
    "taken back by CodeDeploy's poll": Kind(
        (*BEGINS, *goes_back(4, STOPPED_BY_POLL, "STOP"), Moment(9, news=(rings(3),)))
    ),
    "taken back in its bake": Kind(
        (
            *BEGINS,
            Moment(5, everybody, AFTER, (AFTER,)),
            Moment(6, call=rings(6), news=(rings(6),)),
            *goes_back(7, HOOK_FAILED, "FAILURE"),
        ),
        suite=BAKES,
    ),
    "taken back by on call": Kind(
        (*BEGINS, Moment(3, call=asked(3), news=(asked(3),)), *goes_back(4, STOPPED, "STOP"))
    ),
    "returned in the guard": Kind(
        (
            *BEGINS,
            Moment(7, everybody, AFTER, (AFTER,)),
            SUCCEEDED,
            Moment(12, call=rings(12), news=(rings(12),)),
        )
    ),
    "stranded": Kind(
        (*BEGINS, *goes_back(4, STOPPED_BY_POLL, "STOP")[:1], Moment(9, stays, news=(changed(BACK, "FAILURE"),)))
    ),
    "good, without hooks": Kind((*BY_ITSELF, Moment(7, everybody), SUCCEEDED)),
    "taken back, without hooks": Kind((*BY_ITSELF, *goes_back(4, STOPPED_BY_POLL, "STOP"))),
}


# ---------------------------------------------------------------- the search

type Ledger = tuple[Release, frozenset[tuple[str, ...]]]


@dataclass(frozen=True)
class Snapshot:
    """All that the rest of a release's life depends on."""

    moment: int
    items: Any
    alias: tuple[str, int]

    @property
    def key(self) -> tuple[int, str, str]:
        """Equal for accounts in which everything goes on alike: when a step was written changes nothing."""
        items = [item.to_json()["Attributes"] for items in self.items.values() for item in items.values()]
        for item in items:
            written_when = ("at", "expires") if item["sk"]["S"].startswith("step#") else ("expires",)
            for names in (item, item.get("head", {}).get("M", {})):
                for name in (*WRITTEN_WHEN, *written_when):
                    names.pop(name, None)
        return self.moment, json.dumps(sorted(items, key=repr), sort_keys=True), self.alias[0]


class World:
    """A small account in which one release lives, and that can be put back to how it was."""

    def __init__(self, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
        make_table()
        self.kind = kind
        self.account = SmallAccount()
        self.account.codedeploy.alarms = [ALARM]
        self.account.lambdas.has("payments", "8", kind.suite, kind.answer)
        self.account.lambdas.answers["payments", "live"] = kind.answer
        self.account.lambdas.aliases["payments"] = ("7", 1)
        hooks = {name: handler_of(name, self.account, monkeypatch) for name in ("pre_traffic", "post_traffic")}
        self.flows: dict[str, Callable[[News], object]] = {
            "monitor": lambda told: monitor.look(self.account.aws, told),
            "rollback": lambda told: rollback.take_back(self.account.aws, told),
            "pre_traffic": lambda told: hooks["pre_traffic"](told, Limit()),
            "post_traffic": lambda told: hooks["post_traffic"](told, Limit()),
        }
        self.table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION["region_name"]].tables["ledger"]
        self.moment = -1

    @property
    def news(self) -> list[tuple[int, News]]:
        """All there is to tell, each with the moment before which it can't be told."""
        return [(at, told) for at, moment in enumerate(self.kind.moments) for told in moment.news]

    def goes_on_to(self, moment: int) -> None:
        while self.moment < moment:
            self.moment += 1
            now = self.kind.moments[self.moment]
            self._truth(now)
            if now.call:
                self.tell(now.call)

    def tell(self, told: News) -> None:
        self.flows[told["to"]]({name: value for name, value in told.items() if name != "to"})

    def snapshot(self) -> Snapshot:
        return Snapshot(self.moment, deepcopy(self.table.items), self.account.lambdas.aliases["payments"])

    def back_to(self, snapshot: Snapshot) -> None:
        self.table.items = deepcopy(snapshot.items)
        self.account.codedeploy.deployments.clear()
        self.account.codedeploy.targets.clear()
        for moment in self.kind.moments[: snapshot.moment + 1]:
            self._truth(moment)
        self.moment = snapshot.moment
        self.account.lambdas.aliases["payments"] = snapshot.alias

    def in_the_end(self) -> Ledger | None:
        """The ledger after the last moment and a tick, without the times at which it was written.

        None where nobody has ever told of the release: neither a hook, for it has none, nor an event.
        """
        self.goes_on_to(len(self.kind.moments) - 1)
        self.tell(TICK)
        ledger = self.account.aws.ledger
        release = ledger.find("d-1")
        if release is None:
            return None
        same = dict.fromkeys(WRITTEN_WHEN)
        return replace(release, **same), frozenset(map(_words, ledger.steps("d-1")))

    def _truth(self, moment: Moment) -> None:
        now = CREATED + timedelta(minutes=moment.minute)
        self.account.clock.goes_on(now - self.account.clock.now())
        moment.truth(self.account)


def _words(step: Step) -> tuple[str, ...]:
    return step.kind, step.discriminator, step.sentence, step.by, step.outcome


def every_order(world: World) -> dict[Ledger, list[str]]:
    """Every ledger that can come of it, with a shortest way to each: what was told, in order."""
    start = world.snapshot()
    ways: dict[tuple[int, str, str], list[str]] = {start.key: []}
    ledgers: dict[Ledger, list[str]] = {}
    found = deque([start])
    while found:
        here = found.popleft()
        way = ways[here.key]
        world.back_to(here)
        if ledger := world.in_the_end():
            ledgers.setdefault(ledger, way)
        for name, step in _next_steps(world):
            world.back_to(here)
            step()
            there = world.snapshot()
            if there.key not in ways:
                ways[there.key] = [*way, name]
                found.append(there)
    return ledgers


def _next_steps(world: World) -> Iterator[tuple[str, Callable[[], None]]]:
    """Time passes, or news comes: at its moment, if that is still to be, else late."""

    def hear(at: int, told: News) -> None:
        world.goes_on_to(at)
        world.tell(told)

    yield "time passes", lambda: world.goes_on_to(min(world.moment + 1, len(world.kind.moments) - 1))
    for at, told in world.news:
        yield _name(told), partial(hear, at, told)


def _name(told: News) -> str:
    detail = told.get("detail", {})
    return " ".join(str(one) for one in (told["to"], detail.get("deploymentId", ""), detail.get("state", "")) if one)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        yield World(KINDS[request.param], monkeypatch)


@pytest.mark.proof
def test_every_order_of_the_news_with_repetitions_and_losses_gives_the_same_ledger(world: World) -> None:
    ledgers = every_order(world)
    assert len(ledgers) == 1, "\n".join(f"{way}: {ledger}" for ledger, way in ledgers.items())


def test_news_that_comes_backwards_and_twice_gives_the_ledger_of_news_in_time(world: World) -> None:
    start = world.snapshot()
    for at, told in world.news:
        world.goes_on_to(at)
        world.tell(told)
    in_time = world.in_the_end()
    world.back_to(start)
    for at, told in reversed(world.news):
        world.goes_on_to(at)
        world.tell(told)
        world.tell(told)
    assert world.in_the_end() == in_time
