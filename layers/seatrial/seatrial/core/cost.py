"""What a release did cost its users. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seatrial.core.counted import Counted
from seatrial.core.evidence import Row
from seatrial.core.release import Release, State
from seatrial.core.sides import ERRORS, OUTCOMES
from seatrial.core.verdict import percent

# A difference of so many standard deviations comes about by chance in one harmless release of a thousand.
_BEYOND_CHANCE = 3.0


@dataclass(frozen=True)
class Cost:
    """Of `requests` during the release, stable's and the candidate's, so many had a `bad` outcome because of it.

    `bad` is what the candidate's users met beyond what stable's met in the same minutes, not below 0; an estimate, so
    not a whole number. `chance` is how large it gets by chance alone. `outcomes`: else only Lambda's errors are known.
    `stable_bad` of `stable_requests` had one on stable while both served.
    """

    bad: float
    requests: int
    chance: float = 0.0
    outcomes: bool = True
    stable_bad: int = field(default=0, compare=False)
    stable_requests: int = field(default=0, compare=False)

    @property
    def is_known(self) -> bool:
        """Whether anything was lost for certain."""
        return self.bad >= 0.5 and self.bad > self.chance

    @property
    def share(self) -> float:
        return self.bad / self.requests if self.requests else 0.0

    def sentence(self, cause: str) -> str:
        """`cause` is what it was because of, as "version 8"."""
        what = "had a bad outcome" if self.outcomes else "ended in an error of Lambda's"
        if not self.requests:
            return "no request came while it was released"
        if self.is_known:
            about = f"about {self.bad:,.0f} of {self.requests:,} requests ({percent(self.share)})"
            return f"{about} {what} because of {cause}"
        if self.bad < 0.5:
            return f"none of {self.requests:,} requests {what} because of {cause}"
        return f"of {self.requests:,} requests no more {what} than chance explains"


def cost(rows: Iterable[Row], after: Sequence[Row] = (), *, outcomes: bool = True) -> Cost:
    """The cost over closed minutes. Each is held against stable in the same minute, so an outage of both costs nothing.

    A minute in which stable had no requests is held against stable's share in all of them. `after` are the minutes in
    which the candidate served everybody, each beside one before the release: they are held against all of those.
    """
    rows = list(rows)
    base_n, base_err = sum(row.base_n for row in rows), sum(row.base_err for row in rows)
    before_n, before_err = sum(row.base_n for row in after), sum(row.base_err for row in after)
    held = [
        *(row if row.base_n else Row(base_n, base_err, row.cand_n, row.cand_err) for row in rows),
        Row(before_n or base_n, before_err if before_n else base_err, *_candidates(after)),
    ]
    return Cost(
        bad=max(0.0, sum(row.cand_err - row.cand_n * _share(row.base_err, row.base_n) for row in held)),
        requests=base_n + sum(row.cand_n for row in (*rows, *after)),
        chance=_BEYOND_CHANCE * math.sqrt(sum(map(_variance, held))),
        outcomes=outcomes,
        stable_bad=base_err,
        stable_requests=base_n,
    )


def of(counted: Counted) -> Cost:
    """By outcomes where the service reports them, else by Lambda's errors."""
    metric = OUTCOMES if OUTCOMES in counted.shift.rows else ERRORS
    after = counted.after.rows.get(metric, ()) if counted.after else ()
    return cost(counted.shift.rows[metric], after, outcomes=metric == OUTCOMES)


def told(release: Release, found: Cost, *, again: bool = False) -> str:
    """What people read: `again` once late metrics are in."""
    sentence = found.sentence(f"version {release.candidate}")
    return f"{release.service}: {'counted again, ' if again else ''}{sentence}{_not_its_doing(release, found)}"


def _not_its_doing(release: Release, found: Cost) -> str:
    """Of a rollback that nothing of the candidate explains and that errors of stable do; "" for all others."""
    if release.state not in (State.TAKEN_BACK, State.RETURNED) or not found.requests:
        return ""
    if found.bad >= 0.5 or not found.stable_bad:
        return ""
    return (
        f". Version {release.stable} itself had {found.stable_bad:,} bad ones of {found.stable_requests:,} in these "
        f"minutes, so the rollback was probably not for version {release.candidate}. Next: correct what fails on "
        f"version {release.stable}, then deploy again with another value of the template's Deploy parameter"
    )


def _candidates(rows: Sequence[Row]) -> tuple[int, int]:
    return sum(row.cand_n for row in rows), sum(row.cand_err for row in rows)


def _variance(row: Row) -> float:
    """Of the difference, if both sides were alike."""
    if not row.base_n or not row.cand_n:
        return 0.0
    together = (row.base_err + row.cand_err) / (row.base_n + row.cand_n)
    return together * (1 - together) * row.cand_n * (1 + row.cand_n / row.base_n)


def _share(bad: int, of: int) -> float:
    return bad / of if of else 0.0
