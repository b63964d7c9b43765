"""The SNS adapter, against moto."""

from __future__ import annotations

import json

import boto3
from moto import mock_aws

from seatrial.aws.topic import Topic
from tests.small_account import REGION


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


def test_without_a_topic_there_is_nobody_to_tell() -> None:
    Topic(boto3.client("sns", **REGION), "").publish("subject", "sentence", {})
