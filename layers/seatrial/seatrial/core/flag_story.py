"""One sentence for each thing that happens to a flag: the same for log, ledger, SNS, screen and command line."""

from __future__ import annotations

from collections.abc import Sequence

from .oncall import FlagRollbackRequested
from .release import Step
from .rollout import Flag, Rollout


def requested(request: FlagRollbackRequested) -> str:
    return f"{request.who} asked for it: {request.reason}"


def taken_back(rollout: Rollout, reason: str) -> str:
    to = f"version {rollout.stable}" if rollout.stable else "no configuration at all, as before it"
    return (
        f"{rollout.flag.name}: configuration version {rollout.version} is taken back to {to} "
        f"(deployment {rollout.number}): {reason}"
    )


def back_already(rollout: Rollout) -> str:
    return f"{rollout.words} is already {rollout.state.lower().replace('_', ' ')}"


def asked_before(request: FlagRollbackRequested, rollout: Rollout) -> str:
    return f"{request.who} asked before {rollout.words} began"


def never_released(request: FlagRollbackRequested) -> str:
    return (
        f"{request.who} asked to take {request.flag} back, but AppConfig has never deployed this profile to this "
        "environment"
    )


def nothing_to_go_back_to(rollout: Rollout, reason: str) -> str:
    return (
        f"{rollout.flag.name}: NOT taken back ({reason}): {rollout.words} is complete, and before it there was no "
        "configuration to go back to. Deploy a version that works"
    )


def too_old(rollout: Rollout, reason: str) -> str:
    since = f"since {rollout.completed:%Y-%m-%d %H:%M} UTC" if rollout.completed else "for an unknown time"
    return (
        f"{rollout.flag.name}: NOT taken back ({reason}): {rollout.words} is complete {since}, and AppConfig reverts "
        f"within 72 hours alone. Deploy the version before: {deploy_again(rollout)}"
    )


def state_unknown(rollout: Rollout, reason: str) -> str:
    return (
        f"{rollout.flag.name}: NOT taken back ({reason}): AppConfig says that {rollout.words} is {rollout.state}, a "
        f"state that Seatrial does not know. Deploy the version before: {deploy_again(rollout)}"
    )


def refused(rollout: Rollout, reason: str, by_appconfig: str) -> str:
    return (
        f"{rollout.flag.name}: NOT taken back ({reason}): AppConfig does not stop {rollout.words} ({by_appconfig}). "
        f"Deploy the version before: {deploy_again(rollout)}"
    )


def not_tagged(flag: Flag) -> str:
    return (
        f"{flag.name}: the application or the environment carries no tag 'seatrial', so Seatrial does not touch it: "
        "add `Tags: [{Key: seatrial, Value: flags}]` to both in their template"
    )


def lines(flag: str, steps: Sequence[Step]) -> list[str]:
    """What happened to a flag, for a screen."""
    return [flag, *(f"  {step.at:%Y-%m-%d %H:%M:%S}  {step.kind:<10}  {step.sentence}" for step in steps)]


def deploy_again(rollout: Rollout) -> str:
    flag = rollout.flag
    return (
        f"`aws appconfig start-deployment --application-id {flag.application} --environment-id {flag.environment} "
        f"--configuration-profile-id {flag.profile} --configuration-version {rollout.stable or 'VERSION'} "
        "--deployment-strategy-id AppConfig.AllAtOnce`"
    )
