"""Gap of MiniStack: ListLayerVersions and GetLayerVersion take a layer's name alone, and `sam sync` gives its ARN."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

NAMED = ("_list_layer_versions", "_get_layer_version", "_delete_layer_version", "_publish_layer_version")


def name(layer: str) -> str:
    """The name of a layer that is given by its name or by its ARN, with a version or without."""
    parts = layer.split(":")
    return parts[6] if layer.startswith("arn:") and len(parts) > 6 else layer


def _by_name(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def called(layer: str, *rest: Any) -> Any:
        return call(name(layer), *rest)

    return called


def install() -> None:
    """Once."""
    for operation in NAMED:
        setattr(lambda_svc, operation, _by_name(getattr(lambda_svc, operation)))
