"""On-call requests are answered, also those with a slip: declined with the correction, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.aws.ledger import Ledger
from seatrial.core.events import EventError
from seatrial.core.oncall import Answer
from seatrial.core.release import State
from seatrial.flows import dark_tests, fix_lane, preflight, rollback
from seatrial.flows.account import Account
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import REGION, SmallAccount, event, make_table, refused


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags["payments"] = {"seatrial": "released"}
        account.codedeploy.begin("d-1")
        release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
        account.ledger.move(release, State.SHIFTING)
        yield account


def sent(account: SmallAccount, name: str, **detail: Any) -> dict[str, Any]:
    return event(name) | {"time": account.clock.now().isoformat(), "detail": {"reason": "r", "who": "w"} | detail}


ASKED = {"service": "payments", "reason": "r", "who": "w"}


@pytest.mark.parametrize(
    ("detail", "correction"),
    [
        ({"service": "payments", "reason": "r"}, "'detail.who' is missing: who asks"),
        (ASKED | {"service": "arn:aws:lambda:us-east-1:123456789012:function:payments"}, "is of us-east-1"),
        (ASKED | {"releas": "d-1"}, "'detail.releas' is not a key: did you mean 'release'?"),
        ("payments", "'detail' must be an object"),
    ],
    ids=["no who", "an ARN of another Region", "a misspelt key", "no object"],
)
def test_a_request_with_a_slip_is_declined_with_its_correction(
    account: SmallAccount, detail: Any, correction: str
) -> None:
    asked = event("rollback-requested") | {"detail": detail}
    (outcome,) = rollback.take_back(account.aws, asked)["decisions"]
    assert outcome["action"] == "declined"
    assert correction in outcome["reason"]
    assert account.told() == [outcome["reason"]]
    ((what, sent_event),) = account.bus.events
    assert (what, sent_event["event"], sent_event["sentence"]) == ("Declined", "declined", outcome["reason"])
    assert account.ledger.requests.find(asked["id"]) == (Answer("declined", outcome["reason"]),)
    assert account.codedeploy.stops == []


def test_a_rollback_with_a_long_reason_is_done_and_its_reason_cut(account: SmallAccount) -> None:
    asked = sent(account, "rollback-requested", service="payments", reason="r" * 501, who="w" * 100_000)
    (outcome,) = rollback.take_back(account.aws, asked)["decisions"]
    assert account.codedeploy.stops == ["d-1"]
    assert "rrr… (32 more characters)" in outcome["reason"]
    assert len(outcome["reason"]) <= 1_200


@pytest.mark.parametrize(
    ("name", "more"), [("hold-requested", {}), ("hold-released", {}), ("fix-granted", {"minutes": 30})]
)
def test_a_hold_or_a_grant_with_a_long_reason_is_declined(
    account: SmallAccount, name: str, more: dict[str, Any]
) -> None:
    asked = sent(account, name, service="payments", reason="r" * 501, **more)
    handle = fix_lane.run if name == "fix-granted" else rollback.take_back
    ((outcome,),) = handle(account.aws, asked).values()
    assert outcome["action"] == "declined"
    assert "'detail.reason' has 501 characters; at most 500" in outcome["reason"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=15), timedelta(days=36_500)])
def test_a_request_dated_ahead_and_delivered_again_takes_no_later_release(
    account: SmallAccount, ahead: timedelta
) -> None:
    """The second delivery comes before the time that the sender gave, or after it."""
    asked = sent(account, "rollback-requested", service="payments")
    asked["time"] = (account.clock.now() + ahead).isoformat()
    rollback.take_back(account.aws, asked)
    account.codedeploy.ends("d-1", "Stopped")
    account.ledger.finish(account.ledger.release("d-1"), State.TAKEN_BACK, "on call", "on call", account.clock.now())
    account.clock.goes_on(timedelta(minutes=10))
    account.codedeploy.begin("d-2", candidate="9", createTime=account.clock.now())
    preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-2"))
    account.clock.goes_on(timedelta(minutes=10))
    rollback.take_back(account.aws, asked)
    assert account.codedeploy.stops == ["d-1"]


def test_a_request_dated_ahead_is_obeyed_while_the_ledger_is_gone(account: SmallAccount) -> None:
    asked = sent(account, "rollback-requested", service="payments", release="d-1") | {"time": "2126-01-01T00:00:00Z"}
    with pytest.raises(ExceptionGroup):  # the ledger can't be told, after the stop
        rollback.take_back(_without_ledger(account), asked)
    assert account.codedeploy.stops == ["d-1"]


def test_without_the_ledger_a_lower_number_counts_as_a_rollback_and_is_not_stopped(account: SmallAccount) -> None:
    account.codedeploy.begin("d-2", stable="8", candidate="7")
    asked = sent(account, "rollback-requested", service="payments", release="d-2")
    (outcome,) = rollback.take_back(_without_ledger(account), asked)["decisions"]
    assert account.codedeploy.stops == []
    assert "d-2 goes to a lower version" in outcome["reason"]
    assert "aws deploy stop-deployment --deployment-id d-2" in outcome["reason"]


def test_a_named_release_whose_entry_is_odd_is_rolled_back_by_what_codedeploy_says(account: SmallAccount) -> None:
    account.ledger._table.change({"pk": "release#d-1", "sk": "release"}, {"settings": "{"})
    rollback.take_back(account.aws, sent(account, "rollback-requested", service="payments", release="d-1"))
    assert account.codedeploy.stops == ["d-1"]


def _without_ledger(account: SmallAccount) -> Account:
    client: Any = QuickDynamoDB(REGION["region_name"])
    return replace(account.aws, ledger=Ledger(client, "no-table", timedelta(days=1)))


def test_a_declined_request_reads_as_a_message_with_the_next_step(account: SmallAccount) -> None:
    rollback.take_back(account.aws, event("rollback-requested") | {"detail": ASKED | {"releas": "d-1"}})
    assert account.topic.messages == [
        (
            "[seatrial] payments: request declined",
            f"payments: request declined (event {event('rollback-requested')['id']}): Rollback Requested: "
            "'detail.releas' is not a key: did you mean 'release'? Nothing was done. Next: correct the event and "
            "send it again.",
        )
    ]


def test_a_service_named_by_its_arn_is_rolled_back(account: SmallAccount) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
    rollback.take_back(account.aws, sent(account, "rollback-requested", service=arn))
    assert account.codedeploy.stops == ["d-1"]


@pytest.mark.parametrize("detail_type", ["Rollback Request", "rollback requested", "Hold Request"])
def test_a_misspelt_detail_type_is_declined_with_the_nearest(account: SmallAccount, detail_type: str) -> None:
    asked = sent(account, "rollback-requested", service="payments") | {"detail-type": detail_type}
    (outcome,) = rollback.take_back(account.aws, asked)["decisions"]
    assert outcome["action"] == "declined"
    assert "did you mean" in outcome["reason"]
    assert account.told() == [outcome["reason"]]


def test_a_grant_while_grants_are_switched_off_is_declined(account: SmallAccount) -> None:
    (outcome,) = rollback.take_back(account.aws, event("fix-granted"))["decisions"]
    assert "hotfix grants are switched off" in outcome["reason"]


def test_a_grant_with_a_slip_is_declined(account: SmallAccount) -> None:
    (outcome,) = fix_lane.run(account.aws, sent(account, "fix-granted", service="payments"))["grants"]
    assert outcome["action"] == "declined"
    assert "'detail.minutes' must be a whole number from 1 to 240, got None" in outcome["reason"]
    assert account.told() == [outcome["reason"]]


def test_a_dark_test_with_a_slip_is_declined(account: SmallAccount) -> None:
    asked = event("dark-test-requested") | {"detail": {"servce": "payments"}}
    assert dark_tests.run(account.aws, asked, lambda: 60.0)["services"] == []
    assert "did you mean 'service'?" in account.told()[0]


def test_an_event_of_aws_that_can_not_be_read_still_fails(account: SmallAccount) -> None:
    """It is retried and then kept as a dead letter: nobody sent it who could correct it."""
    with pytest.raises(EventError):
        rollback.take_back(account.aws, {**event("alarm"), "detail": {}})
    assert account.told() == []


@pytest.mark.parametrize("name", ["hold-requested", "hold-released"])
def test_a_hold_on_a_name_that_is_no_service_is_declined_with_the_nearest(account: SmallAccount, name: str) -> None:
    (outcome,) = rollback.take_back(account.aws, sent(account, name, service="paymets"))["decisions"]
    assert outcome["action"] == "declined"
    assert "did you mean 'payments'?" in outcome["reason"]
    assert account.ledger.holds.standing() == ()


def test_a_hold_on_an_alias_that_does_not_exist_is_declined(account: SmallAccount) -> None:
    (outcome,) = rollback.take_back(account.aws, sent(account, "hold-requested", service="payments:liv"))["decisions"]
    assert outcome["action"] == "declined"


def test_a_hold_on_a_tagged_function_without_any_release_is_placed(account: SmallAccount) -> None:
    account.lambdas.tags["bookings"] = {"seatrial": "released"}
    (outcome,) = rollback.take_back(account.aws, sent(account, "hold-requested", service="bookings"))["decisions"]
    assert outcome["action"] == "held"


def test_a_standing_hold_is_lifted_whatever_it_was_placed_on(account: SmallAccount) -> None:
    account.lambdas.tags["bookings"] = {"seatrial": "released"}
    rollback.take_back(account.aws, sent(account, "hold-requested", service="bookings"))
    del account.lambdas.tags["bookings"]
    later = sent(account, "hold-released", service="bookings") | {"id": "2", "time": "2026-11-23T10:05:00Z"}
    (outcome,) = rollback.take_back(account.aws, later)["decisions"]
    assert outcome["action"] == "lifted"


def test_the_first_answer_to_a_request_stays(account: SmallAccount) -> None:
    asked = sent(account, "rollback-requested", service="payments")
    first = rollback.take_back(account.aws, asked)["decisions"][0]
    rollback.take_back(account.aws, asked)
    assert account.ledger.requests.find(asked["id"]) == (Answer(first["action"], first["reason"]),)
    assert account.ledger.requests.find("another") is None


def test_a_ledger_that_can_not_be_written_holds_no_answer_up(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any) -> None:
        raise refused("PutItem", "AccessDeniedException")

    monkeypatch.setattr(account.ledger.requests, "answer", denied)
    rollback.take_back(account.aws, sent(account, "rollback-requested", service="payments"))
    assert account.codedeploy.stops == ["d-1"]
