"""Gap of MiniStack: an HTTP API's `Body`, which SAM writes for HttpApi events, makes no routes and no integrations; and
an API is found by users alone whose requests are signed by its account.

Here each path and method of the OpenAPI document becomes a route to its function. What a document may say beyond that
is refused by its name. An API is found by its id, as its host name is found on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import apigateway, apigateway_v1
from ministack.services.cloudformation import provisioners

API = "AWS::ApiGatewayV2::Api"
INTEGRATION = "x-amazon-apigateway-integration"
CORS = "x-amazon-apigateway-cors"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
ANY_METHOD = "x-amazon-apigateway-any-method"
# Beside a path's methods: what names, describes or documents, and changes no request.
WITHOUT_EFFECT = {"parameters", "summary", "description"}

type Json = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, str]]


class BodyError(ValueError):
    """The document says something that the stage's HTTP APIs don't do. Its text names it."""


@dataclass(frozen=True)
class Route:
    """`key` is the API's route key, as `GET /page` or `$default`; `uri` leads to the function."""

    key: str
    uri: str
    payload: str


def routes(body: Json) -> Iterator[Route]:
    """The routes of an OpenAPI document. Raises BodyError."""
    if body.get("components", {}).get("securitySchemes") or body.get("security"):
        raise BodyError(
            "The stage's HTTP APIs have no authorizers in a Body: leave Auth out of the event, or use an Api"
        )
    for path, item in (body.get("paths") or {}).items():
        for method, operation in item.items():
            if method in WITHOUT_EFFECT:
                continue
            if method != ANY_METHOD and method.lower() not in METHODS:
                raise BodyError(f"{path} has the unknown method {method}: name one of HTTP's, or {ANY_METHOD}")
            yield _route(path, method, operation)


def _route(path: str, method: str, operation: Json) -> Route:
    integration = operation.get(INTEGRATION)
    if not integration or str(integration.get("type", "")).lower() != "aws_proxy":
        raise BodyError(f"{method} {path}: the stage's HTTP APIs know the {INTEGRATION} aws_proxy alone")
    if operation.get("security"):
        raise BodyError(f"{method} {path}: the stage's HTTP APIs have no authorizers: leave Auth out of the event")
    any_method = method == ANY_METHOD
    key = (
        "$default"
        if path.removeprefix("/") == "$default" and any_method
        else f"{'ANY' if any_method else method.upper()} {path}"
    )
    return Route(key, str(integration["uri"]), str(integration.get("payloadFormatVersion", "1.0")))


def _import(api: str, properties: Json) -> None:
    """Put the document's routes in the place of those that an earlier one made."""
    if properties.get("BodyS3Location"):
        raise BodyError(
            "The stage reads an HTTP API's Body, not its BodyS3Location: put the document into the template"
        )
    wanted = list(routes(properties["Body"]))
    apigateway._routes[api] = {}
    apigateway._integrations[api] = {}
    for route in wanted:
        apigateway._create_integration(
            api,
            {"integrationType": "AWS_PROXY", "integrationUri": route.uri, "payloadFormatVersion": route.payload},
        )
        integration = next(reversed(apigateway._integrations[api]))
        apigateway._create_route(api, {"routeKey": route.key, "target": f"integrations/{integration}"})
    if CORS in properties["Body"]:
        apigateway._update_api(api, {"corsConfiguration": dict(properties["Body"][CORS])})


def _described(properties: Json) -> Json:
    """An API without a Name is called by its document's title."""
    body = properties.get("Body")
    if not body:
        return properties
    title = (body.get("info") or {}).get("title")
    return {**({"Name": title, "ProtocolType": "HTTP"} if title else {"ProtocolType": "HTTP"}), **properties}


def _creating(create: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def created(logical_id: str, properties: Json, stack: str) -> Provisioned:
        provisioned = create(logical_id, _described(properties), stack)
        if properties.get("Body") or properties.get("BodyS3Location"):
            _import(provisioned[0], properties)
        return provisioned

    return created


def _updating(update: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def updated(api: str, old: Json, new: Json, stack: str, logical_id: str | None = None) -> Provisioned:
        provisioned = update(api, _described(old), _described(new), stack, logical_id)
        if new.get("Body") or new.get("BodyS3Location"):
            _import(provisioned[0], new)
        return provisioned

    return updated


def _owner(apis: Any) -> Callable[[str], tuple[str, str] | None]:
    def owner(api: str) -> tuple[str, str] | None:
        return next(((account, region) for (account, region, one), _ in apis.all_items() if one == api), None)

    return owner


def install() -> None:
    """Teach MiniStack's CloudFormation the Body of an HTTP API, and let anybody call any API."""
    apigateway.find_api_scope = _owner(apigateway._apis)
    apigateway_v1.find_api_scope = _owner(apigateway_v1._rest_apis)
    handler = provisioners._RESOURCE_HANDLERS[API]
    handler["create"] = _creating(handler["create"])
    handler["update"] = _updating(handler["update"])
