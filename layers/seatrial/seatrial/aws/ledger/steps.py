"""A step: something that happened to a release, as its item has it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seatrial.aws.ledger import heads
from seatrial.aws.ledger.table import Item, text
from seatrial.core import bounds, redaction
from seatrial.core.printable import printable
from seatrial.core.release import Step

# What the `sk` of every step begins with.
PREFIX = "step#"

# DynamoDB takes 1,024 bytes of a sort key. A longer discriminator, as a whole sentence is one, is kept as its digest.
_LONGEST_PLAIN = 200


def key(deployment_id: str, kind: str, discriminator: str) -> Item:
    return {"pk": heads.partition(deployment_id), "sk": f"{PREFIX}{kind}#{keyed(discriminator)}"}


def keyed(discriminator: str) -> str:
    """The discriminator as a part of a key: itself, or its SHA-256 where it is long or no text of UTF-8."""
    content = discriminator.encode(errors="surrogatepass")
    if len(content) <= _LONGEST_PLAIN and discriminator == printable(discriminator):
        return discriminator
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def written(step: Step) -> Item:
    """A sentence beyond its bound is cut, and the detail then has all of it."""
    whole = printable(redaction.sentence(step.sentence))
    sentence = bounds.short(whole)
    detail = step.detail or (whole if sentence != whole else "")
    return {
        "kind": step.kind,
        "discriminator": keyed(step.discriminator),
        "sentence": sentence,
        **(
            {"detail": bounds.short("\n".join(map(printable, redaction.sentence(detail).split("\n"))), bounds.DETAIL)}
            if detail
            else {}
        ),
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
        item.get("detail", ""),
    )
