"""Gap of MiniStack: PublishVersion publishes a version after each update call, whether or not anything has changed.

Here a version is published only where code or configuration differ from the last published version, as Lambda does.
Tags, reserved concurrency and LoggingConfig are no part of a version. A new AWS::Lambda::Version resource of an
unchanged function fails, and so does one whose SnapStart initialization fails. An alias takes no version that is not
Active. Properties of a template that MiniStack drops, and that are part of a version, are kept.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from rehearsal.stage.cloudformation import operations

type Answer = tuple[int, dict[str, str], bytes]
type Record = dict[str, Any]
type Provisioned = tuple[str, dict[str, str]]

VERSION = "AWS::Lambda::Version"
CONTENT = "published_content"
"""Where a version's record keeps the checksum of what it was published from."""

# What GetFunctionConfiguration reports and what is no part of a version.
NOT_VERSIONED = frozenset(
    {
        "FunctionArn",
        "LastModified",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "LoggingConfig",
        "RevisionId",
        "RuntimeVersionConfig",
        "State",
        "StateReason",
        "StateReasonCode",
        "Version",
    }
)
KEPT = {
    "DeadLetterConfig": "DeadLetterConfig",
    "FileSystemConfigs": "FileSystemConfigs",
    "KmsKeyArn": "KMSKeyArn",
    "VpcConfig": "VpcConfig",
}
"""Properties of AWS::Lambda::Function that MiniStack's templates drop, with their names in the configuration."""
INITIALIZING, FAILED = "Pending", "Failed"
INITIALIZATION_ERROR = "An error occurred during function initialization."
LOOK_EVERY = 0.05
"""Wall seconds between two looks at a version that initializes."""


def content(config: Mapping[str, Any]) -> str:
    """A checksum of everything that makes a version: the code's own checksum and the configuration."""
    versioned = {name: value for name, value in config.items() if name not in NOT_VERSIONED}
    return hashlib.sha256(json.dumps(versioned, sort_keys=True, default=str).encode()).hexdigest()


def last_published(function: Record) -> str | None:
    """The number of the newest version that the function has."""
    return max(function["versions"], key=int, default=None)


def unchanged_since(function: Record) -> str | None:
    """The last published version, where `$LATEST` has its code and configuration; else None."""
    latest = last_published(function)
    same = latest is not None and function["versions"][latest].get(CONTENT) == content(function["config"])
    return latest if same else None


