"""A small account in memory: clients that answer as AWS does, for the adapters to talk to.

CodeDeploy and Lambda are dictionaries here (moto knows neither hooks' answers nor versions' packages without Docker);
the ledger is a real table of moto's, so use it inside `mock_aws`.
"""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from moto.backends import get_backend

from seatrial.aws.appconfig import AppConfig
from seatrial.aws.bus import Bus
from seatrial.aws.cloudwatch import CloudWatch
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.aws.packages import Part
from seatrial.aws.stacks import Stacks
from seatrial.aws.tagged import TaggedFunctions
from seatrial.aws.topic import Topic
from seatrial.core.metric import Metric
from seatrial.flows.account import Account
from seatrial.settings import Clock
from tests.quick_dynamodb import ACCOUNT, QuickDynamoDB
from tests.small_appconfig import ARNS, SmallAppConfig

EVENTS = Path(__file__).parent.parent / "events"
CREATED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ALL_ROLLBACKS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function"
REGION: dict[str, Any] = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}

type Answer = Callable[[dict[str, Any]], dict[str, Any]]


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


def refused(operation: str, code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Meter:
    """Counts the calls of every client that it is handed, by operation; threads may share it.

    Each call takes `takes` wall seconds, as on a network.
    """

    def __init__(self, takes: float = 0.0) -> None:
        self.calls: Counter[str] = Counter()
        self._takes = takes
        self._turn = threading.Lock()

    def __call__(self, client: Any) -> Any:
        """The client to call from now on."""
        if hasattr(client, "meta"):  # boto3's own
            client.meta.events.register("before-call", lambda model, **_: self.call(model.name))
            return client
        return _Metered(client, self)

    def call(self, operation: str) -> None:
        with self._turn:
            self.calls[operation] += 1
        if self._takes:
            time.sleep(self._takes)


class _Metered:
    def __init__(self, client: Any, meter: Meter) -> None:
        self._client = client
        self._meter = meter

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:
            self._meter.call(_operation(name))
            return getattr(self._client, name)(**asked)

        return call

    def get_paginator(self, name: str) -> _MeteredPages:
        return _MeteredPages(self._client.get_paginator(name), _operation(name), self._meter)


class _MeteredPages:
    def __init__(self, paginator: Any, operation: str, meter: Meter) -> None:
        self._paginator = paginator
        self._operation = operation
        self._meter = meter

    def paginate(self, **asked: Any) -> Iterator[Any]:
        for page in self._paginator.paginate(**asked):
            self._meter.call(self._operation)
            yield page


def _operation(method: str) -> str:
    return "".join(part.capitalize() for part in method.split("_"))


def clock_that_stands(at: datetime) -> str:
    """What to export as SEATRIAL_CLOCK_URL so that the command line reads this time."""
    return f"data:,{quote(json.dumps({'now': at.timestamp()}))}"


class FixedClock(Clock):
    """Stands still unless it is told otherwise."""

    def __init__(self, now: datetime = CREATED + timedelta(minutes=1)) -> None:
        super().__init__()
        object.__setattr__(self, "moment", now)

    def goes_on(self, span: timedelta) -> None:
        object.__setattr__(self, "moment", self.now() + span)

    def wait(self, stage_seconds: float) -> None:
        self.goes_on(timedelta(seconds=stage_seconds))

    def now(self) -> datetime:
        moment: datetime = self.moment  # type: ignore[attr-defined]
        return moment


class SmallCodeDeploy:
    """CodeDeploy's client as far as Seatrial uses it."""

    def __init__(self) -> None:
        self.deployments: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.answers: list[tuple[str, str, str]] = []
        self.stops: list[str] = []
        self.alarms: list[str] = []
        self.alarms_on = True
        self.ignores_poll_failure = False
        self.rollback_events: tuple[str, ...] = ALL_ROLLBACKS
        self.answers_with: list[ClientError] = []

    def begin(
        self, id: str, *, stable: str = "7", candidate: str = "8", function: str = "payments", **more: Any
    ) -> None:
        moved = {"Name": function, "Alias": "live", "CurrentVersion": stable, "TargetVersion": candidate}
        spec = {"version": 0.0, "Resources": [{function: {"Type": "AWS::Lambda::Function", "Properties": moved}}]}
        self.deployments[id] = {
            "deploymentId": id,
            "applicationName": "shop",
            "deploymentGroupName": function,
            "deploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
            "status": "InProgress",
            "createTime": CREATED,
            "creator": "user",
            "revision": {"revisionType": "String", "string": {"content": json.dumps(spec)}},
        } | more

    def shifts(self, id: str, weight: float = 0.1, status: str = "InProgress") -> None:
        self.targets[id] = {
            "lambdaFunctionInfo": {"targetVersionWeight": weight},
            "lifecycleEvents": [{"lifecycleEventName": "AllowTraffic", "status": status}],
        }

    def ends(self, id: str, status: str, code: str = "", message: str = "", rollback: str = "") -> None:
        self.deployments[id] |= {"status": status, "completeTime": CREATED + timedelta(minutes=2)}
        if code:
            self.deployments[id]["errorInformation"] = {"code": code, "message": message}
        if rollback:
            self.deployments[id]["rollbackInfo"] = {"rollbackDeploymentId": rollback}

    def get_deployment(self, *, deploymentId: str) -> dict[str, Any]:  # noqa: N803
        if deploymentId not in self.deployments:
            raise refused("GetDeployment", "DeploymentDoesNotExistException")
        return {"deploymentInfo": self.deployments[deploymentId]}

    def get_application_revision(self, *, applicationName: str, revision: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        return {"applicationName": applicationName, "revision": revision}

    def batch_get_deployments(self, *, deploymentIds: list[str]) -> dict[str, Any]:  # noqa: N803
        assert 0 < len(deploymentIds) <= 25
        return {"deploymentsInfo": [self.deployments[id] for id in deploymentIds if id in self.deployments]}

    def get_deployment_config(self, **_: str) -> dict[str, Any]:
        canary = {"canaryInterval": 5, "canaryPercentage": 10}
        return {
            "deploymentConfigInfo": {"trafficRoutingConfig": {"type": "TimeBasedCanary", "timeBasedCanary": canary}}
        }

    def get_deployment_group(self, **_: str) -> dict[str, Any]:
        return {
            "deploymentGroupInfo": {
                "alarmConfiguration": {
                    "enabled": self.alarms_on,
                    "ignorePollAlarmFailure": self.ignores_poll_failure,
                    "alarms": [{"name": name} for name in self.alarms],
                },
                "autoRollbackConfiguration": {"enabled": True, "events": list(self.rollback_events)},
            }
        }

    def update_deployment_group(self, *, alarmConfiguration: dict[str, Any], **_: str) -> None:  # noqa: N803
        self.alarms_on = alarmConfiguration["enabled"]
        self.ignores_poll_failure = alarmConfiguration.get("ignorePollAlarmFailure", False)
        self.alarms = [alarm["name"] for alarm in alarmConfiguration["alarms"]]

    def list_deployment_targets(self, *, deploymentId: str) -> dict[str, Any]:  # noqa: N803
        return {"targetIds": [deploymentId] if deploymentId in self.targets else []}

    def batch_get_deployment_targets(self, *, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:  # noqa: N803
        return {"deploymentTargets": [{"lambdaTarget": self.targets[deploymentId]} for _ in targetIds]}

    def put_lifecycle_event_hook_execution_status(
        self,
        *,
        deploymentId: str,  # noqa: N803
        lifecycleEventHookExecutionId: str,  # noqa: N803
        status: str,
    ) -> None:
        if self.answers_with:
            raise self.answers_with.pop(0)
        self.get_deployment(deploymentId=deploymentId)
        if self.deployments[deploymentId]["status"] != "InProgress":
            raise refused("PutLifecycleEventHookExecutionStatus", "LifecycleEventAlreadyCompletedException")
        self.answers.append((deploymentId, lifecycleEventHookExecutionId, status))

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:  # noqa: N803
        assert autoRollbackEnabled
        if self.deployments[deploymentId]["status"] != "InProgress":
            raise refused("StopDeployment", "DeploymentAlreadyCompletedException", "it is over")
        self.stops.append(deploymentId)
        return {"status": "Pending", "statusMessage": ""}


class SmallLambda:
    """Lambda's client: functions with tags, packages with a suite, and what each version answers."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.suites: dict[tuple[str, str], str] = {}
        self.answers: dict[tuple[str, str], Answer] = {}
        self.invoked: list[tuple[str, str]] = []
        self.aliases: dict[str, tuple[str, int]] = {}
        self.code: dict[str, str] = {}
        self.published: dict[str, datetime] = {}
        self.configured: dict[str, dict[str, Any]] = {}
        self.gone: set[tuple[str, str]] = set()
        self.pointed: list[tuple[str, str]] = []
        self.intruders: list[Callable[[], None]] = []
        self.mappings: list[dict[str, Any]] = []
        self.versions: list[str] = []
        self.listed = ""
        self.policies: dict[str, list[dict[str, Any]]] = {}

    def has(self, function: str, version: str, suite: str, answer: Answer) -> None:
        self.tags.setdefault(function, {"seatrial": "released"})
        self.suites[function, version] = suite
        self.answers[function, version] = answer

    def get_function(self, *, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:  # noqa: N803
        if FunctionName not in self.tags:
            raise refused("GetFunction", "ResourceNotFoundException")
        if (FunctionName, Qualifier) in self.gone:
            raise refused("GetFunction", "ResourceNotFoundException")
        version = "8" if Qualifier == "live" else Qualifier
        return {
            "Tags": self.tags[FunctionName],
            "Code": {"Location": f"{FunctionName}:{version}"},
            "Configuration": {
                "Version": version,
                "CodeSha256": self.code.get(version, version),
                "Role": "arn:aws:iam::123456789012:role/shop",
                "Handler": "app.handler",
                "Runtime": "python3.13",
                "MemorySize": 128,
                "Timeout": 3,
                "LastModified": self.published.get(version, CREATED).isoformat(),
            }
            | self.configured.get(version, {}),
        }

    def get_paginator(self, operation: str) -> SmallLambda:
        self.listed = operation
        return self

    def paginate(self, FunctionName: str = "", **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        """Of what was asked for last; the tagging API's functions too."""
        match self.listed:
            case "list_event_source_mappings":
                yield {"EventSourceMappings": self.mappings}
            case "list_aliases":
                alias = self.aliases.get(FunctionName)
                yield {"Aliases": [{"Name": "live", "FunctionVersion": alias[0], "RevisionId": "1"}] if alias else []}
            case "list_versions_by_function":
                for version in ("$LATEST", *self.versions):
                    yield {"Versions": [{"Version": version}]}
            case "get_resources":
                found = [(f"{FUNCTION}:{name}", tags) for name, tags in self.tags.items() if "seatrial" in tags]
                listed = [(arn, [{"Key": k, "Value": v} for k, v in tags.items()]) for arn, tags in found]
                yield {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags} for arn, tags in listed]}

    def get_policy(self, *, FunctionName: str, Qualifier: str = "") -> dict[str, Any]:  # noqa: N803
        if Qualifier not in self.policies:
            raise refused("GetPolicy", "ResourceNotFoundException")
        return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": self.policies[Qualifier]})}

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in self.aliases:
            raise refused("GetAlias", "ResourceNotFoundException")
        main, revision = self.aliases[FunctionName]
        return {"Name": Name, "FunctionVersion": main, "RevisionId": str(revision)}

    def update_alias(
        self,
        *,
        FunctionName: str,  # noqa: N803
        FunctionVersion: str,  # noqa: N803
        RevisionId: str,  # noqa: N803
        **_: Any,
    ) -> None:
        revision = self.aliases[FunctionName][1]
        if self.intruders:
            self.intruders.pop(0)()
        if RevisionId != str(self.aliases[FunctionName][1]):
            raise refused("UpdateAlias", "PreconditionFailedException")
        self.aliases[FunctionName] = (FunctionVersion, revision + 1)
        self.pointed.append((FunctionName, FunctionVersion))

    def invoke(self, *, FunctionName: str, Qualifier: str, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        self.invoked.append((FunctionName, Qualifier))
        said = json.dumps(self.answers[FunctionName, Qualifier](json.loads(Payload))).encode()
        return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(said), len(said))}

    def package(self, location: str, first: int, last: int) -> Part:
        """The whole package, which is a part as well."""
        function, _, version = location.partition(":")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as package:
            package.writestr("app.py", "")
            if (function, version) in self.suites:
                package.writestr("seatrial/suite.yaml", self.suites[function, version])
        return Part(content.getvalue(), 0, len(content.getvalue()))


