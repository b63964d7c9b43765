"""What a scenario is, what is seen of it, and how what was expected is held against that. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.telling.ledgers import Taken
from rehearsal.traffic import Served
from seatrial.core.chart import Course, Told

ROLLBACK = "functions/rollback"
POLL = "CodeDeploy's alarm poll"
JUDGE = "functions/monitor"


class Actors(Protocol):
    """What a scenario may do to the stage while its release runs. rehearsal.theatre has the one real implementation."""

    def wait_for_users_on_the_candidate(self) -> None: ...
    def on_call(self, sample: str) -> None: ...
    def alarm_poll(self, *, on: bool) -> None: ...
    def rollback_on_alarm(self, *, on: bool) -> None: ...
    def break_pre_traffic(self) -> None: ...
    def mend_pre_traffic(self) -> None: ...


def nothing(_: Actors) -> None:
    """What most scenarios do before, during and after a release."""


@dataclass(frozen=True)
class Check:
    """One thing that was expected, beside what happened."""

    what: str
    expected: str
    happened: str
    ok: bool


@dataclass(frozen=True)
class Seen:
    """What was seen of one release. Times are stage epoch seconds.

    `served` are users' answers. `courses` and `judged` are what the judge made of CloudWatch's figures,
    `steps` are the ledger's. `deploying` is how many wall seconds `sam deploy` took before it waited for the stack.
    """

    service: str
    stable: str
    candidate: str
    started: float
    ended: float
    seconds_after: float
    deployment: dict[str, Any]
    stack: str
    alias_main: str
    alias_weights: dict[str, float]
    served: list[Served]
    records: list[dict[str, Any]]
    state: str
    reason: str
    by: str = ""
    story: list[str] = field(default_factory=list)
    steps: tuple[Taken, ...] = ()
    courses: tuple[Course, ...] = ()
    judged: tuple[Told, ...] = ()
    deploying: float = 0.0

    @property
    def deployment_id(self) -> str:
        return str(self.deployment["deploymentId"])

    @property
    def error(self) -> str:
        """CodeDeploy's code for why the deployment did not succeed, or an empty text."""
        return str(self.deployment.get("errorInformation", {}).get("code", ""))

    @property
    def won(self) -> str | None:
        """Who stopped the shift: an alarm that CodeDeploy polled, or the function that called StopDeployment."""
        return {"ALARM_ACTIVE": POLL, "MANUAL_STOP": self.by or None}.get(self.error)

    def answers(self, version: str, *, since: float = 0.0, until: float = float("inf")) -> list[Served]:
        return [s for s in self.served if s.version == version and since <= s.t < until]

    def weights(self) -> list[tuple[float, float]]:
        """(seconds since the start, share of the candidate), at each change."""
        changes = [(0.0, 0.0)]
        for record in self.records:
            if record["kind"] == "weights":
                share = 1.0 if record["main"] == self.candidate else float(record["weights"].get(self.candidate, 0.0))
                changes.append((record["t"] - self.started, share))
        return changes

    def back_at(self) -> float | None:
        """When users were on stable again after they had been let in, or None where they never left."""
        away = False
        for at, share in self.weights():
            if away and share == 0.0:
                return self.started + at
            away = away or share > 0.0
        return None


@dataclass(frozen=True)
class Scenario:
    """One story: which code is deployed, what happens meanwhile, and what must come of it.

    `parameters` are those of the service's template; a stack keeps them for what is deployed after it. The release is
    watched for `watched` more stage seconds after its end.
    """

    id: str
    title: str
    variant: str
    result: str
    checks: Callable[[Seen], list[Check]]
    before: Callable[[Actors], None] = nothing
    during: Callable[[Actors], None] = nothing
    after: Callable[[Actors], None] = nothing
    parameters: Mapping[str, str] = field(default_factory=dict)
    watched: float = 0.0


def same(what: str, expected: object, happened: object) -> Check:
    return Check(what, str(expected), str(happened), expected == happened)


def at_least(what: str, least: float, happened: float) -> Check:
    return Check(what, f"at least {least:g}", f"{happened:g}", happened >= least)


def at_most(what: str, most: float, happened: float) -> Check:
    return Check(what, f"at most {most:g}", f"{happened:g}", happened <= most)


def released(seen: Seen) -> list[Check]:
    """What holds of every release that went out."""
    after = seen.answers(seen.stable, since=seen.ended)
    return [
        same("the deployment", "Succeeded", seen.deployment["status"]),
        same("the stack", "UPDATE_COMPLETE", seen.stack),
        same("the version that the alias leads to", seen.candidate, seen.alias_main),
        same("weights left on the alias", {}, seen.alias_weights),
        same("user requests that the old version served after the end", 0, len(after)),
        at_least(
            "user requests that the new version served after the end",
            1,
            len(seen.answers(seen.candidate, since=seen.ended)),
        ),
        same("the ledger's word for it", "released", seen.state),
    ]


def users_are_on_stable(seen: Seen) -> list[Check]:
    """What holds of every release that did not go out."""
    return [
        same("the stack", "UPDATE_ROLLBACK_COMPLETE", seen.stack),
        same("the version that the alias leads to", seen.stable, seen.alias_main),
        same("weights left on the alias", {}, seen.alias_weights),
        same(
            "user requests that the candidate served after the end",
            0,
            len(seen.answers(seen.candidate, since=seen.ended)),
        ),
        at_least("user requests that stable served after the end", 1, len(seen.answers(seen.stable, since=seen.ended))),
    ]


def never_met_a_user(seen: Seen) -> list[Check]:
    """What holds of a release that was refused in the dark."""
    return [
        same("the deployment", "Failed", seen.deployment["status"]),
        same("CodeDeploy's code", "HOOK_EXECUTION_FAILURE", seen.error),
        same("user requests that the candidate served", 0, len(seen.answers(seen.candidate))),
        *users_are_on_stable(seen),
    ]


def taken_back(seen: Seen) -> list[Check]:
    """What holds of a release that users met and were moved back from."""
    back = seen.back_at()
    late = seen.answers(seen.candidate, since=back) if back is not None else []
    return [
        same("the deployment", "Stopped", seen.deployment["status"]),
        at_least("user requests that the candidate served while it shifted", 1, len(seen.answers(seen.candidate))),
        same("the alias went back to stable", True, back is not None),
        same("user requests that the candidate served after that", 0, len(late)),
        *users_are_on_stable(seen),
        same("the ledger's word for it", "taken back", seen.state),
    ]


def buckets(seen: Seen, seconds: float = 10.0) -> list[tuple[float, int, int, int, int]]:
    """(start, stable served, stable bad, candidate served, candidate bad) for each span of stage seconds."""
    counted: Counter[tuple[int, str, bool]] = Counter()
    last = 0
    for s in seen.served:
        index = int((s.t - seen.started) // seconds)
        if index >= 0 and s.version in (seen.stable, seen.candidate):
            counted[index, s.version, s.bad] += 1
            last = max(last, index)

    def row(index: int) -> tuple[float, int, int, int, int]:
        bad = {version: counted[index, version, True] for version in (seen.stable, seen.candidate)}
        good = {version: counted[index, version, False] for version in (seen.stable, seen.candidate)}
        stable, candidate = seen.stable, seen.candidate
        return (
            index * seconds,
            good[stable] + bad[stable],
            bad[stable],
            good[candidate] + bad[candidate],
            bad[candidate],
        )

    return [row(index) for index in range(last + 1)]
