"""The SNS adapter, against moto."""

from __future__ import annotations

import json

import boto3
from botocore.stub import Stubber
from moto import mock_aws

from seatrial.aws.topic import Message, Topic
from tests.small_account import REGION, Meter, event


@mock_aws  # type: ignore[untyped-decorator]
def test_a_message_arrives_with_its_attributes() -> None:
    sns, sqs = boto3.client("sns", **REGION), boto3.client("sqs", **REGION)
    arn = sns.create_topic(Name="seatrial")["TopicArn"]
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:people")

    Topic(sns, arn).publish(
        "[seatrial] 7 → 8\nwas taken back", "version 8 was taken back", {"service": "payments", "release": ""}
    )

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(message["Body"])
    assert told["Subject"] == "[seatrial] 7   8 was taken back"
    assert told["Message"] == "version 8 was taken back"
    assert told["MessageAttributes"] == {"service": {"Type": "String", "Value": "payments"}}


@mock_aws  # type: ignore[untyped-decorator]
def test_a_subject_of_nothing_that_sns_takes_is_still_a_subject() -> None:
    sns = boto3.client("sns", **REGION)
    arn = sns.create_topic(Name="seatrial")["TopicArn"]
    Topic(sns, arn).publish("→", "a sentence", {})


def test_what_leaves_by_https_has_the_shape_that_amazon_q_shows_in_slack() -> None:
    """Against the recorded call: moto delivers to no chat."""
    sns = boto3.client("sns", **REGION)
    with Stubber(sns) as stub:
        stub.add_response("publish", {}, event("leaving-message"))
        attributes = event("leaving-message")["MessageAttributes"]
        Topic(sns, "arn:aws:sns:eu-west-1:123456789012:seatrial-Topic").publish(
            "[seatrial] payments:live was taken back",
            json.loads(event("leaving-message")["Message"])["default"],
            {name: value["StringValue"] for name, value in attributes.items()},
        )
    notification = json.loads(json.loads(event("leaving-message")["Message"])["https"])
    assert (notification["version"], notification["source"]) == ("1.0", "custom")


def test_without_a_topic_there_is_nobody_to_tell() -> None:
    Topic(boto3.client("sns", **REGION), "").publish("subject", "sentence", {})


ARN = "arn:aws:sns:eu-west-1:123456789012:seatrial"
MESSAGES = [Message(f"subject {number}", "a sentence", {"service": "payments"}) for number in range(12)]


@mock_aws  # type: ignore[untyped-decorator]
def test_twelve_messages_arrive_with_two_calls() -> None:
    sns, sqs = boto3.client("sns", **REGION), boto3.client("sqs", **REGION)
    arn = sns.create_topic(Name="seatrial")["TopicArn"]
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:people")
    meter = Meter()
    assert Topic(meter(sns), arn).publish_together(MESSAGES) == [""] * 12
    assert meter.calls == {"PublishBatch": 2}
    received = [
        json.loads(message["Body"])
        for _ in range(2)
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    ]
    assert sorted(message["Subject"] for message in received) == sorted(message.subject for message in MESSAGES)
    assert {message["Message"] for message in received} == {"a sentence"}


def test_a_message_that_is_not_taken_is_an_error_of_its_own() -> None:
    sns = boto3.client("sns", **REGION)
    failed = {"Id": "1", "Code": "InternalError", "Message": "again", "SenderFault": False}
    with Stubber(sns) as stub:
        stub.add_response("publish_batch", {"Successful": [{"Id": "0"}], "Failed": [failed]})
        assert Topic(sns, ARN).publish_together(MESSAGES[:2]) == ["", "InternalError: again"]


def test_messages_that_are_too_long_together_are_sent_one_by_one() -> None:
    sns = boto3.client("sns", **REGION)
    with Stubber(sns) as stub:
        stub.add_client_error("publish_batch", "BatchRequestTooLong")
        stub.add_response("publish", {})
        stub.add_client_error("publish", "InternalError", "again")
        sent, not_sent = Topic(sns, ARN).publish_together(MESSAGES[:2])
        assert (sent, "again" in not_sent) == ("", True)
