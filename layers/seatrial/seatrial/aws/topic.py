"""The SNS topic that tells people: as text, and in the shape that Amazon Q in chat applications shows in Slack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# SNS's limits for a subject: its length, ASCII alone and no line breaks.
_SUBJECT = 100


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
        if not self._arn:
            return
        subject = _subject(subject)
        self._client.publish(
            TopicArn=self._arn,
            Subject=subject,
            Message=json.dumps({"default": sentence, "https": json.dumps(_notification(subject, sentence))}),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )


def _notification(title: str, sentence: str) -> dict[str, object]:
    return {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", "title": title, "description": sentence},
    }


def _subject(text: str) -> str:
    printable = "".join(letter if letter.isascii() and letter.isprintable() else " " for letter in text)
    return printable[:_SUBJECT].strip() or "[seatrial]"
