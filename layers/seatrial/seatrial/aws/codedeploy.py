"""CodeDeploy: what a deployment is, how far it is, what a hook answers, and how one is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from seatrial.core.bake import Shifting
from seatrial.core.deployment import Deployment, Group, Shift, Status, Traffic

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.type_defs import DeploymentInfoTypeDef

# Right after a change of IAM the answer may be denied for a while (users' reports; IAM promises no time).
_SECONDS_BETWEEN_ANSWERS = (1, 2, 4, 8)

# AllowTraffic is Failed, too, when an alarm stops the deployment in its midst (captured in an account).
_BEGUN = frozenset({"InProgress", "Succeeded", "Failed"})

_UNKNOWN = frozenset({"DeploymentDoesNotExistException", "InvalidDeploymentIdException"})


class DeploymentUnknownError(Exception):
    """CodeDeploy knows no such deployment. Its text is a sentence for people."""


@dataclass(frozen=True)
class Stopped:
    """CodeDeploy has accepted the stop, or had stopped it before; `status` is Succeeded or Pending."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class AlreadyCompleted:
    """There was nothing left to stop."""

    message: str


class CodeDeploy:
    """`pause` waits that many wall seconds between attempts at an answer."""

    def __init__(self, client: CodeDeployClient, pause: Callable[[float], object]) -> None:
        self._client = client
        self._pause = pause

    def deployment(self, deployment_id: str) -> Deployment:
        """What CodeDeploy knows of it now. Raises DeploymentUnknownError."""
        try:
            info = self._client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        except ClientError as error:
            if _code(error) in _UNKNOWN:
                raise _unknown(deployment_id) from error
            raise
        shift, unreadable = self._shift(info)
        rollback = info.get("rollbackInfo", {})
        trouble = info.get("errorInformation", {})
        return Deployment(
            id=deployment_id,
            application=info["applicationName"],
            group=info["deploymentGroupName"],
            status=Status(info["status"]),
            created=info["createTime"],
            shift=shift,
            unreadable=unreadable,
            creator=info.get("creator", ""),
            configuration=info.get("deploymentConfigName", ""),
            rollback_of=rollback.get("rollbackTriggeringDeploymentId", ""),
            rollback_id=rollback.get("rollbackDeploymentId", ""),
            error_code=trouble.get("code", ""),
            error=trouble.get("message", ""),
            completed=info.get("completeTime"),
        )

    def traffic(self, deployment_id: str) -> Traffic:
        """How far the weights are: from the deployment's one target."""
        try:
            ids = self._client.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        except ClientError as error:
            if _code(error) == "DeploymentNotStartedException":
                return Traffic(0.0, began=False)
            raise
        if not ids:
            return Traffic(0.0, began=False)
        found = self._client.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=ids[:1])
        target = found["deploymentTargets"][0]["lambdaTarget"]
        weight = target.get("lambdaFunctionInfo", {}).get("targetVersionWeight", 0.0)
        statuses = {event["lifecycleEventName"]: event["status"] for event in target.get("lifecycleEvents", [])}
        return Traffic(weight, began=weight > 0 or statuses.get("AllowTraffic") in _BEGUN)

    def group(self, application: str, name: str) -> Group:
        info = self._client.get_deployment_group(applicationName=application, deploymentGroupName=name)
        found = info["deploymentGroupInfo"]
        alarms = found.get("alarmConfiguration", {})
        rollback = found.get("autoRollbackConfiguration", {})
        return Group(
            application,
            name,
            alarms=tuple(alarm["name"] for alarm in alarms.get("alarms", []) if "name" in alarm),
            alarms_enabled=alarms.get("enabled", False),
            rolls_back_on=frozenset(rollback.get("events", []) if rollback.get("enabled", False) else []),
        )

    def shifting(self, configuration: str) -> Shifting:
        """How a deployment configuration moves the weights, by its name."""
        found = self._client.get_deployment_config(deploymentConfigName=configuration)["deploymentConfigInfo"]
        routing = found.get("trafficRoutingConfig", {})
        if canary := routing.get("timeBasedCanary"):
            return Shifting.canary(canary["canaryInterval"])
        if linear := routing.get("timeBasedLinear"):
            return Shifting.linear(linear["linearPercentage"], linear["linearInterval"])
        return Shifting()

    def watch_alarms(self, group: Group, *, on: bool) -> None:
        """Switch the group's alarms on or off; their list stays. The switch is all that is changed."""
        self._client.update_deployment_group(
            applicationName=group.application,
            currentDeploymentGroupName=group.name,
            alarmConfiguration={"enabled": on, "alarms": [{"name": name} for name in group.alarms]},
        )

    def answer(self, deployment_id: str, execution_id: str, *, passed: bool) -> bool:
        """Give a hook's answer. False when one was given before, by whomever, or the deployment has gone on without.

        Raises DeploymentUnknownError.
        """
        for seconds in (*_SECONDS_BETWEEN_ANSWERS, None):
            try:
                self._client.put_lifecycle_event_hook_execution_status(
                    deploymentId=deployment_id,
                    lifecycleEventHookExecutionId=execution_id,
                    status="Succeeded" if passed else "Failed",
                )
                return True
            except ClientError as error:
                if _code(error) == "LifecycleEventAlreadyCompletedException":
                    return False
                if _code(error) in _UNKNOWN:
                    raise _unknown(deployment_id) from error
                if _code(error) not in ("AccessDeniedException", "AccessDenied") or seconds is None:
                    raise
                self._pause(seconds)
        raise AssertionError("the last attempt returns or raises")

    def stop(self, deployment_id: str) -> Stopped | AlreadyCompleted:
        """Stop it and have CodeDeploy take the users back. The caller has looked at the function's tag: IAM can't."""
        try:
            answer = self._client.stop_deployment(deploymentId=deployment_id, autoRollbackEnabled=True)
        except ClientError as error:
            if _code(error) == "DeploymentAlreadyCompletedException":
                return AlreadyCompleted(error.response["Error"]["Message"])
            raise
        return Stopped(answer.get("status", "Pending"), answer.get("statusMessage", ""))

    def _shift(self, info: DeploymentInfoTypeDef) -> tuple[Shift | None, str]:
        """What the AppSpec moves, or why that can't be said: a rollback must pass in spite of its AppSpec."""
        try:
            return shift_of(_content(info.get("revision", {})) or self._registered_content(info)), ""
        except ValueError as error:
            return None, f"the AppSpec of {info['deploymentId']} can't be read: {error}"
        except ClientError as error:
            return None, f"the AppSpec of {info['deploymentId']} can't be had: {error}"

    def _registered_content(self, info: DeploymentInfoTypeDef) -> str:
        """GetDeployment may leave the content out and give its hash alone (API reference of GetDeployment)."""
        revision = self._client.get_application_revision(
            applicationName=info["applicationName"], revision=info["revision"]
        )
        return _content(revision.get("revision", {}))


