"""The SNS topic that tells people: as text, and in the shape that Amazon Q in chat applications shows in Slack."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# PublishBatch takes so many.
MESSAGES_A_CALL = 10

_TOO_LONG = frozenset({"BatchRequestTooLong", "BatchRequestTooLongException"})

# SNS's limits for a subject: its length, ASCII alone and no line breaks.
_SUBJECT = 100


@dataclass(frozen=True)
class Message:
    """What subscribers get; `attributes` are for their filters."""

    subject: str
    sentence: str
    attributes: Mapping[str, str]


class Topic:
    """Without an ARN there is nobody to tell, and publish does nothing."""

    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, subject: str, sentence: str, attributes: Mapping[str, str]) -> None:
        """`attributes` are for subscriptions that filter; those without a value are left out, since SNS takes none.

        Amazon Q subscribes by https and shows custom notifications alone (its guide, "Custom notifications"); everybody
        else gets the sentence.
        """
        if self._arn:
            self._client.publish(TopicArn=self._arn, **_entry(Message(subject, sentence, attributes)))

    def publish_together(self, messages: Sequence[Message]) -> list[str]:
        """As publish() for each, one call for ten. For each message "", or the error that kept it from being sent."""
        errors: list[str] = []
        for some in batched(messages if self._arn else (), MESSAGES_A_CALL, strict=False):
            errors += self._batch(some) if len(some) > 1 else [self._alone(some[0])]
        return errors or [""] * len(messages)

    def _batch(self, messages: Sequence[Message]) -> list[str]:
        entries: Any = [{"Id": str(number), **_entry(message)} for number, message in enumerate(messages)]
        try:
            answer = self._client.publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
        except ClientError as error:
            if error.response["Error"]["Code"] in _TOO_LONG:  # together: each may fit by itself
                return [self._alone(message) for message in messages]
            return [str(error)] * len(messages)
        except BotoCoreError as error:
            return [str(error)] * len(messages)
        failed = {one["Id"]: f"{one['Code']}: {one.get('Message', '')}" for one in answer.get("Failed", [])}
        return [failed.get(str(number), "") for number in range(len(messages))]

    def _alone(self, message: Message) -> str:
        try:
            self.publish(message.subject, message.sentence, message.attributes)
        except (ClientError, BotoCoreError) as error:
            return str(error)
        return ""


def _entry(message: Message) -> Any:
    """What Publish and an entry of PublishBatch have in common."""
    subject = _subject(message.subject)
    told = {"default": message.sentence, "https": json.dumps(_notification(subject, message.sentence))}
    return {
        "Subject": subject,
        "Message": json.dumps(told),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items() if value
        },
    }


def _notification(title: str, sentence: str) -> dict[str, object]:
    return {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", "title": title, "description": sentence},
    }


def _subject(text: str) -> str:
    printable = "".join(letter if letter.isascii() and letter.isprintable() else " " for letter in text)
    return printable[:_SUBJECT].strip() or "[seatrial]"
