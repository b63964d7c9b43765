"""What is asked of CloudWatch for a release, and the rows of closed minutes that its answers make. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, takewhile

from seatrial.core import sides
from seatrial.core.evidence import Row
from seatrial.core.metric import Answers, Question
from seatrial.core.release import Release, State
from seatrial.core.sides import ERRORS, MINUTE, Sides, Span

# After 100 % the candidate is compared with the hour before the release.
_BEFORE = timedelta(hours=1)


type _Asked = tuple[Span, Sequence[datetime]]
"""The span that was asked, and the minutes of it that count."""


@dataclass(frozen=True)
class Minutes:
    """Closed minutes one after the other, the first of which begins at `since`: for each metric a row a minute."""

    since: datetime
    rows: Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Counted:
    """What was counted of a release.

    `shift` are the minutes in which both versions serve, from the first in which users met the candidate. `after` are
    those since 100 %, each beside one of the hour before the release; None before that. `throttles` ran no version.
    `silent` are metrics that neither version has reported. `client_errors` has the rows of requests that got a 4xx, of
    the same minutes as `shift` and as `after`: reported, and not judged. `idle`: the shift has whole minutes, and no
    request came through the alias in them.
    """

    shift: Minutes
    after: Minutes | None
    throttles: int
    silent: tuple[str, ...]
    client_errors: tuple[tuple[Row, ...], ...] = ()
    idle: bool = False


@dataclass(frozen=True)
class Asked:
    """What is asked for one release over `span`. `everybody` is the minute in which the candidate got all users."""

    release: Release
    span: Span
    everybody: datetime | None

    @cached_property
    def questions(self) -> frozenset[Question]:
        clients = sides.client_errors(self.release)
        together = (*sides.while_both_serve(self.release).values(), clients)
        apart = (*sides.one_after_the_other(self.release).values(), clients) if self.everybody else ()
        return frozenset(
            chain(
                (self._throttles,),
                *(side.questions(self.span) for both in together for side in (both.stable, both.candidate)),
                *(both.candidate.questions(self.span) for both in apart),
                *(both.stable.questions(self._hour_before) for both in apart),
            )
        )

    def counted(self, answers: Answers) -> Counted:
        """The rows, of answers to all questions."""
        shift, after = self._shift(answers), self._after(answers)
        phases = (shift, after) if after else (shift,)
        silent = tuple(name for name in shift.rows if name != ERRORS and not _is_reported(name, phases))
        return Counted(
            shift=_since_users_met_it(_without(silent, shift)),
            after=_without(silent, after) if after else None,
            throttles=round(sum(answers[self._throttles].values())),
            silent=silent,
            client_errors=tuple(self._client_errors(answers)),
            idle=_is_idle(shift),
        )

    def _client_errors(self, answers: Answers) -> Iterator[tuple[Row, ...]]:
        both = sides.client_errors(self.release)
        moments = self._moments_of_shift
        yield _rows(both, answers, (self.span, moments), (self.span, moments))
        if self.everybody:
            yield _rows(both, answers, *self._pairs_after(self.everybody))

    @property
    def _throttles(self) -> Question:
        return self.span.asked(sides.throttles(self.release))

    @property
    def _hour_before(self) -> Span:
        return Span(self.span.since - _BEFORE, self.span.since)

    def _shift(self, answers: Answers) -> Minutes:
        """Without the minute of 100 %: an outage that began in it would fall on the candidate alone."""
        moments = self._moments_of_shift
        rows = {
            name: _rows(both, answers, (self.span, moments), (self.span, moments))
            for name, both in sides.while_both_serve(self.release).items()
        }
        return Minutes(self.span.since, rows)

    @property
    def _moments_of_shift(self) -> Sequence[datetime]:
        return list(Span(self.span.since, self.everybody or self.span.until))

    def _after(self, answers: Answers) -> Minutes | None:
        if self.everybody is None:
            return None
        rows = {
            name: _rows(both, answers, *self._pairs_after(self.everybody))
            for name, both in sides.one_after_the_other(self.release).items()
        }
        return Minutes(self.everybody, rows)

    def _pairs_after(self, everybody: datetime) -> tuple[_Asked, _Asked]:
        """Stable's minutes of the hour before, over and over, and those of the candidate since 100 %."""
        moments = list(Span(everybody, self.span.until))
        hour = list(self._hour_before)
        before = [hour[number % len(hour)] for number in range(len(moments))]
        return (self._hour_before, before), (self.span, moments)


def ask(release: Release, now: datetime) -> Asked:
    """Of a release that is over, only of the time until its end."""
    since, until = _minute(release.opened_at), _minute(now)
    if release.closed_at:
        until = min(until, _minute(release.closed_at) + MINUTE)
    ended_well = release.closed_at if release.state is State.RELEASED else None
    everybody = release.everybody_at or ended_well
    return Asked(release, Span(since, until), _minute(everybody) if everybody else None)


def _is_idle(shift: Minutes) -> bool:
    rows = [row for rows in shift.rows.values() for row in rows]
    return bool(rows) and not any(row.base_n or row.cand_n for row in rows)


def _rows(
    both: Sides,
    answers: Answers,
    stable: _Asked,
    candidate: _Asked,
) -> tuple[Row, ...]:
    """A row for each pair of minutes; each side with the span that was asked and its minutes of it."""
    (base_span, base_moments), (cand_span, cand_moments) = stable, candidate
    base, cand = both.stable.counted(answers, base_span), both.candidate.counted(answers, cand_span)
    nothing = (0, 0)
    return tuple(
        Row(*base.get(before, nothing), *cand.get(moment, nothing))
        for before, moment in zip(base_moments, cand_moments, strict=True)
    )


def _since_users_met_it(minutes: Minutes) -> Minutes:
    unmet = min(len(list(takewhile(lambda row: not row.cand_n, rows))) for rows in minutes.rows.values())
    return Minutes(minutes.since + unmet * MINUTE, {name: rows[unmet:] for name, rows in minutes.rows.items()})


def _is_reported(name: str, phases: Sequence[Minutes]) -> bool:
    return any(row.base_n or row.cand_n for minutes in phases for row in minutes.rows[name])


def _without(names: Collection[str], minutes: Minutes) -> Minutes:
    return Minutes(minutes.since, {name: rows for name, rows in minutes.rows.items() if name not in names})


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
