"""One service's data never stops the work for the others: hostile services beside an innocent one."""

from __future__ import annotations

import importlib.util
import io
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from moto import mock_aws

from seatrial import wiring
from seatrial.core import bounds
from seatrial.core.release import State
from seatrial.flows import dark_tests, fix_lane, monitor, preflight, rollback
from seatrial.flows.examiner import Examiner
from seatrial.flows.hook import Handler
from tests.faults.hostile import BY_HAND, Hostile, by_chance
from tests.small_account import SmallAccount, event, make_table

FUNCTIONS = Path(__file__).parent.parent.parent / "functions"
INNOCENT = "cases:\n - {name: health, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}\n"
TICK = event("tick")
MINUTE = timedelta(minutes=1)


class Limit:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def good(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


@contextmanager
def account_of(*hostile: Hostile) -> Iterator[Neighbours]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        logging.disable()  # a traceback for each of hundreds of hostile answers, which pytest would keep
        try:
            yield Neighbours(account, hostile)
        finally:
            logging.disable(logging.NOTSET)


@dataclass
class Neighbours:
    """The services hostile-0, hostile-1 … and `innocent`, in one account."""

    account: SmallAccount
    hostile: tuple[Hostile, ...]

    def __post_init__(self) -> None:
        account = self.account
        account.lambdas.has("innocent", "8", INNOCENT, good)
        account.lambdas.answers["innocent", "live"] = good
        self._responses = {}
        for number, one in enumerate(self.hostile):
            name = f"hostile-{number}"
            account.lambdas.has(name, "8", one.suite, good)
            account.lambdas.tags[name] = one.tags
            account.lambdas.aliases[name] = ("8", 1)
            self._responses[name] = one.response
        invoke = account.lambdas.invoke

        def answer(*, FunctionName: str, **how: Any) -> dict[str, Any]:  # noqa: N803
            if FunctionName not in self._responses:
                return invoke(FunctionName=FunctionName, **how)
            said = self._responses[FunctionName]
            return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(said), len(said))}

        account.lambdas.invoke = answer  # type: ignore[method-assign]
        account.codedeploy.alarms = ["shared"]
        self._pre, self._post = _handler("pre_traffic", account), _handler("post_traffic", account)

    def begin_all(self) -> None:
        """Deployments d-0, d-1 … of the hostile services, and d-innocent, each with its hook before the traffic."""
        for number, one in enumerate(self.hostile):
            name, id = f"hostile-{number}", f"d-{number}"
            more = {"revision": {"revisionType": "String", "string": {"content": one.appspec}}} if one.appspec else {}
            self.account.codedeploy.begin(id, function=name, **more)
            if one.stored is None:
                self.answered(self._pre, id)
            else:
                self._stored(id, one)
            self.account.codedeploy.shifts(id, 1.0, "Succeeded")
            if one.ended:
                self.account.codedeploy.ends(id, "Succeeded")
        self.account.codedeploy.begin("d-innocent", function="innocent")
        self.answered(self._pre, "d-innocent")
        self.account.codedeploy.shifts("d-innocent", 1.0, "Succeeded")

    def _stored(self, id: str, one: Hostile) -> None:
        """As an older version of Seatrial left it, in its head and in its alarms' copies."""
        aws = self.account.aws
        release = preflight.admitted(aws, aws.codedeploy.deployment(id))
        aws.ledger.settle(release, alarms=(), settings=one.stored or {})
        aws.ledger.move(aws.ledger.release(id), State.SHIFTING)
        if "broken" in (one.stored or {}):
            aws.ledger._table.change({"pk": f"release#{id}", "sk": "release"}, {"settings": "{"})
            aws.ledger._table.change({"pk": "alarm#shared", "sk": f"release#{id}"}, {"settings": "{"}, within="head")

    def answered(self, handler: Handler, id: str) -> str:
        """A hook always answers; "later" while a bake is on."""
        execution = f"{'x' if handler is self._pre else 'y'}-{id}"
        return handler({"DeploymentId": id, "LifecycleEventHookExecutionId": execution}, Limit())["answered"]

    def after_traffic(self) -> str:
        for number, one in enumerate(self.hostile):
            if one.stored is None:
                self.answered(self._post, f"d-{number}")
        return self.answered(self._post, "d-innocent")

    def receives_events(self) -> None:
        """A request of on call is answered, or declined, by each function that may get it."""
        functions: list[Callable[[dict[str, Any]], object]] = [
            lambda sent: rollback.take_back(self.account.aws, sent),
            lambda sent: fix_lane.run(self.account.aws, sent),
            lambda sent: dark_tests.run(self.account.aws, sent, lambda: 60.0),
        ]
        for sent in (one.event for one in self.hostile if one.event):
            for function in functions:
                function(sent)

    def tick(self) -> None:
        self.account.clock.goes_on(MINUTE)
        monitor.look(self.account.aws, TICK)
        fix_lane.run(self.account.aws, TICK)

    def innocent_answers(self) -> list[str]:
        return [status for id, _, status in self.account.codedeploy.answers if id == "d-innocent"]

    def fires(self) -> None:
        """The alarm that all deployment groups name."""
        changed = event("alarm")
        changed["detail"]["alarmName"] = "shared"
        changed["detail"]["state"]["timestamp"] = self.account.clock.now().isoformat()
        rollback.take_back(self.account.aws, changed)