class SmallStacks:
    """CloudFormation's client: the history of each stack, newest first."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.broken: ClientError | None = None

    def get_paginator(self, operation: str) -> SmallStacks:
        assert operation == "describe_stack_events"
        return self

    def paginate(self, *, StackName: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        if self.broken:
            raise self.broken
        for event in self.events[StackName]:
            yield {"StackEvents": [event]}


class SmallTopic:
    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.sent: list[dict[str, Any]] = []
        self.broken = False

    def publish(self, **message: Any) -> None:
        if self.broken:
            raise refused("Publish", "InternalErrorException")
        self.sent.append(message)
        self.messages.append((message["Subject"], json.loads(message["Message"])["default"]))

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 0 < len(PublishBatchRequestEntries) <= 10
        for entry in PublishBatchRequestEntries:
            self.publish(TopicArn=TopicArn, **{name: value for name, value in entry.items() if name != "Id"})
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries], "Failed": []}


class SmallBus:
    """What left on the bus: (detail-type, detail); `ids` has the id of the last event of each detail-type."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str]]] = []
        self.ids: dict[str, str] = {}

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert 0 < len(Entries) <= 10
        self.events += [(entry["DetailType"], json.loads(entry["Detail"])) for entry in Entries]
        self.ids |= {entry["DetailType"]: str(len(self.ids) + 1) for entry in Entries}
        return {"FailedEntryCount": 0, "Entries": [{"EventId": self.ids[entry["DetailType"]]} for entry in Entries]}


