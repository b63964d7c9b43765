"""What a release did cost its users. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.core.evidence import Row
from seatrial.core.verdict import percent


@dataclass(frozen=True)
class Cost:
    """Of `requests` during the release, stable's and the candidate's, so many had a `bad` outcome because of it.

    `bad` is what the candidate's users met beyond what stable's met in the same minutes, not below 0; an estimate, so
    not a whole number.
    """

    bad: float
    requests: int

    @property
    def share(self) -> float:
        return self.bad / self.requests if self.requests else 0.0

    def sentence(self) -> str:
        if not self.requests:
            return "no request came while it was released"
        if self.bad < 0.5:
            return f"none of {self.requests:,} requests had a bad outcome because of it"
        about = f"about {self.bad:,.0f} of {self.requests:,} requests ({percent(self.share)})"
        return f"{about} had a bad outcome because of it"


def cost(rows: Iterable[Row]) -> Cost:
    """The cost over closed minutes. Each is held against stable in the same minute, so an outage of both costs nothing.

    A minute in which stable had no requests is held against stable's share in all of them.
    """
    rows = list(rows)
    usual = _share(sum(row.base_err for row in rows), sum(row.base_n for row in rows))
    bad = sum(row.cand_err - row.cand_n * (_share(row.base_err, row.base_n) if row.base_n else usual) for row in rows)
    return Cost(max(0.0, bad), sum(row.base_n + row.cand_n for row in rows))


def _share(bad: int, of: int) -> float:
    return bad / of if of else 0.0
