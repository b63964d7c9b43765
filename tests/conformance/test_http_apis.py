"""What an HTTP API makes of what a function returns, and of a function that does not allow it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance import template
from tests.conformance.account import Account
from tests.conformance.marks import claim, documented, question

FORMATS = "API Gateway Developer Guide: Create AWS Lambda proxy integrations for HTTP APIs in API Gateway"
STATUS_CODES = "AWS Knowledge Center: How do I map the status codes returned by HTTP APIs"

type Get = Callable[..., tuple[int, str]]


@pytest.fixture
def get(account: Account) -> Iterator[Get]:
    """Requests a path of an HTTP API whose function returns what the request asks for; the status and the body."""
    name = f"{account.prefix}-{account.name}"
    if account.exists(name):
        account.delete(name)  # of a run that was broken off
    assert account.apply(name, template.http_api()) == "CREATE_COMPLETE"
    outputs = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    (api,) = (one["OutputValue"] for one in outputs)
    base = account.client("apigatewayv2").get_api(ApiId=api)["ApiEndpoint"]

    def requested(path: str, returned: Any, method: str = "GET") -> tuple[int, str]:
        query = urllib.parse.urlencode({"returned": json.dumps(returned)})
        request = urllib.request.Request(f"{account.endpoint or base}{path}?{query}", method=method)
        if account.endpoint:
            request.add_header("Host", f"{api}.execute-api.localhost:{urllib.parse.urlsplit(account.endpoint).port}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    account.until(lambda: requested("/two", {"statusCode": 204})[0] == 204)  # a stage that was just made may say 404
    yield requested
    account.delete(name)


@claim(documented(FORMATS), minutes=2, danger=2, cost="The judge would count responses without a status as failures.")
def test_an_http_api_of_format_two_infers_a_response_without_status_code(get: Get) -> None:
    status, body = get("/two", {"fee": 2})
    assert (status, json.loads(body)) == (200, {"fee": 2})
    assert get("/two", "hello") == (200, "hello")


@claim(documented(STATUS_CODES), minutes=2, danger=2, cost="The judge would count responses that users see as 500.")
def test_an_http_api_of_format_one_responds_with_500_without_a_status_code(get: Get) -> None:
    assert get("/one", {"statusCode": 201, "body": "made"}) == (201, "made")
    for returned in ({"fee": 2}, "hello", None):
        status, body = get("/one", returned)
        assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


@claim(documented("API Gateway Developer Guide: Troubleshooting issues with HTTP API Lambda integrations"), minutes=2)
def test_an_http_api_that_the_function_does_not_allow_responds_with_500(get: Get) -> None:
    status, body = get("/two", {"statusCode": 204}, method="POST")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


@question(
    "null_is_a_response",
    minutes=2,
    danger=2,
    cost="A candidate that returns nothing would look good on the local AWS and fail its users.",
    why=documented(FORMATS),
)
def test_does_an_http_api_take_null_as_a_response(get: Get, answered: Callable[[Any], None]) -> None:
    status, _ = get("/two", None)
    assert status in (200, 500)
    answered(status == 200)
