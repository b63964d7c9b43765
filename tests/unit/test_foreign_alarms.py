"""An alarm that no release names is reported once a release; after ten of them one message ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from seatrial import settings
from seatrial.core.release import State
from seatrial.flows import preflight, rollback
from tests.small_account import SmallAccount, event, make_table


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad"]
        for number, function in enumerate(("payments", "fees"), start=1):
            account.lambdas.tags[function] = {"seatrial": "released"}
            account.codedeploy.begin(f"d-{number}", function=function)
            release = preflight.admitted(account.aws, account.aws.codedeploy.deployment(f"d-{number}"))
            account.ledger.move(release, State.SHIFTING)
        yield account


def fires(account: SmallAccount, name: str) -> dict[str, Any]:
    fired = event("alarm")
    fired["detail"] |= {"alarmName": name}
    fired["detail"]["state"]["timestamp"] = account.clock.now().isoformat()
    return rollback.take_back(account.aws, fired)


def test_a_hundred_alarms_each_delivered_twice_are_eleven_messages(account: SmallAccount) -> None:
    for number in range(100):
        for _ in range(2):
            fires(account, f"TargetTracking-table/orders-AlarmLow-{number}")
    told = account.told()
    assert len(told) == 11
    assert told[0] == (
        "alarm TargetTracking-table/orders-AlarmLow-0 went to ALARM during a release of payments:live, fees:live, "
        "and no release names it: nothing is rolled back. Next: to let it roll back releases, name it in the "
        "deployment group or in release.alarms of the suite"
    )
    assert told[-1].startswith("more than 10 alarms went to ALARM during a release of payments:live, fees:live")
    assert len(account.bus.events) == 11


def test_an_alarm_that_fires_again_during_a_later_release_is_reported_again(account: SmallAccount) -> None:
    fires(account, "disk-full")
    account.codedeploy.begin("d-3", function="refunds")
    account.lambdas.tags["refunds"] = {"seatrial": "released"}
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-3"))
    account.ledger.move(release, State.SHIFTING)
    fires(account, "disk-full")
    fires(account, "disk-full")
    assert len(account.told()) == 2


def test_without_a_release_nothing_is_reported(account: SmallAccount) -> None:
    for id in ("d-1", "d-2"):
        account.ledger.finish(account.ledger.release(id), State.REFUSED, "", "", account.clock.now())
    assert fires(account, "disk-full")["decisions"][0]["action"] == "ignored"
    assert account.told() == []


def test_the_setting_ends_the_messages(account: SmallAccount) -> None:
    account.aws = replace(account.aws, foreign_alarms=False)
    assert fires(account, "disk-full")["decisions"][0]["action"] == "ignored"
    assert account.told() == []
    assert settings.read({"SEATRIAL_FOREIGN_ALARMS": "off"}).foreign_alarms is False
    assert settings.read({}).foreign_alarms is True
