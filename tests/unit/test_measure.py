"""Metrics of a release: one line of EMF when it is closed, one when it is taken back after that, and each word once."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from moto import mock_aws

from seatrial.core import delivery
from seatrial.core.events import HookRequest
from seatrial.core.gate import Report
from seatrial.core.release import Release, State
from seatrial.core.verdict import Word
from seatrial.flows import guard, metric_line, monitor, preflight, tell
from seatrial.flows.answer import Answer
from tests.small_account import SmallAccount, event, make_table

PROJECT = Path(__file__).parents[2]
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


def lines(printed: str, metric: str = "ReleaseDuration") -> list[dict[str, Any]]:
    """The EMF lines that tell of a metric."""
    found = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return [line for line in found if metric in line]


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


def test_a_return_after_the_end_tells_how_fast_it_was_found_and_undone_once(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    release = begun(account)
    account.lambdas.aliases = {"payments": ("8", 1)}
    account.clock.goes_on(timedelta(minutes=9))
    account.codedeploy.ends("d-1", "Succeeded")
    monitor.look(account.aws, TICK)
    account.clock.goes_on(timedelta(minutes=20))
    account.lambdas.intruders = [lambda: account.clock.goes_on(timedelta(seconds=2))]

    guard.give_back(account.aws, account.ledger.release(release.deployment_id), "alarm rang", "functions/rollback")
    guard.give_back(account.aws, account.ledger.release(release.deployment_id), "alarm rang", "functions/rollback")

    printed = capsys.readouterr().out
    (line,) = lines(printed, "TimeToDetect")
    assert (line["TimeToDetect"], line["TimeToRecover"]) == ([29 * 60.0], [2.0])
    assert (line["service"], line["release"], line["end"]) == ("payments", "d-1", "returned")
    assert "ReleaseDuration" not in line
    assert len(lines(printed, "ReleaseRolledBack")) == 1


def test_a_refusal_is_counted_once_for_its_service_when_it_has_come_to_its_end(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    refuse(account, "functions/pre_traffic")
    account.codedeploy.ends("d-1", "Failed", "HOOK_EXECUTION_FAILURE", "a hook failed")
    monitor.look(account.aws, TICK)

    assert account.ledger.release(release.deployment_id).state is State.REFUSED
    (line,) = lines(capsys.readouterr().out, "ReleaseRefused")
    assert (line["service"], line["release"]) == ("payments", "d-1")
    assert [detail["event"] for kind, detail in account.bus.events if kind == "Release Refused"] == ["refused"]
    assert len(account.told()) == 2, "people are told at once, and when it has ended"


def test_what_was_refused_before_it_could_be_opened_is_counted_by_the_hook(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.codedeploy.begin("d-1")
    refuse(account, "functions/pre_traffic")
    (line,) = lines(capsys.readouterr().out, "ReleaseRefused")
    assert line["release"] == "d-1"


def test_a_refusal_after_the_shift_is_a_way_back_and_no_refusal(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(account)
    refuse(account, "functions/post_traffic")
    printed = capsys.readouterr().out
    assert lines(printed, "ReleaseRefused") == []
    assert len(lines(printed, "ReleaseGoingBack")) == 1


def refuse(account: SmallAccount, by: str) -> None:
    Answer(account.aws, by, HookRequest("d-1", "x-1")).give(Report.failed("it is bad"))


def documented() -> dict[str, str]:
    """Unit by metric, as the table in docs/board.md has them."""
    rows = re.findall(r"^\| (`.+?) \| (seconds|count) \| ", (PROJECT / "docs" / "board.md").read_text(), re.MULTILINE)
    return {name: unit for names, unit in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_metric_that_is_printed_of_a_release_is_documented_with_its_unit() -> None:
    seconds = {*delivery.OF_A_DEPLOYMENT, *delivery.OF_A_WAY_BACK}
    counts = {event.replace(" ", "") for event in tell.EVENTS.values()} | {
        f"Verdict{word.capitalize()}" for word in get_args(Word.__value__)
    }
    found = documented()
    assert {name for name in seconds if found.get(name) != "seconds"} == set()
    assert {name for name in counts if found.get(name) != "count"} == set()


def test_the_dashboard_searches_for_metrics_that_there_are() -> None:
    searched = re.findall(r'MetricName=\\"(\w+)', (PROJECT / "template.yaml").read_text())
    assert len(searched) >= 10
    assert set(searched) <= documented().keys()


def test_each_line_of_metrics_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[str] = []
    out = io.StringIO()
    monkeypatch.setattr(out, "write", writes.append)
    monkeypatch.setattr(sys, "stdout", out)
    metrics = EphemeralMetrics(namespace="Seatrial", service="payments")
    metric_line.write(metrics)
    assert writes == [], "a line without metrics is none"
    metrics.add_metric("ReleaseFinished", MetricUnit.Count, 1)
    metric_line.write(metrics)
    (line,) = writes
    assert line.endswith("\n")
    assert json.loads(line)["ReleaseFinished"] == [1.0]
