"""Gap of MiniStack: a change set's DeploymentMode was taken and forgotten, and drift detection didn't know aliases.

With REVERT_DRIFT a change set compares the template with what the resources are, not with what the last deployment
made of them: it puts back what drifted, leaves alone what is as the template wants it, creates what was deleted, and a
rollback goes back to what was there (user guide, "Using drift-aware change sets"). What can't be read is UNSUPPORTED.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ministack.core.responses import now_iso
from ministack.services import cloudformation, lambda_svc
from ministack.services.cloudformation import changesets, drift, engine, handlers, helpers
from ministack.services.cloudformation.provisioners import _property_recreation

from rehearsal.stage.cloudformation.requests import Answer, Handler, refusal
from rehearsal.stage.notes import note

type Record = dict[str, Any]

MODE = "REVERT_DRIFT"
ALIAS = "AWS::Lambda::Alias"
NOTHING_TO_DO = "The submitted information didn't contain changes"
BELIEVED = "_believed"
"""Of a stack: what it believed of the resources that a drift-aware change set found otherwise, by logical id."""


@dataclass(frozen=True)
class Drifted:
    """A resource that isn't as the last deployment left it.

    `actual` are the properties that it has, None when it was deleted; `changed` are the names of those that differ.
    """

    logical_id: str
    actual: Mapping[str, Any] | None
    changed: tuple[str, ...]
    seen: str

    @property
    def status(self) -> str:
        return "DELETED" if self.actual is None else "MODIFIED"


def found(stack: Record) -> list[Drifted]:
    """Everything of the stack that drifted, as far as it can be read."""
    return list(_found(stack))


def _found(stack: Record) -> Iterator[Drifted]:
    for logical_id, record in stack["_resources"].items():
        if not drift.supports_drift(record.get("ResourceType", "")):
            continue
        seen = drift.detect_resource_drift(stack, logical_id, record, now_iso())
        if seen["StackResourceDriftStatus"] == "DELETED":
            yield Drifted(logical_id, None, (), seen["Timestamp"])
        if seen["StackResourceDriftStatus"] == "MODIFIED":
            changed = {one["PropertyPath"].split("/")[1] for one in seen["PropertyDifferences"]}
            now = json.loads(seen["ActualProperties"])
            kept = {name: value for name, value in record["Properties"].items() if name not in changed}
            read = {name: now[name] for name in changed if name in now}
            yield Drifted(logical_id, {**kept, **read}, tuple(sorted(changed)), seen["Timestamp"])


def _read_alias(arn: str, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What an alias is, in the template's shape; None when it isn't there any more."""
    function = lambda_svc._functions.get(lambda_svc._resolve_name(str(properties.get("FunctionName", ""))))
    alias = (function or {}).get("aliases", {}).get(properties.get("Name"))
    if alias is None:
        return None
    read: Record = {"FunctionVersion": str(alias["FunctionVersion"]), "Description": alias.get("Description", "")}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    listed = [{"FunctionVersion": version, "FunctionWeight": weight} for version, weight in weights.items()]
    return {**read, "RoutingConfig": {"AdditionalVersionWeights": listed}} if listed else read


def _drift_aware_create(create: Handler) -> Handler:
    @functools.wraps(create)
    def created(params: Mapping[str, Any]) -> Answer:
        mode = helpers._p(params, "DeploymentMode")
        if mode not in ("", MODE):
            known = f"Member must satisfy enum value set: [{MODE}]"
            return refusal(f"Value '{mode}' at 'deploymentMode' failed to satisfy constraint: {known}")
        answer = create(params)
        made = re.search(rb"<Id>(.+?)</Id>", answer[2])
        if mode and made:
            _compare(cloudformation._change_sets[made.group(1).decode()])
        return answer

    return created


def _compare(change_set: Record) -> None:
    """Put the drift into a change set that was made without it."""
    stack = cloudformation._stacks[change_set["StackName"]]
    drifted = {one.logical_id: one for one in found(stack)}
    listed = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in change_set["Changes"]}
    declared = change_set["_template"].get("Resources", {})
    for logical_id, one in drifted.items():
        if logical_id not in declared:
            continue
        if logical_id not in listed:
            listed[logical_id] = {}
            change_set["Changes"].append({"ResourceChange": listed[logical_id]})
        listed[logical_id] |= _change(stack, change_set, one, listed[logical_id].get("Details", []))
    for logical_id, change in listed.items():
        record = stack["_resources"].get(logical_id)
        if record is not None:
            readable = "IN_SYNC" if drift.supports_drift(record["ResourceType"]) else "UNSUPPORTED"
            change["ResourceDriftStatus"] = drifted[logical_id].status if logical_id in drifted else readable
    change_set["_drifted"] = drifted
    if any(record["ResourceType"] == "AWS::CloudFormation::Stack" for record in stack["_resources"].values()):
        note(f"a drift-aware change set of {stack['StackName']} doesn't look into its nested stacks")
    if change_set["Changes"] and change_set["StatusReason"].startswith(NOTHING_TO_DO):
        change_set |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}


