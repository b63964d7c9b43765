"""MiniStack's side of CodeDeploy's port: aliases, hooks, alarms and events of the account that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge, iam, lambda_svc, s3

from .model import Scope
from .port import AliasState, StateChange

# What AWS's two managed policies for CodeDeploy and Lambda allow a role; MiniStack has no text of theirs.
MANAGED_POLICIES = ("AWSCodeDeployRoleForLambda", "AWSCodeDeployRoleForLambdaLimited")
MANAGED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "cloudwatch:DescribeAlarms",
                "lambda:UpdateAlias",
                "lambda:GetAlias",
                "lambda:GetProvisionedConcurrencyConfig",
            ],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:*:*:function:CodeDeployHook_*",
        },
    ],
}

ALIAS_ACTIONS = ("lambda:GetAlias", "lambda:UpdateAlias")


@dataclass(frozen=True)
class MiniStackAccount:
    """`invoke_async(function reference, payload)` raises LookupError when there is no such function.

    `listeners` hear of each state change after the event bus.
    """

    invoke_async: Callable[[str, Any], None]
    listeners: list[Callable[[StateChange], None]] = field(default_factory=list)

    def scope(self) -> Scope:
        return Scope(get_account_id(), get_region())

    def alias(self, function: str, alias: str) -> AliasState:
        record = self._function(function)["aliases"].get(alias)
        if record is None:
            raise LookupError(f"The Lambda function {function} has no alias {alias}")
        routing = record.get("RoutingConfig") or {}
        return AliasState(str(record["FunctionVersion"]), dict(routing.get("AdditionalVersionWeights") or {}))

    def set_alias(self, function: str, alias: str, state: AliasState) -> None:
        """Through UpdateAlias, so that its RevisionId changes."""
        record = self._function(function)
        for version in (state.main, *state.weights):
            if version not in record["versions"]:
                raise LookupError(f"The Lambda function {function} has no version {version}")
        update = {
            "FunctionVersion": state.main,
            "RoutingConfig": {"AdditionalVersionWeights": dict(state.weights)},
        }
        status, _, body = lambda_svc._update_alias(_name(function), alias, update)
        if status >= 400:
            raise LookupError(json.loads(body).get("message") or f"UpdateAlias of {function}:{alias} failed: {status}")

    def has_version(self, function: str, version: str) -> bool:
        return version in self._function(function)["versions"]

    def object(self, bucket: str, key: str, version: str) -> str:
        found: bytes | None = s3._get_object_data(bucket, key, version_id=version or None)
        if found is None:
            raise LookupError(f"There is no object s3://{bucket}/{key}")
        return found.decode()

    def invoke(self, role: str, hook: str, payload: Mapping[str, str]) -> None:
        if not _allowed(role, "lambda:InvokeFunction", _arn(hook)):
            raise PermissionError(f"{role} may not invoke it (AWS's managed policy allows CodeDeployHook_* alone)")
        self.invoke_async(hook, dict(payload))

    def may_read_alarms(self, role: str) -> bool:
        return _allowed(role, "cloudwatch:DescribeAlarms", "*")

    def may_move(self, role: str, function: str, alias: str) -> bool:
        """IAM knows GetAlias and UpdateAlias by the function; policies in use name the alias as well."""
        arns = _arn(_name(function)), _arn(f"{_name(function)}:{alias}")
        return all(any(_allowed(role, action, arn) for arn in arns) for action in ALIAS_ACTIONS)

    def alarm_state(self, name: str) -> str | None:
        alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
        return str(alarm["StateValue"]) if alarm else None

    def publish(self, change: StateChange) -> None:
        scope, application = change.scope, change.application
        arn = f"arn:aws:codedeploy:{scope.region}:{scope.account}"
        detail = {
            "region": scope.region,
            "deploymentId": change.deployment,
            "instanceGroupId": change.group_id,
            "deploymentGroup": change.group,
            "state": change.state,
            "application": application,
        }
        entry = {
            "Source": "aws.codedeploy",
            "DetailType": "CodeDeploy Deployment State-change Notification",
            "Resources": [
                f"{arn}:application:{application}",
                f"{arn}:deploymentgroup:{application}/{change.group}",
            ],
            "Detail": json.dumps(detail),
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        for listener in self.listeners:
            listener(change)

    def _function(self, function: str) -> dict[str, Any]:
        record: dict[str, Any] | None = lambda_svc._functions.get(_name(function))
        if record is None:
            raise LookupError(f"Function not found: {function}")
        return record


def _name(function: str) -> str:
    name, _ = lambda_svc._resolve_name_and_qualifier(function)
    return str(name)


def _arn(function: str) -> str:
    name, qualifier = lambda_svc._resolve_name_and_qualifier(function)
    return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}" + (f":{qualifier}" if qualifier else "")


def _allowed(role: str, action: str, resource: str) -> bool:
    """Whether the group's role allows it. A role that the account doesn't have is let pass: nothing is known of it."""
    account, name = get_account_id(), role.rpartition("/")[2]
    record = iam._roles.get(name)
    if record is None:
        return True
    policies = iam_evaluator._gather_role_policies(name, account)
    if any(attached.rpartition("/")[2] in MANAGED_POLICIES for attached in record.get("AttachedPolicies", [])):
        policies.append(iam_evaluator.parse_policy_document(MANAGED))
    request = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/codedeploy",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={},
    )
    return bool(iam_evaluator.evaluate(request, policies).decision == "Allow")