def _handler(name: str, account: SmallAccount) -> Handler:
    """The deployed app.py itself, wired to the small account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "connect", lambda: account.aws)
        spec = importlib.util.spec_from_file_location(f"{name}_app", FUNCTIONS / name / "app.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def meets(*hostile: Hostile) -> None:
    """The innocent service passes its trial, bakes for its five minutes, and is released in the minute after them."""
    with account_of(*hostile) as neighbours:
        neighbours.begin_all()
        assert neighbours.innocent_answers() == ["Succeeded"]
        neighbours.receives_events()
        assert neighbours.after_traffic() == "later"
        for _ in range(4):
            neighbours.tick()
            assert neighbours.innocent_answers() == ["Succeeded"]
        neighbours.tick()
        assert neighbours.innocent_answers() == ["Succeeded", "Succeeded"]
        assert all(len(sentence) <= 1_000 for sentence in neighbours.account.told())


def rolls_back(*hostile: Hostile) -> None:
    """An alarm that all of them name rolls the innocent service back at once."""
    with account_of(*hostile) as neighbours:
        neighbours.begin_all()
        neighbours.tick()
        neighbours.fires()
        assert "d-innocent" in neighbours.account.codedeploy.stops


def is_tested(*hostile: Hostile) -> None:
    """The dark test of the innocent service, last of all, passes; each that fails has its own message."""
    with account_of(*hostile) as neighbours:
        account = neighbours.account
        names = tuple(f"hostile-{number}" for number in range(len(hostile)))
        aws = replace(account.aws, dark_test_services=(*names, "innocent"))
        report = dark_tests.run(aws, TICK, lambda: 290.0)
        failed = [test["service"] for test in report["services"] if test["failures"]]
        assert "innocent" not in failed
        assert [sentence.partition(":")[0] for sentence in account.told()] == failed


def is_not_harmed(*hostile: Hostile) -> None:
    """The innocent service among these."""
    meets(*hostile)
    rolls_back(*hostile)
    is_tested(*hostile)


@pytest.mark.proof
@pytest.mark.parametrize("hostile", BY_HAND.values(), ids=BY_HAND)
def test_hostile_service_meets_an_innocent_neighbour(hostile: Hostile) -> None:
    is_not_harmed(hostile)


def test_there_are_50_hostile_services() -> None:
    assert len(BY_HAND) >= 50


def test_all_hostile_services_meet_one_innocent_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tenth of the computing time for each case: it is used up either way."""
    monkeypatch.setattr(Examiner.__init__, "__defaults__", (bounds.CHECK.most / 10,))
    try:
        is_not_harmed(*BY_HAND.values())
    except Exception as error:
        guilty = [name for name, one in BY_HAND.items() if harms(one)]
        error.add_note(f"alone, these harm the innocent service: {guilty or 'none, only several together'}")
        raise


def harms(hostile: Hostile) -> bool:
    try:
        is_not_harmed(hostile)
    except Exception:  # noqa: BLE001 - whatever shows it
        return True
    return False


@pytest.mark.parametrize("seed", range(2))
def test_random_hostile_services_beside_an_innocent_one(seed: int) -> None:
    _random(seed, 10)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 150))
def test_1000_random_hostile_services_beside_an_innocent_one(seed: int) -> None:
    _random(seed, 20)


def _random(seed: int, services: int) -> None:
    chance = random.Random(seed)
    is_not_harmed(*(by_chance(chance) for _ in range(services)))
