"""CodeDeploy's JSON and the model's values, in both directions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import model, shifting
from .appspec import Revision, S3Location
from .errors import ApiError
from .model import Alarms, AutoRollback, Cause, Deployment, LifecycleEvent, RollbackInfo
from .registry import Application, Config, Group, Trigger
from .revisions import Registered, Use
from .shifting import AllAtOnce, Canary, Linear, Routing

type Json = Mapping[str, Any]

# What a Lambda deployment group may say. The rest belongs to servers and ECS: refused, never ignored.
GROUP_MEMBERS = frozenset(
    {
        "applicationName",
        "currentDeploymentGroupName",
        "newDeploymentGroupName",
        "deploymentGroupName",
        "deploymentConfigName",
        "serviceRoleArn",
        "alarmConfiguration",
        "autoRollbackConfiguration",
        "deploymentStyle",
        "tags",
        "triggerConfigurations",
    }
)
TRIGGER_EVENTS = frozenset(
    f"{kind}{event}"
    for kind in ("Deployment", "Instance")
    for event in ("Start", "Success", "Failure", "Stop", "Rollback", "Ready")
)
BUNDLES = ("YAML", "JSON")
DEPLOYMENT_ID = re.compile(r"d-[A-Z0-9]+")
ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/\S+")
LONGEST_ALARM = 255
LONGEST_NAME = 100
STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}


def group(request: Json, old: Group | None = None) -> Group:
    """The group that a request describes; what it doesn't say stays as in `old`."""
    extra = sorted(name for name, value in request.items() if name not in GROUP_MEMBERS and value)
    if extra:
        raise ApiError("InvalidInputException", f"The stage's Lambda deployment groups don't know {extra[0]}.")
    _check_style(request.get("deploymentStyle"))
    role = request.get("serviceRoleArn") or (old.role if old else "")
    if not role:
        raise ApiError("RoleRequiredException", "The service role is required.")
    if not ROLE.fullmatch(str(role)):
        raise ApiError("InvalidRoleException", f"{role} is not the ARN of a role.")
    alarms, rollback = request.get("alarmConfiguration"), request.get("autoRollbackConfiguration")
    triggers = request.get("triggerConfigurations")
    name = "newDeploymentGroupName" if request.get("newDeploymentGroupName") else "deploymentGroupName"
    return Group(
        application=required(request, "applicationName"),
        name=required({"deploymentGroupName": old.name if old else "", **request}, name),
        config=request.get("deploymentConfigName") or (old.config if old else f"{shifting.PREFIX}LambdaAllAtOnce"),
        role=role,
        alarms=alarms_of(alarms) if alarms is not None else (old.alarms if old else Alarms()),
        auto_rollback=rollback_of(rollback) if rollback is not None else (old.auto_rollback if old else AutoRollback()),
        triggers=triggers_of(triggers) if triggers is not None else (old.triggers if old else ()),
    )


def triggers_of(json: list[Json]) -> tuple[Trigger, ...]:
    if any(not one.get("triggerName") or not one.get("triggerTargetArn") for one in json):
        raise ApiError("InvalidTriggerConfigException", "A trigger needs a triggerName and a triggerTargetArn.")
    triggers = tuple(
        Trigger(one["triggerName"], one["triggerTargetArn"], frozenset(one.get("triggerEvents") or ())) for one in json
    )
    unknown = sorted({event for trigger in triggers for event in trigger.events} - TRIGGER_EVENTS)
    if unknown:
        raise ApiError("InvalidTriggerConfigException", f"{unknown[0]} is no event of a trigger.")
    return triggers


def triggers_json(triggers: tuple[Trigger, ...]) -> list[Json]:
    return [
        {"triggerName": one.name, "triggerTargetArn": one.topic, "triggerEvents": sorted(one.events)}
        for one in triggers
    ]


