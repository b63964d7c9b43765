"""Services between releases: what no version has is told once, and a first version is tested."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core.events import ServicesCheck
from seatrial.core.release import State
from seatrial.flows import monitor, preflight, services_check
from tests.small_account import SmallAccount, event, make_table, refused
from tests.unit.test_hook import SUITE, good

CHECK = event("services-check")


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    """Version 8 of payments is live and was released; `$LATEST` is the same until a test changes it."""
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.has("payments", "8", SUITE, good)
        account.lambdas.tags["payments"] = {"seatrial": "payments", "aws:cloudformation:stack-name": "shop"}
        account.lambdas.aliases["payments"] = ("8", 1)
        account.lambdas.versions = ["7", "8"]
        account.lambdas.code = {"$LATEST": "8"}
        account.codedeploy.begin("d-1")
        release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
        account.ledger.finish(release, State.RELEASED, "", "", account.clock.now())
        account.clock.goes_on(timedelta(hours=1))
        yield account


def told(account: SmallAccount, sent: dict[str, Any] = CHECK) -> list[str]:
    monitor.look(account.aws, sent)
    return account.told()


def test_a_service_whose_version_has_everything_costs_no_message(account: SmallAccount) -> None:
    assert told(account) == []


@pytest.mark.parametrize("sent", [CHECK, event("stack")], ids=["schedule", "stack"])
def test_a_change_without_a_version_is_told_once_with_what_differs(account: SmallAccount, sent: dict[str, Any]) -> None:
    account.lambdas.configured["$LATEST"] = {"MemorySize": 256, "Environment": {"Variables": {"FEES": "3"}}}
    (sentence,) = told(account, sent)
    assert sentence.startswith(
        "payments:live: not released: the function was changed and no version published, so users keep version 8: "
        "memory 128 MB → 256 MB, variable FEES added. Next: "
    )
    assert told(account, sent) == [sentence], "once for one change"
    account.lambdas.configured["$LATEST"] = {"MemorySize": 512}
    assert len(told(account, sent)) == 2, "another change is told again"


def test_another_description_alone_is_no_change(account: SmallAccount) -> None:
    account.lambdas.configured["$LATEST"] = {"Description": "payments, deploy 7"}
    assert told(account) == []


def test_a_published_version_that_is_not_live_is_no_finding(account: SmallAccount) -> None:
    """It was rejected or rolled back, or the alias is moved on purpose, later."""
    account.lambdas.versions.append("9")
    account.lambdas.code |= {"$LATEST": "9"}
    assert told(account) == []


def test_while_a_release_is_open_nothing_is_told(account: SmallAccount) -> None:
    account.codedeploy.begin("d-2", stable="8", candidate="9", createTime=account.clock.now())
    preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    account.topic.messages.clear()
    account.lambdas.code |= {"$LATEST": "other"}
    assert told(account) == []


def test_what_was_changed_minutes_ago_may_still_get_its_version(account: SmallAccount) -> None:
    account.lambdas.code |= {"$LATEST": "other"}
    account.lambdas.published["$LATEST"] = account.clock.now() - timedelta(minutes=2)
    assert told(account) == []
    account.clock.goes_on(timedelta(minutes=15))
    assert "code changed" in told(account)[0]


def test_another_stacks_deployment_is_not_about_this_service(account: SmallAccount) -> None:
    account.lambdas.code |= {"$LATEST": "other"}
    assert services_check.look(account.aws, ServicesCheck("elsewhere")) == []
    assert services_check.look(account.aws, ServicesCheck("shop")) == ["payments:live"]


def test_unknown_variables_are_no_difference(account: SmallAccount) -> None:
    error = {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}
    account.lambdas.configured["$LATEST"] = {"Environment": {"Error": error}}
    assert told(account) == []


# ---------------------------------------------------------------- a first deployment


@pytest.fixture
def first(account: SmallAccount) -> SmallAccount:
    account.lambdas.has("refunds", "1", SUITE, good)
    account.lambdas.tags["refunds"] = {"seatrial": "refunds", "aws:cloudformation:stack-name": "shop"}
    account.lambdas.aliases["refunds"] = ("1", 1)
    account.lambdas.code |= {"$LATEST": "1", "1": "1", "8": "1"}
    account.bus.events.clear()
    return account


def test_a_service_without_a_release_has_its_smoke_cases_run_once(first: SmallAccount) -> None:
    monitor.look(first.aws, event("stack"))
    monitor.look(first.aws, CHECK)
    assert first.bus.events == [("Dark Test Requested", {"service": "refunds:live"})]


@pytest.mark.parametrize("tag", ["self", "off"])
def test_no_test_of_what_is_seatrials_own_or_switched_off(first: SmallAccount, tag: str) -> None:
    first.lambdas.tags["refunds"] |= {"seatrial": tag}
    monitor.look(first.aws, event("stack"))
    assert first.bus.events == []


def test_a_service_that_cannot_be_read_takes_nothing_from_the_others(first: SmallAccount) -> None:
    known = first.lambdas.get_function

    def denied(**asked: Any) -> dict[str, Any]:
        if asked["FunctionName"] == "payments":
            raise refused("GetFunction", "ServiceException")
        return known(**asked)

    first.lambdas.get_function = denied  # type: ignore[method-assign]
    monitor.look(first.aws, CHECK)
    assert [what for what, _ in first.bus.events] == ["Dark Test Requested"]


def test_a_look_ends_before_its_function_does(first: SmallAccount) -> None:
    assert services_check.look(first.aws, ServicesCheck(), lambda: 5.0) == []
    assert first.bus.events == []