def refused_publish(config: Mapping[str, Any], request: Mapping[str, Any]) -> Answer | None:
    """The refusal of a PublishVersion whose CodeSha256 or RevisionId is not that of `$LATEST`; else None."""
    if (stale := lambda_svc._check_revision(config, request)) is not None:
        return stale  # type: ignore[no-any-return]
    asked, now = request.get("CodeSha256"), config.get("CodeSha256")
    if asked and asked != now:
        text = (
            f"CodeSHA256 ({asked}) is different from current CodeSHA256 in $LATEST ({now}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
        return lambda_svc.error_response_json("InvalidParameterValueException", text, 400)  # type: ignore[no-any-return]
    return None


def is_initializing(config: Mapping[str, Any]) -> bool:
    """Whether Lambda still makes the snapshot of a published version with SnapStart."""
    on = (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
    return on and config.get("State") == INITIALIZING


def not_active(config: Mapping[str, Any], arn: str) -> Answer | None:
    """The refusal to route to or to invoke the version `arn` (qualified) of this configuration, or None."""
    if is_initializing(config):
        state, code = INITIALIZING, "Creating"
    elif config.get("State") == FAILED:
        state, code = FAILED, config.get("StateReasonCode") or "FunctionError"
    else:
        return None
    text = (
        "The operation cannot be performed at this time. The function is currently in the following state: "
        f"'{state}', StateReasonCode: '{code}', Function ARN: {arn}"
    )
    return lambda_svc.error_response_json("ResourceConflictException", text, 409)  # type: ignore[no-any-return]


def _published_once(publish: Callable[..., Answer]) -> Callable[..., Answer]:
    @functools.wraps(publish)
    def published(name: str, request: Mapping[str, Any]) -> Answer:
        function = lambda_svc._functions.get(name)
        if function is None:
            return publish(name, request)
        if (refused := refused_publish(function["config"], request)) is not None:
            return refused
        if (same := unchanged_since(function)) is not None:
            answer: Answer = lambda_svc.json_response(function["versions"][same]["config"], 201)
            return answer
        made = content(function["config"])
        answer = publish(name, request)
        if answer[0] < 400 and (latest := last_published(function)) is not None:
            function["versions"][latest][CONTENT] = made
        return answer

    return published


def _updated_then_published(update: Callable[..., Answer], publish: Callable[..., Answer]) -> Callable[..., Answer]:
    """UpdateFunctionCode with Publish: an update, then a PublishVersion."""

    @functools.wraps(update)
    def updated(name: str, request: Mapping[str, Any]) -> Answer:
        without = {key: value for key, value in request.items() if key != "Publish"}
        answer = update(name, without)
        return publish(name, {}) if request.get("Publish") and answer[0] < 400 else answer

    return updated


def _created_and_published(create: Callable[..., Answer]) -> Callable[..., Answer]:
    @functools.wraps(create)
    def created(request: Mapping[str, Any]) -> Answer:
        answer = create(request)
        function = lambda_svc._functions.get(str(request.get("FunctionName", "")).rpartition(":")[2])
        if answer[0] < 400 and function is not None and (latest := last_published(function)) is not None:
            function["versions"][latest].setdefault(CONTENT, content(function["config"]))
        return answer

    return created


class NotStabilizedError(Exception):
    """A version whose initialization failed; its text is the reason of the resource's CREATE_FAILED."""

    def __init__(self, arn: str, reason: str) -> None:
        said = f"Resource of type '{VERSION}' with identifier '{arn}' did not stabilize. Status Reason is {reason}"
        super().__init__(
            f'Resource handler returned message: "{said}" '
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: NotStabilized)"
        )


def _create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
    """In the place of MiniStack's: an unchanged function fails, and a version is waited for until it is Active."""
    function, name = provisioners._lambda_version_function(properties)
    if function is None:
        raise ValueError(f"Function not found: {lambda_svc._func_arn(name)}")
    if (same := unchanged_since(function)) is not None:
        raise ValueError(
            f"A version for this Lambda function exists ( {same} ). Modify the function to create a new version."
        )
    asked = {key: properties[key] for key in ("Description", "CodeSha256") if properties.get(key)}
    status, _, body = lambda_svc._publish_version(name, asked)
    said = json.loads(body)
    if status >= 400:
        raise ValueError(str(said.get("message") or said))
    version, arn = said["Version"], said["FunctionArn"]
    published = function["versions"][version]["config"]
    while is_initializing(published):
        time.sleep(LOOK_EVERY)
    if published.get("State") == FAILED:
        if not _retained(stack, logical_id):
            function["versions"].pop(version, None)
        raise NotStabilizedError(arn, INITIALIZATION_ERROR)
    return arn, {"Version": version}


def _retained(stack: str, logical_id: str) -> bool:
    definition = operations.operation(stack).template.get("Resources", {}).get(logical_id) or {}
    return definition.get("DeletionPolicy") == "Retain"


def _reporting_as_lambda(spawn: Callable[..., None]) -> Callable[..., None]:
    """A worker that does not start when its version is published: the version's StateReason is Lambda's sentence."""

    @functools.wraps(spawn)
    def spawned(worker: Any) -> None:
        try:
            spawn(worker)
        except Exception as error:
            raise RuntimeError(INITIALIZATION_ERROR) from error

    return spawned


def _keep(function: str, properties: Mapping[str, Any]) -> None:
    config = lambda_svc._functions[function]["config"]
    for name, member in KEPT.items():
        if properties.get(name):
            config[member] = properties[name]
        else:
            config.pop(member, None)


def _keeping_on_create(create: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    @functools.wraps(create)
    def created(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
        provisioned = create(logical_id, properties, stack)
        _keep(provisioned[0], properties)
        return provisioned

    return created


def _keeping_on_update(update: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    @functools.wraps(update)
    def updated(
        function: str, old: Mapping[str, Any], new: Mapping[str, Any], stack: str, logical_id: str | None = None
    ) -> Provisioned:
        provisioned = update(function, old, new, stack, logical_id)
        if any(old.get(name) != new.get(name) for name in KEPT):  # what was set by the API stays
            _keep(provisioned[0], new)
        return provisioned

    return updated


def install() -> None:
    """Once, before the first function is made and before `alias_rules`, which ask `not_active`."""
    publish = lambda_svc._publish_version = _published_once(lambda_svc._publish_version)
    lambda_svc._update_code = _updated_then_published(lambda_svc._update_code, publish)
    lambda_svc._create_function = _created_and_published(lambda_svc._create_function)
    lambda_svc.ensure_spawned = _reporting_as_lambda(lambda_svc.ensure_spawned)  # of published versions alone
    provisioners._lambda_version_create = _create
    provisioners._RESOURCE_HANDLERS[VERSION]["create"] = _create
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handler["create"] = _keeping_on_create(handler["create"])
    handler["update"] = _keeping_on_update(handler["update"])
