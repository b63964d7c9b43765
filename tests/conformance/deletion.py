"""Everything that `make certify` deletes. It deletes nothing else."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from tests.conformance import template

if TYPE_CHECKING:
    from tests.conformance.account import Account


def is_stack_of(prefix: str, name: str) -> bool:
    """Whether a stack is the shared one of this prefix, or one of a claim: `PREFIX-cXXXXXXXX` or with a suffix."""
    return re.fullmatch(rf"{re.escape(prefix)}(-c[0-9a-f]{{8}}(-\w+)?)?", name) is not None


def is_ours(account: Account) -> bool:
    """Whether the stack that is named as the prefix was made by this suite."""
    (found,) = account.client("cloudformation").describe_stacks(StackName=account.prefix)["Stacks"]
    return bool(found.get("Description") == template.MADE_BY)


def delete_everything(account: Account) -> None:
    """Delete the deployment groups, the stacks (the shared one last) and the alarms of this suite.

    Where the stack named as the prefix is not of this suite, nothing is deleted.
    """
    if account.exists(account.prefix) and not is_ours(account):
        return
    with contextlib.suppress(ClientError):  # a stack that was never made has no application
        end_deployments(account)
    found = {
        one["StackName"]
        for page in account.client("cloudformation").get_paginator("list_stacks").paginate()
        for one in page["StackSummaries"]
        if is_stack_of(account.prefix, one["StackName"]) and one["StackStatus"] != "DELETE_COMPLETE"
    }
    for name in sorted(found, key=len, reverse=True):
        delete_stack(account, name)
    cloudwatch = account.client("cloudwatch")  # a run that was killed may have left alarms of a claim
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{account.prefix}-c")["MetricAlarms"]
    if names := [one["AlarmName"] for one in alarms if is_stack_of(account.prefix, one["AlarmName"])]:
        cloudwatch.delete_alarms(AlarmNames=names)


def delete_stack(account: Account, name: str) -> None:
    """Delete a stack, or report that it is left."""
    stacks = account.client("cloudformation")
    stacks.delete_stack(StackName=name)
    polling = {"Delay": 0.1, "MaxAttempts": 200} if account.endpoint else {"Delay": 5, "MaxAttempts": 120}
    try:
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=polling)
    except WaiterError as left:
        print(f"the stack {name} is left, delete it by hand: {left}")


def end_deployments(account: Account) -> None:
    """Stop the deployments of the shared application and delete its groups, which would hold its stack back."""
    codedeploy = account.codedeploy
    pages = codedeploy.get_paginator("list_deployment_groups").paginate(applicationName=account.prefix)
    for group in [group for page in pages for group in page["deploymentGroups"]]:
        where = {"applicationName": account.prefix, "deploymentGroupName": group}
        running = codedeploy.list_deployments(**where, includeOnlyStatuses=["Created", "InProgress"])
        for deployment in running["deployments"]:
            with contextlib.suppress(ClientError):  # it may have ended meanwhile
                codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)
            account.end(deployment)
        codedeploy.delete_deployment_group(**where)
