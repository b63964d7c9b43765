"""What the stage reads in the Body of an HTTP API: pure."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.stage.lambdas.apis import BodyError, Route, routes

URI = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:f:live/invocations"
OPERATION = {
    "x-amazon-apigateway-integration": {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": URI,
        "payloadFormatVersion": "2.0",
    },
    "responses": {},
}


def test_each_path_and_method_is_a_route_to_the_function_behind_its_alias() -> None:
    body = {
        "openapi": "3.0.1",
        "paths": {
            "/orders/{id}": {"get": OPERATION, "parameters": []},
            "/any": {"x-amazon-apigateway-any-method": OPERATION},
            "/$default": {"x-amazon-apigateway-any-method": OPERATION},
        },
    }
    assert list(routes(body)) == [
        Route("GET /orders/{id}", URI, "2.0"),
        Route("ANY /any", URI, "2.0"),
        Route("$default", URI, "2.0"),
    ]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({"components": {"securitySchemes": {"jwt": {}}}}, "authorizers", id="an authorizer"),
        pytest.param(
            {"paths": {"/a": {"get": {**OPERATION, "security": [{"jwt": []}]}}}}, "get /a", id="a guarded operation"
        ),
        pytest.param({"paths": {"/a": {"get": {}}}}, "get /a", id="an operation without a function"),
        pytest.param({"paths": {"/a": {"fetch": OPERATION}}}, "fetch", id="an unknown method"),
    ],
)
def test_what_an_http_api_cant_do_here_is_refused_by_its_name(body: dict[str, Any], named: str) -> None:
    with pytest.raises(BodyError, match=named):
        list(routes(body))
