"""The bus adapter, against recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from seatrial.aws.bus import Bus
from tests.small_account import REGION, event

DETAIL = event("leaving-decision")["detail"]
ENTRY = {
    "EventBusName": "seatrial",
    "Source": event("leaving-decision")["source"],
    "DetailType": event("leaving-decision")["detail-type"],
    "Detail": json.dumps(DETAIL),
}


@pytest.fixture
def stub() -> Iterator[tuple[Bus, Stubber]]:
    client = boto3.client("events", **REGION)
    with Stubber(client) as stubbed:
        yield Bus(client, "seatrial"), stubbed


def test_a_decision_leaves_as_its_sample(stub: tuple[Bus, Stubber]) -> None:
    bus, stubbed = stub
    stubbed.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [ENTRY]})
    assert bus.publish_together([("Release Rolled Back", DETAIL)]) == [""]


def test_twelve_events_take_two_calls(stub: tuple[Bus, Stubber]) -> None:
    bus, stubbed = stub
    for count in (10, 2):
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * count}
        stubbed.add_response("put_events", answer, {"Entries": [ENTRY] * count})
    assert bus.publish_together([("Release Rolled Back", DETAIL)] * 12) == [""] * 12
    stubbed.assert_no_pending_responses()


def test_an_entry_that_the_bus_does_not_take_is_the_error_of_its_event_alone(stub: tuple[Bus, Stubber]) -> None:
    bus, stubbed = stub
    failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slower"}
    stubbed.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, failed]})
    assert bus.publish_together([("Declined", DETAIL)] * 2) == ["", "ThrottlingException: slower"]


def test_a_call_that_fails_is_the_error_of_each_of_its_events(stub: tuple[Bus, Stubber]) -> None:
    bus, stubbed = stub
    stubbed.add_client_error("put_events", "InternalException", "again")
    errors = bus.publish_together([("Declined", DETAIL)] * 2)
    assert [("again" in error) for error in errors] == [True, True]


def test_without_a_name_there_is_nobody_to_tell() -> None:
    assert Bus(boto3.client("events", **REGION), "").publish_together([("Declined", DETAIL)]) == [""]