def _change(stack: Record, change_set: Record, one: Drifted, listed: list[Record]) -> Record:
    """The change of a drifted resource; `listed` are the details of it that two templates alone have shown."""
    record = stack["_resources"][one.logical_id]
    kind = record["ResourceType"]
    told = {"LogicalResourceId": one.logical_id, "ResourceType": kind}
    if one.actual is None:
        return {"Action": "Add", **told, "Details": []}
    wanted = _wanted(stack, change_set, one.logical_id)
    details = [detail for detail in listed if detail["Target"].get("Name") not in one.changed]
    details += [_detail(kind, name, record["Properties"], one, wanted) for name in one.changed]
    modifies = any(detail["Target"].get("AttributeChangeType") != "SyncWithActual" for detail in details)
    return {
        "Action": "Modify" if modifies else "SyncWithActual",
        **told,
        "PhysicalResourceId": record["PhysicalResourceId"],
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": details,
    }


def _wanted(stack: Record, change_set: Record, logical_id: str) -> Mapping[str, Any]:
    """The properties that the template wants; references to what is yet to be made lead nowhere."""
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    resolved = engine._resolve_refs(
        copy.deepcopy(template["Resources"][logical_id].get("Properties") or {}),
        stack["_resources"],
        parameters,
        engine._evaluate_conditions(template, parameters),
        template.get("Mappings", {}),
        stack["StackName"],
        stack["StackId"],
    )
    return dict(resolved)


def _detail(kind: str, name: str, before: Mapping[str, Any], one: Drifted, wanted: Mapping[str, Any]) -> Record:
    actual = (one.actual or {}).get(name)
    same = _text(actual) == _text(wanted.get(name))
    target = {
        "Attribute": "Properties",
        "Name": name,
        "RequiresRecreation": _property_recreation(kind, name),
        "Path": f"/Properties/{name}",
        "BeforeValue": _text(actual),
        "AfterValue": _text(wanted.get(name)),
        "BeforeValueFrom": "ACTUAL_STATE",
        "AfterValueFrom": "TEMPLATE",
        "Drift": {
            "PreviousValue": _text(before.get(name)),
            "ActualValue": _text(actual),
            "DriftDetectionTimestamp": one.seen,
        },
        "AttributeChangeType": "SyncWithActual" if same else "Modify",
    }
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _drift_aware_describe(describe: Handler) -> Handler:
    @functools.wraps(describe)
    def described(params: Mapping[str, Any]) -> Answer:
        status, headers, body = describe(params)
        _, change_set = changesets._find_change_set(
            helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
        )
        if status != 200 or change_set is None or "_drifted" not in change_set:
            return status, headers, body
        root = ElementTree.fromstring(body)
        _tell(root, change_set)
        said = ElementTree.tostring(root)
        return status, {**headers, "Content-Length": str(len(said))}, said

    return described


def _tell(root: ElementTree.Element, change_set: Record) -> None:
    """Add to a DescribeChangeSet what is only present for a drift-aware one."""
    space = root.tag.partition("}")[0] + "}"
    (result,) = root.iter(f"{space}DescribeChangeSetResult")
    _add(result, space, DeploymentMode=MODE, StackDriftStatus="DRIFTED" if change_set["_drifted"] else "IN_SYNC")
    for element, one in zip(root.iter(f"{space}ResourceChange"), change_set["Changes"], strict=True):
        change = one["ResourceChange"]
        if "ResourceDriftStatus" in change:
            _add(element, space, ResourceDriftStatus=change["ResourceDriftStatus"])
        for target, detail in zip(element.iter(f"{space}Target"), change.get("Details", []), strict=True):
            told = {each.tag.removeprefix(space) for each in target}
            _add(target, space, **{name: value for name, value in detail["Target"].items() if name not in told})


def _add(element: ElementTree.Element, space: str, **members: Any) -> None:
    for name, value in members.items():
        child = ElementTree.SubElement(element, f"{space}{name}")
        if isinstance(value, Mapping):
            _add(child, space, **value)
        else:
            child.text = str(value)


def _drift_aware_execute(execute: Handler) -> Handler:
    """The stack goes on from what its resources are; what it believed of them is kept for whom it concerns."""

    @functools.wraps(execute)
    def executed(params: Mapping[str, Any]) -> Answer:
        _, change_set = changesets._find_change_set(
            helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
        )
        stack = cloudformation._stacks.get((change_set or {}).get("StackName"))
        drifted: Mapping[str, Drifted] = (change_set or {}).get("_drifted") or {}
        if stack is None or not drifted:
            return execute(params)
        before = stack["_resources"]
        stack["_resources"] = _as_they_are(before, drifted)
        stack[BELIEVED] = {name: before[name]["Properties"] for name in drifted if name in before}
        answer = execute(params)
        if answer[0] != 200:
            stack["_resources"] = before
            del stack[BELIEVED]
        return answer

    return executed


def _as_they_are(resources: Mapping[str, Record], drifted: Mapping[str, Drifted]) -> dict[str, Record]:
    actual = {name: one.actual for name, one in drifted.items()}
    return {
        name: {**record, "Properties": dict(actual.get(name) or record["Properties"])}
        for name, record in resources.items()
        if actual.get(name, record) is not None
    }


def install() -> None:
    """Put these in the place of MiniStack's own; once."""
    alias_properties = frozenset({"FunctionVersion", "Description", "RoutingConfig"})
    drift._DRIFT_READERS[ALIAS] = (_read_alias, alias_properties)
    actions = handlers._ACTION_HANDLERS
    actions["CreateChangeSet"] = _drift_aware_create(actions["CreateChangeSet"])
    actions["DescribeChangeSet"] = _drift_aware_describe(actions["DescribeChangeSet"])
    actions["ExecuteChangeSet"] = _drift_aware_execute(actions["ExecuteChangeSet"])
