"""Gap of MiniStack: without its AUTH mode nothing checks what a function may do, and with it nothing knows CodeDeploy.

Here every AWS call that a function makes is recorded and held against the policies of the function's role: what they do
not allow is denied, as in an account. Calls of people and of the stage itself are not checked.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.core.router import detect_service, extract_region
from ministack.services import lambda_svc, tagging

from rehearsal.stage import appconfig
from rehearsal.stage.codedeploy.behaviour import Behaviour

_TOKEN = "stage-function/"

ANSWER = "codedeploy:PutLifecycleEventHookExecutionStatus"
"""? IAM knows no resource for it, and the policies of AWS's own tutorial and of CDK name the deployment group."""

# GetFunction of a version is authorized against the qualified ARN; tags belong to the function.
_TAG_CONDITION = "aws:resourcetag/"


@dataclass(frozen=True)
class Call:
    """One AWS call of a function: `role` is the name of its execution role, `allowed` what the role's policies say."""

    function: str
    role: str
    action: str
    resource: str
    allowed: bool


GroupOf = Callable[[str], str]
"""The `application/group` of a deployment id; `*` for one that doesn't exist."""


class Calls:
    """What functions called, each different call once with how often it was made."""

    def __init__(self, group_of: GroupOf, behaviour: Callable[[], Behaviour] = Behaviour) -> None:
        self.group_of = group_of
        self.behaviour = behaviour
        self._made: dict[Call, int] = {}

    def add(self, call: Call) -> None:
        self._made[call] = self._made.get(call, 0) + 1

    def as_json(self) -> list[dict[str, Any]]:
        return [{**call.__dict__, "times": times} for call, times in sorted(self._made.items(), key=_by_name)]

    def denied(self) -> list[Call]:
        return [call for call in self._made if not call.allowed]


def _by_name(item: tuple[Call, int]) -> tuple[str, str, str]:
    return item[0].function, item[0].action, item[0].resource


def _credentials(config: Mapping[str, Any]) -> dict[str, str]:
    """Credentials of the account whose session token says which function they were given to."""
    account, _ = lambda_runtime._account_region_from_function_config(config)
    role = str(config.get("Role", "")).rpartition("/")[2]
    return {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": hashlib.sha256(role.encode()).hexdigest()[:40],
        "AWS_SESSION_TOKEN": f"{_TOKEN}{config.get('FunctionName', '')}/{role}",
    }


