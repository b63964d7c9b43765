"""The board on the stage: called as its dashboard calls it, on a real ledger and metrics, with its own role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.sam import PROJECT, Sam
from rehearsal.stage import Stage, environment
from seatrial.aws.ledger import Ledger
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import State
from tests.rehearsal.shop import built
from tests.small_account import event

REASON = "alarm <b>bad-outcomes</b> rang"


@dataclass(frozen=True)
class Deployed:
    stage: Stage
    endpoint: str
    """The ARN that the dashboard calls."""

    def asked(self, **parameters: Any) -> str:
        answer = self.stage.client("lambda").invoke(FunctionName=self.endpoint, Payload=json.dumps(parameters))
        assert "FunctionError" not in answer
        return str(json.loads(answer["Payload"].read()))


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    """Seatrial on a stage whose time stands still, so that no tick comes between, and a release that was taken back."""
    with Stage(manual=True) as stage:
        sam = Sam(stage.endpoint)
        ran = sam.deploy(built(sam), "seatrial")
        assert ran.ok, ran.tail()
        cloudwatch = stage.client("cloudwatch")
        (entry,) = cloudwatch.list_dashboards()["DashboardEntries"]
        body = json.loads(cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
        _a_release_was_taken_back(stage)
        yield Deployed(stage, body["widgets"][0]["properties"]["endpoint"])


def _a_release_was_taken_back(stage: Stage) -> None:
    described = stage.client("cloudformation").describe_stacks(StackName="seatrial")["Stacks"][0]["Outputs"]
    table = next(output["OutputValue"] for output in described if output["OutputKey"] == "LedgerTable")
    ledger = Ledger(stage.client("dynamodb"), table, timedelta(days=1))
    began = stage.clock().now() - timedelta(minutes=5)
    shift = Shift("payments", "live", "7", "8")
    deployment = Deployment("d-BOARD0001", "shop", "payments", Status.STOPPED, began, shift, configuration="Odd")
    release = ledger.open(deployment, shift, ())
    fees = ledger.open(replace(deployment, id="d-BOARD0002"), replace(shift, function="fees"), ())
    ledger.finish(fees, State.RELEASED, "", "CodeDeploy", began)
    ledger.move(fees, State.RETURNING, REASON, "functions/rollback")
    ledger.move(fees, State.RETURNED)
    ledger.finish(release, State.TAKEN_BACK, REASON, "functions/rollback", began + timedelta(minutes=3))
    dimensions = [{"Name": "service", "Value": "payments"}, {"Name": "version", "Value": "8"}]
    counted = {"Requests": 61.0, "BadOutcomes": 9.0}
    stage.client("cloudwatch").put_metric_data(
        Namespace="Seatrial",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": began + timedelta(minutes=1), "Value": value}
            for name, value in counted.items()
        ],
    )


def test_the_dashboard_calls_the_alias_and_is_told_what_the_widget_is_for(deployed: Deployed) -> None:
    assert deployed.endpoint.endswith(":function:seatrial-board:live")
    assert deployed.asked(**event("custom-widget-describe")).startswith("## Seatrial's board")


def test_a_dashboard_shows_what_became_of_a_release_and_what_it_cost(deployed: Deployed) -> None:
    shown = deployed.asked(widgetContext={"theme": "dark", "width": 588})
    assert "payments:live, version 7 → 8" in shown
    assert "alarm &lt;b&gt;bad-outcomes&lt;/b&gt; rang" in shown
    assert "answered 61 requests, 9 of them badly" in shown
    assert "2 of 2 that users met" in shown
    assert "Evidence that it is worse" in shown
    assert "outcomes too little to tell" in shown


def test_what_is_to_be_healed_stands_on_it_with_the_command(deployed: Deployed) -> None:
    shown = deployed.asked(service="fees")
    assert "fees:live is to be healed" in shown
    assert "<code>sam deploy --parameter-overrides Shifting=on</code>" in shown


def test_another_service_sees_nothing_of_it(deployed: Deployed) -> None:
    shown = deployed.asked(service="orders")
    assert "Releases of orders" in shown
    assert "payments" not in shown


def test_the_command_line_writes_the_same_board_as_a_page(deployed: Deployed, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    ran = subprocess.run(
        [sys.executable, "-m", "cli.app", "status", "payments", "--html", str(page)],
        env={**os.environ, **environment(deployed.stage.endpoint)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "answered 61 requests, 9 of them badly" in page.read_text()


def test_the_boards_role_allows_what_it_does_and_it_changes_nothing(deployed: Deployed) -> None:
    calls = [call for call in deployed.stage.calls() if call["function"] == "seatrial-board"]
    assert calls and [call for call in calls if not call["allowed"]] == []
    assert {call["action"] for call in calls} == {
        "cloudwatch:GetMetricData",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
    }
