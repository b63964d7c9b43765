"""Gap of MiniStack: APIs and function URLs invoke any function and pass on whatever it returns.

Here they invoke a function only where its resource policy allows it, and a malformed proxy response is the error that
AWS makes of it. A REST API is strict, and so is an HTTP API of payload format 1.0, which responds with 500. Of format
2.0, HTTP APIs and function URLs infer a 200 from valid JSON without statusCode.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://repost.aws/knowledge-center/api-gateway-status-codes-http-api
"""

from __future__ import annotations

import fnmatch
import functools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway, apigateway_v1, lambda_svc

from rehearsal.stage.codedeploy.behaviour import Behaviour
from rehearsal.stage.lambdas.payloads import MOST_BYTES, REQUEST_TOO_LARGE

type Json = Mapping[str, Any]
type Answer = tuple[int, dict[str, str], bytes]

REST, HTTP_1, HTTP, URL = "rest", "http of format 1.0", "http of format 2.0", "url"
ERROR_TEXT = {REST: "Internal server error"} | dict.fromkeys((HTTP_1, HTTP, URL), "Internal Server Error")
ERROR_STATUS = {REST: 502, HTTP_1: 500, HTTP: 500, URL: 502}
"""What users get where a function failed or returned what is no response."""
REST_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_JSON = {"Content-Type": "application/json"}

_door: ContextVar[str | None] = ContextVar("stage_door", default=None)
"""The kind of door that the request which is being served came in by."""


@dataclass(frozen=True)
class Caller:
    """Who invokes a function, as its resource policy knows them; any of `sources` may be allowed."""

    action: str
    service: str | None
    sources: tuple[str, ...] = ()
    url_auth: str | None = None


def malformed(kind: str) -> dict[str, Any]:
    """The proxy response of a function that failed or whose response is malformed."""
    return {"statusCode": ERROR_STATUS[kind], "headers": _JSON, "body": json.dumps({"message": ERROR_TEXT[kind]})}


def response(kind: str, returned: Any, *, null_is_a_response: bool = True) -> dict[str, Any]:
    """The proxy response that a door makes of what a function returned."""
    if not isinstance(returned, dict) or "statusCode" not in returned:
        strict = kind in (REST, HTTP_1) or (returned is None and not null_is_a_response)
        return malformed(kind) if strict else _inferred(returned)
    status, body, headers = returned["statusCode"], returned.get("body"), returned.get("headers")
    if not _is_status(status) or not isinstance(body, str | None) or not isinstance(headers, dict | None):
        return malformed(kind)
    if kind == REST and not returned.keys() <= REST_MEMBERS:
        return malformed(kind)
    return {**returned, "statusCode": int(status), "body": body or ""}


def _inferred(returned: Any) -> dict[str, Any]:
    body = returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False)
    return {"statusCode": 200, "headers": _JSON, "body": body}


def _is_status(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 100 <= int(value) <= 599
    except (TypeError, ValueError):
        return False


def allowed(policy: Json, resource: str, caller: Caller) -> bool:
    """Whether a function's resource policy lets `caller` invoke `resource`, an ARN with or without a qualifier."""
    return any(_allows(one, resource, caller) for one in policy.get("Statement") or ())


def _allows(statement: Json, resource: str, caller: Caller) -> bool:
    if statement.get("Effect") != "Allow" or statement.get("Resource") != resource:
        return False
    given: Any = statement.get("Action") or []
    actions = [str(one) for one in (given if isinstance(given, list) else [given])]
    if not any(fnmatch.fnmatchcase(caller.action, one) for one in actions):
        return False
    principal = statement.get("Principal")
    service: object = principal.get("Service") if isinstance(principal, Mapping) else principal
    if service != "*" and (caller.service is None or service != caller.service):
        return False
    return all(_meets(operator, member, value, caller) for operator, member, value in _conditions(statement))


def _conditions(statement: Json) -> Iterator[tuple[str, str, str]]:
    for operator, members in (statement.get("Condition") or {}).items():
        for member, value in members.items():
            yield operator, member.lower(), str(value)


def _meets(operator: str, member: str, value: str, caller: Caller) -> bool:
    if member == "aws:sourcearn":
        return any(fnmatch.fnmatchcase(one, value) for one in caller.sources)
    if member == "aws:sourceaccount":
        return bool(value == get_account_id())
    if member == "lambda:functionurlauthtype":
        return caller.url_auth == value
    if member == "lambda:invokedviafunctionurl":
        return value == str(caller.url_auth is not None).lower()
    return operator.startswith("String")  # what the stage knows nothing of lets pass


def may_invoke(reference: str, caller: Caller, account: str | None = None, region: str | None = None) -> bool:
    """Whether the function behind a name or an ARN, with or without a qualifier, allows it; True for an unknown one."""
    name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
    if reference.startswith("arn:"):
        account, region = lambda_svc._lambda_function_account_region_from_arn(reference)
    account, region = account or get_account_id(), region or get_region()
    function = lambda_svc._functions.get_scoped(account, region, name)
    if function is None:
        return True
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}" + (f":{qualifier}" if qualifier else "")
    return allowed(function["policy"], arn, caller)


