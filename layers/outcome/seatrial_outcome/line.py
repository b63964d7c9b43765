"""The line of CloudWatch's embedded metric format that carries an outcome. Any language may print the same.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from typing import Any

from .decide import Outcome

NAMESPACE = "Seatrial"
# For alarms on the service as a whole, and for the judge, which compares two versions.
DIMENSION_SETS = (("service",), ("service", "version"))
REASONS_SHOWN = 5
REASON_LENGTH = 200

# With JSON as log format, Lambda drops what is less than the function's log level, and takes a line that names no
# level, or no `timestamp` in RFC 3339, for INFO.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_LEVELS_ABOVE_INFO = frozenset({"WARN", "ERROR", "FATAL"})


def level_to_state(log_format: str, log_level: str) -> str:
    """The level that the line must name to be kept, "" when it needs none.

    Both arguments are Lambda's own variables, AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL.
    """
    level = log_level.upper()
    return level if log_format.upper() == "JSON" and level in _LEVELS_ABOVE_INFO else ""


def write(
    outcome: Outcome,
    *,
    service: str,
    version: str,
    milliseconds: int,
    request_id: str = "",
    high_resolution: bool = False,
    level: str = "",
) -> str:
    """Return the line, without its end.

    Args:
        milliseconds: since 1970, when the outcome was known. That is the end of the request, not its start: an alarm
            that has looked at a minute already would miss what a long request adds to it later.
        high_resolution: CloudWatch keeps seconds for three hours, where else it keeps minutes.
        level: see level_to_state.
    """
    directives = [_directive(DIMENSION_SETS, ("Requests", "BadOutcomes"), high_resolution)]
    if outcome.client_errors:  # by version alone, and absent where there are none: a metric costs money
        directives.append(_directive(DIMENSION_SETS[1:], ("ClientErrors",), high_resolution))
    line: dict[str, Any] = {
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": directives},
        "service": service,
        "version": version,
        "Requests": outcome.requests,
        "BadOutcomes": outcome.bad,
        "request_id": request_id,
    }
    if outcome.client_errors:
        line["ClientErrors"] = outcome.client_errors
    if outcome.reasons:
        line["reasons"] = [reason[:REASON_LENGTH] for reason in outcome.reasons[:REASONS_SHOWN]]
    if level:
        line["level"] = level
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
        line["timestamp"] = f"{seconds}.{milliseconds % 1000:03d}Z"
    return json.dumps(line, separators=(",", ":"))


def _directive(dimensions: Any, names: Any, high_resolution: bool) -> dict[str, Any]:
    resolution = {"StorageResolution": 1} if high_resolution else {}
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [list(names_of_set) for names_of_set in dimensions],
        "Metrics": [{"Name": name, "Unit": "Count", **resolution} for name in names],
    }
