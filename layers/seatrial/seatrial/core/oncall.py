"""What people may ask for over the bus `seatrial`: on call's events, parsed strictly. Pure.

An event that asks for something is refused as a whole, with an EventError, when any of it is not as its schema in
events/schema/ says: what somebody meant is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, TypeGuard

from . import bounds
from .bounds import Bound
from .holds import ALL
from .printable import printable
from .values import quoted

SOURCE = "seatrial.oncall"

# A fix is on its way or it is not: nobody leaves a service without its alarms overnight.
LONGEST_GRANT = timedelta(hours=4)

_ALIAS = r"(:(?![0-9]+$)[a-zA-Z0-9_-]{1,128})?"
_SERVICE = re.compile(rf"[a-zA-Z0-9_-]{{1,64}}{_ALIAS}")
_ARN = re.compile(
    rf"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):function:"
    rf"(?P<service>[a-zA-Z0-9_-]{{1,64}}{_ALIAS})"
)
_FLAG = re.compile(r"[^/\x00-\x1f]{1,64}/[^/\x00-\x1f]{1,64}/[^/\x00-\x1f]{1,128}")
_RELEASE = re.compile(r"d-[A-Z0-9]{1,32}", re.IGNORECASE)
_MOST_CHARACTERS = Bound("a text of a request", 500, "characters")

# How much of what a sender wrote a message about it repeats.
_MOST_QUOTED = 80
_MOST_IN_A_SUBJECT = 60

# What the dark tester reads; see events.dark_test_request.
DARK_TEST = "Dark Test Requested"


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


@dataclass(frozen=True)
class Answer:
    """What was done about a request. `action` is a word of the functions' outcomes, as "stopped" or "declined"."""

    action: str
    sentence: str


def is_one(event: Mapping[str, Any]) -> bool:
    what = event.get("detail-type")
    return isinstance(what, str) and what in _READERS


def is_from_on_call(event: Mapping[str, Any]) -> bool:
    """Whether a person sent it over the bus: then a mistake in it is answered, whatever else it is."""
    return event.get("source") == SOURCE


def subject(event: Mapping[str, Any]) -> str:
    """The service or flag that a request names, as far as that can be read; "" otherwise. For messages about it."""
    detail = event.get("detail")
    named = [detail.get(key) for key in ("service", "flag")] if isinstance(detail, Mapping) else []
    return next((printable(name)[:_MOST_IN_A_SUBJECT] for name in named if isinstance(name, str) and name), "")


def request(event: Mapping[str, Any]) -> Request:
    """Raises EventError."""
    what = event.get("detail-type")
    reader = _READERS.get(what) if isinstance(what, str) else None
    if reader is None:
        words = what if isinstance(what, str) else ""
        raise EventError(f"{quoted(what)} is not a request: {_instead(words, [*_READERS, DARK_TEST])}")
    if event.get("source") != SOURCE:
        raise EventError(f"{what}: 'source' must be {SOURCE!r}, got {quoted(event.get('source'))}")
    id, detail = event.get("id"), event.get("detail")
    if not isinstance(id, str) or not id:
        raise EventError(f"{what}: 'id' must be a string, got {_shown(id)}")
    if not isinstance(detail, Mapping):
        raise EventError(f"{what}: 'detail' must be an object, got {_shown(detail)}")
    return reader(Detail.of(str(what), detail, event), id, _sent(str(what), event.get("time")))


def arrived[T](trigger: T, arrival: datetime) -> T:
    """A request as of its first arrival, where its sender dates it ahead: PutEvents takes any `Time`.

    A grant dated ahead would leave alarms off for as long, and a hold dated ahead could not be lifted.
    """
    if isinstance(trigger, RollbackRequested | FlagRollbackRequested | HoldRequested | HoldReleased | FixGranted):
        return replace(trigger, at=min(trigger.at, arrival))
    return trigger


def is_request(trigger: object) -> TypeGuard[Request]:
    return isinstance(trigger, RollbackRequested | FlagRollbackRequested | HoldRequested | HoldReleased | FixGranted)


