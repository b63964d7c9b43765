"""Waiting on a local AWS whose clock the test advances: no test waits by the wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.stage import Stage

STEP = 5.0
"""Stage seconds from one look to the next."""
HOUR = 3600.0


def until[T](stage: Stage, what: str, holds: Callable[[], T | None], seconds: float = HOUR, step: float = STEP) -> T:
    """The first true value of `holds`, asked each time when all is idle, for so many stage seconds.

    On a stage that keeps its own time it is asked as often, by that time.
    """
    now = _go_on(stage, 0.0)
    end = now + seconds
    while not (found := holds()):
        assert now < end, f"waited {seconds:g} seconds of the stage in vain: {what}"
        now = _go_on(stage, step)
    return found


def _go_on(stage: Stage, seconds: float) -> float:
    if stage.manual:
        return stage.time.advance(seconds)
    return stage.time.wait_until(stage.clock().epoch() + seconds)


def settled(stage: Stage, stack: str) -> str:
    """The status in which the operation on a stack ends. By its id, also of one that is deleted."""
    describe = stage.client("cloudformation").describe_stacks

    def status() -> str | None:
        now = str(describe(StackName=stack)["Stacks"][0]["StackStatus"])
        return None if now.endswith("_IN_PROGRESS") else now

    return until(stage, f"the end of the operation on {stack}", status)


def ended(stage: Stage, deployment: str) -> dict[str, Any]:
    """A deployment once it has ended, and the rollback that may follow it; as GetDeployment describes it."""
    get = stage.client("codedeploy").get_deployment

    def over(one: str) -> dict[str, Any] | None:
        found = dict(get(deploymentId=one)["deploymentInfo"])
        return found if found["status"] in ("Succeeded", "Failed", "Stopped") else None

    found = until(stage, f"the end of {deployment}", lambda: over(deployment))
    if back := found.get("rollbackInfo", {}).get("rollbackDeploymentId"):
        until(stage, f"the end of {back}", lambda: over(back))
    return found
