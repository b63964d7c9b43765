"""Metrics of a release: one line of EMF when it is closed, and only then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core.release import Release, State
from seatrial.flows import monitor, preflight, tell
from tests.small_account import SmallAccount, event, make_table

TICK = event("tick")


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags = {"payments": {"seatrial": "released"}}
        yield account


def begun(account: SmallAccount) -> Release:
    """Opened a minute after its deployment began, tried for a minute, and let begin."""
    account.codedeploy.begin("d-1")
    account.codedeploy.shifts("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.clock.goes_on(timedelta(minutes=1))
    tell.step(account.aws, release, "trial", "tried", by="functions/pre_traffic")
    tell.step(account.aws, release, "answer", "passed", by="functions/pre_traffic", outcome="Succeeded")
    account.ledger.move(release, State.SHIFTING)
    return release


def lines(printed: str) -> list[dict[str, Any]]:
    """The EMF lines that tell of a duration."""
    found = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return [line for line in found if "ReleaseDuration" in line]


def test_a_release_that_is_taken_back_tells_how_fast_that_went(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    release = begun(account)
    account.clock.goes_on(timedelta(minutes=3))
    account.ledger.move(release, State.GOING_BACK, "alarm rang", "functions/rollback")
    tell.step(account.aws, release, "going back", "going back", by="functions/rollback")
    account.clock.goes_on(timedelta(seconds=30))
    account.codedeploy.ends("d-1", "Stopped", "MANUAL_STOP", "stopped", rollback="d-back")
    account.codedeploy.begin(
        "d-back", stable="8", candidate="7", status="Succeeded", rollbackInfo={"rollbackTriggeringDeploymentId": "d-1"}
    )

    monitor.look(account.aws, TICK)

    (line,) = lines(capsys.readouterr().out)
    told = {name: line[name] for name in ("ReleaseDuration", "TrialDuration", "TimeToDetect", "TimeToRecover")}
    assert told == {
        "ReleaseDuration": [330.0],
        "TrialDuration": [60.0],
        "TimeToDetect": [180.0],
        "TimeToRecover": [30.0],
    }
    assert (line["service"], line["release"], line["end"]) == ("payments", "d-1", "taken back")
    (stated,) = line["_aws"]["CloudWatchMetrics"]
    assert (stated["Namespace"], stated["Dimensions"]) == ("Seatrial", [["service"]])
    assert {metric["Unit"] for metric in stated["Metrics"]} == {"Seconds"}


def test_an_open_release_has_no_duration_and_a_closed_one_only_one(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(account)
    monitor.look(account.aws, TICK)
    assert lines(capsys.readouterr().out) == []
    account.codedeploy.ends("d-1", "Succeeded")
    monitor.look(account.aws, TICK)
    monitor.look(account.aws, TICK)
    (line,) = lines(capsys.readouterr().out)
    assert "TimeToDetect" not in line
