"""The board read from an account: a ledger and metrics of moto's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import boto3
import pytest
from moto import mock_aws

from cli import board as command
from cli.terminal import AccountError
from seatrial.aws.metrics import Metrics
from seatrial.core import board_html, widget
from seatrial.core.board import Board
from seatrial.core.chart import Bucket
from seatrial.core.charted import chart
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import Release, State
from seatrial.flows import board as flow
from seatrial.flows import judging
from seatrial.flows.account import Account
from tests.shown_releases import NOON, at
from tests.small_account import REGION, SmallAccount, event, make_table, refused


class Silent:
    """CloudWatch's client, which may not read anything."""

    def get_paginator(self, operation: str) -> NoReturn:
        raise refused("GetMetricData", "AccessDenied")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SmallAccount, Account]]:
    """A ledger and metrics of moto's."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        make_table()
        small = SmallAccount()
        object.__setattr__(small.clock, "moment", NOON)
        yield small, replace(small.aws, metrics=Metrics(boto3.client("cloudwatch", **REGION)))


def open_one(aws: Account, id: str, opened: datetime, function: str = "payments") -> Release:
    shift = Shift(function, "live", "7", "8")
    deployment = Deployment(
        id, "shop", function, Status.IN_PROGRESS, opened, shift, configuration="Canary10Percent5Minutes"
    )
    return aws.ledger.open(deployment, shift, ())


def put(name: str, moment: datetime, value: float, **dimensions: str) -> None:
    named = [{"Name": key, "Value": each} for key, each in dimensions.items()]
    namespace = "AWS/Lambda" if "FunctionName" in dimensions else "Seatrial"
    data: Any = [{"MetricName": name, "Dimensions": named, "Timestamp": moment, "Value": value}]
    boto3.client("cloudwatch", **REGION).put_metric_data(Namespace=namespace, MetricData=data)


def put_outcomes(version: str, moment: datetime, requests: int, bad: int) -> None:
    put("Requests", moment, requests, service="payments", version=version)
    put("BadOutcomes", moment, bad, service="payments", version=version)


def gathered(aws: Account, **parameters: Any) -> Board:
    return flow.gather(aws.ledger, aws.metrics, widget.read(parameters, NOON), NOON)


def test_the_board_reads_what_the_judge_reads(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    opened = open_one(aws, "d-1", at(-3))
    put_outcomes("7", at(-2), 50, 1)
    put_outcomes("8", at(-2), 6, 2)
    (shown,) = gathered(aws).open
    assert shown.counted == judging.read(aws.metrics, [opened], NOON)["d-1"]
    assert shown.verdict == judging.verdicts(aws.metrics, [opened], NOON)["d-1"]
    assert chart(shown, NOON).requests == (Bucket(60.0, 50, 1, 6, 2),)


def test_lambdas_errors_and_throttles_are_shown_where_no_outcomes_are(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    alias = {"FunctionName": "payments", "Resource": "payments:live"}
    for version, invoked, failed in (("7", 50, 0), ("8", 6, 3)):
        put("Invocations", at(-2), invoked, **alias, ExecutedVersion=version)
        put("Errors", at(-2), failed, **alias, ExecutedVersion=version)
    put("Throttles", at(-2), 4, **alias)
    page = board_html.page(gathered(aws))
    assert "Lambda errors in 1 min" in page
    assert "version 8: 3 of 6 bad" in page
    assert "beside it 4 throttled requests, which ran no version" in page


def test_neighbours_are_read_in_one_call(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    for number, opened in enumerate((-3, -30, -60 * 24 * 20)):
        one = open_one(aws, f"d-{number}", at(opened))
        aws.ledger.finish(one, State.TAKEN_BACK, "", "", at(opened + 2))
    calls: list[int] = []
    aws.metrics._client.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: calls.append(len(params["MetricDataQueries"])),
    )
    assert len(gathered(aws).last) == 3
    of_one, of_two = sorted(calls)
    assert of_two == 2 * of_one


def test_what_the_ledger_knows_is_shown_while_cloudwatch_does_not_answer(
    account: tuple[SmallAccount, Account],
) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    found = flow.gather(aws.ledger, Metrics(Silent()), widget.read({}, NOON), NOON)  # type: ignore[arg-type]
    assert [shown.release.deployment_id for shown in found.open] == ["d-1"]
    assert "AccessDenied" in found.unread


def test_a_service_is_shown_without_the_others(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    open_one(aws, "d-2", at(-2), "orders")
    assert [shown.release.deployment_id for shown in gathered(aws).open] == ["d-2", "d-1"]
    assert [shown.release.deployment_id for shown in gathered(aws, service="payments").open] == ["d-1"]
    assert [shown.release.deployment_id for shown in gathered(aws, service="payments:live").open] == ["d-1"]
    assert gathered(aws, service="payments:test").open == ()


@pytest.mark.parametrize("state", [State.RETURNING, State.RETURNED])
def test_what_is_to_be_healed_is_shown_until_it_is_however_long_ago_it_was_released(
    account: tuple[SmallAccount, Account], state: State
) -> None:
    _, aws = account
    old = open_one(aws, "d-old", at(-60 * 1440))
    aws.ledger.finish(old, State.RELEASED, "", "", at(-60 * 1440 + 10))
    assert gathered(aws).wounds == ()
    aws.ledger.move(old, State.RETURNING, "an alarm rang", "functions/rollback")
    aws.ledger.move(old, state)
    assert [wound.deployment_id for wound in gathered(aws).wounds] == ["d-old"]
    assert gathered(aws, service="orders").wounds == ()
    aws.ledger.move(old, State.HEALED)
    assert gathered(aws).wounds == ()


def test_only_so_many_are_drawn_but_all_are_counted(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    for number in range(4):
        one = open_one(aws, f"d-{number}", at(-30 * number - 30))
        aws.ledger.finish(one, State.RELEASED, "", "", at(-30 * number - 20))
    found = gathered(aws, last=1)
    assert [shown.release.deployment_id for shown in found.last] == ["d-0"]
    assert found.delivery.released == 4


def test_of_very_many_open_releases_the_newest_are_drawn_and_the_others_counted(
    account: tuple[SmallAccount, Account],
) -> None:
    _, aws = account
    for number in range(23):
        open_one(aws, f"d-{number}", at(-number))
    found = gathered(aws)
    assert [shown.release.deployment_id for shown in found.open] == [f"d-{number}" for number in range(20)]
    assert "3 more are open" in board_html.page(found)


def test_a_page_that_cannot_be_written_is_told_by_name(account: tuple[SmallAccount, Account], tmp_path: Path) -> None:
    _, aws = account
    with pytest.raises(AccountError, match=f"can't write {tmp_path}: "):
        command.write(tmp_path, aws.ledger, "")
    with pytest.raises(AccountError, match="service is 'a b'"):
        command.write(tmp_path / "board.html", aws.ledger, "a b")


def test_a_dashboard_that_asks_what_it_is_gets_markdown(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    assert flow.show(aws, event("custom-widget-describe")).startswith("## Seatrial's board")


def test_a_dashboard_is_told_what_is_wrong_with_its_parameters(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    assert "did you mean &#x27;days&#x27;?" in flow.show(aws, {"day": 3})


def test_a_dashboard_gets_the_board(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    assert "d-1" in (flow.show(aws, {"widgetContext": {"theme": "dark", "width": 588}}))
