"""Windows and holds: what keeps a release from starting, and says until when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core import windows
from seatrial.core.windows import WindowError
from seatrial.flows import rollback
from tests.small_account import SmallAccount, event, make_table
from tests.unit.test_hook import CALL, Limit, good, handler_of

OFFICE = "Mon-Thu 09:00-16:00 Europe/Lisbon"
SUITE = """
cases:
  - {name: health answers, event: {path: /health}, expect: {response.statusCode: 200}}
"""


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)  # 23 November is a Monday


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        (OFFICE, utc(23, 9), True),
        (OFFICE, utc(23, 8, 59), False),
        (OFFICE, utc(23, 16), False),
        (OFFICE, utc(26, 15, 59), True),
        (OFFICE, utc(27, 12), False),
        pytest.param(OFFICE, utc(6, 8, month=7), True, id="Lisbon is an hour ahead of UTC in summer"),
        pytest.param("Fri-Mon 10:00-11:00 UTC", utc(29, 10, 30), True, id="a range may pass the week's end"),
        pytest.param("Fri-Mon 10:00-11:00 UTC", utc(25, 10, 30), False, id="and leaves out what is between"),
        pytest.param("Mon 22:00-02:00 UTC", utc(24, 1, 59), True, id="a night belongs to the day it starts on"),
        pytest.param("Mon 22:00-02:00 UTC", utc(23, 1, 59), False, id="not to the day it ends on"),
        ("Mon-Sun 00:00-24:00 UTC", utc(29, 23, 59), True),
    ],
)
def test_a_window_is_open_from_its_start_to_before_its_end_in_its_own_zone(
    window: str, moment: datetime, is_open: bool
) -> None:
    assert (windows.refusal([window], moment) is None) is is_open


def test_without_windows_it_is_always_open() -> None:
    assert windows.refusal([], utc(29, 3)) is None


def test_any_open_window_is_enough() -> None:
    assert windows.refusal([OFFICE, "Fri 08:00-12:00 UTC"], utc(27, 9)) is None


def test_a_closed_window_says_when_the_next_opens_in_its_own_time() -> None:
    assert windows.refusal([OFFICE], utc(27, 12)) == (
        "its suite lets releases start only Mon-Thu 09:00-16:00 Europe/Lisbon: the next opens on Mon 2026-11-30 at "
        "09:00 WET. Deploy again then; a fix does not wait (`seatrial fix`)"
    )


@pytest.mark.parametrize(
    "written",
    [
        "Mon 09:00-16:00 Europe/Atlantis",
        "Mon 09:00-16:00 Europe",
        "Mon 09:00-16:00 Nowhere/Land",
        "Mon 09:00-16:00 UTC+3",
        "Monday 9-5 UTC",
        "Mon 24:30-24:59 UTC",
        "Mon 09:60-10:00 UTC",
    ],
)
def test_a_window_that_means_nothing_is_told(written: str) -> None:
    with pytest.raises(WindowError, match=re.escape(written)):
        windows.read(written)


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.has("payments", "8", SUITE, good)
        account.lambdas.aliases = dict.fromkeys(("payments", "refunds"), ("7", 1))
        account.lambdas.tags["refunds"] = {"seatrial": "released"}
        account.codedeploy.begin("d-1")
        yield account


def asked(name: str, minute: int, **detail: Any) -> dict[str, Any]:
    found = event(name)
    said = {"reason": found["detail"]["reason"], "who": "on call", **detail}
    return found | {"time": utc(23, 9, minute).isoformat(), "detail": said}


def test_a_closed_window_refuses_a_start_before_any_case_is_tried(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.lambdas.has("payments", "8", SUITE + 'release: {windows: ["Sun 09:00-10:00 UTC"]}\n', good)
    answered = handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "the next opens on Sun 2026-11-29 at 09:00 UTC" in answered["reason"]
    assert account.lambdas.invoked == []


@pytest.mark.parametrize("whom", [{"service": "payments"}, {"service": "payments:live"}, {"all": True}])
def test_what_is_held_does_not_start_until_it_is_resumed(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, whom: dict[str, Any]
) -> None:
    pre_traffic = handler_of("pre_traffic", account, monkeypatch)
    (outcome,) = rollback.take_back(account.aws, asked("hold-requested", 1, **whom))["decisions"]
    assert outcome["action"] == "held"
    assert account.bus.events[-1][0] == "Hold Placed"
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "on call holds" in answered["reason"]
    assert "`seatrial resume" in answered["reason"]
    assert account.lambdas.invoked == []

    rollback.take_back(account.aws, asked("hold-released", 2, **whom))
    assert pre_traffic(CALL | {"LifecycleEventHookExecutionId": "x-2"}, Limit())["answered"] == "Succeeded"


def test_a_hold_on_another_service_holds_nobody_else(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    rollback.take_back(account.aws, asked("hold-requested", 1, service="refunds"))
    assert handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())["answered"] == "Succeeded"


def test_a_hold_that_arrives_a_second_time_after_it_was_lifted_holds_nothing(account: SmallAccount) -> None:
    held = asked("hold-requested", 1, all=True)
    rollback.take_back(account.aws, held)
    rollback.take_back(account.aws, asked("hold-released", 2, all=True))
    (outcome,) = rollback.take_back(account.aws, held)["decisions"]
    assert outcome["action"] == "ignored"
    assert account.ledger.holds.standing() == ()
