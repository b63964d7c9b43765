"""functions/rollback: from on call's event to a flag that is taken back, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seatrial.flows import rollback
from tests.small_account import CREATED, REGION, SmallAccount, event, make_table
from tests.small_appconfig import ARNS

ASKED = event("rollback-requested-of-flag")
NAME = "shop/production/checkout"
SENTENCE = (
    "shop/production/checkout: configuration version 12 is taken back to version 11 (deployment 2): "
    "on-call@example.com asked for it: the new checkout loses baskets"
)


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.appconfig.deploys("11", "COMPLETE", started=CREATED - timedelta(days=1))
        account.appconfig.deploys("12", "DEPLOYING")
        yield account


def asked(account: SmallAccount, **more: Any) -> dict[str, str]:
    (decision,) = rollback.take_back(account.aws, ASKED | more)["decisions"]
    return decision


def test_a_flag_is_taken_back_and_everybody_is_told_why_in_the_same_sentence(account: SmallAccount) -> None:
    assert asked(account) == {"action": "stopped", "reason": SENTENCE}
    assert account.appconfig.stops == [2]
    assert account.told() == [SENTENCE]
    assert account.bus.events == [("Release Rolled Back", {"flag": NAME, "event": "taken back", "sentence": SENTENCE})]
    steps = account.ledger.flags.steps(NAME)
    assert [(step.kind, step.by) for step in steps if step.sentence == SENTENCE] == [
        ("taken back", "functions/rollback")
    ]


def test_the_same_word_twice_stops_once_tells_once_and_leaves_the_version_before(account: SmallAccount) -> None:
    for _ in range(3):
        assert asked(account)["reason"] == SENTENCE
    assert account.appconfig.stops == [2]
    assert account.told() == [SENTENCE]


def test_another_word_is_told_that_it_is_back_already(account: SmallAccount) -> None:
    asked(account)
    decision = asked(account, id="another")
    assert decision == {
        "action": "ignored",
        "reason": "deployment 2 of shop/production/checkout is already rolled back",
    }
    assert account.appconfig.stops == [2]
    assert account.told() == [SENTENCE, decision["reason"]]


def test_who_crashes_between_the_stop_and_the_telling_tells_when_called_again(account: SmallAccount) -> None:
    stop = account.appconfig.stop_deployment

    def and_dies(**how: Any) -> dict[str, Any]:
        stop(**how)
        raise SystemExit

    account.appconfig.stop_deployment = and_dies  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        asked(account)
    assert account.told() == []
    assert asked(account)["reason"] == SENTENCE
    assert account.appconfig.stops == [2]
    assert account.told() == [SENTENCE]


def test_who_comes_second_to_another_leaves_it_at_that(account: SmallAccount) -> None:
    stop = account.appconfig.stop_deployment

    def somebody_is_first(**how: Any) -> dict[str, Any]:
        account.appconfig.deployments[1]["State"] = "ROLLED_BACK"
        return stop(**how)

    account.appconfig.stop_deployment = somebody_is_first  # type: ignore[method-assign]
    decision = asked(account)
    assert decision["action"] == "ignored"
    assert decision["reason"].endswith("is already rolled back")


def test_what_appconfig_refuses_is_told_with_what_to_type(account: SmallAccount) -> None:
    account.appconfig.refusal = "not in this state"
    decision = asked(account)
    assert decision["action"] == "told"
    assert "AppConfig does not stop deployment 2 of shop/production/checkout (not in this state)" in decision["reason"]
    assert "--configuration-version 11" in decision["reason"]
    assert account.told() == [decision["reason"]]


@pytest.mark.parametrize("untagged", ["application/app1", "application/app1/environment/env1"])
def test_what_carries_no_tag_is_not_touched(account: SmallAccount, untagged: str) -> None:
    account.appconfig.tags[f"{ARNS}:{untagged}"] = False
    decision = asked(account)
    assert decision["action"] == "told"
    assert "carries no tag 'seatrial'" in decision["reason"]
    assert account.appconfig.stops == []
    assert account.told() == [decision["reason"]]


def test_a_flag_that_nobody_knows_is_told_with_what_there_is(account: SmallAccount) -> None:
    detail = ASKED["detail"] | {"flag": "shop/test/checkout"}
    assert asked(account, detail=detail)["reason"] == "AppConfig has no environment 'test': there are production"


def test_a_flag_goes_back_though_the_ledger_and_people_cannot_be_reached(account: SmallAccount) -> None:
    boto3.client("dynamodb", **REGION).delete_table(TableName="ledger")
    account.topic.broken = True
    assert asked(account)["action"] == "stopped"
    assert account.appconfig.stops == [2]
