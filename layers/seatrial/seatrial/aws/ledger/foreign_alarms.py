"""Alarms that went to ALARM during a release which does not name them, so that each is reported once."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from seatrial.aws.ledger import heads
from seatrial.aws.ledger.table import Table
from seatrial.core.release import Release

_PREFIX = "foreign-alarm#"


class ForeignAlarms:
    """`keep` is how long an entry stays."""

    def __init__(self, table: Table, keep: timedelta) -> None:
        self._table = table
        self._keep = keep

    def first(self, release: Release, alarm: str, most: int) -> int:
        """The how manieth of the release it is, from 1; 0 when it has come before, or `most` have.

        Two that come in the same moment may get one number: then one message more is sent.
        """
        partition = heads.partition(release.deployment_id)
        come = sum(1 for _ in self._table.partition(partition, _PREFIX))
        if come >= most:
            return 0
        key = {"pk": partition, "sk": f"{_PREFIX}{hashlib.sha256(alarm.encode()).hexdigest()[:32]}"}
        is_new = self._table.put_new(key | {"alarm": alarm} | heads.expires(release, self._keep))
        return come + 1 if is_new else 0
