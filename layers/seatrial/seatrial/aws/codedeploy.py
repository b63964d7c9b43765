"""CodeDeploy: what a deployment is, how far it is, what a hook answers, and how one is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws import deployment_info
from seatrial.aws.remembered import Remembered
from seatrial.core.bake import Shifting
from seatrial.core.deployment import Deployment, Group, Shift, Traffic

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.type_defs import DeploymentInfoTypeDef

# Right after a change of IAM the answer may be denied for a while (users' reports; IAM promises no time).
_SECONDS_BETWEEN_ANSWERS = (1, 2, 4, 8)

# AllowTraffic is Failed, too, when an alarm stops the deployment in its midst (captured in an account).
_BEGUN = frozenset({"InProgress", "Succeeded", "Failed"})

# BatchGetDeployments takes at most so many ids (its reference; the model's own limit is that of other calls).
DEPLOYMENTS_A_CALL = 25

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

    def within_one_call(self) -> CodeDeploy:
        """The same CodeDeploy, but each deployment group is read once. For a caller that changes none."""
        client: Any = Remembered(self._client, "get_deployment_group")
        return CodeDeploy(client, self._pause)

    def deployment(self, deployment_id: str) -> Deployment:
        """What CodeDeploy knows of it now. Raises DeploymentUnknownError."""
        try:
            info = self._client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        except ClientError as error:
            if _code(error) in _UNKNOWN:
                raise _unknown(deployment_id) from error
            raise
        plain = deployment_info.read(info)
        if not plain.is_rollback:
            return deployment_info.read(info, *self._shift(info))
        try:
            return deployment_info.read(info, *self._shift(info))
        except (ClientError, BotoCoreError) as error:  # what it moves is only for the sentence: it passes in any case
            return deployment_info.read(info, unreadable=f"the AppSpec of {deployment_id} can't be had: {error}")

    def deployments(self, deployment_ids: Iterable[str]) -> Mapping[str, Callable[[], Deployment]]:
        """By id what gives the deployment, or raises what is wrong with that one: one call for twenty-five.

        Their AppSpecs are not read. One that is not among the answers is asked for once more by itself, so that nothing
        hangs on what CodeDeploy does with a batch that has an unknown id in it. Giving raises DeploymentUnknownError.
        """
        given: dict[str, Callable[[], Deployment]] = {}
        for some in batched(deployment_ids, DEPLOYMENTS_A_CALL, strict=False):
            given |= {one: partial(self.deployment, one) for one in some}
            try:
                told = self._client.batch_get_deployments(deploymentIds=list(some))["deploymentsInfo"]
            except (ClientError, BotoCoreError) as error:
                if not (isinstance(error, ClientError) and _code(error) in _UNKNOWN):
                    given |= {one: partial(_raise, error) for one in some}
                continue
            given |= {info["deploymentId"]: partial(deployment_info.read, info) for info in told}
        return given

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
        shifts = [event for event in target.get("lifecycleEvents", []) if event["lifecycleEventName"] == "AllowTraffic"]
        begun = next((event for event in shifts if event["status"] in _BEGUN), None)
        return Traffic(weight, began=weight > 0 or begun is not None, since=begun.get("startTime") if begun else None)

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
            ignores_poll_failure=alarms.get("ignorePollAlarmFailure", False),
            rolls_back_on=frozenset(rollback.get("events", []) if rollback.get("enabled", False) else []),
        )

    def shifting(self, configuration: str) -> Shifting:
        """How a deployment configuration moves the weights, by its name."""
        found = self._client.get_deployment_config(deploymentConfigName=configuration)["deploymentConfigInfo"]
        routing = found.get("trafficRoutingConfig", {})
        if canary := routing.get("timeBasedCanary"):
            return Shifting.canary(canary["canaryPercentage"], canary["canaryInterval"])
        if linear := routing.get("timeBasedLinear"):
            return Shifting.linear(linear["linearPercentage"], linear["linearInterval"])
        return Shifting()

    def watch_alarms(self, group: Group, *, on: bool) -> None:
        """Switch the group's alarms on or off. UpdateDeploymentGroup sets the whole configuration: the rest is kept."""
        self._client.update_deployment_group(
            applicationName=group.application,
            currentDeploymentGroupName=group.name,
            alarmConfiguration={
                "enabled": on,
                "ignorePollAlarmFailure": group.ignores_poll_failure,
                "alarms": [{"name": name} for name in group.alarms],
            },
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
            told = deployment_info.content(info.get("revision", {})) or self._registered_content(info)
            return deployment_info.shift_of(told), ""
        except ValueError as error:
            return None, f"the AppSpec of {info['deploymentId']} can't be read: {error}"
        except ClientError as error:
            return None, f"the AppSpec of {info['deploymentId']} can't be had: {error}"

    def _registered_content(self, info: DeploymentInfoTypeDef) -> str:
        """GetDeployment may leave the content out and give its hash alone (API reference of GetDeployment)."""
        revision = self._client.get_application_revision(
            applicationName=info["applicationName"], revision=info["revision"]
        )
        return deployment_info.content(revision.get("revision", {}))


def _unknown(deployment_id: str) -> DeploymentUnknownError:
    return DeploymentUnknownError(
        f"CodeDeploy knows no deployment {deployment_id} in this account and Region: take the id from CodeDeploy's "
        "console or from the alias's event in CloudFormation"
    )


def _raise(error: Exception) -> NoReturn:
    raise error


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
