"""What is hidden of responses, errors and sentences, and what is not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import expect
from seatrial.core.expect import Response
from seatrial.core.redaction import DEFAULT, Redaction, by_shape, sentence

CARD = "4111111111111111"
JWT = "eyJhbGciOiJIUzI1NiJ9.SECRETSECRETSECRET"
AWS = "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "text",
    [
        f"paid with {CARD}.",
        "paid with 4111 1111 1111 1111",
        "paid with 4111-1111-1111-1111",
        f"got {JWT}",
        f"got {JWT}.c2lnbmF0dXJl",
        f"key {AWS} is not allowed",
        "Bearer abcdef0123456789abcdef",
        '{"password": "hunter2", "user": "ann"}',
        "password=hunter2&user=ann",
        "Authorization: Basic aHVudGVyMg==",
        "Set-Cookie: sid=hunter2; Path=/",
        "api_key: hunter2",
        "clientSecret = hunter2",
        "{'token': 'hunter2'}",
        '{\\"token\\": \\"hunter2\\"}',
        "X-Amz-Security-Token=hunter2&X-Amz-Date=1",
    ],
)
def test_secret_in_a_text_is_hidden(text: str) -> None:
    hidden = DEFAULT.text(text)
    assert "[redacted" in hidden
    for secret in (CARD, "1111", JWT, "SECRET", "c2lnbm", AWS, "abcdef0123", "hunter2", "aHVudGVyMg"):
        assert secret not in hidden, hidden


@pytest.mark.parametrize(
    "text",
    [
        "version 8 failed 60,000 of 60,000 requests",
        "4111111111111112 is no card number",
        "1795485600000 milliseconds",
        "arn:aws:lambda:eu-west-1:123456789012:function:payments:live",
        "discard: yes, cardinality: 5, spanId=7, author: ann, tokenCount: 3",
        "3f2c1d5e-8a7b-4c6d-9e0f-112233445566",
    ],
)
def test_text_without_a_secret_stays(text: str) -> None:
    assert DEFAULT.text(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"card": CARD}, '{"card": "[redacted]"}'),
        ({"card": {"number": CARD, "brand": "visa"}}, '{"card": "[redacted]"}'),
        ({"accessToken": ["a", "b"]}, '{"accessToken": "[redacted]"}'),
        ({"pin": 1234}, '{"pin": "[redacted]"}'),
        ({"token": None, "password": True}, '{"token": null, "password": true}'),
        ({"note": f"used {CARD}"}, '{"note": "used [redacted: card number]"}'),
        (int(CARD), '"[redacted]"'),
        ([{"id": 1}], '[{"id": 1}]'),
    ],
)
def test_secret_in_a_value_is_hidden(value: Any, shown: str) -> None:
    assert DEFAULT.shown(value) == shown


def test_value_below_a_secret_path_is_hidden() -> None:
    assert DEFAULT.shown("hunter2", 'response.headers."x-api-key"') == "[redacted]"
    assert DEFAULT.shown(None, "response.body.token") == "absent"
    assert DEFAULT.shown("2", "response.body.fee") == '"2"'


def test_suite_may_name_more() -> None:
    assert Redaction(("x-internal-id",)).shown({"xInternalId": "1"}) == '{"xInternalId": "[redacted]"}'
    assert DEFAULT.shown({"xInternalId": "1"}) == '{"xInternalId": "1"}'


def test_sentence_names_neither_the_value_nor_what_was_expected() -> None:
    response = Response({"body": {"token": "hunter2", "card": CARD}, "headers": {"authorization": "hunter2"}})
    lines: dict[str, Any] = {
        "response.headers.authorization": "hunter3",
        "response.body.card": {"matches": "^[*]+[0-9]{4}$"},
        "response.body": {"equals": {"token": "hunter4"}},
    }
    told = [str(each) for each in expect.check([expect.read(*line) for line in lines.items()], response)]
    assert told == [
        "response.headers.authorization is [redacted], expected [redacted]",
        "response.body.card is [redacted], expected a text that matches ^[*]+[0-9]{4}$",
        'response.body is {"token": "[redacted]", "card": "[redacted]"}, expected {"token": "[redacted]"}',
    ]


def test_error_and_text_of_a_body_are_redacted() -> None:
    error = {"errorType": "KeyError", "errorMessage": f"no card {CARD}, password=hunter2"}
    assert expect.described(error) == "KeyError: no card [redacted: card number], password=[redacted]"
    (told,) = expect.check([expect.read("response.body.ok", True)], Response({"body": f"token={JWT}"}))
    assert JWT not in str(told) and "SECRET" not in str(told)


def test_sentence_of_its_own_keeps_its_words() -> None:
    own = "1 of 2 cases failed: 'login gives a token': response.statusCode is 401, expected 200"
    assert sentence(own) == own
    assert sentence("token=abcdefghij0123456789") == "token=[redacted]"
    url = f"the package can't be downloaded: https://x/?X-Amz-Signature={'a1' * 32}&X=1"
    assert sentence(url).endswith("Signature=[redacted]&X=1")


@given(st.text())
def test_any_text_can_be_redacted_twice(text: str) -> None:
    assert by_shape(by_shape(text)) == by_shape(text)
    DEFAULT.text(text)
    sentence(text)


@pytest.mark.parametrize(
    "part", ["eyJ", "a=", 'a:"', "4 ", "41", "Bearer ", "token=", 'token:"', "AKIA", "'a': ", '\\"', "-", "A", "card='"]
)
def test_time_grows_with_the_length_alone(part: str) -> None:
    """By processor time, of a text ten times as long as any sentence."""
    text = part * (10_000 // len(part))
    began = time.process_time()
    DEFAULT.text(text)
    sentence(text)
    assert time.process_time() - began < 2