def _sent(what: str, time: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError:
        raise EventError(f"{what}: 'time' must be an ISO 8601 time, got {_shown(time)}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Detail:
    """What a request says, read strictly: each method raises EventError.

    `region` and `account` are where the event was sent, "" where the sender's tool does not say."""

    what: str
    given: Mapping[str, Any]
    region: str = ""
    account: str = ""

    @classmethod
    def of(cls, what: str, given: Mapping[str, Any], event: Mapping[str, Any]) -> Detail:
        """`event` is what EventBridge has put around it."""
        return cls(what, given, str(event.get("region", "")), str(event.get("account", "")))

    def only(self, *words: str) -> None:
        for key in self.given:
            if key not in words:
                raise EventError(f"{self.what}: {_shown(f'detail.{key}')} is not a key: {_instead(str(key), words)}")

    def text(self, key: str) -> str:
        """What stands there, as one printable line: it goes to terminals."""
        if key not in self.given:
            raise EventError(f"{self.what}: 'detail.{key}' is missing: {_MEANINGS[key]}")
        found = self.given[key]
        if not isinstance(found, str) or not found.strip():
            raise EventError(f"{self.what}: 'detail.{key}' must be a string, got {_shown(found)}: {_MEANINGS[key]}")
        most = _MOST_CHARACTERS.most
        if len(found) > most:
            raise EventError(f"{self.what}: 'detail.{key}' has {len(found)} characters; at most {most}")
        return printable(found)

    def shortened(self, key: str) -> str:
        """The same for a rollback, which no text is too long for: it is cut, since rollbacks are never blocked."""
        found = self.given.get(key)
        if not isinstance(found, str) or len(found) <= _MOST_CHARACTERS.most:
            return self.text(key)
        return printable(bounds.short(found, _MOST_CHARACTERS))

    def matching(self, key: str, form: re.Pattern[str]) -> re.Match[str]:
        found = self.text(key)
        matched = form.fullmatch(found)
        if not matched:
            raise EventError(f"{self.what}: 'detail.{key}' must be {_MEANINGS[key]}, got {_shown(found)}")
        return matched

    def service(self) -> str:
        """`function` or `function:alias`, also where it is written as an ARN of this account and Region."""
        if not str(self.given.get("service")).startswith("arn:"):
            return self.matching("service", _SERVICE)[0]
        arn = self.matching("service", _ARN)
        for here, there in ((self.region, arn["region"]), (self.account, arn["account"])):
            if here and here != there:
                raise EventError(
                    f"{self.what}: 'detail.service' is of {there}, and this bus is of {here}: send it there"
                )
        return arn["service"]

    def service_or_all(self) -> str:
        """Exactly one of `service` and `all`, so that nothing is ever held everywhere by a forgotten key."""
        if "all" not in self.given:
            return self.service()
        if "service" in self.given or self.given["all"] is not True:
            raise EventError(f"{self.what}: give either 'detail.service' or 'detail.all': true")
        return ALL


def _rollback_requested(detail: Detail, id: str, at: datetime) -> RollbackRequested | FlagRollbackRequested:
    """A service or a flag, never both: which of them was meant is not guessed."""
    detail.only("service", "release", "flag", "reason", "who")
    if "flag" in detail.given:
        if named := [key for key in ("service", "release") if key in detail.given]:
            raise EventError(f"{detail.what}: give either 'detail.flag' or {f'detail.{named[0]}'!r}, not both")
        flag = detail.matching("flag", _FLAG)[0]
        return FlagRollbackRequested(id, at, flag, detail.shortened("reason"), detail.shortened("who"))
    release = detail.matching("release", _RELEASE)[0] if "release" in detail.given else ""
    return RollbackRequested(id, at, detail.service(), detail.shortened("reason"), detail.shortened("who"), release)


def _hold_requested(detail: Detail, id: str, at: datetime) -> HoldRequested:
    detail.only("service", "all", "reason", "who")
    return HoldRequested(id, at, detail.service_or_all(), detail.text("reason"), detail.text("who"))


def _hold_released(detail: Detail, id: str, at: datetime) -> HoldReleased:
    detail.only("service", "all", "reason", "who")
    return HoldReleased(id, at, detail.service_or_all(), detail.text("reason"), detail.text("who"))


def _fix_granted(detail: Detail, id: str, at: datetime) -> FixGranted:
    detail.only("service", "minutes", "reason", "who")
    minutes = detail.given.get("minutes")
    most = int(LONGEST_GRANT.total_seconds() // 60)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= most:
        raise EventError(
            f"{detail.what}: 'detail.minutes' must be a whole number from 1 to {most}, got {_shown(minutes)}"
        )
    return FixGranted(id, at, detail.service(), detail.text("reason"), detail.text("who"), timedelta(minutes=minutes))


_READERS: Mapping[str, Callable[[Detail, str, datetime], Request]] = {
    "Rollback Requested": _rollback_requested,
    "Hold Requested": _hold_requested,
    "Hold Released": _hold_released,
    "Fix Granted": _fix_granted,
}


_MEANINGS: Mapping[str, str] = {
    "who": "who asks, for example on-call@example.com",
    "reason": "why, in one sentence",
    "service": "a function's name, function:alias, or its ARN",
    "flag": "application/environment/profile, each by name or id",
    "release": "a deployment's id, for example d-RGSWBD91L",
}


def _instead(word: str, words: Sequence[str]) -> str:
    near = get_close_matches(word, words, 1)
    *most, last = (repr(known) for known in words)
    return f"did you mean {near[0]!r}?" if near else f"it can be {', '.join(most)} or {last}"


def _shown(value: object) -> str:
    """Short and on one line, since it is the sender's word."""
    return printable(quoted(value, _MOST_QUOTED))
