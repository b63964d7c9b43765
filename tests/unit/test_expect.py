"""What holds of a response, and the sentence for what does not."""

from __future__ import annotations

import base64

import pytest

from seatrial.core import expect, matchers
from seatrial.core.expect import Response
from seatrial.core.values import Json, UnfitError

QUOTE = Response(
    payload={
        "statusCode": 200,
        "headers": {"x-id": "a"},
        "body": {"fee": 0.25, "lines": [1, 2], "note": None, "ok": True},
    },
    duration=812.5,
    init=None,
    log="START\nquoted\n",
)


def tell(response: Response, expected: dict[str, Json]) -> list[str]:
    return [str(mismatch) for mismatch in expect.check([expect.read(*line) for line in expected.items()], response)]


@pytest.mark.parametrize(
    ("path", "right"),
    [
        pytest.param("response.statusCode", 200, id="a number"),
        pytest.param("response.statusCode", 200.0, id="the same number, written otherwise"),
        pytest.param("response.body.lines", [1, 2], id="a list"),
        pytest.param("response.headers", {"equals": {"x-id": "a"}}, id="a whole object"),
        pytest.param('response.headers."x-id"', "a", id="a quoted key"),
        pytest.param("response.body.note", None, id="null"),
        pytest.param("response.body.nothing", {"absent": True}, id="something absent"),
        pytest.param("response.body.fee", {"absent": False, "above": 0.2, "below": 0.3}, id="several matchers"),
        pytest.param("response.body.fee", {"about": 0.24, "within": "5%"}, id="about, by percentage"),
        pytest.param("response.body.fee", {"about": 0.2, "within": 0.05}, id="about, at its very edge"),
        pytest.param("length(response.body.lines)", {"above": 1}, id="a function"),
        pytest.param("response.body.lines", {"type": "array"}, id="a type"),
        pytest.param("response.body.ok", {"type": "boolean"}, id="a boolean is no number"),
        pytest.param("duration", {"below": "1s"}, id="a duration"),
        pytest.param("duration", {"about": "800ms", "within": "20ms"}, id="about a duration"),
        pytest.param("contains(log, 'quoted')", True, id="the log"),
        pytest.param("error", None, id="no error"),
    ],
)
def test_what_holds_is_not_mentioned(path: str, right: Json) -> None:
    assert tell(QUOTE, {path: right}) == []


@pytest.mark.parametrize(
    ("path", "right", "sentence"),
    [
        pytest.param("response.statusCode", 202, "response.statusCode is 200, expected 202", id="another number"),
        pytest.param("response.body.ok", 1, "response.body.ok is true, expected 1", id="true is not 1"),
        pytest.param("response.body.id", "r-1", 'response.body.id is absent, expected "r-1"', id="absent"),
        pytest.param(
            "response.body.fee", {"absent": True}, "response.body.fee is 0.25, expected nothing there", id="there"
        ),
        pytest.param(
            "response.body.fee",
            {"about": 1.08, "within": "5%"},
            "response.body.fee is 0.25, expected 1.08 ± 0.054",
            id="too far away",
        ),
        pytest.param(
            "response.body.fee", {"above": 0.25}, "response.body.fee is 0.25, expected above 0.25", id="the edge"
        ),
        pytest.param("response.body.ok", {"above": 0}, "response.body.ok is true, expected above 0", id="no number"),
        pytest.param(
            'response.headers."x-id"',
            {"matches": "^b"},
            'response.headers."x-id" is "a", expected a text that matches ^b',
            id="another text",
        ),
        pytest.param(
            "response.body.fee",
            {"type": "string"},
            "response.body.fee is 0.25, expected a value of type string",
            id="another type",
        ),
        pytest.param("duration", {"below": "800ms"}, "duration is 812.5 ms, expected below 800 ms", id="too slow"),
        pytest.param("init", {"absent": False}, "init is absent, expected something there", id="a warm start"),
        pytest.param(
            "length(response.body.nothing)",
            2,
            "length(response.body.nothing) can't be read: In function length(), invalid type for value: None,"
            " expected one of: ['string', 'array', 'object'], received: \"null\"",
            id="a function of something absent",
        ),
    ],
)
def test_what_does_not_hold_is_one_sentence(path: str, right: Json, sentence: str) -> None:
    assert tell(QUOTE, {path: right}) == [sentence]


def test_a_path_that_python_itself_can_not_follow_is_a_mismatch_and_no_crash() -> None:
    assert tell(QUOTE, {"response.body.lines[::0]": []}) == [
        "response.body.lines[::0] can't be read: slice step cannot be zero"
    ]


def test_a_long_value_is_shortened() -> None:
    (sentence,) = tell(Response(payload="x" * 500), {"response": "y"})

    assert sentence.endswith('x…, expected "y"')
    assert len(sentence) < 120


def test_every_mismatch_is_told() -> None:
    assert len(tell(QUOTE, {"response.statusCode": 1, "response.body.fee": 1, "response.body.ok": True})) == 2


def test_a_function_error_fails_the_case_and_hides_what_follows_from_it() -> None:
    failed = Response(error={"errorType": "ValueError", "errorMessage": "no such\ncurrency"})

    assert tell(failed, {"response.statusCode": 200}) == ["the function failed with ValueError: no such currency"]
    assert tell(failed, {}) == ["the function failed with ValueError: no such currency"]


def test_a_function_error_that_is_expected_fails_nothing() -> None:
    failed = Response(error={"errorType": "ValueError", "errorMessage": "no such currency"})

    assert tell(failed, {"error.errorType": "ValueError"}) == []
    assert tell(failed, {"error.errorType": "KeyError"}) == ['error.errorType is "ValueError", expected "KeyError"']


def test_a_figure_that_was_not_measured_is_told_and_not_failed() -> None:
    quiet = Response(payload={"statusCode": 200})
    expected = [expect.read("duration", {"below": "800ms"}), expect.read("init", {"below": "3s"})]

    assert expect.check(expected, quiet) == ()
    assert expect.unmeasured(expected, quiet) == ("duration", "init")
    assert expect.unmeasured(expected, QUOTE) == ("init",)


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        pytest.param({"body": '{"fee": 1}'}, {"fee": 1}, id="JSON"),
        pytest.param({"body": "hello"}, "hello", id="a text that is no JSON"),
        pytest.param({"body": {"fee": 1}}, {"fee": 1}, id="an object already"),
        pytest.param(
            {"body": base64.b64encode(b'{"fee": 1}').decode(), "isBase64Encoded": True}, {"fee": 1}, id="base64"
        ),
        pytest.param({"body": "aGk=", "isBase64Encoded": True}, "aGk=", id="base64 of something else"),
    ],
)
def test_a_body_is_read_as_json_where_it_is_json(payload: Json, body: Json) -> None:
    read = expect.with_json_body(Response(payload=payload))

    assert read.document()["response"] == {**payload, "body": body}  # type: ignore[dict-item]


@pytest.mark.parametrize("payload", [None, "text", [1], {"statusCode": 204}])
def test_a_response_without_a_body_is_left_alone(payload: Json) -> None:
    assert expect.with_json_body(Response(payload=payload)) == Response(payload=payload)


def test_a_path_into_a_body_that_is_text_says_what_the_text_was() -> None:
    (sentence,) = tell(Response(payload={"body": "<html>"}), {"response.body.fee": 1})

    assert sentence == 'response.body.fee is absent, expected 1 (the body is not JSON but the text "<html>")'


def test_an_unknown_type_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnfitError, match="'type' is \"nmber\"; did you mean 'number'"):
        matchers.read({"type": "nmber"})
