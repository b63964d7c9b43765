"""The board: what the ledger and CloudWatch know of the releases, shown as a dashboard's widget or as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from seatrial.aws.cloudwatch import QUERIES_A_CALL, CloudWatch, Metric
from seatrial.aws.ledger import Ledger
from seatrial.core import board_html, widget
from seatrial.core.board import Board, Shown
from seatrial.core.chart import Bucket
from seatrial.core.delivery import delivery, has_failed
from seatrial.core.release import Release, Step
from seatrial.core.widget import Asked, WidgetError
from seatrial.flows.account import Account

# So many open releases are drawn at most: a page of more is read by nobody, and the widget's answer has a limit.
_MOST_OPEN = 20

# Requests and bad outcomes, of stable and of the candidate.
_METRICS_A_RELEASE = 4

# CloudWatch keeps minutes for 15 days, five minutes for 63 and hours for 455 …
_KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
_HOUR = 3_600
# … and answers a call with so many values at most: a minute of a day for each query leaves room for 70 of them.
_LONGEST_CALL = timedelta(days=1)

# What was counted right before and after a release says how it was without it.
_BEFORE, _AFTER = timedelta(minutes=2), timedelta(minutes=3)


@dataclass(frozen=True)
class _Look:
    """Releases whose metrics are read in one call."""

    releases: tuple[Release, ...]
    since: datetime
    until: datetime


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
        gather(aws.ledger, aws.cloudwatch, asked, aws.clock.now()), theme=asked.theme, width=asked.width
    )


def gather(ledger: Ledger, cloudwatch: CloudWatch, asked: Asked, now: datetime) -> Board:
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
    shown = {one.release.deployment_id: one for one in _with_requests(cloudwatch, drawn, steps, now)}
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
    cloudwatch: CloudWatch, drawn: Sequence[Release], steps: Mapping[str, tuple[Step, ...]], now: datetime
) -> Iterator[Shown]:
    for look in _looks(drawn, now):
        period = _period(now - look.since)
        metrics = [metric for release in look.releases for metric in _metrics(release)]
        sums = cloudwatch.sums(metrics, look.since, look.until, period)
        for number, release in enumerate(look.releases):
            counted = sums[_METRICS_A_RELEASE * number : _METRICS_A_RELEASE * (number + 1)]
            buckets = _buckets(release, counted, _span(release, now), timedelta(seconds=period))
            yield Shown(release, steps[release.deployment_id], tuple(buckets), period)


def _looks(drawn: Iterable[Release], now: datetime) -> Iterator[_Look]:
    """As few calls as may be: neighbours share one as long as it spans no more than a day and holds their metrics."""
    together: list[Release] = []
    for release in sorted(drawn, key=lambda one: one.opened_at):
        joined = _look([*together, release], now)
        too_many = len(joined.releases) * _METRICS_A_RELEASE > QUERIES_A_CALL
        if together and (joined.until - joined.since > _LONGEST_CALL or too_many):
            yield _look(together, now)
            together = []
        together.append(release)
    if together:
        yield _look(together, now)


def _look(releases: Sequence[Release], now: datetime) -> _Look:
    spans = [_span(release, now) for release in releases]
    return _Look(tuple(releases), min(since for since, _ in spans), max(until for _, until in spans))


def _span(release: Release, now: datetime) -> tuple[datetime, datetime]:
    """The time of a release that is drawn, in whole minutes, since CloudWatch's are."""
    since = (release.opened_at - _BEFORE).replace(second=0, microsecond=0)
    return since, min(now, (release.closed_at or now) + _AFTER)


def _period(age: timedelta) -> int:
    """The finest one, in seconds, that CloudWatch still has of something so old."""
    return next((period for kept, period in _KEPT if age < kept), _HOUR)


def _metrics(release: Release) -> Iterator[Metric]:
    for version in (release.stable, release.candidate):
        for name in ("Requests", "BadOutcomes"):
            yield Metric("Seatrial", name, {"service": release.function, "version": version})


def _buckets(
    release: Release, counted: Sequence[Mapping[datetime, float]], span: tuple[datetime, datetime], period: timedelta
) -> Iterator[Bucket]:
    """Its own part of what was read for several."""
    since, until = span
    for moment in sorted(moment for moment in set(chain(*counted)) if since - period < moment < until):
        yield Bucket((moment - release.opened_at).total_seconds(), *(round(sums.get(moment, 0.0)) for sums in counted))