def alarms_of(json: Json) -> Alarms:
    """The reasons to refuse one stand with InvalidAlarmConfigException in the API reference."""
    names = tuple(str(alarm.get("name") or "") for alarm in json.get("alarms") or ())
    if any(not 0 < len(name) <= LONGEST_ALARM for name in names):
        raise ApiError("InvalidAlarmConfigException", f"An alarm has a name of 1 to {LONGEST_ALARM} characters.")
    if len(set(names)) < len(names):
        raise ApiError("InvalidAlarmConfigException", "Two alarms with the same name have been specified.")
    return Alarms(
        enabled=boolean(json.get("enabled", False)),
        ignore_poll_failure=boolean(json.get("ignorePollAlarmFailure", False)),
        names=names,
    )


def rollback_of(json: Json) -> AutoRollback:
    try:
        causes = frozenset(Cause(event) for event in json.get("events") or ())
    except ValueError as error:
        raise ApiError("InvalidAutoRollbackConfigException", f"{error}: name {', '.join(Cause)}.") from error
    return AutoRollback(boolean(json.get("enabled", False)), causes)


def routing(json: Json | None) -> Routing:
    """A TrafficRoutingConfig."""
    kind = (json or {}).get("type")
    try:
        match kind, json:
            case "AllAtOnce", _:
                return AllAtOnce()
            case "TimeBasedCanary", {"timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": minutes}}:
                return Canary(int(percent), int(minutes))
            case "TimeBasedLinear", {"timeBasedLinear": {"linearPercentage": percent, "linearInterval": minutes}}:
                return Linear(int(percent), int(minutes))
    except ValueError as error:
        raise ApiError("InvalidTrafficRoutingConfigurationException", f"A number is not one: {error}") from error
    raise ApiError(
        "InvalidTrafficRoutingConfigurationException",
        "The traffic routing needs a type (TimeBasedCanary, TimeBasedLinear or AllAtOnce) with its percentage and "
        f"interval, but was {dict(json) if json else None}.",
    )


def revision(json: Json | None) -> Revision:
    """One to be deployed or registered: with its text, or where in S3 that lies."""
    match json:
        case {"revisionType": "String", "string": {"content": str(content)}}:
            return Revision("String", content)
        case {"revisionType": "AppSpecContent", "appSpecContent": {"content": str(content)}}:
            return Revision("AppSpecContent", content)
        case {"revisionType": "S3", "s3Location": Mapping() as location}:
            return Revision("S3", "", _location(location))
        case None:
            raise ApiError("RevisionRequiredException", "A revision is required.")
    raise ApiError(
        "InvalidRevisionException",
        "The stage takes an AppSpec in string.content, appSpecContent.content or s3Location, and no repository.",
    )


