"""What people may ask for over the bus `seatrial`: on call's events, parsed strictly. Pure.

An event that asks for something is refused as a whole, with an EventError, when any of it is not as its schema in
events/schema/ says: what somebody meant is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from .holds import ALL

SOURCE = "seatrial.oncall"

# A fix is on its way or it is not: nobody leaves a service without its alarms overnight.
LONGEST_GRANT = timedelta(hours=4)

_SERVICE = re.compile(r"[a-zA-Z0-9_-]{1,64}(:[a-zA-Z0-9_-]{1,128})?")
_FLAG = re.compile(r"[^/\x00-\x1f]{1,64}/[^/\x00-\x1f]{1,64}/[^/\x00-\x1f]{1,128}")
_RELEASE = re.compile(r"d-[A-Z0-9]{1,32}", re.IGNORECASE)
_MOST_LETTERS = 500


class EventError(Exception):
    """An event that can't be read. Its text is one sentence for people."""


@dataclass(frozen=True)
class RollbackRequested:
    """On call wants a service back on stable. `release` is a deployment's id, "" for whichever is open, or the last.

    Here and below, `who` is the sender's word (the bus knows a role at most, not a person), and `at` is when it was
    sent, in whole seconds: the bus may deliver it twice, and a day later.
    """

    id: str
    at: datetime
    service: str
    reason: str
    who: str
    release: str = ""


@dataclass(frozen=True)
class FlagRollbackRequested:
    """On call wants a flag back where it was. `flag` is application/environment/profile, each by its name or its id."""

    id: str
    at: datetime
    flag: str
    reason: str
    who: str


@dataclass(frozen=True)
class HoldRequested:
    """No release of `service` may start; ALL means every service."""

    id: str
    at: datetime
    service: str
    reason: str
    who: str


@dataclass(frozen=True)
class HoldReleased:
    id: str
    at: datetime
    service: str
    reason: str
    who: str


@dataclass(frozen=True)
class FixGranted:
    """One release of `service` may pass ringing alarms and holds, if it begins within `lasts`."""

    id: str
    at: datetime
    service: str
    reason: str
    who: str
    lasts: timedelta


type Request = RollbackRequested | FlagRollbackRequested | HoldRequested | HoldReleased | FixGranted


def is_one(event: Mapping[str, Any]) -> bool:
    return event.get("detail-type") in _READERS


def request(event: Mapping[str, Any]) -> Request:
    """Raises EventError."""
    what = event.get("detail-type")
    reader = _READERS.get(what) if isinstance(what, str) else None
    if reader is None:
        raise EventError(f"on call sends {_listed(_READERS)}, not {what!r}")
    if event.get("source") != SOURCE:
        raise EventError(f"{what} comes from the source {SOURCE!r}, not {event.get('source')!r}")
    id, detail = event.get("id"), event.get("detail")
    if not isinstance(id, str) or not id:
        raise EventError(f"{what}: 'id' is {id!r} where a text is expected")
    if not isinstance(detail, Mapping):
        raise EventError(f"{what}: 'detail' is {detail!r} where an object is expected")
    return reader(_Detail(str(what), detail), id, _sent(str(what), event.get("time")))


def _sent(what: str, time: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError:
        raise EventError(f"{what}: 'time' is {time!r}, which is no ISO 8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Detail:
    what: str
    given: Mapping[str, Any]

    def only(self, *words: str) -> None:
        for key in self.given:
            if key not in words:
                near = get_close_matches(str(key), words, 1)
                instead = f"did you mean {near[0]!r}?" if near else f"it takes {_listed(words)}"
                raise EventError(f"{self.what} has the key {f'detail.{key}'!r}, which means nothing: {instead}")

    def text(self, key: str) -> str:
        if key not in self.given:
            raise EventError(f"{self.what} has no 'detail.{key}'")
        found = self.given[key]
        if not isinstance(found, str) or not found.strip():
            raise EventError(f"{self.what}: 'detail.{key}' is {found!r} where a text is expected")
        if len(found) > _MOST_LETTERS:
            raise EventError(f"{self.what}: 'detail.{key}' has {len(found)} letters, and {_MOST_LETTERS} are the most")
        return found

    def matching(self, key: str, form: re.Pattern[str], example: str) -> str:
        found = self.text(key)
        if not form.fullmatch(found):
            raise EventError(f"{self.what}: 'detail.{key}' is {found!r}; write {example}")
        return found

    def service(self) -> str:
        return self.matching("service", _SERVICE, "a function's name, or function:alias")

    def service_or_all(self) -> str:
        """Exactly one of `service` and `all`, so that nothing is ever held everywhere by a forgotten key."""
        if "all" not in self.given:
            return self.service()
        if "service" in self.given or self.given["all"] is not True:
            raise EventError(f"{self.what} names either a 'detail.service' or 'detail.all': true")
        return ALL


def _rollback_requested(detail: _Detail, id: str, at: datetime) -> RollbackRequested | FlagRollbackRequested:
    """A service or a flag, never both: which of them was meant is not guessed."""
    detail.only("service", "release", "flag", "reason", "who")
    if "flag" in detail.given:
        if named := [key for key in ("service", "release") if key in detail.given]:
            raise EventError(f"{detail.what} names either 'detail.flag' or {f'detail.{named[0]}'!r}")
        flag = detail.matching("flag", _FLAG, "application/environment/profile, by name or id")
        return FlagRollbackRequested(id, at, flag, detail.text("reason"), detail.text("who"))
    release = ""
    if "release" in detail.given:
        release = detail.matching("release", _RELEASE, "a deployment's id, as d-RGSWBD91L")
    return RollbackRequested(id, at, detail.service(), detail.text("reason"), detail.text("who"), release)


def _hold_requested(detail: _Detail, id: str, at: datetime) -> HoldRequested:
    detail.only("service", "all", "reason", "who")
    return HoldRequested(id, at, detail.service_or_all(), detail.text("reason"), detail.text("who"))


def _hold_released(detail: _Detail, id: str, at: datetime) -> HoldReleased:
    detail.only("service", "all", "reason", "who")
    return HoldReleased(id, at, detail.service_or_all(), detail.text("reason"), detail.text("who"))


def _fix_granted(detail: _Detail, id: str, at: datetime) -> FixGranted:
    detail.only("service", "minutes", "reason", "who")
    minutes = detail.given.get("minutes")
    most = int(LONGEST_GRANT.total_seconds() // 60)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= most:
        raise EventError(f"{detail.what}: 'detail.minutes' is {minutes!r}; it is a whole number from 1 to {most}")
    return FixGranted(id, at, detail.service(), detail.text("reason"), detail.text("who"), timedelta(minutes=minutes))


_READERS: Mapping[str, Callable[[_Detail, str, datetime], Request]] = {
    "Rollback Requested": _rollback_requested,
    "Hold Requested": _hold_requested,
    "Hold Released": _hold_released,
    "Fix Granted": _fix_granted,
}


def _listed(words: Mapping[str, object] | tuple[str, ...]) -> str:
    *most, last = (repr(word) for word in words)
    return f"{', '.join(most)} and {last}"
