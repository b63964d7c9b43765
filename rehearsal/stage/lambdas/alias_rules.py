"""Gap of MiniStack: CreateAlias and UpdateAlias take any version and any weights.

Here an alias that Lambda would not accept is refused, in the words that were recorded on AWS. So is one that would
route to a version whose SnapStart initialization failed.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

from ministack.services import lambda_svc

from rehearsal.stage.lambdas import versions

type Answer = tuple[int, dict[str, str], bytes]


def problem(
    arn: str, versions: Collection[str], main: str, weights: Mapping[str, float]
) -> tuple[str, str, int] | None:
    """Code, message and HTTP status of what is wrong with an alias of this main version and these weights, or None."""
    invalid = "InvalidParameterValueException"
    if len(weights) > 1:
        return invalid, "Number of items in AdditionalVersionWeights cannot be greater than 1", 400
    if main in weights:
        already = f"Function version {main} is already included in routing configuration."
        return invalid, f"Invalid function version {main}. {already}", 400
    missing = next((one for one in (main, *weights) if one != "$LATEST" and one not in versions), None)
    return ("ResourceNotFoundException", f"Function not found: {arn}:{missing}", 404) if missing else None


def install() -> None:
    """Put the check before MiniStack's own two operations."""
    update, create = lambda_svc._update_alias, lambda_svc._create_alias

    @functools.wraps(update)
    def checked_update(function: str, alias: str, data: dict[str, Any]) -> Answer:
        record = lambda_svc._functions.get(function)
        now = (record or {}).get("aliases", {}).get(alias, {})
        return _checked(function, record, {**now, **data}) or update(function, alias, data)

    @functools.wraps(create)
    def checked_create(function: str, data: dict[str, Any]) -> Answer:
        return _checked(function, lambda_svc._functions.get(function), data) or create(function, data)

    lambda_svc._update_alias, lambda_svc._create_alias = checked_update, checked_create


def _checked(function: str, record: Mapping[str, Any] | None, alias: Mapping[str, Any]) -> Answer | None:
    """The refusal, or None: also for a function that is not there, of which MiniStack speaks itself."""
    if record is None:
        return None
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    main = str(alias.get("FunctionVersion", "$LATEST"))
    arn = lambda_svc._func_arn(function)
    if found := problem(arn, record["versions"], main, weights):
        return lambda_svc.error_response_json(*found)  # type: ignore[no-any-return]
    configs = ((one, record["versions"][one]["config"]) for one in (main, *weights) if one in record["versions"])
    return next((said for one, config in configs if (said := versions.not_active(config, f"{arn}:{one}"))), None)
