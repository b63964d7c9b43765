"""What happened on the stage's CodeDeploy: every deployment as it is now, and what changed, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rehearsal.stage.clock import StageClock, StageCondition

from .model import Deployment, Scope

log = logging.getLogger("codedeploy")


@dataclass(frozen=True)
class Change:
    """Something to show. `kind` is `status`, `event`, `hook`, `weights`, `alarm`, `stop` or `note`.

    `time` is in epoch seconds of the stage.
    """

    time: float
    kind: str
    deployment_id: str
    text: str


@dataclass(frozen=True)
class WeightChange:
    """From `time` on (stage epoch seconds) the alias routes so. `function` is a name, never an ARN."""

    time: float
    function: str
    alias: str
    main: str
    weights: Mapping[str, float]
    deployment_id: str


def _call[C: (Change, WeightChange)](listener: Callable[[C], None], change: C) -> None:
    """Whoever watches can't break a deployment."""
    try:
        listener(change)
    except Exception:
        log.exception("the listener failed at %s", change)


class Book:
    """All reading and writing takes `turn`; every change wakes those who wait on it."""

    def __init__(self, clock: StageClock) -> None:
        self.turn = StageCondition(clock)
        self.on_change: Callable[[Change], None] | None = None
        self.on_weights: Callable[[WeightChange], None] | None = None
        self.changes: list[Change] = []
        self.weights: list[WeightChange] = []
        self._clock = clock
        self._deployments: dict[str, Deployment] = {}

    def find(self, deployment_id: str) -> Deployment | None:
        with self.turn:
            return self._deployments.get(deployment_id)

    def of(self, scope: Scope) -> list[Deployment]:
        """The account's deployments in this Region, oldest first."""
        with self.turn:
            return [one for one in self._deployments.values() if one.scope == scope]

    def all(self) -> list[Deployment]:
        with self.turn:
            return list(self._deployments.values())

    def put(self, deployment: Deployment) -> None:
        with self.turn:
            self._deployments[deployment.id] = deployment
            self.turn.notify_all()

    def update(self, deployment_id: str, change: Callable[[Deployment], Deployment]) -> Deployment:
        with self.turn:
            deployment = change(self._deployments[deployment_id])
            self.put(deployment)
            return deployment

    def rename(self, old: Deployment, application: str, group: str) -> None:
        self.update(old.id, lambda deployment: replace(deployment, application=application, group=group))

    def tell(self, kind: str, deployment_id: str, text: str) -> None:
        """Write it down and tell the listener, on this thread."""
        change = Change(self._clock.epoch(), kind, deployment_id, text)
        with self.turn:
            self.changes.append(change)
            listener = self.on_change
        if listener:
            _call(listener, change)

    def weigh(self, deployment: Deployment, main: str, weights: Mapping[str, float]) -> None:
        function, alias = deployment.spec.function.rpartition(":")[2], deployment.spec.alias
        change = WeightChange(self._clock.epoch(), function, alias, main, dict(weights), deployment.id)
        with self.turn:
            self.weights.append(change)
            listener = self.on_weights
        if listener:
            _call(listener, change)
        shares = "".join(f", {share:.0%} to version {version}" for version, share in weights.items())
        self.tell("weights", deployment.id, f"{function}:{alias} is version {main}{shares}")

    def clear(self) -> None:
        with self.turn:
            self.changes.clear()
            self.weights.clear()
            self._deployments.clear()
            self.turn.notify_all()