def _of_api(api: str, *paths: str) -> Caller:
    base = f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api}"
    return Caller("lambda:InvokeFunction", "apigateway.amazonaws.com", tuple(f"{base}/{path}" for path in paths))


def _error(kind: str, status: int) -> Answer:
    return status, dict(_JSON), json.dumps({"message": ERROR_TEXT[kind]}).encode()


def _too_long(body: bytes | None) -> Answer | None:
    return (413, dict(_JSON), b'{"message":"Request Too Long"}') if len(body or b"") > MOST_BYTES else None


def _http_door(invoke: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @functools.wraps(invoke)
    async def invoked(
        integration: Json,
        api: str,
        stage: str,
        path: str,
        method: str,
        headers: Json,
        body: bytes,
        query: Json,
        route_key: str = "$default",
        *rest: Any,
        **named: Any,
    ) -> Answer:
        reference = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        route = route_key.replace(" ", "", 1) if " " in route_key else route_key
        caller = _of_api(api, f"{stage}/{method}{path}", f"{stage}/{route}")
        if not integration.get("credentialsArn") and not may_invoke(reference, caller):
            return _error(HTTP, 500)
        if (too_long := _too_long(body)) is not None:
            return too_long
        with _by(HTTP_1 if integration.get("payloadFormatVersion") == "1.0" else HTTP):
            return await invoke(integration, api, stage, path, method, headers, body, query, route_key, *rest, **named)

    return invoked


def _rest_door(invoke: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @functools.wraps(invoke)
    async def invoked(
        integration: Json,
        api: str,
        stage_name: str,
        stage: Json,
        resource: Json,
        path: str,
        method: str,
        headers: Json,
        body: bytes,
        *rest: Any,
        **named: Any,
    ) -> Answer:
        reference = apigateway_v1._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        caller = _of_api(api, f"{stage_name}/{method}{path}", f"{stage_name}/{method}{resource['path']}")
        if not integration.get("credentials") and not may_invoke(reference, caller):
            return _error(REST, 500)
        if (too_long := _too_long(body)) is not None:
            return too_long
        with _by(REST):
            return await invoke(
                integration, api, stage_name, stage, resource, path, method, headers, body, *rest, **named
            )

    return invoked


def _url_door(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @functools.wraps(handle)
    async def handled(
        url: str, method: str, path: str, headers: Json, body: bytes, query: Json, *rest: Any, **named: Any
    ) -> Answer:
        """A signed request of the same account needs an identity policy alone, which the stage does not look at."""
        resolved = lambda_svc.resolve_function_url(url)
        if resolved is not None and resolved[4].get("AuthType", "NONE") == "NONE":
            account, region, name, qualifier, _ = resolved
            reference = f"{name}:{qualifier}" if qualifier else name
            caller = Caller("lambda:InvokeFunctionUrl", None, url_auth="NONE")
            if not may_invoke(reference, caller, account, region):
                return 403, {**_JSON, "x-amzn-ErrorType": "AccessDeniedException"}, b'{"Message":"Forbidden"}'
        if len(body or b"") > MOST_BYTES:
            return 413, dict(_JSON), json.dumps({"Message": REQUEST_TOO_LARGE.format(MOST_BYTES)}).encode()
        with _by(URL):
            return await handle(url, method, path, headers, body, query, *rest, **named)

    return handled


class _by:  # noqa: N801
    """`with _by(HTTP):` what is served comes in by this kind of door."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        self._token = _door.set(self._kind)

    def __exit__(self, *_: object) -> None:
        _door.reset(self._token)


def _shaped(shape: Callable[[Json], Any], behaviour: Callable[[], Behaviour]) -> Callable[[Json], Any]:
    @functools.wraps(shape)
    def shaped(result: Json) -> Any:
        kind = _door.get()
        if kind is None or result.get("throttle"):
            return shape(result)
        if result.get("error"):
            return malformed(kind), None
        return response(kind, result.get("body"), null_is_a_response=behaviour().null_is_a_response), None

    return shaped


def install(behaviour: Callable[[], Behaviour] = Behaviour) -> None:
    """Put this before MiniStack's own doors; once."""
    apigateway._invoke_lambda_proxy = _http_door(apigateway._invoke_lambda_proxy)
    apigateway_v1._invoke_lambda_proxy_v1 = _rest_door(apigateway_v1._invoke_lambda_proxy_v1)
    lambda_svc.handle_function_url_request = _url_door(lambda_svc.handle_function_url_request)
    shape = _shaped(lambda_svc.lambda_execute_result_to_api_proxy_response, behaviour)
    lambda_svc.lambda_execute_result_to_api_proxy_response = shape
    apigateway_v1._lambda_proxy_response = lambda result: shape(result)
