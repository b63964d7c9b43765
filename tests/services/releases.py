"""Release a service of this folder on the stage three times, as its owner would, and read back what came of it.

`Release1` stands in every file of a service that differs from release to release; the second is `Release2Good`, the
third `Release3Bad`. Users are there all the time, and everything is read with boto3 and from the stage's records.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sam import Sam
from rehearsal.stage import Stage
from tests.on_stage import settled, until
from tests.rehearsal.shop import deploy

FOLDER = Path(__file__).parent
FIRST, GOOD, BAD = "Release1", "Release2Good", "Release3Bad"
BETWEEN_REQUESTS = 3.0
AFTERWARDS = 30.0
"""So many stage seconds users come before a release and after it."""
SAMCONFIG = """version = 0.1
[default.deploy.parameters]
capabilities = "CAPABILITY_IAM CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND"
confirm_changeset = false
fail_on_empty_changeset = false
resolve_s3 = true
max_wait_duration = 120
"""


@dataclass(frozen=True)
class Service:
    """`refused` is the error code of the bad release by the beginning of its alias; the others are taken back with it.

    `users` says how requests come in: `invoke`, `url`, `queue`, `topic` or `table`, with the name of the output that
    has the address (for `invoke` the resource of the function), or `bus` with the source of the events. `needs` is a
    folder whose stack must be there before.
    """

    name: str
    shape: str
    refused: Mapping[str, str]
    users: Mapping[str, str] = field(default_factory=dict)
    sam: bool = True
    needs: str = ""


@dataclass(frozen=True)
class Deployment:
    """One deployment as CodeDeploy and the stage's records tell of it.

    `weights` and `hooks` are what happened by minutes after START: how the alias routes, and who was asked or answered.
    """

    id: str
    alias: str
    config: str
    status: str
    code: str | None
    rollback: bool
    weights: tuple[tuple[float, str], ...]
    hooks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Release:
    """`served` counts invokes by alias and version while it was released; `aliases` is where they stand at its end."""

    stack: str
    deployments: tuple[Deployment, ...]
    served: Mapping[str, Mapping[str, int]]
    aliases: Mapping[str, str]
    events: tuple[tuple[str, str, str], ...]

    def of(self, alias: str) -> list[Deployment]:
        return [one for one in self.deployments if one.alias == alias]


class Owner:
    """Deploys one service, as its owner does."""

    def __init__(self, stage: Stage, service: Service, folder: Path) -> None:
        self.service = service
        self.stage = stage
        self._folder = folder
        self._cloudformation = stage.client("cloudformation")
        self._lambda = stage.client("lambda")

    def release(self, word: str) -> Release:
        """Raises AssertionError when the stack could not even be created."""
        began = len(self.stage.records())
        known = set(self._event_ids())
        before = self._counts() if word != FIRST else {}
        with self._users() if word != FIRST else contextlib.nullcontext():
            said = self._deploy(word)
        events = [one for one in self._events() if one["EventId"] not in known]
        status = self._status()
        assert word != FIRST or status == "CREATE_COMPLETE", f"{self.service.name}: {status}\n{said}\n{events[:3]}"
        after = self._counts()
        return Release(
            stack=status,
            deployments=tuple(self._deployments(self.stage.records()[began:])),
            served={alias: _more(after[alias], before.get(alias, {})) for alias in after},
            aliases=self._aliases(),
            events=tuple(
                (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
                for one in reversed(events)
            ),
        )

    def resources(self, kind: str = "", stack: str = "") -> dict[str, str]:
        """Physical by logical id, those of nested stacks too."""
        found = self._cloudformation.describe_stack_resources(StackName=stack or self.service.name)["StackResources"]
        nested = [one["PhysicalResourceId"] for one in found if one["ResourceType"] == "AWS::CloudFormation::Stack"]
        here = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if kind in one["ResourceType"]}
        return {name: one for below in nested for name, one in self.resources(kind, below).items()} | here

    def configs(self, release: Release) -> dict[str, Any]:
        """The configurations of a release's deployments, as CodeDeploy describes them."""
        get = self.stage.client("codedeploy").get_deployment_config
        names = {one.config for one in release.deployments}
        return {name: get(deploymentConfigName=name)["deploymentConfigInfo"] for name in names}

    def versions(self) -> list[str]:
        """The published versions of the functions behind the aliases."""
        functions = {alias.partition(":")[0] for alias in self._aliases()}
        found = [self._lambda.list_versions_by_function(FunctionName=one)["Versions"] for one in sorted(functions)]
        return [one["Version"] for versions in found for one in versions if one["Version"] != "$LATEST"]

    def _deploy(self, word: str) -> str:
        folder = self._folder / f"{self.service.name}-{word}"
        shutil.copytree(FOLDER / self.service.name, folder)
        for path in (path for path in folder.rglob("*") if path.is_file()):
            path.write_text(path.read_text().replace(FIRST, word))
        if self.service.sam:
            (folder / "samconfig.toml").write_text(SAMCONFIG)
            return deploy(self.stage, Sam(self.stage.endpoint), folder, self.service.name).output
        return self._by_change_set((folder / "template.yaml").read_text())

    def _by_change_set(self, body: str) -> str:
        kind = "UPDATE" if self._exists() else "CREATE"
        name = {"StackName": self.service.name, "ChangeSetName": f"r-{uuid.uuid4().hex[:8]}"}
        self._cloudformation.create_change_set(
            **name, ChangeSetType=kind, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        made = self._cloudformation.describe_change_set
        until(self.stage, "a change set", lambda: made(**name)["Status"] == "CREATE_COMPLETE")
        self._cloudformation.execute_change_set(**name)
        settled(self.stage, self.service.name)
        return ""

    def _exists(self) -> bool:
        try:
            return bool(self._cloudformation.describe_stacks(StackName=self.service.name)["Stacks"])
        except ClientError:
            return False

    def _status(self) -> str:
        return str(self._cloudformation.describe_stacks(StackName=self.service.name)["Stacks"][0]["StackStatus"])

    def _events(self) -> list[dict[str, Any]]:
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.service.name)
        return [event for page in pages for event in page["StackEvents"]]

    def _event_ids(self) -> list[str]:
        return [one["EventId"] for one in self._events()] if self._exists() else []

    def _aliases(self) -> dict[str, str]:
        """`function:alias` → what it routes to, of every alias that a deployment group may shift."""
        found = {}
        for arn in self.resources("Lambda::Alias").values():
            function, alias = arn.split(":")[6:8]
            at = self._lambda.get_alias(FunctionName=function, Name=alias)
            found[f"{function}:{alias}"] = _shares(
                at["FunctionVersion"], at.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            )
        return found

    def _counts(self) -> dict[str, dict[str, int]]:
        """Invocations by alias and executed version, as CloudWatch has them."""
        cloudwatch = self.stage.client("cloudwatch")
        now = datetime.now(UTC)
        found: dict[str, dict[str, int]] = {}
        for qualified in self._aliases():
            which: Any = {"Namespace": "AWS/Lambda", "MetricName": "Invocations"}
            listed = cloudwatch.list_metrics(**which, Dimensions=[{"Name": "Resource", "Value": qualified}])["Metrics"]
            found[qualified] = {}
            for dimensions in (one["Dimensions"] for one in listed):
                version = next((one["Value"] for one in dimensions if one["Name"] == "ExecutedVersion"), None)
                if version is not None:
                    points = cloudwatch.get_metric_statistics(
                        **which,
                        Dimensions=dimensions,
                        StartTime=now - timedelta(days=10),
                        EndTime=now + timedelta(days=10),
                        Period=86400,
                        Statistics=["Sum"],
                    )["Datapoints"]
                    found[qualified][version] = round(sum(point["Sum"] for point in points))
        return found

    def _deployments(self, records: list[dict[str, Any]]) -> Iterator[Deployment]:
        codedeploy = self.stage.client("codedeploy")
        moved: dict[str, list[tuple[float, str]]] = {}
        hooks: dict[str, list[tuple[float, str]]] = {}
        began: dict[str, float] = {}
        for one in records:
            if one["kind"] == "weights":
                moved.setdefault(one["deployment"], []).append((one["t"], _shares(one["main"], one["weights"])))
            elif one["kind"] == "codedeploy":
                began.setdefault(one["deployment"], one["t"])
                if one["what"] == "hook":
                    hooks.setdefault(one["deployment"], []).append((one["t"], one["text"]))
        for name, start in began.items():
            info = codedeploy.get_deployment(deploymentId=name)["deploymentInfo"]
            (target,) = codedeploy.list_deployment_targets(deploymentId=name)["targetIds"]
            yield Deployment(
                id=name,
                alias=target.rpartition(":function:")[2],
                config=info["deploymentConfigName"],
                status=info["status"],
                code=info.get("errorInformation", {}).get("code"),
                rollback=info["creator"] == "codeDeployRollback",
                weights=_after(start, moved.get(name, [])),
                hooks=_after(start, hooks.get(name, [])),
            )

    @contextlib.contextmanager
    def _users(self) -> Iterator[None]:
        stop = threading.Event()
        outputs = self._cloudformation.describe_stacks(StackName=self.service.name)["Stacks"][0].get("Outputs", [])
        addresses = {one["OutputKey"]: one["OutputValue"] for one in outputs} | self.resources()

        def come() -> None:
            for _ in self.stage.time.turns(BETWEEN_REQUESTS, f"users of {self.service.name}", 300):
                if stop.is_set():
                    return
                for kind, address in self.service.users.items():
                    with contextlib.suppress(ClientError, BotoCoreError, OSError):  # an error is an answer, too
                        self._request(kind, addresses.get(address, address))

        thread = threading.Thread(target=come, daemon=True)
        thread.start()
        try:
            self.stage.time.advance(AFTERWARDS)
            yield
            self.stage.time.advance(AFTERWARDS)
        finally:
            stop.set()
            self.stage.time.advance(BETWEEN_REQUESTS)
            thread.join()

    def _request(self, kind: str, address: str) -> None:
        one = uuid.uuid4().hex
        match kind:
            case "invoke":
                self._lambda.invoke(FunctionName=address, Qualifier="live", Payload=json.dumps({"id": one}).encode())
            case "url":
                host, _, path = address.removeprefix("https://").partition("/")
                api = f"{host.partition('.')[0]}.execute-api.localhost:{self.stage.port}"
                here = host if ".lambda-url." in host else api
                request = urllib.request.Request(f"{self.stage.endpoint}/{path}", headers={"Host": here})
                urllib.request.urlopen(request, timeout=120).read()
            case "queue":
                self.stage.client("sqs").send_message(QueueUrl=address, MessageBody=one)
            case "topic":
                self.stage.client("sns").publish(TopicArn=address, Message=one)
            case "bus":
                entry = {"Source": address, "DetailType": "Something", "Detail": "{}"}
                self.stage.client("events").put_events(Entries=[entry])
            case "table":
                self.stage.client("dynamodb").put_item(TableName=address, Item={"id": {"S": one}})


def _after(start: float, happened: list[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    return tuple((round((at - start) / 60, 2), what) for at, what in happened)


def _shares(main: str, weights: Mapping[str, float]) -> str:
    """`1` or `1, 10% 2`: the main version, and what another one gets."""
    return main + "".join(f", {round(share * 100)}% {version}" for version, share in weights.items())


def _more(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    grown = {version: count - before.get(version, 0) for version, count in after.items()}
    return {version: count for version, count in grown.items() if count}
