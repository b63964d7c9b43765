"""Gap of MiniStack: a CloudFront distribution takes any function.

Here it takes a numbered version, as Lambda@Edge does. An alias is refused in CloudFront's words.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.services import cloudfront
from ministack.services.cloudformation import provisioners

DISTRIBUTION = "AWS::CloudFront::Distribution"
_IN_XML = re.compile(rb"<LambdaFunctionARN>\s*(.*?)\s*</LambdaFunctionARN>")


def problem(arn: str) -> str | None:
    """Why a distribution can't have this function, in CloudFront's words; None where it can."""
    if arn.count(":") == 7 and arn.rpartition(":")[2].isdigit():
        return None
    return (
        "The function ARN must reference a specific function version. (The ARN must end with the version number.) "
        f"ARN: {arn}"
    )


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(arn := node.get("LambdaFunctionARN"), str):
            yield arn
        for value in node.values():
            yield from _functions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _functions(value)


def _checked(provision: Callable[..., Any], properties: int) -> Callable[..., Any]:
    """`properties` is which argument the new properties are."""

    @functools.wraps(provision)
    def provisioned(*arguments: Any) -> Any:
        for arn in _functions(arguments[properties]):
            if (said := problem(arn)) is not None:
                raise ValueError(f"Invalid request provided: {said}")
        return provision(*arguments)

    return provisioned


def _refusing(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def called(*arguments: Any) -> Any:
        for arn in _IN_XML.findall(arguments[-1] or b""):
            if (said := problem(arn.decode())) is not None:
                return cloudfront._error("InvalidLambdaFunctionAssociation", said, 400)
        return call(*arguments)

    return called


def install() -> None:
    """Once, before the first distribution."""
    handler = provisioners._RESOURCE_HANDLERS[DISTRIBUTION]
    handler["create"], handler["update"] = _checked(handler["create"], 1), _checked(handler["update"], 2)
    for name in ("_create_distribution", "_update_distribution"):
        setattr(cloudfront, name, _refusing(getattr(cloudfront, name)))
