"""A release, the states it passes through, and the order that keeps late events from taking it backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .deployment import Deployment, Shift
from .sections import JudgeSettings


class State(StrEnum):
    """Where a release is: on its way, at one of its deployment's four ends, or taken back after that end."""

    TRIAL = "trial"  # no user has met the candidate
    SHIFTING = "shifting"  # from the moment in which pre_traffic lets it begin
    CONFIRMING = "confirming"  # all users are on the candidate, post_traffic asks once more
    BAKING = "baking"  # AfterAllowTraffic is not answered yet
    GOING_BACK = "going back"
    RELEASED = "released"
    REFUSED = "refused"  # it ended before any user met the candidate
    TAKEN_BACK = "taken back"
    STRANDED = "stranded"  # it ended and nobody has taken the users back: a person must look
    RETURNING = "returning"  # its deployment had ended well: Seatrial itself is setting the alias to stable
    RETURNED = "returned"  # users are on stable, CloudFormation believes in the candidate until somebody heals it
    HEALED = "healed"


_ON_THE_WAY = (State.TRIAL, State.SHIFTING, State.CONFIRMING, State.BAKING, State.GOING_BACK)

# The ends of a deployment: whoever writes first decides which it was.
ENDS = frozenset({State.RELEASED, State.REFUSED, State.TAKEN_BACK, State.STRANDED})

# Only what was released can be returned; while it is, somebody may already move the alias on.
_BEFORE = {
    State.RETURNING: (State.RELEASED,),
    State.RETURNED: (State.RETURNING,),
    State.HEALED: (State.RETURNING, State.RETURNED),
}

_WAS_LIVE = frozenset({State.RELEASED, State.RETURNING, State.RETURNED, State.HEALED})

_LOST = frozenset({State.TAKEN_BACK, State.STRANDED, State.RETURNING, State.RETURNED, State.HEALED})


def states_before(state: State) -> tuple[State, ...]:
    """The states from which a release may move to `state`: only ever forward."""
    if state in ENDS:
        return _ON_THE_WAY
    return _BEFORE.get(state) or _ON_THE_WAY[: _ON_THE_WAY.index(state)]


@dataclass(frozen=True)
class Release:
    """A version release as the ledger keeps it.

    `alarms` are the names of all alarms that take it back. `reason` and `by` say why it goes or went back, and who saw
    to it; "" until then. `opened_at` is when CodeDeploy created the deployment. `bake` and `guard` are seconds; `hook`
    is the execution id of the hook that stays unanswered until `bake_until`. `fix` says who let it pass ringing alarms
    and why, "" for all other releases. `made_at` is when its change was ready: its commit where the function's tag says
    so, else the publish of its version; None where Lambda could not be asked. `compared`: what it changes besides code
    has been told. `everybody_at` is when the candidate had got all users. `judge` is how it is judged, a request being
    slow beyond `slow_above` milliseconds
    (None: that isn't known); `verdict` is the last word of the judge that was told.
    `costed_until` is until when it is known for good what it did cost its users.
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
    bake: float = 0.0
    guard: float = 3_600.0
    dry_run: bool = False
    hook: str = ""
    bake_until: datetime | None = None
    fix: str = ""
    made_at: datetime | None = None
    compared: bool = False
    everybody_at: datetime | None = None
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    slow_above: float | None = None
    verdict: str = ""
    costed_until: datetime | None = None
    # When the candidate began to receive traffic, and when it no longer did because it was rolled back.
    traffic_from: datetime | None = None
    traffic_until: datetime | None = None

    @classmethod
    def begun_by(cls, deployment: Deployment, shift: Shift) -> Release:
        """The release that a deployment begins, as far as CodeDeploy alone knows it."""
        return cls(
            deployment_id=deployment.id,
            application=deployment.application,
            group=deployment.group,
            function=shift.function,
            alias=shift.alias,
            stable=shift.stable,
            candidate=shift.candidate,
            opened_at=deployment.created,
            configuration=deployment.configuration,
        )

    @property
    def service(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def judged_by(self) -> JudgeSettings:
        """`judge`, but for the fix of a grant without an absolute limit: what it mends may still be failing."""
        return replace(self.judge, absolute_limit=1.0) if self.fix else self.judge

    @property
    def is_open(self) -> bool:
        return self.state in _ON_THE_WAY

    @property
    def serves_users(self) -> bool:
        """Whether users may be meeting the candidate while its deployment is open."""
        return self.state in (State.SHIFTING, State.CONFIRMING, State.BAKING)

    @property
    def is_to_be_healed(self) -> bool:
        """Whether it was taken back after its deployment's end, so that CloudFormation still believes in it."""
        return self.state in (State.RETURNING, State.RETURNED)

    @property
    def lost_its_traffic(self) -> bool:
        """Whether it was rolled back after it had traffic, by whomever."""
        return self.state in _LOST

    @property
    def guarded_until(self) -> datetime | None:
        """Until when an alarm still takes it back, though its deployment has ended. None for what was not released."""
        if self.state is not State.RELEASED or self.closed_at is None:
            return None
        return self.closed_at + timedelta(seconds=self.guard)

    def is_guarded(self, at: datetime) -> bool:
        until = self.guarded_until
        return until is not None and at < until

    def belongs_to(self, service: str) -> bool:
        """`service` is what people call it: the function's name, or `function:alias`."""
        return service in (self.function, self.service)


def never_live(version: str, releases: Sequence[Release]) -> bool:
    """Whether these releases of a service prove that it never received all of the traffic: they tried it in vain."""
    tried = [one for one in releases if one.candidate == version]
    was_live = any(one.stable == version for one in releases) or any(one.state in _WAS_LIVE for one in tried)
    return bool(tried) and not was_live


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
    detail: str = ""  # lines that a sentence has no room for
