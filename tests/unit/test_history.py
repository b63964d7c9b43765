"""`seatrial judge --from-cloudwatch`: a team's own releases, and the same verdicts on them as while they ran."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import app as commands
from cli import history
from cli.account import Installed
from seatrial.aws.metrics import Metrics
from seatrial.core import judging as judged
from seatrial.core import replay
from seatrial.core.judge import judge
from seatrial.core.metric import Metric
from seatrial.core.release import Release, State
from seatrial.core.sections import JudgeSettings
from seatrial.flows import judging
from tests.small_account import CREATED, SmallAccount, clock_that_stands, make_table

MINUTE = timedelta(minutes=1)
SETTINGS = JudgeSettings(worse_than=2.0, false_alarms=0.005, min_requests=50)


class InSmallAccount(Installed):
    """The command line's account, with the small one's CloudWatch."""

    account: SmallAccount

    @property
    def metrics(self) -> Metrics:
        return self.account.aws.metrics


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        monkeypatch.setattr(InSmallAccount, "account", account, raising=False)
        installed = InSmallAccount(account.ledger, "seatrial", account.bus)  # type: ignore[arg-type]
        monkeypatch.setattr(history, "installed", lambda stack: installed)
        monkeypatch.setenv("SEATRIAL_CLOCK_URL", clock_that_stands(CREATED + timedelta(days=1)))
        yield account


def ended(
    account: SmallAccount, id: str, end: State, *, minutes: int, bad: int, candidate: str = "8", hours: int = 1
) -> Release:
    """Ten requests a second, a tenth of them to the candidate, of which in each minute so many were bad."""
    begins = CREATED + timedelta(hours=hours)
    account.codedeploy.begin(id, candidate=candidate, createTime=begins)
    deployment = account.aws.codedeploy.deployment(id)
    assert deployment.shift is not None
    release = account.ledger.open(deployment, deployment.shift, [])
    settings = {"judge": asdict(SETTINGS), "slow_above": 200.0}
    release = account.ledger.settle(release, alarms=[], settings=settings)
    for minute in range(minutes):
        _met(account, "7", begins + minute * MINUTE, 540, 1)
        _met(account, candidate, begins + minute * MINUTE, 60, bad)
    account.ledger.finish(release, end, "", "", begins + minutes * MINUTE)
    return account.ledger.release(id)


def _met(account: SmallAccount, version: str, at: object, requests: int, bad: int) -> None:
    own = {"service": "payments", "version": version}
    lambdas = {"FunctionName": "payments", "Resource": "payments:live", "ExecutedVersion": version}
    counts = {
        Metric.of("Seatrial", "Requests", **own): requests,
        Metric.of("Seatrial", "BadOutcomes", **own): bad,
        Metric.of("AWS/Lambda", "Invocations", **lambdas): requests,
        Metric.of("AWS/Lambda", "Errors", **lambdas): 0,
    }
    for metric, count in counts.items():
        account.metrics.report(metric, at, count)  # type: ignore[arg-type]
    durations = Metric.of("AWS/Lambda", "Duration", **lambdas)
    account.metrics.report(durations, at, *[100.0] * 19, 300.0)  # type: ignore[arg-type]


def exported(*words: str) -> Result:
    result = CliRunner().invoke(commands.app, ["judge", "--from-cloudwatch", "payments", *words])
    assert result.exit_code == 0, result.output
    return result


def test_what_is_exported_is_judged_as_it_was_while_it_ran(account: SmallAccount) -> None:
    releases = [
        ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9),
        ended(account, "d-2", State.TAKEN_BACK, minutes=30, bad=0, candidate="9", hours=2),
    ]
    cases = replay.read(exported().stdout.encode(), "stdin")
    words = [judge(case.rows, case.settings).verdict for case in cases]
    now = CREATED + timedelta(days=1)
    found = judging.read(account.aws.metrics, releases, now)
    then = [judged.verdict(found[one.deployment_id], SETTINGS).parts[0].parts for one in releases]
    assert words == [part.verdict for parts in then for part in parts]
    assert [case.name for case in cases][:2] == [
        "d-1 payments:live 7 → 8, taken back: outcomes",
        "d-1 payments:live 7 → 8, taken back: errors",
    ]
    assert (words[0], words[3]) == ("worse", "ok")


def test_the_settings_come_along_with_each_metrics_part_of_the_false_alarms(account: SmallAccount) -> None:
    ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9)
    settings = [case["settings"] for case in json.loads(exported().stdout)]
    assert settings == [
        {"worse_than": 2.0, "warm_up": "120s", "false_alarms": "0.25%", "absolute_limit": "50%", "min_requests": 50},
        {"worse_than": 2.0, "warm_up": "120s", "false_alarms": "0.125%", "absolute_limit": "50%", "min_requests": 50},
        {"worse_than": 2.0, "warm_up": "0s", "false_alarms": "0.125%", "absolute_limit": "100%", "min_requests": 50},
    ]


def test_what_one_command_prints_the_other_reads(account: SmallAccount) -> None:
    ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9)
    result = CliRunner().invoke(commands.app, ["judge", "-"], input=exported().stdout)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].startswith("d-1 payments:live 7 → 8, taken back: outcomes: worse, minute 2")


def test_progress_goes_to_stderr_and_names_what_is_left_out(account: SmallAccount) -> None:
    ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9)
    ended(account, "d-2", State.REFUSED, minutes=0, bad=0, hours=2)
    assert exported().stderr.splitlines() == [
        "2 releases of payments in the last 14 days",
        "d-1: 7 minutes, 3 metrics",
        "d-2: no user met its candidate; left out",
    ]


def test_only_the_days_that_are_asked_for_are_read(account: SmallAccount) -> None:
    ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9)
    ended(account, "d-2", State.TAKEN_BACK, minutes=6, bad=9, hours=-1)
    assert exported("--days", "1").stderr.startswith("1 release of payments in the last day\n")


def test_a_cloudwatch_that_does_not_answer_gets_a_sentence(account: SmallAccount) -> None:
    ended(account, "d-1", State.TAKEN_BACK, minutes=6, bad=9)
    account.metrics.broken = True
    result = CliRunner().invoke(commands.app, ["judge", "--from-cloudwatch", "payments"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "AWS rejects GetMetricData (InternalServiceFault)" in result.stderr


def test_a_file_and_an_export_exclude_each_other() -> None:
    result = CliRunner().invoke(commands.app, ["judge", "rows.json", "--from-cloudwatch", "payments"])
    assert result.exit_code == 2
    assert "name a FILE or --from-cloudwatch, not both" in result.stderr
