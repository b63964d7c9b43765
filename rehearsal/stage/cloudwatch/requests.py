"""Requests and answers in the three protocols that CloudWatch's clients speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch


def unflattened(params: Mapping[str, Any]) -> dict[str, Any]:
    """A request of the Query protocol (`A.member.1.B=c`) as the nested one of the others, all values being text."""
    root: dict[str, Any] = {}
    for name in params:
        parts = [part for part in name.split(".") if part != "member"]
        at = root
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = cloudwatch._p(params, name)
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(inner) for key, inner in value.items()}


def request_of(params: Mapping[str, Any], data: Mapping[str, Any], is_cbor: bool, is_json: bool) -> Mapping[str, Any]:
    """What was asked, whichever the protocol."""
    return data if is_cbor or is_json else unflattened(params)


def answer(operation: str, body: Mapping[str, Any], xml: str, is_cbor: bool, is_json: bool) -> Any:
    """A good answer: `body` for CBOR and JSON, `xml` for the Query protocol."""
    if is_cbor:
        return cloudwatch._cbor_ok(body)
    if is_json:
        return cloudwatch._json_ok(body)
    return cloudwatch._xml(200, f"{operation}Response", f"<{operation}Result>{xml}</{operation}Result>" if xml else "")


def refusal(code: str, problem: str, is_cbor: bool, is_json: bool) -> Any:
    return cloudwatch._error(code, problem, 400, use_json=is_json, use_cbor=is_cbor)
