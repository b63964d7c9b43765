"""The bus adapter, against recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
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
    bus.publish("Release Rolled Back", DETAIL)


def test_an_entry_that_the_bus_does_not_take_is_an_error(stub: tuple[Bus, Stubber]) -> None:
    bus, stubbed = stub
    failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slower"}
    stubbed.add_response("put_events", {"FailedEntryCount": 1, "Entries": [failed]})
    with pytest.raises(ClientError, match="slower"):
        bus.publish("Declined", DETAIL)


def test_without_a_name_there_is_nobody_to_tell() -> None:
    Bus(boto3.client("events", **REGION), "").publish("Declined", DETAIL)
