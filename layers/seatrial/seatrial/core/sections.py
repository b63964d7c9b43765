"""The sections of a suite that are settings: `compare`, `judge` and `release`, each key with its type and default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from seatrial.core import bounds, pairs, paths
from seatrial.core.bounds import Bound
from seatrial.core.values import Json, UnfitError, fraction, instead, is_number, seconds, shown

type Effects = Literal["none", "sandbox", "real"]
type Body = Literal["json", "text"]
type On = Literal["candidate", "stable"]

# CloudWatch reads at most ten decimal places of a percentile.
_QUANTILE = re.compile(r"p[0-9]{1,2}(\.[0-9]{1,10})?")


@dataclass(frozen=True)
class CompareSettings:
    """What a comparison with stable leaves out. Paths are as written; `tolerate` holds fractions (0.05 is 5 %)."""

    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    tolerate: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricPair:
    """Counts that the judge also compares, in the notation of seatrial.core.pairs: `bad` ones of all `of`."""

    bad: str
    of: str


@dataclass(frozen=True)
class JudgeSettings:
    """How the candidate is judged while both versions serve. `warm_up` in seconds, `false_alarms` as a fraction."""

    worse_than: float = 1.5
    warm_up: float = 120.0
    false_alarms: float = 0.01
    slow: str = "p95"
    on_inconclusive: Literal["continue", "wait", "stop"] = "continue"
    min_requests: int = 0
    metrics: tuple[MetricPair, ...] = ()
    # The share of bad requests that is too much where stable has too few requests to compare; 1 is no limit.
    absolute_limit: float = 0.5


@dataclass(frozen=True)
class ReleaseSettings:
    """How the service wants to be released. `bake` and `guard` in seconds; no `windows` is always."""

    bake: float = 300.0
    guard: float = 3_600.0
    contract: Literal["told", "strict"] = "told"
    irreversible: bool = False
    allow_effects: tuple[Effects, ...] = ("sandbox",)
    dry_run: bool = False
    windows: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    missing_alarms: Literal["reject", "allow"] = "reject"
    bypass: Literal["rejected", "allowed"] = "rejected"


def text(value: Json) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnfitError(f"is {shown(value)}, which is not a text")
    return value


def truth(value: Json) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(f"is {shown(value)}; it can be true or false")
    return value


def one_of[T: str](*words: T) -> Callable[[Json], T]:
    def read(value: Json) -> T:
        for word in words:
            if value == word:
                return word
        raise UnfitError(f"is {shown(value)}; {instead(str(value), words)}")

    return read


def many[T](read: Callable[[Json], T], most: Bound) -> Callable[[Json], tuple[T, ...]]:
    def read_all(value: Json) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise UnfitError(f"is {shown(value)}, which is not a list; write [{'' if value is None else '…'}]")
        most.check_size(value)
        return tuple(map(read, value))

    return read_all


def path(value: Json) -> str:
    try:
        return paths.read(text(value)).text
    except UnfitError as unfit:
        raise UnfitError(f"holds a mistake: {unfit}") from unfit


def duration(bound: Bound) -> Callable[[Json], float]:
    """Reads a duration as seconds."""

    def read(value: Json) -> float:
        bound.check(length := seconds(value), shown(value))
        return length

    return read


def _worse_than(value: Json) -> float:
    if not isinstance(value, int | float) or not is_number(value):
        raise UnfitError(f"must be a number of times, got {shown(value)}")
    bounds.WORSE_THAN.check(value, shown(value))
    return float(value)


def _false_alarms(value: Json) -> float:
    bounds.FALSE_ALARMS.check(share := fraction(value), shown(value))
    return share


def _absolute_limit(value: Json) -> float:
    limit = fraction(value)
    bounds.ABSOLUTE_LIMIT.check(limit, shown(value))
    return limit


def _min_requests(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError(f"must be a whole number, got {shown(value)}")
    bounds.MIN_REQUESTS.check(value, shown(value))
    return value


def quantile(value: Json) -> str:
    """`p95` as it is written. Raises UnfitError."""
    if not isinstance(value, str) or not _QUANTILE.fullmatch(value) or float(value[1:]) == 0:
        raise UnfitError(f"is {shown(value)}, which is not a percentile; write one as p95 or p99.9")
    return value


def metric_pair(value: Json) -> MetricPair:
    """`{bad: …, of: …}`. Raises UnfitError."""
    if not isinstance(value, dict) or value.keys() != {"bad", "of"}:
        raise UnfitError(f"holds {shown(value)}; each entry is a pair of counts, {{bad: …, of: …}}")
    for count in value.values():
        pairs.read(text(count))
    return MetricPair(text(value["bad"]), text(value["of"]))


def _alarm(value: Json) -> str:
    name = text(value)
    try:
        bounds.ALARM_NAME.check_size(name)
    except UnfitError as unfit:
        raise UnfitError(f"holds {shown(name)}: the name of an alarm {unfit}") from unfit
    return name


def _window(value: Json) -> str:
    from seatrial.core import windows  # every cold start reads settings, and few suites have windows

    if isinstance(value, str):
        bounds.WINDOW.check_size(value)
    try:
        windows.read(text(value))
    except windows.WindowError as mistake:
        raise UnfitError(f"holds a mistake: {mistake}") from mistake
    return str(value)


def _tolerances(value: Json) -> dict[str, float]:
    if not isinstance(value, dict):
        raise UnfitError(f"is {shown(value)}; write {{path: percentage}}")
    bounds.PATHS.check_size(value)
    return {path(key): fraction(share) for key, share in value.items()}


def stored_judge(settings: Mapping[str, Any]) -> JudgeSettings:
    """The settings of the judge as the ledger keeps them: clamped, and the default where one is of no use.

    Without what this version does not know: a newer one may have written it, and be rolled back.
    """
    default = JudgeSettings()
    known: dict[str, Any] = {}
    for name in (each.name for each in fields(JudgeSettings) if each.name in settings):
        value, otherwise = settings[name], getattr(default, name)
        if name == "metrics":
            known[name] = tuple(_stored_pairs(value))
        elif isinstance(otherwise, float | int):
            known[name] = type(otherwise)(_STORED[name].clamped(value, otherwise))
        else:
            known[name] = _or_default(JUDGE[name], value, otherwise)
    return JudgeSettings(**known)


def _stored_pairs(value: Any) -> Iterator[MetricPair]:
    for pair in value[: int(bounds.METRICS.most)] if isinstance(value, list) else ():
        with suppress(UnfitError):
            yield metric_pair(pair)


def _or_default(read: Callable[[Json], object], value: Json, default: object) -> object:
    try:
        return read(value)
    except UnfitError:
        return default


def _name_to_redact(value: Json) -> str:
    bounds.REDACT_NAME.check_size(name := text(value))
    return name


REDACT: Callable[[Json], tuple[str, ...]] = many(_name_to_redact, bounds.REDACT)
BODY: Callable[[Json], Body] = one_of("json", "text")
EFFECTS: Callable[[Json], Effects] = one_of("none", "sandbox", "real")
ON: Callable[[Json], On] = one_of("candidate", "stable")
COMPARE: Mapping[str, Callable[[Json], object]] = {
    "ignore": many(path, bounds.PATHS),
    "unordered": many(path, bounds.PATHS),
    "tolerate": _tolerances,
}
JUDGE: Mapping[str, Callable[[Json], object]] = {
    "worse_than": _worse_than,
    "warm_up": duration(bounds.WARM_UP),
    "false_alarms": _false_alarms,
    "slow": quantile,
    "on_inconclusive": one_of("continue", "wait", "stop"),
    "min_requests": _min_requests,
    "metrics": many(metric_pair, bounds.METRICS),
    "absolute_limit": _absolute_limit,
}
# Those of the judge that are numbers, which the ledger keeps as numbers.
_STORED: Mapping[str, Bound] = {
    "worse_than": bounds.WORSE_THAN,
    "warm_up": bounds.WARM_UP,
    "false_alarms": bounds.FALSE_ALARMS,
    "min_requests": bounds.MIN_REQUESTS,
    "absolute_limit": bounds.ABSOLUTE_LIMIT,
}
RELEASE: Mapping[str, Callable[[Json], object]] = {
    "bake": duration(bounds.BAKE),
    "guard": duration(bounds.GUARD),
    "contract": one_of("told", "strict"),
    "irreversible": truth,
    "allow_effects": many(one_of("sandbox", "real"), bounds.EFFECTS),
    "dry_run": truth,
    "windows": many(_window, bounds.WINDOWS),
    "alarms": many(_alarm, bounds.ALARMS),
    "missing_alarms": one_of("reject", "allow"),
    "bypass": one_of("rejected", "allowed"),
}