def caller(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The function and the role behind a request, or None where no function made it."""
    token = headers.get("x-amz-security-token", "")
    if not token.startswith(_TOKEN):
        return None
    function, _, role = token.removeprefix(_TOKEN).partition("/")
    return function, role


def _allowed(
    role: str, account: str, action: str, resource: str, region: str, known: Mapping[str, Any] | None = None
) -> bool:
    """`known` are condition keys that the request itself carries."""
    policies = iam_evaluator._gather_role_policies(role, account)
    context: dict[str, Any] = {"aws:tagkeys": None, **(known or {})}
    for name, value in _tags(resource).items():
        context[f"{_TAG_CONDITION}{name}".lower()] = value
    request = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/stage",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context=context,
    )
    return bool(iam_evaluator.evaluate(request, policies).decision == "Allow")


_calling: ContextVar[tuple[Calls, str, str] | None] = ContextVar("stage_calling", default=None)
"""The function (and its role) whose request is being served, while it is."""


def may_see_tags(function_arn: str) -> bool:
    """GetFunction gives tags to those alone who are also allowed lambda:ListTags."""
    calling = _calling.get()
    if calling is None:
        return True
    calls, function, role = calling
    allowed = _allowed(role, get_account_id(), "lambda:ListTags", function_arn, get_region())
    if allowed:
        calls.add(Call(function, role, "lambda:ListTags", function_arn, allowed))
    return allowed


def _tags(resource: str) -> dict[str, str]:
    if ":lambda:" in resource:
        function = lambda_svc._functions.get(resource.split(":")[6])
        return dict((function or {}).get("tags") or {})
    if ":appconfig:" in resource:
        return appconfig.tags(resource)
    return dict(tagging.resource_tags(resource) or {})


def _codedeploy_resources(action: str, body: bytes, region: str, account: str, group_of: GroupOf) -> list[str]:
    """What an action of CodeDeploy is authorized against (service authorization reference); most know no resources."""
    asked = json.loads(body or b"{}")
    application = asked.get("applicationName")
    match action.removeprefix("codedeploy:"):
        case "GetDeployment":
            found = [f"deploymentgroup:{group_of(str(asked.get('deploymentId')))}"]
        case "BatchGetDeployments":
            found = [f"deploymentgroup:{group_of(str(one))}" for one in asked.get("deploymentIds", [])]
        case "GetDeploymentGroup" | "CreateDeployment":
            found = [f"deploymentgroup:{application}/{asked.get('deploymentGroupName')}"]
        case "UpdateDeploymentGroup":
            found = [f"deploymentgroup:{application}/{asked.get('currentDeploymentGroupName')}"]
        case "GetDeploymentConfig":
            found = [f"deploymentconfig:{asked.get('deploymentConfigName')}"]
        case "GetApplicationRevision":
            found = [f"application:{application}"]
        case _:
            return ["*"]
    return [f"arn:aws:codedeploy:{region}:{account}:{one}" for one in found]


def _carried(action: str, body: bytes) -> list[dict[str, Any]]:
    """The condition keys of a request, once for each thing that is authorized by itself: each entry of PutEvents."""
    if action != "events:PutEvents":
        return [{}]
    entries = json.loads(body or b"{}").get("Entries", [])
    return [{"events:source": one.get("Source"), "events:detail-type": one.get("DetailType")} for one in entries]


def resource_of(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, account: str
) -> str:
    arn = str(
        iam_actions.extract_resource_arn(service, method, path, headers, body, query, extract_region(headers), account)
    )
    qualifier = query.get("Qualifier", [""])[0] if isinstance(query, dict) else ""
    if service == "lambda" and qualifier and arn.count(":") == 6:
        return f"{arn}:{qualifier}"
    return arn


def called(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> tuple[str, str | None, dict[str, Any]]:
    """The service (by MiniStack's name), the IAM action (None where it is unknown) and the parameters of a request."""
    form = (
        parse_qs(body.decode("utf-8", "replace")) if "x-www-form-urlencoded" in headers.get("content-type", "") else {}
    )
    params = {**form, **query}
    service = detect_service(method, path, headers, params)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
    if service == "lambda" and action == "lambda:ListAliases" and not path.endswith("/aliases"):
        action = {"GET": "lambda:GetAlias", "PUT": "lambda:UpdateAlias", "DELETE": "lambda:DeleteAlias"}.get(
            method, action
        )
    return service, action, params


def authorized_as(
    action: str, resources: Sequence[str], body: bytes, region: str, account: str
) -> Sequence[tuple[str, str]]:
    """The actions that a request is authorized as, each with its resource (service authorization reference).

    A transaction of DynamoDB and a batch of SNS have no action of their own.
    """
    if action == "sns:PublishBatch":
        return [("sns:Publish", resource) for resource in resources]
    checks = iam_actions.dynamodb_transaction_checks(action, body, region, account)
    return list(dict.fromkeys(checks)) or [(action, resource) for resource in resources]


def check(calls: Calls, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
    """Record a function's call. The denial to answer with when its role does not allow it, else None."""
    made_by = caller(headers)
    if made_by is None:
        return None
    function, role = made_by
    account = headers.get("authorization", "").partition("Credential=")[2].partition("/")[0] or "000000000000"
    set_request_account_id(account)
    set_request_region(extract_region(headers))
    service, action, params = called(method, path, headers, body, query)
    if action is None:
        return None
    region = extract_region(headers)
    if action == ANSWER and calls.behaviour().hook_answer_takes_group:
        named = _codedeploy_resources("codedeploy:GetDeployment", body, region, account, calls.group_of)
        resources = [one for one in named if _allowed(role, account, action, one, region)] or ["*"]
    elif service == "codedeploy":
        resources = _codedeploy_resources(action, body, region, account, calls.group_of)
    elif service == "appconfig":
        resources = appconfig.resources(path, account, region)
    else:
        resources = [resource_of(service, method, path, headers, body, params, account)]
    for authorized, resource in authorized_as(action, resources, body, region, account):
        allowed = all(_allowed(role, account, authorized, resource, region, known) for known in _carried(action, body))
        calls.add(Call(function, role, authorized, resource, allowed))
        if not allowed:
            break
    else:
        _calling.set((calls, function, role))
        return None
    principal = f"arn:aws:sts::{account}:assumed-role/{role}/{function}"
    return iam_actions.access_denied_response(
        service, authorized, principal, str(uuid.uuid4()), headers=headers, resource_arn=resource
    )


def install(group_of: GroupOf, behaviour: Callable[[], Behaviour] = Behaviour) -> Calls:
    """Give functions credentials that name them, and teach MiniStack's policy evaluation about CodeDeploy."""
    lambda_runtime.execution_credentials = _credentials
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codedeploy"] = "codedeploy"
    return Calls(group_of, behaviour)
