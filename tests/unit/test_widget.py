"""What a dashboard asks of the board, and what the board makes of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seatrial.core import widget
from seatrial.core.widget import WidgetError
from tests.shown_releases import NOON, at
from tests.small_account import event


def asked(**parameters: Any) -> dict[str, Any]:
    return {**event("custom-widget"), **parameters}


def test_a_dashboards_range_counts_where_it_is_longer_than_the_days() -> None:
    ends = datetime.fromtimestamp(1627282956.521, UTC)  # the part that is zoomed into
    assert widget.read(asked(), NOON).until == ends
    assert widget.read(asked(days=1), NOON).since == ends - timedelta(days=1)
    wide = {
        "widgetContext": {"timeRange": {"start": (at(-100 * 1440)).timestamp() * 1000, "end": NOON.timestamp() * 1e3}}
    }
    assert widget.read(wide, NOON).since == at(-100 * 1440)


def test_without_a_dashboard_the_board_ends_now() -> None:
    read = widget.read({}, NOON)
    assert (read.since, read.until, read.service, read.last) == (at(-28 * 1440), NOON, "", 5)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"servcie": "payments"}, "there is no parameter 'servcie'; did you mean 'service'?"),
        ({"colour": "red"}, "there is no parameter 'colour': write one of service, days, last"),
        ({"days": "many"}, "days is 'many'; write a whole number from 1 to 400"),
        ({"days": 0}, "days is 0; write a whole number from 1 to 400"),
        ({"last": 21}, "last is 21; write a whole number from 0 to 20"),
        ({"service": "<b>"}, "service is '<b>'; write a function's name, or function:alias"),
        ({"service": ["payments"]}, "service is ['payments']; write a function's name, or function:alias"),
        ({"widgetContext": {"timeRange": {"start": "a", "end": 1}}}, "the dashboard's time range can't be read"),
        ({"widgetContext": {"timeRange": {"start": 1e30, "end": 1}}}, "the dashboard's time range can't be read"),
        ({"widgetContext": {"timeRange": {"start": 2, "end": 1}}}, "the dashboard's time range ends before it begins"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(event: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WidgetError, match=re.escape(sentence)):
        widget.read(event, NOON)


@pytest.mark.parametrize(("width", "used"), [(10, 280), (99_999, 1600), ("wide", 760), (None, 760), (588, 588)])
def test_a_width_is_kept_within_reason(width: Any, used: int) -> None:
    assert widget.read({"widgetContext": {"width": width}}, NOON).width == used
