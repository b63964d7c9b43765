"""MiniStack has no CodeDeploy: this speaks its protocol, JSON 1.1 `CodeDeploy_20141006.*`, for the Lambda half.

What isn't here is refused by name.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from .deployment_calls import DeploymentCalls
from .errors import ApiError
from .registry_calls import RegistryCalls
from .revision_calls import RevisionCalls
from .shapes import Json

log = logging.getLogger("codedeploy")

PREFIX = "CodeDeploy_20141006."

type Answer = tuple[int, dict[str, str], bytes]
type Operation = Callable[[Json], Json]


class Wire(RegistryCalls, DeploymentCalls, RevisionCalls):
    """A method that takes a request and returns a response for each operation, by its name in snake case."""

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Answer:
        """What MiniStack calls, with the account and Region of the request in its context variables."""
        target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
        name = target.removeprefix(PREFIX)
        try:
            if self.service.is_down:
                return _answer(
                    503, {"__type": "ServiceUnavailable", "message": "CodeDeploy restarts."}, "ServiceUnavailable"
                )
            operation = OPERATIONS.get(name)
            if operation is None:
                raise ApiError(
                    "InvalidOperationException", f"The stage's CodeDeploy does not do {name or 'a call without target'}"
                )
            return _answer(200, operation(self, _request(body)))
        except ApiError as error:
            return _answer(400, {"__type": error.name, "message": error.message}, error.name)
        except Exception as error:
            log.exception("%s", name)
            return _answer(500, {"__type": "InternalFailure", "message": f"{name}: {error}"}, "InternalFailure")


OPERATIONS: dict[str, Callable[[Wire, Json], Json]] = {
    "".join(part.capitalize() for part in name.split("_")): method
    for name, method in inspect.getmembers(Wire, inspect.isfunction)
    if not name.startswith("_") and name != "handle_request"
}


def _request(body: bytes) -> Json:
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("InvalidInputException", f"The request is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise ApiError("InvalidInputException", "The request must be a JSON object.")
    return request


def _answer(status: int, body: Json, error: str | None = None) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    if error:
        headers["x-amzn-ErrorType"] = error
    return status, headers, json.dumps(body).encode()
