"""The board: what the ledger and CloudWatch know of the releases, shown as a dashboard's widget or as a page."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.core import board_html, widget
from seatrial.core import judging as judge
from seatrial.core.board import Board, Shown
from seatrial.core.counted import Counted
from seatrial.core.delivery import delivery, has_failed
from seatrial.core.release import Release
from seatrial.core.widget import Asked, WidgetError
from seatrial.flows import judging
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns

# So many open releases are drawn at most: a page of more is read by nobody, and the widget's answer has a limit.
_MOST_OPEN = 20

_LOG = logging.getLogger(__name__)


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
    drawn_open, drawn_last = still_open[:_MOST_OPEN], ended[: asked.last]
    drawn = [*drawn_open, *drawn_last]
    read = {one.deployment_id: one for one in chain(drawn, filter(has_failed, ended))}
    steps = {deployment: ledger.steps(deployment) for deployment in read}
    counted, unread = _counted(metrics, drawn, now)
    read_ones = (release for release in drawn if release.deployment_id in counted)
    verdicts = Turns(_LOG).gather(read_ones, lambda one: judge.verdict(counted[one.deployment_id], one.judged_by))

    def shown(release: Release) -> Shown:
        id = release.deployment_id
        return Shown(release, steps[id], counted.get(id), verdicts.get(id))

    return Board(
        now=now,
        since=asked.since,
        until=asked.until,
        service=asked.service,
        delivery=delivery(ended, steps, asked.days),
        open=tuple(map(shown, drawn_open)),
        last=tuple(map(shown, drawn_last)),
        more_open=len(still_open) - len(drawn_open),
        wounds=tuple(one for one in watched if one.is_to_be_healed),
        unread=unread,
    )


def _counted(metrics: Metrics, releases: Sequence[Release], now: datetime) -> tuple[dict[str, Counted], str]:
    """As the judge reads it, and why not: what the ledger knows is shown also while CloudWatch does not answer."""
    try:
        return judging.read(metrics, releases, now), ""
    except (ClientError, BotoCoreError) as error:
        return {}, str(error)
