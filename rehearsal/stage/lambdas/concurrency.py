"""Gap of MiniStack: a template's ReservedConcurrentExecutions is ignored, and an alias with weights can be provisioned.

Here the reservation is the function's from its first invoke on, and goes back with a rollback; provisioned concurrency
is refused on an alias that routes to two versions, as Lambda refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from rehearsal.stage.notes import note

FUNCTION = "AWS::Lambda::Function"
RESERVED = "ReservedConcurrentExecutions"

type Json = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, str]]


def _reserve(function: str, properties: Json) -> None:
    if properties.get(RESERVED) is None:
        lambda_svc._delete_function_concurrency(function)
    else:
        lambda_svc._put_function_concurrency(function, {RESERVED: int(properties[RESERVED])})


def _creating(create: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def created(logical_id: str, properties: Json, stack: str) -> Provisioned:
        provisioned = create(logical_id, properties, stack)
        _reserve(provisioned[0], properties)
        return provisioned

    return created


def _updating(update: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def updated(function: str, old: Json, new: Json, stack: str, logical_id: str | None = None) -> Provisioned:
        provisioned = update(function, old, new, stack, logical_id)
        if old.get(RESERVED) != new.get(RESERVED):  # what was set by the API stays
            _reserve(provisioned[0], new)
        return provisioned

    return updated


def _routed(function: str, qualifier: str) -> bool:
    record = lambda_svc._functions.get(function) or {}
    routing = record.get("aliases", {}).get(qualifier, {}).get("RoutingConfig") or {}
    return bool(routing.get("AdditionalVersionWeights"))


def _provisioning(put: Callable[..., Any]) -> Callable[..., Any]:
    def provision(function: str, qualifier: str, data: Json) -> Any:
        if _routed(function, qualifier):
            said = "Alias with weights can not be used with Provisioned Concurrency"  # reported by users
            return lambda_svc.error_response_json("InvalidParameterValueException", said, 400)
        note(f"provisioned concurrency of {function}:{qualifier} is kept, but no environment is started ahead of time")
        return put(function, qualifier, data)

    return provision


def install() -> None:
    """Teach MiniStack's CloudFormation and Lambda both kinds of concurrency."""
    handler = provisioners._RESOURCE_HANDLERS[FUNCTION]
    handler["create"] = _creating(handler["create"])
    handler["update"] = _updating(handler["update"])
    lambda_svc._put_provisioned_concurrency = _provisioning(lambda_svc._put_provisioned_concurrency)
