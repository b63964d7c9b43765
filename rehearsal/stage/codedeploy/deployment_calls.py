"""CodeDeploy's API of deployments, their targets and the answers of hooks."""

from __future__ import annotations

from . import shapes
from .calls import MOST_IN_A_BATCH, Calls, batch
from .errors import ApiError
from .model import Deployment
from .shapes import Json, required

STATUSES = ("Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready")

# What CreateDeployment may say for servers alone, with the error that the API reference names for Lambda.
SERVERS_ALONE = {
    "targetInstances": "InvalidTargetInstancesException",
    "updateOutdatedInstancesOnly": "InvalidUpdateOutdatedInstancesOnlyValueException",
    "ignoreApplicationStopFailures": "InvalidIgnoreApplicationStopFailuresValueException",
    "fileExistsBehavior": "InvalidFileExistsBehaviorException",
    "deploymentMode": "InvalidInputException",
}
# What CodeDeploy does without being asked, so that saying it changes nothing.
USUAL = {"fileExistsBehavior": "DISALLOW", "deploymentMode": "STANDARD"}


class DeploymentCalls(Calls):
    def create_deployment(self, request: Json) -> Json:
        alarms, rollback = request.get("overrideAlarmConfiguration"), request.get("autoRollbackConfiguration")
        for member, error in SERVERS_ALONE.items():
            if request.get(member) and request[member] != USUAL.get(member):
                raise ApiError(error, f"A deployment of the Lambda platform takes no {member}.")
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
        ids = batch(request, "deploymentIds", "DeploymentId", MOST_IN_A_BATCH)
        known = {one.id: one for one in self.service.deployments()}
        return {"deploymentsInfo": [self._info(known[one]) for one in ids if one in known]}

    def list_deployments(self, request: Json) -> Json:
        """Newest first. An external id is that of a CloudFormation hook for ECS: no Lambda deployment has one."""
        application, group = request.get("applicationName"), request.get("deploymentGroupName")
        if application or group:
            self.service.registry.group(required(request, "applicationName"), required(request, "deploymentGroupName"))
        wanted = request.get("includeOnlyStatuses") or STATUSES
        if strange := sorted(set(wanted) - set(STATUSES)):
            raise ApiError("InvalidDeploymentStatusException", f"{strange[0]} is no status: {', '.join(STATUSES)}.")
        span = request.get("createTimeRange") or {}
        start, end = span.get("start") or 0.0, span.get("end") or float("inf")
        if start > end:
            raise ApiError("InvalidTimeRangeException", "The createTimeRange ends before it starts.")
        listed = [] if request.get("externalId") else self._of(application, group)
        # A caller's times are stage time where they come from a deployment, or wall time. A clock that is advanced by
        # hand has left the wall's: there they are stage time.
        clock = self.service.clock
        spans = [(start, end)]
        if not clock.manual:
            spans += [(clock.at(start) if start else start, clock.at(end) if end != float("inf") else end)]
        ids = [one.id for one in listed if one.status in wanted and any(a <= one.created <= b for a, b in spans)]
        return self._page("deployments", ids, request)

    def stop_deployment(self, request: Json) -> Json:
        rollback = request.get("autoRollbackEnabled")
        self.service.stop(required(request, "deploymentId"), None if rollback is None else bool(rollback))
        return {"status": "Pending", "statusMessage": "The deployment is being stopped."}

    def get_deployment_target(self, request: Json) -> Json:
        deployment = self._started(request)
        return {"deploymentTarget": _target(deployment, required(request, "targetId"))}

    def list_deployment_targets(self, request: Json) -> Json:
        deployment, filters = self._started(request), request.get("targetFilters") or {}
        if strange := sorted(set(filters) - {"TargetStatus", "ServerInstanceLabel"}):
            raise ApiError("InvalidTargetFilterNameException", f"{strange[0]} is no filter of targets.")
        if "ServerInstanceLabel" in filters:
            raise ApiError("InvalidInstanceTypeException", "A Lambda target has no ServerInstanceLabel.")
        wanted = filters.get("TargetStatus")
        status = shapes.target_json(deployment)["lambdaTarget"]["status"]
        return self._page(
            "targetIds", [shapes.target_id(deployment)] if not wanted or status in wanted else [], request
        )

    def batch_get_deployment_targets(self, request: Json) -> Json:
        deployment, targets = self._started(request), request.get("targetIds") or []
        if not targets:
            raise ApiError("DeploymentTargetIdRequiredException", "The targetIds are required.")
        if len(targets) > MOST_IN_A_BATCH:
            raise ApiError("DeploymentTargetListSizeExceededException", f"At most {MOST_IN_A_BATCH} targets a call.")
        return {"deploymentTargets": [_target(deployment, target) for target in targets]}

    def _started(self, request: Json) -> Deployment:
        deployment = self.service.deployment(required(request, "deploymentId"))
        if deployment.waits:
            raise ApiError("DeploymentNotStartedException", f"The deployment {deployment.id} has not started.")
        return deployment

    def continue_deployment(self, request: Json) -> Json:
        raise self._unsupported(request, "waits for nobody's word")

    def skip_wait_time_for_instance_termination(self, request: Json) -> Json:
        raise self._unsupported(request, "terminates no instances")

    def _unsupported(self, request: Json, what: str) -> ApiError:
        deployment = self.service.deployment(required(request, "deploymentId"))
        return ApiError("UnsupportedActionForDeploymentTypeException", f"{deployment.id} is for Lambda: it {what}.")

    def list_deployment_instances(self, request: Json) -> Json:
        raise self._without_instances(request)

    def get_deployment_instance(self, request: Json) -> Json:
        raise self._without_instances(request)

    def batch_get_deployment_instances(self, request: Json) -> Json:
        raise self._without_instances(request)

    def _without_instances(self, request: Json) -> ApiError:
        deployment = self.service.deployment(required(request, "deploymentId"))
        return ApiError("InvalidComputePlatformException", f"{deployment.id} is for Lambda: it has targets alone.")

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


def _target(deployment: Deployment, target: str) -> Json:
    """? Whether AWS knows a Lambda target by `function:alias` alone: the stage takes its ARN and the id as well."""
    json = shapes.target_json(deployment)
    if target not in (shapes.target_id(deployment), json["lambdaTarget"]["targetArn"], deployment.id):
        raise ApiError("DeploymentTargetDoesNotExistException", f"Deployment {deployment.id} has no target {target}.")
    return json
