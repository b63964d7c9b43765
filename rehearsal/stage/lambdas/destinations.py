"""Gap of MiniStack: an asynchronous invoke's record lacks half its members, and OnSuccess is never sent.

Here both destinations get the whole record, at a queue, a topic, an event bus or a function, and a dead-letter target
gets the event itself with the error in its attributes.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import eventbridge, lambda_svc, sns, sqs

type Json = Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """What an asynchronous invoke came to after its last attempt. `at` is a time as records write it.

    `function` is the ARN with the qualifier that was invoked, `version` what ran last.
    """

    function: str
    version: str
    event: Any
    result: Json
    attempts: int
    at: str

    @property
    def failed(self) -> bool:
        return bool(self.result.get("error"))

    def record(self) -> dict[str, Any]:
        response: dict[str, Any] = {"statusCode": 200, "executedVersion": self.version}
        if self.failed:
            response["functionError"] = str(self.result.get("function_error") or "Unhandled")
        return {
            "version": "1.0",
            "timestamp": self.at,
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self.function,
                "condition": "RetriesExhausted" if self.failed else "Success",
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": self.event,
            "responseContext": response,
            "responsePayload": self.result.get("body"),
        }


def send(config: Json, dead_letters: str | None, ended: Ended, invoke: Callable[[str, Any], None]) -> None:
    """Send the record where the EventInvokeConfig says, and a failed event to the function's dead-letter target.

    `invoke` invokes a function asynchronously. A destination that is not there gets nothing, as on AWS.
    """
    kind = "OnFailure" if ended.failed else "OnSuccess"
    destination = ((config.get("DestinationConfig") or {}).get(kind) or {}).get("Destination")
    try:
        if destination:
            _deliver(destination, ended, invoke)
        if dead_letters and ended.failed:
            _dead_letter(dead_letters, ended)
    except LookupError as missing:
        lambda_svc.logger.warning("%s of %s: %s", kind, ended.function, missing)


def _deliver(destination: str, ended: Ended, invoke: Callable[[str, Any], None]) -> None:
    record = ended.record()
    match destination.split(":")[2:3]:
        case ["lambda"]:
            invoke(destination, record)
        case ["sqs"]:
            to_queue(destination, json.dumps(record), {})
        case ["sns"]:
            _to_topic(destination, json.dumps(record))
        case ["events"]:
            entry = {
                "EventBusName": destination,
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Failure' if ended.failed else 'Success'}",
                "Detail": json.dumps(record),
                "Resources": [destination, ended.function],
            }
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        case _:
            raise LookupError(f"the local AWS has no destination {destination}")


def _dead_letter(target: str, ended: Ended) -> None:
    body = ended.result.get("body")
    said = body.get("errorMessage", "") if isinstance(body, dict) else ""
    attributes = {"RequestID": str(uuid.uuid4()), "ErrorCode": "200", "ErrorMessage": str(said)}
    if ":sqs:" in target:
        to_queue(target, json.dumps(ended.event), attributes)
    else:
        _to_topic(target, json.dumps(ended.event))


def to_queue(arn: str, body: str, attributes: Mapping[str, str]) -> None:
    """Send a message with text attributes to a queue. Raises LookupError where there is no such queue."""
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise LookupError(f"there is no queue {arn}")
    url = sqs._queue_url(arn.rpartition(":")[2])
    given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs._act_send_message({"QueueUrl": url, "MessageBody": body, "MessageAttributes": given}, url)


def _to_topic(arn: str, body: str) -> None:
    if arn not in sns._topics:
        raise LookupError(f"there is no topic {arn}")
    sns._fanout(arn, str(uuid.uuid4()), body, "", "", {})
