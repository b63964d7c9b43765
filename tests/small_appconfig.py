"""AppConfig's client as far as Seatrial uses it: moto knows no environments, deployments or listings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

BEGAN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ARNS = "arn:aws:appconfig:eu-west-1:123456789012"
PAGE = 2
"""So many items has a page: enough to need a second one."""


def _refused(operation: str, code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class SmallAppConfig:
    """One application `shop` with the environment `production` and the profiles `checkout` and `other`."""

    def __init__(self) -> None:
        self.applications = [{"Id": "app1", "Name": "shop"}]
        self.environments = [{"Id": "env1", "Name": "production"}]
        self.profiles = [{"Id": "pro1", "Name": "checkout"}, {"Id": "pro2", "Name": "other"}]
        self.deployments: list[dict[str, Any]] = []
        self.tags = {f"{ARNS}:application/app1": True, f"{ARNS}:application/app1/environment/env1": True}
        self.stops: list[int] = []
        self.refusal = ""

    def deploys(
        self,
        version: str,
        state: str,
        *,
        profile: str = "pro1",
        started: datetime = BEGAN,
        completed: datetime | None = None,
    ) -> int:
        number = len(self.deployments) + 1
        self.deployments.append(
            {
                "DeploymentNumber": number,
                "ConfigurationProfileId": profile,
                "ConfigurationVersion": version,
                "State": state,
                "StartedAt": started,
                **({"CompletedAt": completed} if completed else {}),
            }
        )
        return number

    def list_applications(self, **asked: str) -> dict[str, Any]:
        return self._page(self.applications, **asked)

    def list_environments(self, *, ApplicationId: str, **asked: str) -> dict[str, Any]:  # noqa: N803
        return self._page(self.environments, **asked)

    def list_configuration_profiles(self, *, ApplicationId: str, **asked: str) -> dict[str, Any]:  # noqa: N803
        return self._page(self.profiles, **asked)

    def list_deployments(self, *, ApplicationId: str, EnvironmentId: str, **asked: str) -> dict[str, Any]:  # noqa: N803
        return self._page(self.deployments[::-1], **asked)

    def list_tags_for_resource(self, *, ResourceArn: str) -> dict[str, Any]:  # noqa: N803
        if not self.tags.get(ResourceArn):
            raise _refused("ListTagsForResource", "AccessDeniedException")
        return {"Tags": {"seatrial": "released"}}

    def get_deployment(self, *, DeploymentNumber: int, **_: str) -> dict[str, Any]:  # noqa: N803
        return self.deployments[DeploymentNumber - 1]

    def stop_deployment(self, *, DeploymentNumber: int, AllowRevert: bool, **_: str) -> dict[str, Any]:  # noqa: N803
        """As the API reference says: a running one is rolled back, a finished one reverted; all else is refused."""
        found = self.deployments[DeploymentNumber - 1]
        if self.refusal:
            raise _refused("StopDeployment", "BadRequestException", self.refusal)
        if found["State"] in ("ROLLED_BACK", "REVERTED", "ROLLING_BACK"):
            raise _refused("StopDeployment", "BadRequestException", f"it is {found['State']}")
        assert AllowRevert
        found["State"] = "REVERTED" if found["State"] == "COMPLETE" else "ROLLED_BACK"
        self.stops.append(DeploymentNumber)
        return found

    @staticmethod
    def _page(items: list[dict[str, Any]], NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        start = int(NextToken)
        more = {"NextToken": str(start + PAGE)} if start + PAGE < len(items) else {}
        return {"Items": items[start : start + PAGE], **more}
