"""Gap of MiniStack: AWS/Lambda metrics carry FunctionName alone, and EMF lines are no metrics.

Here invokes are counted in the dimension sets that Lambda uses, embedded metrics of a log become points, and times come
as wall time and are kept as stage time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import metric_answers, store
from rehearsal.stage.cloudwatch.emf import Point, emf_points
from rehearsal.stage.cloudwatch.requests import answer, refusal, request_of
from rehearsal.stage.cloudwatch.store import keep_datum, series

__all__ = ["Point", "Running", "absorb", "emf_points", "install", "keep_datum", "record_invoke", "series"]


@dataclass(frozen=True)
class Running:
    """What turns wall time into the stage time that the store keeps."""

    clock: StageClock

    def record_invoke(
        self,
        function: str,
        resource_qualifier: str | None,
        executed_version: str,
        *,
        started: float,
        duration_ms: float,
        error: bool,
        throttle: bool,
    ) -> None:
        at = self.clock.at(started)
        for dimensions in invoke_dimensions(function, resource_qualifier, executed_version, throttle=throttle):
            for name, value, unit in invoke_values(duration_ms, error=error, throttle=throttle):
                store.keep("AWS/Lambda", name, dimensions, at, unit, value)

    def absorb(self, log_text: str) -> int:
        now = time.time()
        stored = 0
        for line in log_text.splitlines():
            for point in emf_points(line, now):
                at = self.clock.at(point.time)
                for value in point.values:
                    store.keep(
                        point.namespace, point.name, dict(point.dimensions), at, point.unit, value, point.resolution
                    )
                    stored += 1
        return stored

    def put_metric_data(self, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        """PutMetricData. Explicit times are the caller's wall time."""
        request = request_of(params, data, is_cbor, is_json)
        listed = [(datum, int(datum.get("StorageResolution") or store.STANDARD)) for datum in request["MetricData"]]
        for at, (datum, resolution) in enumerate(listed, 1):
            where = f"MetricData.member.{at}"
            if resolution not in store.RESOLUTIONS:
                problem = f"The value {resolution} for parameter {where}.StorageResolution is invalid: it is 1 or 60."
                return refusal("InvalidParameterValue", problem, is_cbor, is_json)
            if datum.get("Values") and len(datum.get("Counts") or datum["Values"]) != len(datum["Values"]):
                problem = f"The parameters {where}.Values and {where}.Counts must be of the same length."
                return refusal("InvalidParameterValue", problem, is_cbor, is_json)
        for datum, resolution in listed:
            put = cloudwatch._parse_ts(datum.get("Timestamp"))
            at_stage = self.clock.epoch() if put is None else self.clock.at(put)
            dimensions = cloudwatch._dims_from_list(datum.get("Dimensions") or [])
            keep_datum(request["Namespace"], datum, dimensions, at_stage, resolution)
        return answer("PutMetricData", {}, "", is_cbor, is_json)


def invoke_dimensions(
    function: str, qualifier: str | None, version: str, *, throttle: bool
) -> Iterator[dict[str, str]]:
    """The dimension sets in which one invoke is counted; `qualifier` is what the caller named, if anything.

    ExecutedVersion stands beside an alias only, and a throttled invoke runs no version.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    resource = f"{function}:{qualifier}" if qualifier else function
    yield {}
    yield {"FunctionName": function}
    yield {"FunctionName": function, "Resource": resource}
    is_alias = bool(qualifier) and qualifier != "$LATEST" and not str(qualifier).isdigit()
    if is_alias and not throttle:
        yield {"FunctionName": function, "Resource": resource, "ExecutedVersion": version}


def invoke_values(duration_ms: float, *, error: bool, throttle: bool) -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of what one invoke adds. A throttled one is neither an invocation nor an error."""
    yield "Throttles", float(throttle), "Count"
    if not throttle:
        yield "Invocations", 1.0, "Count"
        yield "Errors", float(error), "Count"
        yield "Duration", duration_ms, "Milliseconds"


_running: Running | None = None


def install(clock: StageClock) -> Running:
    """Put this in the place of MiniStack's metrics. `clock` is the stage's."""
    global _running
    _running = Running(clock)
    store.install()
    metric_answers.install()
    cloudwatch._put_metric_data = _running.put_metric_data
    return _running


def _installed() -> Running:
    if _running is None:
        raise RuntimeError(
            "rehearsal.stage.cloudwatch.metrics.install has not been called: there is no stage to count on"
        )
    return _running


def record_invoke(
    function: str,
    resource_qualifier: str | None,
    executed_version: str,
    *,
    started: float,
    duration_ms: float,
    error: bool,
    throttle: bool,
) -> None:
    """Count one invoke in AWS/Lambda, in the current account and Region. `started` is wall time, in epoch seconds."""
    _installed().record_invoke(
        function,
        resource_qualifier,
        executed_version,
        started=started,
        duration_ms=duration_ms,
        error=error,
        throttle=throttle,
    )


def absorb(log_text: str) -> int:
    """Keep the embedded metrics of an invoke's log, in the current account and Region; how many values there were."""
    return _installed().absorb(log_text)
