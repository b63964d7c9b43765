"""Gap of MiniStack: the address of an API or a function URL is a host name that leads nowhere on this machine.

Here a note gives an address that works, with each API stage and each function URL that a template makes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

from rehearsal.stage.notes import note

type Properties = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, str]]

STAGES = {"AWS::ApiGateway::Stage": "RestApiId", "AWS::ApiGatewayV2::Stage": "ApiId"}
URL = "AWS::Lambda::Url"


def of_stage(endpoint: str, api: str, stage: str) -> str:
    return f"{endpoint}/_aws/execute-api/{api}/{stage}/"


def of_url(endpoint: str, function_url: str) -> str:
    """The address of a function URL as `https://abc.lambda-url.eu-west-1.on.aws/`."""
    return f"{endpoint}/_aws/lambda-url/{function_url.partition('://')[2].partition('.')[0]}/"


def _noting(create: Callable[..., Provisioned], address: Callable[[Properties, Provisioned], str]) -> Any:
    @functools.wraps(create)
    def created(logical_id: str, properties: Properties, stack: str) -> Provisioned:
        provisioned = create(logical_id, properties, stack)
        note(f"{logical_id} of {stack} answers on {address(properties, provisioned)}")
        return provisioned

    return created


def install(endpoint: str) -> None:
    """Once. `endpoint` is the local AWS's own, without a slash at its end."""
    handlers = provisioners._RESOURCE_HANDLERS
    for kind, member in STAGES.items():

        def staged(properties: Properties, _: Provisioned, member: str = member) -> str:
            return of_stage(endpoint, str(properties.get(member)), str(properties.get("StageName")))

        handlers[kind]["create"] = _noting(handlers[kind]["create"], staged)

    def behind(_: Properties, provisioned: Provisioned) -> str:
        return of_url(endpoint, provisioned[1]["FunctionUrl"])

    handlers[URL]["create"] = _noting(handlers[URL]["create"], behind)
