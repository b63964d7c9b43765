"""The line of CloudWatch's embedded metric format that carries an outcome. Any language may print the same.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json

from .decide import Outcome

NAMESPACE = "Seatrial"
# For alarms on the service as a whole, and for the judge, who compares two versions.
DIMENSION_SETS = (("service",), ("service", "version"))
REASONS_SHOWN = 5
REASON_LENGTH = 200


def write(
    outcome: Outcome,
    *,
    service: str,
    version: str,
    milliseconds: int,
    request_id: str = "",
    high_resolution: bool = False,
) -> str:
    """The line, without its end. `milliseconds` since 1970 is when the outcome was known.

    With `high_resolution` CloudWatch keeps its seconds for three hours, where else it keeps minutes.

    That is the end of the request, not its start: an alarm that has looked at a minute already would miss what a long
    request adds to it later.
    """
    resolution = {"StorageResolution": 1} if high_resolution else {}
    line = {
        "_aws": {
            "Timestamp": milliseconds,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": DIMENSION_SETS,
                    "Metrics": [{"Name": name, "Unit": "Count", **resolution} for name in ("Requests", "BadOutcomes")],
                }
            ],
        },
        "service": service,
        "version": version,
        "Requests": outcome.requests,
        "BadOutcomes": outcome.bad,
        "request_id": request_id,
    }
    if outcome.reasons:
        line["reasons"] = [reason[:REASON_LENGTH] for reason in outcome.reasons[:REASONS_SHOWN]]
    return json.dumps(line, separators=(",", ":"))
