"""CloudWatch's embedded metric format: one log line in, metric points out. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VALUES_LIMIT = 100
DIMENSIONS_LIMIT = 30
METRICS_LIMIT = 100
OLDEST_SECONDS = 14 * 24 * 3600
NEWEST_SECONDS = 2 * 3600


@dataclass(frozen=True)
class Point:
    """Values of one metric at one moment. `time` is in epoch seconds, as whoever wrote the line saw it.

    `resolution` is 1 second for a high-resolution metric.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    time: float
    values: tuple[float, ...]
    resolution: int = 60


def emf_points(line: str, now: float) -> tuple[Point, ...]:
    """The points that CloudWatch makes of `line`; none when it isn't a document of the format, which is no error.

    `now`, in epoch seconds, decides what is too old (14 days) or too far ahead (2 hours) to be taken.
    """
    # Nearly every line a function prints is something else, and parsing is the expensive part.
    if '"_aws"' not in line or not line.lstrip().startswith("{"):
        return ()
    try:
        document = json.loads(line)
    except ValueError:
        return ()
    about = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(about, dict) or not _is_number(about.get("Timestamp")):
        return ()
    time = about["Timestamp"] / 1000
    if not now - OLDEST_SECONDS <= time <= now + NEWEST_SECONDS:
        return ()
    return tuple(
        point
        for directive in _list(about.get("CloudWatchMetrics"))
        if isinstance(directive, dict)
        for point in _points(directive, document, time)
    )


def _points(directive: Mapping[str, Any], document: Mapping[str, Any], time: float) -> Iterator[Point]:
    namespace = directive.get("Namespace")
    metrics = _list(directive.get("Metrics"))
    if not isinstance(namespace, str) or not namespace or len(metrics) > METRICS_LIMIT:
        return
    for names in _list(directive.get("Dimensions")):
        dimensions = _dimensions(names, document)
        if dimensions is None:
            continue
        for metric in metrics:
            if not isinstance(metric, dict) or not isinstance(metric.get("Name"), str):
                continue
            values, resolution = _values(document.get(metric["Name"])), metric.get("StorageResolution", 60)
            if values and resolution in (1, 60):
                unit = str(metric.get("Unit", "None"))
                yield Point(namespace, metric["Name"], dimensions, unit, time, values, resolution)


def _dimensions(names: object, document: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """The dimensions that a set of member names stands for, or None when one of them has no text in the document."""
    if not isinstance(names, list) or len(names) > DIMENSIONS_LIMIT:
        return None
    found = [(name, document.get(name)) for name in names if isinstance(name, str)]
    if len(found) < len(names):
        return None
    dimensions = tuple((name, value) for name, value in found if isinstance(value, str) and value)
    return dimensions if len(dimensions) == len(names) else None


def _values(target: object) -> tuple[float, ...]:
    """The values of a metric's member: a number or at most 100 of them; nothing when it is anything else."""
    values: list[Any] = target if isinstance(target, list) else [target]
    if len(values) > VALUES_LIMIT or not all(_is_number(value) for value in values):
        return ()
    return tuple(float(value) for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
