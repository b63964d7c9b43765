"""`seatrial foresee`: the whole screen, and the JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import app as commands
from cli import foresight
from cli.account import Installed
from cli.foresight import Seen, lines
from seatrial.aws.metrics import Metrics
from seatrial.core.foresight import Foresight
from seatrial.core.metric import Metric
from seatrial.core.service_names import Known
from seatrial.core.usual import Usual
from tests.small_account import CREATED, SmallAccount, clock_that_stands, make_table
from tests.unit.test_foresight import RELEASE


class InSmallAccount(Installed):
    """The command line's account, with the small one's CloudWatch."""

    account: SmallAccount

    @property
    def metrics(self) -> Metrics:
        return self.account.aws.metrics

    def services(self) -> tuple[Known, ...]:
        return (Known("payments"),)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        monkeypatch.setattr(InSmallAccount, "account", account, raising=False)
        installed = InSmallAccount(account.ledger, "seatrial", account.bus)  # type: ignore[arg-type]
        monkeypatch.setattr(foresight, "installed", lambda stack: installed)
        monkeypatch.setenv("SEATRIAL_CLOCK_URL", clock_that_stands(CREATED))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield account


def has_released(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    deployment = account.aws.codedeploy.deployment("d-1")
    assert deployment.shift is not None
    account.ledger.open(deployment, deployment.shift, [])


def had_users(account: SmallAccount, namespace: str, counts: dict[str, float], **dimensions: str) -> None:
    for day in range(1, 8):
        for name, count in counts.items():
            account.metrics.report(Metric.of(namespace, name, **dimensions), CREATED - timedelta(days=day), count)


def typed(*words: str) -> Result:
    return CliRunner().invoke(commands.app, ["foresee", "payments", *words])


def test_the_screen_says_what_each_shift_would_notice(account: SmallAccount) -> None:
    has_released(account)
    had_users(account, "Seatrial", {"Requests": 7200, "BadOutcomes": 7.2}, service="payments")
    result = typed()
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "payments:live: 2 requests/s at this time of day; of 50,400 in the last week 0.1 % had a bad outcome",
        "its own   Canary10Percent5Minutes        can only notice a candidate that fails 15 % of its requests",
        "          Canary10Percent10Minutes       can only notice a candidate that fails 6.7 % of its requests",
        "          Canary10Percent15Minutes       can only notice a candidate that fails 4.7 % of its requests",
        "          Canary10Percent30Minutes       can only notice a candidate that fails 2.6 % of its requests",
        "          Linear10PercentEvery1Minute    can only notice a candidate that fails 5.6 % of its requests",
        "          Linear10PercentEvery2Minutes   can only notice a candidate that fails 2.7 % of its requests",
        "          Linear10PercentEvery3Minutes   can only notice a candidate that fails 2.2 % of its requests",
        "          Linear10PercentEvery10Minutes  can only notice a candidate that fails 0.88 % of its requests",
    ]


def test_the_json_has_a_figure_for_each_shift(account: SmallAccount) -> None:
    has_released(account)
    had_users(account, "AWS/Lambda", {"Invocations": 72_000}, FunctionName="payments", Resource="payments:live")
    told = json.loads(typed("--json").output)
    own, *others = told.pop("shifts")
    assert told == {
        "service": "payments:live",
        "requests_per_second": 20,
        "requests": 504_000,
        "bad": 0,
        "counts_outcomes": False,
    }
    assert (own["configuration"], own["minutes"], own["requests"]) == ("Canary10Percent5Minutes", 5, 600)
    assert all(0 < each["share"] < own["share"] for each in others)


def test_a_service_without_outcome_lines_hears_what_stays_unseen() -> None:
    seen = [Seen("Canary10Percent5Minutes", Foresight(0.0111, 600, 5))]
    assert lines(RELEASE, Usual(rate=20, bad=0, came=504_000, counts_outcomes=False), seen) == [
        "payments:live: 20 requests/s at this time of day; of 504,000 in the last week 0 % were errors of Lambda's",
        "payments has printed no outcome line in the last week: a 500 in a response is invisible then, since Lambda "
        "counts it as a success. Wrap its handler (docs/outcomes.md)",
        "its own   Canary10Percent5Minutes  can only notice a candidate that fails 1.2 % of its requests",
    ]


def test_where_nobody_came_there_is_nothing_to_see(account: SmallAccount) -> None:
    has_released(account)
    assert typed().output.startswith("payments:live: at this time of day nobody came in the last week")
    assert json.loads(typed("--json").output)["shifts"] == []


def test_a_service_that_was_never_released_gets_a_sentence(account: SmallAccount) -> None:
    result = typed()
    assert result.exit_code == 1
    assert "the ledger has no release of payments, and so not how it shifts" in result.output


def test_a_cloudwatch_that_does_not_answer_gets_a_sentence(account: SmallAccount) -> None:
    has_released(account)
    account.metrics.broken = True
    result = typed()
    assert result.exit_code == 2
    assert "AWS rejects GetMetricData (InternalServiceFault)" in result.output
