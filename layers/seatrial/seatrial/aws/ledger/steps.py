"""A step: something that happened to a release, as its item has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seatrial.aws.ledger import heads
from seatrial.aws.ledger.table import Item, text
from seatrial.core.printable import printable
from seatrial.core.release import Step

# What the `sk` of every step begins with.
PREFIX = "step#"


def key(deployment_id: str, kind: str, discriminator: str) -> Item:
    return {"pk": heads.partition(deployment_id), "sk": f"{PREFIX}{kind}#{discriminator}"}


def written(step: Step) -> Item:
    return {
        "kind": step.kind,
        "discriminator": step.discriminator,
        "sentence": printable(step.sentence),
        "at": text(step.at),
        "by": printable(step.by),
        "outcome": step.outcome,
    }


def read(item: Mapping[str, Any]) -> Step:
    return Step(
        item["kind"],
        item["discriminator"],
        item["sentence"],
        datetime.fromisoformat(item["at"]),
        item["by"],
        item["outcome"],
    )
