"""What the stage does where nobody could confirm what AWS does: one switch for each question, and a few times.

A switch is a field with a claim. Its default is the answer that the stage gives; `make certify` asks a real account and
writes what it says to docs/certified.json, which wins over the default; whoever starts the stage may choose in both.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

CERTIFIED = Path(__file__).parents[3] / "docs" / "certified.json"


class SwitchError(ValueError):
    """A switch or an answer that does not exist. The text lists those that do."""


def _switch(default: Any, claim: str, *others: Any) -> Any:
    """`claim` is the sentence that `default` makes true; `others` are the other answers that AWS may give."""
    return field(default=default, metadata={"claim": claim, "answers": (default, *others)})


@dataclass(frozen=True)
class Behaviour:
    """Times are in stage seconds."""

    before_the_hooks: float = 2.0
    hook_limit: float = 3600.0
    rollback_takes: float = 2.5
    poll_every: tuple[float, float] = (10.0, 30.0)
    page: int = 100

    hook_alias_runs: str = _switch(
        "alias", "a hook named by an alias ARN is invoked through that alias", "$LATEST", "refused"
    )
    missing_alarm_stops: bool = _switch(
        False, "an alarm that a group lists and that does not exist stops nothing", True
    )
    second_deployment: str = _switch(
        "refused", "a second deployment of a group is refused with DeploymentLimitExceededException", "queued"
    )
    lambda_tries: int = _switch(1, "CodeDeploy gives up at the first call of its own that Lambda throttles", 5)
    empty_alarms_refused: bool = _switch(
        False, "alarms that are enabled may list none: public templates come to that", True
    )
    unanswered_code: str = _switch(
        "TIMEOUT", "a hook that nobody answers fails its deployment with TIMEOUT", "HOOK_EXECUTION_FAILURE"
    )
    stop_parameter_wins: bool = _switch(
        True, "StopDeployment's autoRollbackEnabled wins over the group's DEPLOYMENT_STOP_ON_REQUEST", False
    )
    rollback_can_be_stopped: bool = _switch(
        False, "StopDeployment of a rollback is answered Pending and changes nothing", True
    )
    rollback_invokes_hooks: bool = _switch(False, "a rollback deployment invokes no hook", True)
    rollback_shows_last_good: bool = _switch(
        False, "a rollback's AppSpec is the reverse of what it takes back, not the last one that succeeded", True
    )
    flag_stops_while_it_bakes: bool = _switch(
        True, "StopDeployment of AppConfig with AllowRevert takes a deployment back that bakes", False
    )
    two_versions_refused_at: str = _switch(
        "start", "an alias that references two versions is refused at the start, before any hook", "shift"
    )
    alarms_polled_during_hooks: bool = _switch(
        True, "an alarm stops a deployment also while it waits for a hook", False
    )
    group_update_reaches_running: bool = _switch(
        False, "a running deployment keeps the alarms that its group had when it started", True
    )
    revision_in_get_deployment: bool = _switch(True, "GetDeployment gives the text of the AppSpec", False)
    stack_goes_back_by_deployment: bool = _switch(
        True, "an alias that had shifted goes back with its stack by a deployment of its own", False
    )
    stack_stops_what_it_cancels: bool = _switch(
        True, "CloudFormation stops the deployments of an update that is cancelled or that fails elsewhere", False
    )
    drift_aware_shifts_from_actual: bool = _switch(
        False, "a drift-aware change set shifts an alias from the version that the stack believes it to have", True
    )
    alias_update_drops_weights: bool = _switch(
        False, "an update of an alias by CloudFormation keeps weights that the template does not state", True
    )
    alarms_take_open_ranks: bool = _switch(
        False, "an alarm on a percentile rank with one bound, as PR(:800), is refused", True
    )
    alarms_take_values_between: bool = _switch(
        False, "an alarm on a trimmed statistic between values, as TC(0:800), is refused", True
    )
    hook_answer_takes_group: bool = _switch(
        True, "a policy that names the deployment group lets a hook answer, not only one that names *", False
    )
    same_version_at_once: bool = _switch(
        True, "an all-at-once deployment to the version that the alias has already succeeds", False
    )
    removed_alarms_stay: bool = _switch(
        True, "alarms that leave a template's deployment group stay on the group", False
    )
    null_is_a_response: bool = _switch(
        True, "an HTTP API and a function URL take null from a function as the body of a 200", False
    )
    executed_version_always: bool = _switch(
        True, "metrics carry ExecutedVersion also while the alias has no weights", False
    )


CLAIMS: Mapping[str, str] = {
    one.name: one.metadata["claim"] for one in dataclasses.fields(Behaviour) if "claim" in one.metadata
}
_ANSWERS: Mapping[str, tuple[Any, ...]] = {
    one.name: one.metadata["answers"] for one in dataclasses.fields(Behaviour) if "answers" in one.metadata
}


def switched(behaviour: Behaviour, chosen: Mapping[str, Any]) -> Behaviour:
    """`behaviour` with these answers. Raises SwitchError for a switch or an answer that does not exist."""
    for name, answer in chosen.items():
        if name not in _ANSWERS:
            raise SwitchError(f"{name} is not a switch of the stage; there are {', '.join(sorted(_ANSWERS))}")
        if not any(type(answer) is type(one) and answer == one for one in _ANSWERS[name]):
            listed = " or ".join(json.dumps(one) for one in _ANSWERS[name])
            raise SwitchError(f"{name} takes {listed}, not {json.dumps(answer)} ({CLAIMS[name]})")
    return replace(behaviour, **chosen)


def certified(path: Path = CERTIFIED) -> Behaviour:
    """The behaviour with what an account has answered so far; without that file, with the defaults."""
    found = json.loads(path.read_text()) if path.exists() else {}
    return switched(Behaviour(), {name: entry["answer"] for name, entry in found.get("switches", {}).items()})


def as_json(behaviour: Behaviour) -> dict[str, Any]:
    """Every switch with its claim, the answers it takes and the one it has."""
    return {
        name: {"claim": claim, "answers": list(_ANSWERS[name]), "answer": getattr(behaviour, name)}
        for name, claim in CLAIMS.items()
    }
