"""An account as the claims meet it, by boto3 alone: the stage, MiniStack or a real one.

Everything that is made belongs to a stack whose name starts with the account's prefix, or goes with something that
does: aliases and versions with their function, deployment groups with their application.
"""

from __future__ import annotations

import contextlib
import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.conformance import deletion, template
from tests.conformance.waiting import Time

ENDED = ("Succeeded", "Failed", "Stopped")
ALL_CAUSES = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
ROLLBACK = {"enabled": True, "events": list(ALL_CAUSES)}
NO_ROLLBACK: dict[str, Any] = {"enabled": False, "events": []}


class AccountError(Exception):
    """The account is not as the claims need it."""


@dataclass
class Account:
    """`time` is how it passes there; `slack` are the seconds that any wait may take beside its own."""

    session: boto3.Session
    endpoint: str | None
    time: Time
    prefix: str
    slack: float = 60.0
    claim: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)
    _outputs: dict[str, str] = field(default_factory=dict)
    _letters: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]
        return self._clients[service]

    @property
    def codedeploy(self) -> Any:
        return self.client("codedeploy")

    @property
    def functions(self) -> Any:
        return self.client("lambda")

    def until(self, holds: Callable[[], Any], minutes: float = 1.0) -> Any:
        """What `holds` returns as soon as that is true; `minutes` are CodeDeploy's."""
        self.time.go_on(0.0)
        deadline = self.now() + minutes * 60 + self.slack
        while not (found := holds()):
            assert self.now() < deadline, f"it did not happen in {minutes:g} minutes"
            self.time.go_on(2.0)
        return found

    def now(self) -> float:
        """Epoch seconds, by the account's clock."""
        return self.time.now()

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)

    # The stack that the claims share

    def __getitem__(self, output: str) -> str:
        """An output of the shared stack: a name, a URL or an ARN."""
        return self._outputs[output]

    def set_up(self) -> None:
        """Create the shared stack, or take the one of an earlier run, with two versions of its service."""
        if self.exists(self.prefix):
            if not deletion.is_ours(self):
                raise AccountError(f"the stack {self.prefix} is not of this suite; set another CONFORMANCE_PREFIX")
            with contextlib.suppress(ClientError):  # it may not have got as far as an application
                deletion.end_deployments(self)  # those of a run that was killed would hold up the same claims
            if "ROLLBACK" in self.status(self.prefix):
                self.delete(self.prefix)  # an earlier run could not make it, and nothing can be made of it
        status = self.apply(self.prefix, template.shared(self.prefix))
        if "ROLLBACK" in status:
            raise AccountError(f"the stack {self.prefix} is {status}: its events say what this account does not allow")
        stack = self.client("cloudformation").describe_stacks(StackName=self.prefix)["Stacks"][0]
        self._outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        published = len(self.functions.list_versions_by_function(FunctionName=self["Service"])["Versions"]) - 1
        for description in ("one", "two")[published:]:
            self.functions.update_function_configuration(FunctionName=self["Service"], Description=description)
            self.functions.get_waiter("function_updated_v2").wait(FunctionName=self["Service"])
            self.functions.publish_version(FunctionName=self["Service"])

    def delete(self, name: str) -> None:
        """Delete a stack of a claim, or report that it is left."""
        deletion.delete_stack(self, name)

    def tear_down(self) -> None:
        """Delete everything that the claims made."""
        deletion.delete_everything(self)

    def apply(self, name: str, what: Mapping[str, Any]) -> str:
        """Create or update a stack and wait; the status that it ends in."""
        self.begin(name, what)
        return self.settled(name)

    def begin(self, name: str, what: Mapping[str, Any]) -> None:
        """Start to create or update a stack. One that needs no update is left as it is."""
        stacks = self.client("cloudformation")
        request = {"StackName": name, "TemplateBody": json.dumps(what), "Capabilities": ["CAPABILITY_IAM"]}
        if not self.exists(name):
            stacks.create_stack(**request)
            return
        try:
            stacks.update_stack(**request)
        except ClientError as refused:
            if "No updates" not in str(refused):
                raise

    def change_set(
        self, name: str, what: Mapping[str, Any], *, execute: bool = False, **members: Any
    ) -> dict[str, Any]:
        """A change set of a stack as it is described. It is executed, or deleted."""
        stacks, given = self.client("cloudformation"), {"StackName": name, "ChangeSetName": f"c{uuid.uuid4().hex}"}
        stacks.create_change_set(**given, TemplateBody=json.dumps(what), Capabilities=["CAPABILITY_IAM"], **members)

        def made() -> dict[str, Any] | None:
            found = stacks.describe_change_set(**given)
            return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

        described = dict(self.until(made))
        if execute:
            stacks.execute_change_set(**given)
            self.until(lambda: stacks.describe_change_set(**given)["ExecutionStatus"] != "AVAILABLE")
        else:
            stacks.delete_change_set(**given)
        return described

    def exists(self, name: str) -> bool:
        with contextlib.suppress(ClientError):
            return self.status(name) != "DELETE_COMPLETE"
        return False

    def status(self, name: str) -> str:
        return str(self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def settled(self, name: str, minutes: float = 15) -> str:
        return str(self.until(lambda: not (now := self.status(name)).endswith("_IN_PROGRESS") and now, minutes))

    # Aliases, groups and deployments of one claim

    @property
    def name(self) -> str:
        """The name of this claim's alias and group: the same in every run."""
        return f"c{zlib.crc32(self.claim.encode()):08x}"

    def alias(self, version: str = "1", weights: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Put this claim's alias of the service where it shall start from."""
        asked = {"FunctionName": self["Service"], "Name": self.name, "FunctionVersion": version}
        routing = {"AdditionalVersionWeights": dict(weights or {})}
        try:
            return dict(self.functions.create_alias(**asked, RoutingConfig=routing))
        except self.functions.exceptions.ResourceConflictException:
            return dict(self.functions.update_alias(**asked, RoutingConfig=routing))

    def routes(self) -> tuple[str, dict[str, float]]:
        """The main version of this claim's alias and its weights."""
        found = self.functions.get_alias(FunctionName=self["Service"], Name=self.name)
        return found["FunctionVersion"], found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    def group(self, config: str = "", alarms: tuple[str, ...] = (), **members: Any) -> None:
        """This claim's deployment group; without a `config` it shifts half, and the rest a minute later."""
        asked = {
            "applicationName": self["Application"],
            "serviceRoleArn": self["DeployRole"],
            "deploymentConfigName": config or self["OneMinute"],
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "alarmConfiguration": {"enabled": bool(alarms), "alarms": [{"name": name} for name in alarms]},
            "autoRollbackConfiguration": ROLLBACK,
            **members,
        }
        try:
            self._once_its_role_is_known(
                lambda: self.codedeploy.create_deployment_group(deploymentGroupName=self.name, **asked)
            )
        except self.codedeploy.exceptions.DeploymentGroupAlreadyExistsException:
            self.codedeploy.update_deployment_group(currentDeploymentGroupName=self.name, **asked)

    def _once_its_role_is_known(self, call: Callable[[], Any]) -> None:
        """A role that was just made is unknown to CodeDeploy for some seconds."""

        def known() -> bool:
            try:
                call()
            except self.codedeploy.exceptions.InvalidRoleException:
                return False
            return True

        self.until(known)

    def spec(self, before: str = "", after: str = "", current: str = "1", target: str = "2") -> str:
        """The AppSpec of this claim's alias, as CloudFormation writes it. The hooks are names of functions."""
        properties = {
            "Name": self["Service"],
            "Alias": self.name,
            "CurrentVersion": current,
            "TargetVersion": target,
        }
        hooks = [{name: hook} for name, hook in (("BeforeAllowTraffic", before), ("AfterAllowTraffic", after)) if hook]
        resource = {self["Service"]: {"Type": "AWS::Lambda::Function", "Properties": properties}}
        return json.dumps({"version": 0.0, "Resources": [resource], **({"Hooks": hooks} if hooks else {})})

    def start(self, spec: str = "", **members: Any) -> str:
        """Start a deployment of this claim's alias, from version 1 to 2 without hooks; its id."""
        return str(
            self.codedeploy.create_deployment(
                applicationName=self["Application"],
                deploymentGroupName=self.name,
                revision={"revisionType": "String", "string": {"content": spec or self.spec()}},
                **members,
            )["deploymentId"]
        )

    def info(self, deployment: str) -> dict[str, Any]:
        return dict(self.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"])

    def target(self, deployment: str) -> dict[str, Any]:
        """The deployment's one target, as CodeDeploy describes it."""
        ids = self.codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = self.codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids)
        return dict(found["deploymentTargets"][0]["lambdaTarget"])

    def lifecycle(self, deployment: str) -> list[list[str]]:
        return [[one["lifecycleEventName"], one["status"]] for one in self.target(deployment)["lifecycleEvents"]]

    def rollback_of(self, deployment: str) -> str:
        """The id of the rollback that follows a deployment, as soon as there is one."""
        return str(self.until(lambda: self.info(deployment).get("rollbackInfo", {}).get("rollbackDeploymentId")))

    def end(self, deployment: str, minutes: float = 3) -> dict[str, Any]:
        """GetDeployment once it has ended, its rollback too."""

        def over(one: str) -> dict[str, Any] | None:
            found = self.info(one)
            return found if found["status"] in ENDED else None

        ended = dict(self.until(lambda: over(deployment), minutes))
        if back := ended.get("rollbackInfo", {}).get("rollbackDeploymentId"):
            self.until(lambda: over(back), 2)
        return ended

    def until_it_shifts(self, weight: float = 0.5) -> None:
        self.until(lambda: self.routes()[1].get("2") == weight)

    # Hooks answer nothing by themselves: they put what they were invoked with into a queue, and the claim answers

    def asked(self, deployment: str, minutes: float = 1) -> dict[str, Any]:
        """What the hook of this deployment was invoked with, each call once."""
        return dict(self.until(lambda: self._letter("DeploymentId", deployment), minutes))

    def answer(self, call: Mapping[str, Any], status: str = "Succeeded") -> None:
        self.codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=call["DeploymentId"],
            lifecycleEventHookExecutionId=call["LifecycleEventHookExecutionId"],
            status=status,
        )

    def letter(self, deployment: str) -> dict[str, Any] | None:
        """What a hook of this deployment was invoked with, if one was by now."""
        return self._letter("DeploymentId", deployment)

    def state_changes(self, deployment: str, count: int) -> list[dict[str, Any]]:
        """CodeDeploy's events of this deployment on the default bus, in the order of their time."""
        found: list[dict[str, Any]] = []

        def all_there() -> bool:
            letter = self._letter("detail", deployment)
            if letter:
                found.append(letter)
            return len(found) >= count

        self.until(all_there, 2)
        return sorted(found, key=lambda event: (event["time"], event["detail"]["state"] != "START"))

    def _letter(self, member: str, deployment: str) -> dict[str, Any] | None:
        """A message of the queue about this deployment."""
        return self.received(lambda one: member in one and deployment in (one[member], _of_event(one)))

    def received(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The oldest message of the queue that is wanted, once; the others are kept."""
        sqs, url = self.client("sqs"), self["Letters"]
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            self._letters.append(json.loads(message["Body"]))
        for letter in self._letters:
            if wanted(letter):
                self._letters.remove(letter)
                return letter
        return None

    def invokes(self, **dimensions: str) -> float:
        """How often Lambda has counted an invoke of this claim's alias so far, with these dimensions beside it."""
        counted = {"FunctionName": self["Service"], "Resource": f"{self['Service']}:{self.name}", **dimensions}
        return self.sum_of("AWS/Lambda", "Invocations", **counted)

    def sum_of(self, namespace: str, metric: str, **dimensions: str) -> float:
        """The sum of a metric's values so far."""
        now = self.date()
        found = self.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(days=1),
            EndTime=now + timedelta(days=1),
            Period=86400,
            Statistics=["Sum"],
        )
        return float(sum(one["Sum"] for one in found["Datapoints"]))

    # Alarms ring by command; without data they stay as they were set

    def rings(self, alarm: str, state: str = "ALARM") -> None:
        self.client("cloudwatch").set_alarm_state(AlarmName=self[alarm], StateValue=state, StateReason="a claim")

        def changed() -> bool:
            (found,) = self.client("cloudwatch").describe_alarms(AlarmNames=[self[alarm]])["MetricAlarms"]
            return bool(found["StateValue"] == state)

        self.until(changed)


def _of_event(letter: Mapping[str, Any]) -> str:
    detail = letter.get("detail")
    return str(detail.get("deploymentId")) if isinstance(detail, Mapping) else ""


def code(refused: ClientError) -> str:
    return str(refused.response["Error"]["Code"])
