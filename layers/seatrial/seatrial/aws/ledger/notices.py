"""What was told of a service apart from any release, so that it is told once."""

from __future__ import annotations

from datetime import datetime, timedelta

from seatrial.aws.ledger.table import Table, text


class Notices:
    """`keep` is how long an entry stays."""

    def __init__(self, table: Table, keep: timedelta) -> None:
        self._table = table
        self._keep = keep

    def first(self, service: str, kind: str, about: str, at: datetime) -> bool:
        """Whether it has not been told before. `about` tells apart what is told of one kind."""
        expires = int((at + self._keep).timestamp())
        key = {"pk": f"notice#{service}", "sk": f"{kind}#{about}"}
        return self._table.put_new(key | {"at": text(at), "expires": expires})
