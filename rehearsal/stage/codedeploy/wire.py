"""MiniStack has no CodeDeploy: this speaks its protocol, JSON 1.1 `CodeDeploy_20141006.*`, for the Lambda half.

What isn't here is refused by name.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import paging, registry, shapes, tags
from .errors import ApiError
from .model import Deployment
from .registry import Application
from .service import Service
from .shapes import Json, required

log = logging.getLogger("codedeploy")

PREFIX = "CodeDeploy_20141006."
MOST_IN_A_BATCH = 25
MOST_APPLICATIONS_OR_GROUPS = 100
STATUSES = ("Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready")

type Answer = tuple[int, dict[str, str], bytes]
type Operation = Callable[[Json], Json]


@dataclass(frozen=True)
class Wire:
    """A method that takes a request and returns a response for each operation, by its name in snake case."""

    service: Service

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

    def create_application(self, request: Json) -> Json:
        platform = request.get("computePlatform", "Server")
        if platform != "Lambda":
            raise ApiError("InvalidComputePlatformException", f"The stage's platform is Lambda, not {platform}.")
        application = Application(required(request, "applicationName"), self.service.clock.epoch())
        self.service.registry.add_application(application)
        self.service.tags.add(tags.arn_of(self.service.scope, application.name), request.get("tags") or ())
        return {"applicationId": application.id}

    def get_application(self, request: Json) -> Json:
        return {
            "application": shapes.application_json(
                self.service.registry.application(required(request, "applicationName"))
            )
        }

    def batch_get_applications(self, request: Json) -> Json:
        names = _batch(request, "applicationNames", "ApplicationName", MOST_APPLICATIONS_OR_GROUPS)
        found = [self.service.registry.application(name) for name in names]
        return {"applicationsInfo": [shapes.application_json(application) for application in found]}

    def update_application(self, request: Json) -> Json:
        name = required(request, "applicationName")
        self.service.registry.application(name)
        if new := request.get("newApplicationName"):
            self.service.rename_application(name, str(new))
        return {}

    def list_applications(self, request: Json) -> Json:
        return self._page("applications", [one.name for one in self.service.registry.applications()], request)

    def delete_application(self, request: Json) -> Json:
        self.service.registry.remove_application(required(request, "applicationName"))
        return {}

    def create_deployment_group(self, request: Json) -> Json:
        group = shapes.group(request)
        self.service.registry.add_group(group)
        self.service.tags.add(tags.arn_of(self.service.scope, group.application, group.name), request.get("tags") or ())
        return {"deploymentGroupId": group.id}

    def get_deployment_group(self, request: Json) -> Json:
        group = self.service.registry.group(
            required(request, "applicationName"), required(request, "deploymentGroupName")
        )
        return {"deploymentGroupInfo": shapes.group_json(group, self._of(group.application, group.name))}

    def batch_get_deployment_groups(self, request: Json) -> Json:
        """Names that no group has are left out, and `errorMessage` says so. ? The text is the stage's own."""
        application = required(request, "applicationName")
        known = {group.name: group for group in self.service.registry.groups(application)}
        names = _batch(request, "deploymentGroupNames", "DeploymentGroupName", MOST_APPLICATIONS_OR_GROUPS)
        missing = [name for name in names if name not in known]
        found = [known[name] for name in names if name in known]
        return {
            "deploymentGroupsInfo": [shapes.group_json(group, self._of(application, group.name)) for group in found],
            **({"errorMessage": f"No Deployment Group found for name: {', '.join(missing)}"} if missing else {}),
        }

    def update_deployment_group(self, request: Json) -> Json:
        name = required(request, "currentDeploymentGroupName")
        old = self.service.registry.group(required(request, "applicationName"), name)
        self.service.change_group(name, shapes.group(request, old))
        return {"hooksNotCleanedUp": []}

    def delete_deployment_group(self, request: Json) -> Json:
        self.service.registry.remove_group(
            required(request, "applicationName"), required(request, "deploymentGroupName")
        )
        return {"hooksNotCleanedUp": []}

    def list_deployment_groups(self, request: Json) -> Json:
        application = required(request, "applicationName")
        groups = self.service.registry.groups(application)
        return {
            "applicationName": application,
            **self._page("deploymentGroups", [group.name for group in groups], request),
        }

    def create_deployment_config(self, request: Json) -> Json:
        platform = request.get("computePlatform", "Server")
        if platform != "Lambda":
            raise ApiError("InvalidComputePlatformException", f"The stage's platform is Lambda, not {platform}.")
        config = registry.Config(
            required(request, "deploymentConfigName"),
            shapes.routing(request.get("trafficRoutingConfig")),
            self.service.clock.epoch(),
        )
        self.service.registry.add_config(config)
        return {"deploymentConfigId": config.id}

    def get_deployment_config(self, request: Json) -> Json:
        config = self.service.registry.config(required(request, "deploymentConfigName"))
        return {"deploymentConfigInfo": shapes.config_json(config)}

    def list_deployment_configs(self, request: Json) -> Json:
        names = [config.name for config in self.service.registry.configs()]
        return self._page("deploymentConfigsList", names, request)

    def delete_deployment_config(self, request: Json) -> Json:
        self.service.registry.remove_config(required(request, "deploymentConfigName"))
        return {}

    def create_deployment(self, request: Json) -> Json:
        alarms, rollback = request.get("overrideAlarmConfiguration"), request.get("autoRollbackConfiguration")
        return {
            "deploymentId": self.service.create_deployment(
                required(request, "applicationName"),
                required(request, "deploymentGroupName"),
                shapes.revision(request.get("revision")),
                config=request.get("deploymentConfigName"),
                description=request.get("description", ""),
                alarms=shapes.alarms_of(alarms) if alarms is not None else None,
                auto_rollback=shapes.rollback_of(rollback) if rollback is not None else None,
            )
        }

    def get_deployment(self, request: Json) -> Json:
        return {"deploymentInfo": self._info(self.service.deployment(required(request, "deploymentId")))}

    def batch_get_deployments(self, request: Json) -> Json:
        ids = _batch(request, "deploymentIds", "DeploymentId", MOST_IN_A_BATCH)
        known = {one.id: one for one in self.service.deployments()}
        return {"deploymentsInfo": [self._info(known[one]) for one in ids if one in known]}

    def list_deployments(self, request: Json) -> Json:
        application, group = request.get("applicationName"), request.get("deploymentGroupName")
        if group and not application:
            raise ApiError("ApplicationNameRequiredException", "The applicationName is required.")
        if application and group:
            self.service.registry.group(application, group)
        elif application:
            self.service.registry.application(application)
        wanted = request.get("includeOnlyStatuses") or STATUSES
        if strange := sorted(set(wanted) - set(STATUSES)):
            raise ApiError("InvalidDeploymentStatusException", f"{strange[0]} is no status: {', '.join(STATUSES)}.")
        span = request.get("createTimeRange") or {}
        start, end = span.get("start") or 0.0, span.get("end") or float("inf")
        if start > end:
            raise ApiError("InvalidTimeRangeException", "The createTimeRange ends before it starts.")
        ids = [one.id for one in self._of(application, group) if one.status in wanted and start <= one.created <= end]
        return self._page("deployments", ids, request)

    def stop_deployment(self, request: Json) -> Json:
        rollback = request.get("autoRollbackEnabled")
        self.service.stop(required(request, "deploymentId"), None if rollback is None else bool(rollback))
        return {"status": "Pending", "statusMessage": "The deployment is being stopped."}

    def get_deployment_target(self, request: Json) -> Json:
        deployment = self.service.deployment(required(request, "deploymentId"))
        target = request.get("targetId")
        if not target:
            raise ApiError("DeploymentTargetIdRequiredException", "The targetId is required.")
        return {"deploymentTarget": _target(deployment, target)}

    def list_deployment_targets(self, request: Json) -> Json:
        return {"targetIds": [shapes.target_id(self.service.deployment(required(request, "deploymentId")))]}

    def batch_get_deployment_targets(self, request: Json) -> Json:
        deployment = self.service.deployment(required(request, "deploymentId"))
        targets = request.get("targetIds") or []
        if len(targets) > MOST_IN_A_BATCH:
            raise ApiError("DeploymentTargetListSizeExceededException", f"At most {MOST_IN_A_BATCH} targets a call.")
        return {"deploymentTargets": [_target(deployment, target) for target in targets]}

    def get_application_revision(self, request: Json) -> Json:
        application = required(request, "applicationName")
        asked = request.get("revision") or {}
        text = asked.get("string") or asked.get("appSpecContent") or {}
        found = self.service.revision(application, content=text.get("content"), sha256=text.get("sha256"))
        users = sorted({one.group for one in self._of(application, None) if one.revision == found})
        times = [one.created for one in self._of(application, None) if one.revision == found]
        return {
            "applicationName": application,
            "revision": shapes.revision_json(found),
            "revisionInfo": {
                "description": "Application revision registered by Deployment",
                "deploymentGroups": users,
                "firstUsedTime": min(times),
                "lastUsedTime": max(times),
                "registerTime": min(times),
            },
        }

    def put_lifecycle_event_hook_execution_status(self, request: Json) -> Json:
        deployment = required(request, "deploymentId")
        execution, status = request.get("lifecycleEventHookExecutionId"), request.get("status")
        if status not in ("Succeeded", "Failed"):
            raise ApiError(
                "InvalidLifecycleEventHookExecutionStatusException",
                f"A hook answers Succeeded or Failed, not {status}.",
            )
        self.service.answer_hook(deployment, str(execution or ""), status == "Succeeded")
        return {"lifecycleEventHookExecutionId": execution}

    def tag_resource(self, request: Json) -> Json:
        if not request.get("Tags"):
            raise ApiError("TagRequiredException", "The Tags are required.")
        self.service.tags.add(self._tagged(request), request["Tags"])
        return {}

    def untag_resource(self, request: Json) -> Json:
        self.service.tags.remove(self._tagged(request), request.get("TagKeys") or ())
        return {}

    def list_tags_for_resource(self, request: Json) -> Json:
        found = self.service.tags.of(self._tagged(request))
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    def _tagged(self, request: Json) -> str:
        return tags.check(required(request, "ResourceArn"), self.service.registry)

    def _page(self, member: str, items: list[str], request: Json) -> Json:
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


OPERATIONS: dict[str, Callable[[Wire, Json], Json]] = {
    "".join(part.capitalize() for part in name.split("_")): method
    for name, method in inspect.getmembers(Wire, inspect.isfunction)
    if not name.startswith("_") and name != "handle_request"
}


def _target(deployment: Deployment, target: str) -> Json:
    """? Whether AWS knows a Lambda target by `function:alias` alone: the stage takes its ARN and the id as well."""
    json = shapes.target_json(deployment)
    if target not in (shapes.target_id(deployment), json["lambdaTarget"]["targetArn"], deployment.id):
        raise ApiError("DeploymentTargetDoesNotExistException", f"Deployment {deployment.id} has no target {target}.")
    return json


def _batch(request: Json, member: str, what: str, most: int) -> list[str]:
    names = [str(name) for name in request.get(member) or ()]
    if not names:
        raise ApiError(f"{what}RequiredException", f"The {member} are required.")
    if len(names) > most:
        raise ApiError("BatchLimitExceededException", f"At most {most} {member} a call.")
    return names


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
