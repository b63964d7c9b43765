"""What APIs and function URLs make of a function's response, and whom a function's resource policy lets in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.stage.lambdas.doors import HTTP, HTTP_1, REST, URL, Caller, allowed, response
from rehearsal.stage.lambdas.payloads import MOST_ASYNC_BYTES, MOST_BYTES, refused_request, refused_response

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:shop"
API = "arn:aws:execute-api:eu-west-1:111122223333:abc"


@pytest.mark.parametrize(
    ("returned", "rest", "http", "url"),
    [
        ({"statusCode": 200, "body": "ok"}, 200, 200, 200),
        ({"statusCode": "404"}, 404, 404, 404),
        ({"statusCode": 200}, 200, 200, 200),
        (None, 502, 200, 200),
        ("text", 502, 200, 200),
        ({"message": "no statusCode"}, 502, 200, 200),
        ({"statusCode": "often"}, 502, 500, 502),
        ({"statusCode": 99}, 502, 500, 502),
        ({"statusCode": True}, 502, 500, 502),
        ({"statusCode": 200, "body": {"not": "text"}}, 502, 500, 502),
        ({"statusCode": 200, "headers": "none"}, 502, 500, 502),
        ({"statusCode": 200, "unknown": 1}, 502, 200, 200),
    ],
)
def test_a_malformed_response_is_an_error_of_the_door(returned: Any, rest: int, http: int, url: int) -> None:
    assert [response(kind, returned)["statusCode"] for kind in (REST, HTTP, URL)] == [rest, http, url]


def test_a_door_of_format_two_infers_the_response() -> None:
    assert response(HTTP, {"a": 1})["body"] == json.dumps({"a": 1})
    assert response(URL, "hello")["body"] == "hello"
    assert response(URL, None)["body"] == "null"
    assert response(URL, None, null_is_a_response=False)["statusCode"] == 502


def test_an_http_api_of_format_one_infers_nothing() -> None:
    for returned in ({"a": 1}, "hello", None):
        assert response(HTTP_1, returned)["statusCode"] == 500


def statement(**members: Any) -> dict[str, Any]:
    service = {"Service": "apigateway.amazonaws.com"}
    base = {"Effect": "Allow", "Principal": service, "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    return {"Statement": [{**base, **members}]}


@pytest.mark.parametrize(
    ("policy", "lets_in"),
    [
        (statement(), True),
        (statement(Condition={"ArnLike": {"AWS:SourceArn": f"{API}/*/GET/page"}}), True),
        (statement(Condition={"ArnLike": {"AWS:SourceArn": f"{API}/*/POST/page"}}), False),
        (statement(Condition={"ArnLike": {"AWS:SourceArn": f"{API}d/*"}}), False),
        (statement(Principal={"Service": "sns.amazonaws.com"}), False),
        (statement(Action="lambda:InvokeFunctionUrl"), False),
        (statement(Action="lambda:*"), True),
        (statement(Resource=f"{FUNCTION}:live"), False),
        ({"Statement": []}, False),
    ],
)
def test_an_api_needs_a_statement_for_it(policy: dict[str, Any], lets_in: bool) -> None:
    caller = Caller("lambda:InvokeFunction", "apigateway.amazonaws.com", (f"{API}/prod/GET/page",))
    assert allowed(policy, FUNCTION, caller) is lets_in


def test_a_public_function_url_needs_a_statement_for_everyone() -> None:
    everyone = statement(
        Principal="*",
        Action="lambda:InvokeFunctionUrl",
        Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    )
    assert allowed(everyone, FUNCTION, Caller("lambda:InvokeFunctionUrl", None, url_auth="NONE"))
    assert not allowed(statement(), FUNCTION, Caller("lambda:InvokeFunctionUrl", None, url_auth="NONE"))


def test_payloads_have_lambdas_limits() -> None:
    assert refused_request({"content-length": str(MOST_BYTES)}, {}, later=False) is None
    assert refused_request({"content-length": str(MOST_BYTES + 1)}, {}, later=False)
    assert refused_request({"content-length": str(MOST_ASYNC_BYTES + 1)}, {}, later=True)
    assert refused_response("x" * 6_000_000) is None
    too_large = refused_response("x" * 7_000_000)
    assert too_large is not None
    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"
