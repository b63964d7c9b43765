"""Gap of MiniStack: a log group's metric filters are kept and make no metrics, so that their alarms never fire.

Here each event that reaches a log group is held against the group's filters: a match puts the metric's value, and a
minute with events and without a match puts the default value. Patterns that CloudWatch Logs does not take are refused.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import filter_patterns, store
from rehearsal.stage.cloudwatch.filter_patterns import MISSING, Found, PatternError, select

type Json = Mapping[str, Any]
type Answer = tuple[int, dict[str, str], bytes]

PERIOD = 60.0
"""Seconds in which a default value is put once at most."""

_compiled = functools.lru_cache(maxsize=1000)(filter_patterns.matcher)


class LogMetrics:
    """The metrics of log groups, in the account and Region of whoever writes the log."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str, str, str], int] = {}

    def count(self, group: str, events: Iterable[Json]) -> None:
        """`events` have a wall time in milliseconds, and a message."""
        filters = [one for one in list(cloudwatch_logs._metric_filters.values()) if one["logGroupName"] == group]
        if not filters:
            return
        listed = [(self._clock.at(float(one["timestamp"]) / 1000), str(one["message"])) for one in events]
        for one in filters:
            self._filter(one, listed)

    def _filter(self, one: Json, events: list[tuple[float, str]]) -> None:
        match = _compiled(one["filterPattern"])
        for at, message in events:
            found = match(message)
            minute = int(at // PERIOD)
            for change in one["metricTransformations"]:
                if found is not None:
                    self._put(change, at, _value(change["metricValue"], found), _dimensions(change, found))
                elif change.get("defaultValue") is not None and self._first(one, minute):
                    self._put(change, at, float(change["defaultValue"]), {})
            if found is not None:
                self._first(one, minute)

    def _first(self, one: Json, minute: int) -> bool:
        """Whether nothing has come of this filter in this minute yet."""
        key = get_account_id(), get_region(), one["logGroupName"], one["filterName"]
        with self._lock:
            first = self._counted.get(key) != minute
            self._counted[key] = minute
        return first

    @staticmethod
    def _put(change: Json, at: float, value: float | None, dimensions: Mapping[str, str] | None) -> None:
        if value is not None and dimensions is not None:
            unit = str(change.get("unit") or "None")
            store.keep(change["metricNamespace"], change["metricName"], dimensions, at, unit, value)


def _value(asked: Any, found: Found) -> float | None:
    """A number, or the number that a selector leads to; None where it leads to none."""
    value = _behind(str(asked), found) if str(asked).startswith("$") else asked
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _dimensions(change: Json, found: Found) -> dict[str, str] | None:
    """None where the message lacks a member that a dimension needs: nothing is put then."""
    given = {name: _behind(str(path), found) for name, path in (change.get("dimensions") or {}).items()}
    return None if MISSING in given.values() else {name: str(value) for name, value in given.items()}


def _behind(path: str, found: Found) -> Any:
    return select(found, path) if path.startswith(("$.", "$[")) else found.get(path, MISSING)


def _refusing(put: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    @functools.wraps(put)
    def checked(request: Json) -> Answer:
        try:
            filter_patterns.matcher(request.get("filterPattern", ""))
        except PatternError as error:
            return cloudwatch_logs.error_response_json("InvalidParameterException", str(error), 400)  # type: ignore[no-any-return]
        return put(request)

    return checked


def _found_by(pattern: str | None) -> Callable[[str], bool]:
    """In the place of MiniStack's own patterns, for FilterLogEvents and for subscriptions."""
    match = _compiled(pattern or "")
    return lambda message: match(message) is not None


def install(clock: StageClock) -> LogMetrics:
    """Once. Every way by which events reach a log group ends at its subscriptions: they are counted there."""
    running = LogMetrics(clock)
    forward = cloudwatch_logs._fanout_to_subscription_filters

    @functools.wraps(forward)
    def forwarded(group: str, stream: str, events: list[Json]) -> None:
        running.count(group, events)
        forward(group, stream, events)

    cloudwatch_logs._fanout_to_subscription_filters = forwarded
    cloudwatch_logs._put_metric_filter = _refusing(cloudwatch_logs._put_metric_filter)
    cloudwatch_logs._compile_filter_pattern = _found_by
    return running
