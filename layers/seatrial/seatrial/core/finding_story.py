"""What is said of a service that can't be released as it is, or not as safely as it might (see story)."""

from __future__ import annotations

from collections.abc import Sequence

from .deployment import Group

# How many names a sentence has.
_MOST_NAMED = 5


def dark_tested(service: str, refusal: str) -> str:
    return f"{service}: the live version does not hold what its smoke cases promise: {refusal}"


def not_tagged(function: str) -> str:
    return (
        f"{function} carries no tag 'seatrial', so Seatrial does not touch it: add `Tags: {{seatrial: {function}}}` to "
        "the function in its template"
    )


def must_roll_back_by_itself(group: Group) -> str:
    return (
        f"deployment group {group.name} does not roll back by itself on {', '.join(sorted(group.missing_rollbacks))}: "
        "add `AutoRollbackConfiguration: {Enabled: true, Events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, "
        "DEPLOYMENT_STOP_ON_REQUEST]}` to it in the template (SAM's DeploymentPreference does so by itself)"
    )


def trial_would_ring(alarm: str, function: str) -> str:
    return (
        f"alarm {alarm} watches FunctionName={function} alone, so that it counts what the trial itself calls: "
        "give it the dimension Resource (function:alias) too"
    )


def smoke_would_ring(alarm: str, service: str, cases: Sequence[str]) -> str:
    """Smoke cases run through the alias. Their outcomes are marked and not counted; Lambda's own metric counts them."""
    named = ", ".join(f"'{case}'" for case in cases[:3]) + (f" and {len(cases) - 3} more" if len(cases) > 3 else "")
    return (
        f"alarm {alarm} counts Lambda's own Errors of {service}, and smoke cases expect an error ({named}): they "
        "can fire it during the bake. Next: leave `smoke` out of these cases, or let the alarm watch BadOutcomes"
    )


def already_ringing(alarm: str, *, stops: bool) -> str:
    """`stops`: whether CodeDeploy polls the alarm, too, because the deployment group names it."""
    if stops:
        return f"alarm {alarm} is in ALARM already: CodeDeploy stops the release as long as it rings"
    return f"alarm {alarm} is in ALARM already: it takes nothing back before it has been OK and rings anew"


def dark_test_too_slow(seconds: float) -> str:
    return (
        f"the dark test did not end within its {seconds:.0f} s. Next: look why the service responds so late, or give "
        "it fewer smoke cases"
    )


def dark_test_broke(error: Exception) -> str:
    return f"the dark test could not be run ({type(error).__name__}: {error}). Next: read the log of the dark tester"


def missing_alarms(alarms: Sequence[str]) -> str:
    return (
        f"{_missing(alarms)}, so no alarm would roll this release back. Next: correct the name in the deployment group "
        "or in release.alarms of the suite, or create the alarm; `release: {missing_alarms: allow}` releases without"
    )


def missing_alarms_allowed(alarms: Sequence[str]) -> str:
    return f"{_missing(alarms)}, and rolls nothing back; its suite allows that (release.missing_alarms)"


def _missing(alarms: Sequence[str]) -> str:
    more = f" and {len(alarms) - _MOST_NAMED} more" if len(alarms) > _MOST_NAMED else ""
    named = ", ".join(alarms[:_MOST_NAMED])
    return f"alarm {named}{more} does not exist"
