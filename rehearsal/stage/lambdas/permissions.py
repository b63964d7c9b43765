"""Gap of MiniStack: a permission for a function or alias that does not exist is created, and is nowhere.

Here AWS::Lambda::Permission fails as AddPermission does, so that a missing DependsOn is found.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

type Provisioned = tuple[str, dict[str, str]]

PERMISSION = "AWS::Lambda::Permission"


def missing(reference: str) -> str | None:
    """What a permission's FunctionName names that is not there, in Lambda's words; None where it is there."""
    name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
    function, arn = lambda_svc._functions.get(name), lambda_svc._func_arn(name)
    if function is None:
        return f"Function not found: {arn}"
    if not qualifier or qualifier == "$LATEST" or qualifier in function["versions"] or qualifier in function["aliases"]:
        return None
    return (
        f"Function not found: {arn}:{qualifier}" if qualifier.isdigit() else f"Cannot find alias arn: {arn}:{qualifier}"
    )


def _checked(create: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    @functools.wraps(create)
    def created(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
        if (said := missing(str(properties.get("FunctionName", "")))) is not None:
            answer = f"{said} (Service: Lambda, Status Code: 404, Request ID: {uuid.uuid4()})"
            raise ValueError(
                f'Resource handler returned message: "{answer}" '
                f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: NotFound)"
            )
        return create(logical_id, properties, stack)

    return created


def install() -> None:
    """Once, before the first permission of a template. MiniStack's update creates by the name that is replaced here."""
    created = _checked(provisioners._lambda_permission_create)
    provisioners._lambda_permission_create = created
    provisioners._RESOURCE_HANDLERS[PERMISSION]["create"] = created
