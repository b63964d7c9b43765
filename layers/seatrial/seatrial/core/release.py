"""A release, the states it passes through, and the order that keeps late events from taking it backwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a release is. The last four are ends."""

    TRIAL = "trial"  # no user has met the candidate
    SHIFTING = "shifting"  # from the moment in which pre_traffic lets it begin
    CONFIRMING = "confirming"  # all users are on the candidate, post_traffic asks once more
    GOING_BACK = "going back"
    RELEASED = "released"
    REFUSED = "refused"  # it ended before any user met the candidate
    TAKEN_BACK = "taken back"
    STRANDED = "stranded"  # it ended and nobody has taken the users back: a person must look


# Only forward. The ends share the last rank: whoever writes first decides which end it was.
_RANK = {
    State.TRIAL: 0,
    State.SHIFTING: 1,
    State.CONFIRMING: 2,
    State.GOING_BACK: 3,
    State.RELEASED: 4,
    State.REFUSED: 4,
    State.TAKEN_BACK: 4,
    State.STRANDED: 4,
}
ENDS = frozenset(state for state, rank in _RANK.items() if rank == max(_RANK.values()))


def states_before(state: State) -> tuple[State, ...]:
    """The states from which a release may move to `state`."""
    return tuple(earlier for earlier in State if _RANK[earlier] < _RANK[state])


@dataclass(frozen=True)
class Release:
    """A version release as the ledger keeps it.

    `alarms` are the names of all alarms that take it back. `reason` and `by` say why it goes or went back, and who saw
    to it; "" until then. `opened_at` is when CodeDeploy created the deployment.
    """

    deployment_id: str
    application: str
    group: str
    function: str
    alias: str
    stable: str
    candidate: str
    opened_at: datetime
    state: State = State.TRIAL
    configuration: str = ""
    alarms: tuple[str, ...] = ()
    reason: str = ""
    by: str = ""
    closed_at: datetime | None = None

    @property
    def service(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def is_open(self) -> bool:
        return self.state not in ENDS

    @property
    def serves_users(self) -> bool:
        """Whether users may be meeting the candidate now."""
        return self.state in (State.SHIFTING, State.CONFIRMING)

    def belongs_to(self, service: str) -> bool:
        """`service` is what people call it: the function's name, or `function:alias`."""
        return service in (self.function, self.service)


@dataclass(frozen=True)
class Step:
    """Something that happened to a release. The same `kind` and `discriminator` are the same step, told twice.

    `outcome` is "" but for a hook's answer, which is Succeeded or Failed.
    """

    kind: str
    discriminator: str
    sentence: str
    at: datetime
    by: str = ""
    outcome: str = ""
