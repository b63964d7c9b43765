"""What the operations of CodeDeploy's API have in common. A class has those of one subject, in snake case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import paging, shapes
from .errors import ApiError
from .model import Deployment
from .service import Service
from .shapes import Json

MOST_IN_A_BATCH = 25


@dataclass(frozen=True)
class Calls:
    """Every public method takes a request and returns a response."""

    service: Service

    def _page(self, member: str, items: Sequence[str], request: Json) -> Json:
        found, token = paging.page(items, request.get("nextToken"), self.service.behaviour.page)
        return {member: found, **({"nextToken": token} if token else {})}

    def _of(self, application: str | None, group: str | None) -> list[Deployment]:
        """The deployments of an application and a group, newest first; None is any."""
        return [
            one
            for one in self.service.deployments()
            if application in (None, one.application) and group in (None, one.group)
        ]

    def _info(self, deployment: Deployment) -> Json:
        return shapes.deployment_json(deployment, content=self.service.behaviour.revision_in_get_deployment)


def batch(request: Json, member: str, what: str, most: int) -> list[str]:
    """The names or ids of a BatchGet, at least one."""
    names = [str(name) for name in request.get(member) or ()]
    if not names:
        raise ApiError(f"{what}RequiredException", f"The {member} are required.")
    if len(names) > most:
        raise ApiError("BatchLimitExceededException", f"At most {most} {member} a call.")
    return names


def lambda_platform(request: Json) -> None:
    """Raises ApiError for another platform, which is also what nothing said means."""
    platform = request.get("computePlatform", "Server")
    if platform != "Lambda":
        raise ApiError("InvalidComputePlatformException", f"The stage's platform is Lambda, not {platform}.")
