"""Sizes: what one service writes large stays within what DynamoDB, SNS and a rollback's time take."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from seatrial import wiring
from seatrial.flows import fix_lane, preflight, rollback
from seatrial.flows.hook import Handler
from tests.small_account import Meter, SmallAccount, event, make_table

FUNCTIONS = Path(__file__).parent.parent.parent / "functions"
CALL = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}
CASES = "cases:\n  - {name: health, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}\n"


class Limit:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def good(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def account(meter: Meter) -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount(through=meter)
        account.lambdas.tags["payments"] = {"seatrial": "released"}
        account.codedeploy.begin("d-1")
        yield account


@pytest.fixture
def pre_traffic(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    monkeypatch.setattr(wiring, "connect", lambda: account.aws)
    spec = importlib.util.spec_from_file_location("pre_traffic_app", FUNCTIONS / "pre_traffic" / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def failing(cases: int, expectations: int) -> str:
    expected = "".join(
        f"     response.quote.lines[{n}].amount.value: {{about: {n}.25, within: 0.5%}}\n" for n in range(expectations)
    )
    named = (f" - name: quote {n} has all of its lines\n   event: {{}}\n   expect:\n{expected}" for n in range(cases))
    return "cases:\n" + "".join(named)


@pytest.mark.parametrize(("cases", "expectations"), [(1, 1), (3, 20), (12, 20)])
def test_dry_run_passes_however_much_fails(
    account: SmallAccount, pre_traffic: Handler, cases: int, expectations: int
) -> None:
    suite = failing(cases, expectations) + "release: {dry_run: true}\n"
    account.lambdas.has("payments", "8", suite, lambda event: {"quote": None})
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert any("dry run" in sentence for sentence in account.told())


def test_every_failure_is_in_the_detail_and_a_few_are_in_the_message(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.lambdas.has("payments", "8", failing(12, 20), lambda event: {"quote": None})
    reason = pre_traffic(CALL, Limit())["reason"]
    assert "12 of 12 cases failed: 'quote 0 has all of its lines': response.quote.lines[0]" in reason
    assert "and 17 more expectations" in reason
    assert len(reason) <= 1_000
    assert all(len(sentence) <= 1_000 for sentence in account.told())
    assert all(len(json.dumps(message)) < 262_144 for message in account.topic.sent)
    (trial,) = [step for step in account.ledger.steps("d-1") if step.kind == "trial"]
    lines = trial.detail.splitlines()
    assert len(lines) == 12 * 20
    assert lines[-1] == (
        "failed 'quote 11 has all of its lines': response.quote.lines[19].amount.value is absent, "
        "expected 19.25 ± 0.09625"
    )


@pytest.mark.parametrize("reason", ["refunds answer twice", "返金が二重に応答します。" * 29])
def test_fix_passes_a_hold_whose_reason_is_long(account: SmallAccount, pre_traffic: Handler, reason: str) -> None:
    account.codedeploy.begin("d-0")
    account.codedeploy.ends("d-0", "Succeeded")
    account.lambdas.has("payments", "8", CASES, good)
    preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-0"))
    held = event("hold-requested") | {"detail": {"service": "payments", "reason": reason, "who": "on-call"}}
    rollback.take_back(account.aws, held)
    detail = {"service": "payments", "reason": "the fix", "who": "on-call", "minutes": 30}
    fix_lane.run(account.aws, event("fix-granted") | {"detail": detail, "time": account.clock.now().isoformat()})
    account.clock.goes_on(timedelta(minutes=1))
    account.codedeploy.begin("d-1", createTime=account.clock.now())
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"


def test_rollback_of_a_release_with_all_alarms_it_may_name_writes_little(
    account: SmallAccount, pre_traffic: Handler, meter: Meter
) -> None:
    names = ", ".join(f"a{n}" for n in range(20))
    account.codedeploy.alarms = [f"g{n}" for n in range(10)]
    account.lambdas.has("payments", "8", f"{CASES}release: {{alarms: [{names}]}}\n", good)
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    account.codedeploy.shifts("d-1", 0.1)
    changed = event("alarm")
    changed["detail"]["alarmName"] = "a1"
    account.clock.goes_on(timedelta(minutes=1))
    changed["detail"]["state"]["timestamp"] = account.clock.now().isoformat()
    meter.calls.clear()
    rollback.take_back(account.aws, changed)
    assert account.codedeploy.stops == ["d-1"]
    assert meter.calls["UpdateItem"] + meter.calls["PutItem"] + meter.calls["TransactWriteItems"] <= 40
