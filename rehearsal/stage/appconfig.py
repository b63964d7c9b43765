"""Gap of MiniStack: ListDeployments gives the oldest fifty, oldest first, without their profiles and a next page.

Here it gives the newest first, each with its profile, page by page, as on AWS. And a call about a deployment is
authorized against application, environment and deployment, not against the environment alone (service authorization
reference of AppConfig).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from ministack.services import appconfig

from rehearsal.stage.codedeploy.behaviour import Behaviour

type Answer = tuple[int, dict[str, str], bytes]

_MOST = 50
_PATH = re.compile(r"/applications/([^/]+)(?:/environments/([^/]+))?(?:/deployments/(\d+))?")


def install(behaviour: Callable[[], Behaviour] = Behaviour) -> None:
    """`behaviour` are the stage's switches as they are now."""
    appconfig._list_deployments = _newest_first(appconfig._list_deployments)
    appconfig._stop_deployment = _stopped(appconfig._stop_deployment, behaviour)


def resources(path: str, account: str, region: str) -> list[str]:
    """What a call is authorized against: all of them must be allowed."""
    if path.startswith("/tags/"):
        return [unquote(path.removeprefix("/tags/"))]
    found = _PATH.match(path)
    if found is None:
        return ["*"]
    application, environment, deployment = found.groups()
    named = [f"arn:aws:appconfig:{region}:{account}:application/{application}"]
    if environment:
        named.append(f"{named[0]}/environment/{environment}")
    if deployment:
        named.append(f"{named[1]}/deployment/{deployment}")
    return named


def tags(resource: str) -> dict[str, str]:
    return dict(appconfig._tags.get(resource, {}))


def _newest_first(oldest_first: Callable[[str, str, Mapping[str, Any]], Answer]) -> Callable[..., Answer]:
    def listed(application: str, environment: str, query: Mapping[str, Any]) -> Answer:
        status, headers, body = oldest_first(application, environment, {**query, "max_results": "1000000"})
        if status != 200:
            return status, headers, body
        items = json.loads(body)["Items"][::-1]
        for item in items:
            record = appconfig._deployments[f"{application}/{environment}/{item['DeploymentNumber']}"]
            item["ConfigurationProfileId"] = record["ConfigurationProfileId"]
        begin, size = int(query.get("next_token", 0)), int(query.get("max_results", _MOST))
        more = {"NextToken": str(begin + size)} if begin + size < len(items) else {}
        page: Answer = appconfig._json(200, {"Items": items[begin : begin + size], **more})
        return page

    return listed


def _stopped(stop: Callable[..., Answer], behaviour: Callable[[], Behaviour]) -> Callable[..., Answer]:
    """By its switch, a deployment that bakes is not stopped, though it could be reverted once it is complete."""

    def stopped(application: str, environment: str, number: str, allow_revert: bool = False) -> Answer:
        appconfig._refresh_environment(application, environment)
        record = appconfig._deployments.get(f"{application}/{environment}/{number}") or {}
        if record.get("State") == "BAKING" and not behaviour().flag_stops_while_it_bakes:
            refused: Answer = appconfig._error(
                400, "BadRequestException", f"Deployment {number} is in state BAKING and cannot be stopped."
            )
            return refused
        return stop(application, environment, number, allow_revert)

    return stopped
