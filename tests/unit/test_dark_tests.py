"""functions/dark_tester: what is live is asked in the dark, and failures are counted."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from seatrial.flows import dark_tests
from tests.small_account import SmallAccount, event

SUITE = """
cases:
  - {name: health answers, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}
  - {name: a quote has a fee, event: {path: /quotes}, expect: {response.fee: 0.25}}
"""


@pytest.fixture
def account() -> SmallAccount:
    with mock_aws():
        account = SmallAccount()
    account.lambdas.has("payments", "8", SUITE, lambda event: {"statusCode": 200})
    account.lambdas.has("refunds", "8", SUITE, lambda event: {"statusCode": 500})
    return account


def counted(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, float, float]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Seatrial" for line in lines)
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]] for line in lines)
    return [(line["service"], line["DarkTestCases"][0], line["DarkTestFailures"][0]) for line in lines]


def seconds_left() -> float:
    return 60.0


def test_the_live_version_is_asked_by_its_number_so_that_no_users_outcome_is_counted(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    report = dark_tests.run(account.aws, event("dark-test"), seconds_left)
    assert report == {
        "failures": 0,
        "services": [{"service": "payments:live", "version": "8", "cases": 1, "failures": 0, "refusal": None}],
    }
    assert account.lambdas.invoked == [("payments", "8")]
    assert counted(capsys) == [("payments:live", 1.0, 0.0)]
    assert account.told() == []


def test_a_failure_is_counted_and_told_and_does_not_keep_the_others_from_their_turn(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = replace(account.aws, dark_test_services=("refunds", "payments"))
    report = dark_tests.run(aws, event("tick"), seconds_left)
    assert report["failures"] == 1
    assert counted(capsys) == [("refunds", 1.0, 1.0), ("payments", 1.0, 0.0)]
    (sentence,) = account.told()
    assert sentence.startswith("refunds: the live version does not hold what its smoke cases promise: 1 of 1 case fail")


@pytest.mark.parametrize(("written", "asked"), [("payments", ["payments"]), ("", [])])
def test_what_the_schedule_names_counts_and_not_the_functions_variable(
    account: SmallAccount, written: str, asked: list[str]
) -> None:
    aws = replace(account.aws, dark_test_services=("refunds",))
    report = dark_tests.run(aws, {"detail-type": "Scheduled Event", "services": written}, seconds_left)
    assert [one["service"] for one in report["services"]] == asked


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        pytest.param({"payments": {}}, "payments carries no tag 'seatrial'", id="without its tag it is not touched"),
        pytest.param({}, "payments", id="a function that is not there"),
    ],
)
def test_a_service_that_cannot_be_asked_is_a_failure(
    account: SmallAccount, tags: dict[str, Any], sentence: str
) -> None:
    account.lambdas.tags = tags
    report = dark_tests.run(account.aws, {"service": "payments"}, seconds_left)
    assert report["failures"] == 1
    assert sentence in report["services"][0]["refusal"]
    assert account.lambdas.invoked == []


def test_slow_service_uses_up_its_own_time_alone(account: SmallAccount) -> None:
    left = [290.0]

    def slow(event: dict[str, Any]) -> dict[str, Any]:
        left[0] -= 60
        return {"statusCode": 200}

    cases = "".join(f"  - {{name: a{n}, smoke: true, event: {{}}}}\n" for n in range(6))
    account.lambdas.has("orders", "8", f"cases:\n{cases}", slow)
    aws = replace(account.aws, dark_test_services=("orders", "payments"))
    report = dark_tests.run(aws, event("tick"), lambda: left[0])
    assert [(test["service"], test["failures"]) for test in report["services"]] == [("orders", 3), ("payments", 0)]
    (sentence,) = account.told()
    assert sentence.startswith("orders: ")
    assert "not run: the time for the trial was over" in sentence


def test_service_that_hangs_is_left_behind(account: SmallAccount) -> None:
    ended = threading.Event()

    def hangs(event: dict[str, Any]) -> dict[str, Any]:
        ended.wait(60)
        return {"statusCode": 200}

    account.lambdas.has("orders", "8", SUITE, hangs)
    aws = replace(account.aws, dark_test_services=("orders", "payments"))
    try:
        report = dark_tests.run(aws, event("tick"), lambda: 4.0 if account.lambdas.invoked else 0.2)
    finally:
        ended.set()
    assert [test["failures"] for test in report["services"]] == [1, 0]
    (sentence,) = account.told()
    assert sentence.startswith("orders: ")
    assert "the dark test did not end within its 0 s" in sentence


@pytest.mark.parametrize("broken", ["suite", "invoke", "topic"])
def test_what_breaks_one_dark_test_is_its_own_failure(account: SmallAccount, broken: str) -> None:
    def breaks(event: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("a fault that no test foresees")

    account.lambdas.has("orders", "8", SUITE if broken == "invoke" else "cases: 1", breaks)
    aws = replace(account.aws, dark_test_services=("orders", "refunds", "payments"))
    if broken == "topic":
        publish, first = account.topic.publish, [True]

        def once(**message: Any) -> None:
            if first and first.pop():
                raise UnicodeError("half a character")
            publish(**message)

        account.topic.publish = once  # type: ignore[method-assign]
    report = dark_tests.run(aws, event("tick"), seconds_left)
    assert [test["failures"] for test in report["services"]] == [1, 1, 0]
    assert len(account.told()) == (1 if broken == "topic" else 2)
