"""As which actions the local AWS authorizes requests of boto3's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from rehearsal.stage import iam
from tests.small_account import REGION

TOPIC = "arn:aws:sns:eu-west-1:123456789012:seatrial"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"


def put(client: Any) -> None:
    item = {"pk": {"S": "release#d-1"}, "sk": {"S": "release"}}
    client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "ledger", "Item": item}},
            {"Update": {"TableName": "ledger", "Key": item, "UpdateExpression": "REMOVE reason"}},
            {"Put": {"TableName": "ledger", "Item": item | {"sk": {"S": "step#closed#"}}}},
        ]
    )


def publish(client: Any) -> None:
    client.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=[{"Id": "0", "Message": "a message"}])


@pytest.mark.parametrize(
    ("service", "make", "authorized"),
    [
        ("sns", publish, [("sns:Publish", TOPIC)]),
        ("dynamodb", put, [("dynamodb:PutItem", TABLE), ("dynamodb:UpdateItem", TABLE)]),
    ],
)
def test_request_of_many_is_authorized_as_its_single_actions(
    service: Any, make: Callable[[Any], None], authorized: list[tuple[str, str]]
) -> None:
    client: Any = boto3.client(service, **REGION)
    sent: list[Any] = []

    def send(request: Any, **_: Any) -> Any:
        sent.append(request)
        raise ConnectionError("not sent")

    client.meta.events.register("before-send", send)
    with pytest.raises(ConnectionError):
        make(client)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in sent[0].headers.items()
    }
    body = sent[0].body if isinstance(sent[0].body, bytes) else sent[0].body.encode()
    named, action, params = iam.called("POST", "/", headers, body, {})
    resource = iam.resource_of(named, "POST", "/", headers, body, params, "123456789012")
    assert iam.authorized_as(str(action), [resource], body, "eu-west-1", "123456789012") == authorized