def revision_key(json: Json | None) -> object:
    """What a request asks for, as `Revision.key` has it: by its text or its checksum, or by where it lies."""
    match json:
        case {"revisionType": "String", "string": {"sha256": str(sha256)}}:
            return "String", sha256
        case {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": str(sha256)}}:
            return "AppSpecContent", sha256
        case _:
            return revision(json).key


def _location(json: Json) -> S3Location:
    bucket, key, bundle = (str(json.get(name) or "") for name in ("bucket", "key", "bundleType"))
    if not bucket or not key:
        raise ApiError("InvalidRevisionException", "A revision in S3 needs a bucket and a key.")
    if bundle not in BUNDLES:
        raise ApiError(
            "InvalidRevisionException", f"BundleType must be either {' or '.join(BUNDLES)}, not {bundle or None}"
        )
    return S3Location(bucket, key, bundle, str(json.get("version") or ""), str(json.get("eTag") or ""))


def boolean(value: object) -> bool:
    """A template may carry "true" as a string."""
    return str(value).lower() == "true"


def required(request: Json, member: str) -> str:
    """A name or an id; its absence and a wrong form have an error of their own for each."""
    plain = member.removeprefix("current").removeprefix("new")  # a group's names have one error
    what = "DeploymentTargetId" if member == "targetId" else plain[0].upper() + plain[1:]
    if not request.get(member):
        raise ApiError(f"{what}RequiredException", f"The {member} is required.")
    found = str(request[member])
    if what == "DeploymentId" and not DEPLOYMENT_ID.fullmatch(found):
        raise ApiError("InvalidDeploymentIdException", f"{found} is not the id of a deployment.")
    if what.endswith("Name") and len(found) > LONGEST_NAME:
        raise ApiError(f"Invalid{what}Exception", f"The {member} has at most {LONGEST_NAME} characters.")
    return found


def lower_first(value: Any) -> Any:
    """A template's properties as the API writes them: `AlarmConfiguration` → `alarmConfiguration`."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: lower_first(inner) for key, inner in value.items()}
    return [lower_first(inner) for inner in value] if isinstance(value, list) else value


def application_json(application: Application) -> Json:
    return {
        "applicationId": application.id,
        "applicationName": application.name,
        "createTime": application.created,
        "linkedToGitHub": False,
        "computePlatform": "Lambda",
    }


def group_json(group: Group, deployments: list[Deployment]) -> Json:
    """`deployments` are the group's, newest first."""
    good = [one for one in deployments if one.status is model.Status.SUCCEEDED]
    return {
        "applicationName": group.application,
        "deploymentGroupId": group.id,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.config,
        "serviceRoleArn": group.role,
        "alarmConfiguration": alarms_json(group.alarms),
        "autoRollbackConfiguration": rollback_json(group.auto_rollback),
        "triggerConfigurations": triggers_json(group.triggers),
        "deploymentStyle": STYLE,
        "computePlatform": "Lambda",
        "terminationHookEnabled": False,
        **({"targetRevision": revision_json(good[0].revision)} if good else {}),
        **({"lastSuccessfulDeployment": _last_json(good[0])} if good else {}),
        **({"lastAttemptedDeployment": _last_json(deployments[0])} if deployments else {}),
    }


def config_json(config: Config) -> Json:
    return _without_none(
        {
            "deploymentConfigId": config.id,
            "deploymentConfigName": config.name,
            "createTime": config.created,
            "computePlatform": "Lambda",
            "trafficRoutingConfig": _routing_json(config.routing),
        }
    )


def alarms_json(alarms: Alarms) -> Json:
    return {
        "enabled": alarms.enabled,
        "ignorePollAlarmFailure": alarms.ignore_poll_failure,
        "alarms": [{"name": name} for name in alarms.names],
    }


def rollback_json(rollback: AutoRollback) -> Json:
    return {"enabled": rollback.enabled, "events": [cause for cause in Cause if cause in rollback.causes]}


def revision_json(revision: Revision, *, content: bool = True) -> Json:
    """A RevisionLocation; `content` says whether it carries its text."""
    if at := revision.location:
        return {
            "revisionType": "S3",
            "s3Location": {
                "bucket": at.bucket,
                "key": at.key,
                "bundleType": at.bundle,
                **({"version": at.version} if at.version else {}),
                **({"eTag": at.etag} if at.etag else {}),
            },
        }
    member = revision.kind[0].lower() + revision.kind[1:]
    text = {"content": revision.content} if content else {}
    return {"revisionType": revision.kind, member: {**text, "sha256": revision.sha256}}


def revision_info_json(registered: Registered, use: Use) -> Json:
    """A GenericRevisionInfo."""
    return _without_none(
        {
            "description": registered.description or None,
            "deploymentGroups": list(use.groups),
            "firstUsedTime": use.first,
            "lastUsedTime": use.last,
            "registerTime": registered.time,
        }
    )


def deployment_json(deployment: Deployment, *, content: bool) -> Json:
    """`deploymentInfo`; `content` says whether the revision carries its text."""
    error = deployment.error
    return _without_none(
        {
            "applicationName": deployment.application,
            "deploymentGroupName": deployment.group,
            "deploymentConfigName": deployment.config,
            "deploymentId": deployment.id,
            "revision": revision_json(deployment.revision, content=content),
            "status": deployment.status,
            "errorInformation": {"code": error.code, "message": error.message} if error else None,
            "createTime": deployment.created,
            "startTime": deployment.started,
            "completeTime": deployment.completed,
            "deploymentOverview": _overview_json(deployment),
            "description": deployment.description or None,
            "creator": deployment.creator,
            "ignoreApplicationStopFailures": False,
            "autoRollbackConfiguration": rollback_json(deployment.auto_rollback),
            "updateOutdatedInstancesOnly": False,
            "rollbackInfo": _rollback_info_json(deployment.rollback),
            "deploymentStyle": STYLE,
            "instanceTerminationWaitTimeStarted": False,
            "fileExistsBehavior": "DISALLOW",
            "deploymentStatusMessages": [],
            "computePlatform": "Lambda",
            "overrideAlarmConfiguration": alarms_json(deployment.alarms) if deployment.alarms_overridden else None,
        }
    )


def target_id(deployment: Deployment) -> str:
    return f"{deployment.spec.function}:{deployment.spec.alias}"


def target_json(deployment: Deployment) -> Json:
    spec, scope = deployment.spec, deployment.scope
    name = spec.function.rpartition(":")[2]
    return {
        "deploymentTargetType": "LambdaTarget",
        "lambdaTarget": {
            "deploymentId": deployment.id,
            "targetId": target_id(deployment),
            "targetArn": f"arn:aws:lambda:{scope.region}:{scope.account}:function:{name}:{spec.alias}",
            "status": _target_status(deployment),
            "lastUpdatedAt": deployment.completed or deployment.started or deployment.created,
            "lifecycleEvents": [_event_json(event) for event in deployment.lifecycle],
            "lambdaFunctionInfo": {
                "functionName": spec.function,
                "functionAlias": spec.alias,
                "currentVersion": spec.current,
                "targetVersion": spec.target,
                "targetVersionWeight": deployment.weight,
            },
        },
    }


def _check_style(style: Json | None) -> None:
    if style and any(style.get(key, value) != value for key, value in STYLE.items()):
        raise ApiError(
            "InvalidDeploymentStyleException",
            "For the Lambda compute platform the deployment type is BLUE_GREEN, the option WITH_TRAFFIC_CONTROL.",
        )


def _routing_json(routing: Routing) -> Json:
    match routing:
        case AllAtOnce():
            return {"type": "AllAtOnce"}
        case Canary(percent, minutes):
            canary = {"canaryPercentage": percent, "canaryInterval": minutes}
            return {"type": "TimeBasedCanary", "timeBasedCanary": canary}
        case Linear(percent, minutes):
            linear = {"linearPercentage": percent, "linearInterval": minutes}
            return {"type": "TimeBasedLinear", "timeBasedLinear": linear}


def _last_json(deployment: Deployment) -> Json:
    return _without_none(
        {
            "deploymentId": deployment.id,
            "status": deployment.status,
            "createTime": deployment.created,
            "endTime": deployment.completed,
        }
    )


def _overview_json(deployment: Deployment) -> Json:
    """The target is the one "instance" that is counted."""
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    return {**counts, _target_status(deployment): 1}


def _target_status(deployment: Deployment) -> str:
    match deployment.status:
        case model.Status.CREATED | model.Status.QUEUED:
            return "Pending"
        case model.Status.STOPPED:
            return "Failed"
        case status:
            return str(status)


def _rollback_info_json(info: RollbackInfo | None) -> Json | None:
    if info is None:
        return None
    return _without_none(
        {
            "rollbackDeploymentId": info.rollback_id,
            "rollbackTriggeringDeploymentId": info.triggering_id,
            "rollbackMessage": info.message,
        }
    )


def _event_json(event: LifecycleEvent) -> Json:
    return _without_none(
        {
            "lifecycleEventName": event.name,
            "status": event.status,
            "startTime": event.started,
            "endTime": event.ended,
        }
    )


def _without_none(json: Json) -> Json:
    return {key: value for key, value in json.items() if value is not None}