def shift_of(content: str) -> Shift:
    """The one function that an AppSpec moves; CloudFormation writes AppSpecs as JSON. Raises ValueError."""
    try:
        spec = json.loads(content)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON ({error}); Seatrial reads AppSpecs as CloudFormation writes them") from None
    try:
        (resource,) = [moved for named in spec["Resources"] for moved in named.values()]
        properties = resource["Properties"]
        return Shift(
            function=_name(str(properties["Name"])),
            alias=str(properties["Alias"]),
            stable=str(properties["CurrentVersion"]),
            candidate=str(properties["TargetVersion"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            "it should name one function with Name, Alias, CurrentVersion and TargetVersion "
            f"({type(error).__name__}: {error})"
        ) from None


def _unknown(deployment_id: str) -> DeploymentUnknownError:
    return DeploymentUnknownError(
        f"CodeDeploy knows no deployment {deployment_id} in this account and Region: take the id from CodeDeploy's "
        "console or from the alias's event in CloudFormation"
    )


def _name(function: str) -> str:
    """A function's name; the AppSpec may give its ARN."""
    return function.split(":")[6] if function.startswith("arn:") else function


def _content(revision: Mapping[str, Any]) -> str:
    """An AppSpec's text, from either of the two places that hold one; "" when there is none."""
    for place in ("string", "appSpecContent"):
        if content := revision.get(place, {}).get("content"):
            return str(content)
    return ""


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
