"""Cases with effects in the ledger: each is claimed before it runs, so that it runs once in a release."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatrial.aws.ledger import heads
from seatrial.aws.ledger.table import Item, Table, text
from seatrial.core import bounds, redaction
from seatrial.core.printable import printable
from seatrial.core.release import Release


@dataclass(frozen=True)
class Claim:
    """Who may run a case. `until` is the limit of the call that claimed it; `outcome` is "" while there is none."""

    until: datetime
    outcome: str = ""
    sentence: str = ""


class Cases:
    """`keep` is how long a claim stays in the table after its release was opened."""

    def __init__(self, table: Table, keep: timedelta) -> None:
        self._table = table
        self._keep = keep

    def claim(self, release: Release, case: str, until: datetime) -> bool:
        """False when a call of the hook has claimed it before."""
        item = {"case": printable(case), "until": text(until), "outcome": "", "sentence": ""}
        return self._table.put_new(_key(release, case) | item | heads.expires(release, self._keep))

    def finish(self, release: Release, case: str, outcome: str, sentence: str) -> None:
        """Write how the case went."""
        told = bounds.short(printable(redaction.sentence(sentence)), bounds.DETAIL)
        self._table.change(_key(release, case), {"outcome": outcome, "sentence": told})

    def find(self, release: Release, case: str) -> Claim | None:
        item = self._table.get(_key(release, case))
        return Claim(datetime.fromisoformat(item["until"]), item["outcome"], item["sentence"]) if item else None


def _key(release: Release, case: str) -> Item:
    """A name may be longer than a sort key."""
    digest = hashlib.sha256(case.encode(errors="surrogatepass")).hexdigest()
    return {"pk": heads.partition(release.deployment_id), "sk": f"case#{digest}"}
