"""MiniStack has no CodeDeploy: these are the triggers of its groups, which tell an SNS topic of each deployment.

The message is JSON whose nested members are JSON strings, as AWS sends it (captured), unlike the documented sample.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ministack.services import sns

from .model import Deployment
from .port import StateChange
from .registry import Group, Trigger

log = logging.getLogger("codedeploy")

# By the state on the event bus: the event of a trigger, and the word of its message. ? ABORTED: consumers expect it.
EVENTS = {
    "START": ("DeploymentStart", "CREATED"),
    "SUCCESS": ("DeploymentSuccess", "SUCCEEDED"),
    "FAILURE": ("DeploymentFailure", "FAILED"),
    "STOP": ("DeploymentStop", "ABORTED"),
}


@dataclass(frozen=True)
class Triggers:
    """Called with each state change; `group` and `deployment` find what it is about."""

    group: Callable[[str, str], Group]
    deployment: Callable[[str], Deployment]

    def __call__(self, change: StateChange) -> None:
        deployment = self.deployment(change.deployment)
        for trigger in _told(self.group(change.application, change.group), deployment, change.state):
            status = EVENTS[change.state][1]
            subject = f"{status}: AWS CodeDeploy {deployment.id} in {change.scope.region} to {change.application}"
            text = json.dumps(message(trigger.name, status, change, deployment))
            if sns.publish_internal(trigger.topic, text, subject[:100]) is None:
                log.warning("trigger %s of %s: there is no topic %s", trigger.name, change.group, trigger.topic)


def _told(group: Group, deployment: Deployment, state: str) -> Iterator[Trigger]:
    events = {EVENTS[state][0]}
    if deployment.is_rollback and state == "START":
        events.add("DeploymentRollback")
    return (trigger for trigger in group.triggers if events & trigger.events)


def message(trigger: str, status: str, change: StateChange, deployment: Deployment) -> dict[str, str]:
    """What the topic gets. Times are in stage time; ? their form is that of captures for servers."""
    overview = dict.fromkeys(("Succeeded", "Failed", "Skipped", "InProgress", "Pending", "Ready"), 0)
    overview[{"CREATED": "Pending", "SUCCEEDED": "Succeeded"}.get(status, "Failed")] = 1
    told = {
        "region": change.scope.region,
        "accountId": change.scope.account,
        "eventTriggerName": trigger,
        "applicationName": change.application,
        "deploymentId": deployment.id,
        "deploymentGroupName": change.group,
        "createTime": _time(deployment.created),
        "deploymentOverview": json.dumps(overview),
        "status": status,
    }
    if deployment.completed is not None:
        told["completeTime"] = _time(deployment.completed)
    if deployment.error:
        error = {"ErrorCode": deployment.error.code, "ErrorMessage": deployment.error.message}
        told["errorInformation"] = json.dumps(error)
    if deployment.rollback:
        back = {
            "RollbackDeploymentId": deployment.rollback.rollback_id or deployment.id,
            "RollbackMessage": deployment.rollback.message,
        }
        told["rollbackInformation"] = json.dumps(back)
    return told


def _time(epoch: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(epoch))
