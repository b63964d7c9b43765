"""The board: what the ledger and CloudWatch know of the releases, shown as a dashboard's widget or as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.core import board_html, widget
from seatrial.core.board import Board, Shown
from seatrial.core.chart import Bucket
from seatrial.core.delivery import delivery, has_failed
from seatrial.core.metric import Metric, Question, Series
from seatrial.core.release import Release, Step
from seatrial.core.widget import Asked, WidgetError
from seatrial.flows.account import Account

# So many open releases are drawn at most: a page of more is read by nobody, and the widget's answer has a limit.
_MOST_OPEN = 20

# CloudWatch keeps minutes for 15 days, five minutes for 63 and hours for 455.
_KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
_HOUR = 3_600

# What was counted right before and after a release says how it was without it.
_BEFORE, _AFTER = timedelta(minutes=2), timedelta(minutes=3)


def show(aws: Account, event: Mapping[str, Any]) -> str:
    """Answer a dashboard: its description in Markdown, or the board in HTML. Never raises for what a person wrote."""
    if widget.asks_for_description(event):
        return widget.DESCRIPTION
    try:
        asked = widget.read(event, aws.clock.now())
    except WidgetError as error:
        return board_html.trouble(str(error))
    aws.log.info("the board is shown", extra={"service": asked.service, "days": round(asked.days, 1)})
    return board_html.fragment(
        gather(aws.ledger, aws.metrics, asked, aws.clock.now()), theme=asked.theme, width=asked.width
    )


def gather(ledger: Ledger, metrics: Metrics, asked: Asked, now: datetime) -> Board:
    """All that the board shows. Steps are read of what is drawn and, for the time to restore, of what failed."""
    released = ledger.opened_between(asked.since, asked.until, asked.service)
    watched = [one for one in ledger.watched() if not asked.service or one.belongs_to(asked.service)]
    watched.sort(key=lambda release: release.opened_at, reverse=True)
    still_open = [one for one in watched if one.is_open]
    ended = [one for one in released if not one.is_open]
    drawn_open, more_open = still_open[:_MOST_OPEN], len(still_open[_MOST_OPEN:])
    drawn = [*drawn_open, *ended[: asked.last]]
    read = {one.deployment_id: one for one in chain(drawn, filter(has_failed, ended))}
    steps = {deployment: ledger.steps(deployment) for deployment in read}
    shown = {one.release.deployment_id: one for one in _with_requests(metrics, drawn, steps, now)}
    return Board(
        now=now,
        since=asked.since,
        until=asked.until,
        service=asked.service,
        delivery=delivery(ended, steps, asked.days),
        open=tuple(shown[one.deployment_id] for one in drawn_open),
        last=tuple(shown[one.deployment_id] for one in ended[: asked.last]),
        more_open=more_open,
        wounds=tuple(one for one in watched if one.is_to_be_healed),
    )


def _with_requests(
    metrics: Metrics, drawn: Sequence[Release], steps: Mapping[str, tuple[Step, ...]], now: datetime
) -> Iterator[Shown]:
    asked = {release.deployment_id: tuple(_questions(release, now)) for release in drawn}
    answers = metrics.read(chain.from_iterable(asked.values()))
    for release in drawn:
        questions = asked[release.deployment_id]
        buckets = _buckets(release, [answers.get(question, {}) for question in questions])
        yield Shown(release, steps[release.deployment_id], tuple(buckets), questions[0].period)


def _span(release: Release, now: datetime) -> tuple[datetime, datetime]:
    """The time of a release that is drawn, in whole minutes, since CloudWatch's are."""
    since = (release.opened_at - _BEFORE).replace(second=0, microsecond=0)
    return since, min(now, (release.closed_at or now) + _AFTER)


def _period(age: timedelta) -> int:
    """The finest one, in seconds, that CloudWatch still has of something so old."""
    return next((period for kept, period in _KEPT if age < kept), _HOUR)


def _questions(release: Release, now: datetime) -> Iterator[Question]:
    """Requests and bad outcomes, of stable and of the candidate."""
    since, until = _span(release, now)
    for version in (release.stable, release.candidate):
        for name in ("Requests", "BadOutcomes"):
            metric = Metric.of("Seatrial", name, service=release.function, version=version)
            yield Question(metric, since, until, period=_period(now - since))


def _buckets(release: Release, counted: Sequence[Series]) -> Iterator[Bucket]:
    for moment in sorted(set(chain(*counted))):
        yield Bucket((moment - release.opened_at).total_seconds(), *(round(sums.get(moment, 0.0)) for sums in counted))
