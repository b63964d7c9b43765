"""What happened to a flag's deployments, in the ledger: steps alone, since AppConfig itself knows their states."""

from __future__ import annotations

from datetime import timedelta

from seatrial.aws.ledger import steps
from seatrial.aws.ledger.table import Item, Table, readable
from seatrial.core.release import Step
from seatrial.core.rollout import Rollout


class Flags:
    """`keep` is how long a step stays in the table after it happened."""

    def __init__(self, table: Table, keep: timedelta) -> None:
        self._table = table
        self._keep = keep

    def step(self, rollout: Rollout, step: Step) -> bool:
        """Write that something happened to this deployment. False when it was written before."""
        expires = {"expires": int((step.at + self._keep).timestamp())}
        key = _key(rollout, step.kind, step.discriminator)
        return self._table.put_new(key | steps.written(step) | expires)

    def find_step(self, rollout: Rollout, kind: str, discriminator: str) -> Step | None:
        item = self._table.get(_key(rollout, kind, discriminator))
        return steps.read(item) if item else None

    def steps(self, flag: str) -> tuple[Step, ...]:
        """What happened to a flag, by application/environment/profile, oldest first."""
        found = readable(self._table.partition(_partition(flag)), steps.read)
        return tuple(sorted(found, key=lambda step: step.at))


def _partition(flag: str) -> str:
    return f"flag#{flag}"


def _key(rollout: Rollout, kind: str, discriminator: str) -> Item:
    return {
        "pk": _partition(rollout.flag.name),
        "sk": f"{steps.PREFIX}{rollout.number}#{kind}#{steps.keyed(discriminator)}",
    }