class SmallAlarms:
    """Each alarm exists and is OK, but for those that `alarms` describes and those that are `missing`."""

    def __init__(self) -> None:
        self.alarms: list[Mapping[str, Any]] = []
        self.missing: set[str] = set()
        self.broken = False

    def describe_alarms(self, *, AlarmNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        if self.broken:
            raise refused("DescribeAlarms", "InternalServiceFault")
        described = {alarm["AlarmName"]: alarm for alarm in self.alarms}
        existing = [name for name in AlarmNames if name not in self.missing]
        return {"MetricAlarms": [described.get(name, {"AlarmName": name, "StateValue": "OK"}) for name in existing]}


class SmallMetrics:
    """CloudWatch's client as far as GetMetricData goes: the values that were reported, by metric and moment.

    `fine`: with a high resolution, so that periods below a minute are answered.
    """

    def __init__(self) -> None:
        self.fine = False
        self.reported: dict[Metric, dict[datetime, list[float]]] = {}
        self.calls: list[int] = []
        self.broken = False

    def report(self, metric: Metric, at: datetime, *values: float) -> None:
        self.reported.setdefault(metric, {}).setdefault(at, []).extend(values)

    def get_paginator(self, operation: str) -> SmallMetrics:
        assert operation == "get_metric_data"
        return self

    def paginate(
        self,
        *,
        MetricDataQueries: list[dict[str, Any]],  # noqa: N803
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        **_: str,
    ) -> list[dict[str, Any]]:
        if self.broken:
            raise refused("GetMetricData", "InternalServiceFault")
        self.calls.append(len(MetricDataQueries))
        if any(len(query["MetricStat"]["Metric"]["MetricName"]) > 255 for query in MetricDataQueries):
            raise refused("GetMetricData", "ValidationError", "The name of a metric is too long")
        return [{"MetricDataResults": [self._result(query, StartTime, EndTime) for query in MetricDataQueries]}]

    def _result(self, query: dict[str, Any], since: datetime, until: datetime) -> dict[str, Any]:
        asked = query["MetricStat"]
        dimensions = {one["Name"]: one["Value"] for one in asked["Metric"]["Dimensions"]}
        metric = Metric.of(asked["Metric"]["Namespace"], asked["Metric"]["MetricName"], **dimensions)
        periods: dict[datetime, list[float]] = {}
        answered = self.reported.get(metric, {}) if self.fine or asked["Period"] >= 60 else {}
        for moment, values in answered.items():
            if since <= moment < until:
                begins = moment - timedelta(seconds=moment.timestamp() % asked["Period"])
                periods.setdefault(begins, []).extend(values)
        values = [_statistic(asked["Stat"], periods[moment]) for moment in sorted(periods)]
        return {"Id": query["Id"], "StatusCode": "Complete", "Timestamps": sorted(periods), "Values": values}


def _statistic(word: str, values: list[float]) -> float:
    if word == "Sum":
        return sum(values)
    if word.startswith("PR(:"):
        return 100 * sum(value <= float(word[4:-1]) for value in values) / len(values)
    return sorted(values)[min(len(values) - 1, int(len(values) * float(word[1:]) / 100))]


class SmallAccount:
    """What is inside, by name, and `aws`: what a flow is given."""

    def __init__(self, table: str = "ledger", through: Callable[[Any], Any] = lambda client: client) -> None:
        """`through` is given each client, and gives the one that the adapters talk to: a Meter, for one."""
        self.codedeploy = SmallCodeDeploy()
        self.appconfig = SmallAppConfig()
        self.stacks = SmallStacks()
        self.lambdas = SmallLambda()
        self.topic = SmallTopic()
        self.alarms = SmallAlarms()
        self.metrics = SmallMetrics()
        self.bus = SmallBus()
        self.clock = FixedClock()
        self.ledger = Ledger(through(QuickDynamoDB(REGION["region_name"])), table, timedelta(days=400))
        self.pauses: list[float] = []
        self.aws = Account(
            codedeploy=CodeDeploy(through(self.codedeploy), self.pauses.append),
            appconfig=AppConfig(through(self.appconfig), ARNS),
            cloudwatch=CloudWatch(through(self.alarms)),
            metrics=Metrics(through(self.metrics)),
            lambdas=Lambdas(through(self.lambdas), self.lambdas.package, self.pauses.append),
            stacks=Stacks(through(self.stacks)),
            tagged=TaggedFunctions(self.lambdas),
            ledger=self.ledger,
            topic=Topic(through(self.topic), "arn:aws:sns:eu-west-1:123456789012:seatrial"),
            bus=Bus(through(self.bus), "seatrial"),
            clock=self.clock,
            log=Logger(service="test"),
        )

    def told(self) -> list[str]:
        """The sentences that went to people."""
        return [sentence for _, sentence in self.topic.messages]


def make_table(name: str = "ledger") -> None:
    """The ledger's table, as template.yaml has it."""
    backend: Any = get_backend("dynamodb")[ACCOUNT][REGION["region_name"]]
    backend.create_table(
        name,
        schema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        attr=[{"AttributeName": at, "AttributeType": "S"} for at in ("pk", "sk", "open", "service", "opened_at")],
        throughput=None,
        global_indexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": index, "KeyType": "HASH"},
                    {"AttributeName": "opened_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in ("open", "service")
        ],
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
