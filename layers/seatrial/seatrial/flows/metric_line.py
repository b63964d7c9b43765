"""A line of metrics on stdout, in CloudWatch's embedded metric format: one write, so that threads do not mix theirs."""

from __future__ import annotations

import json
import sys
import threading

from aws_lambda_powertools.metrics import EphemeralMetrics

_one_line = threading.Lock()


def write(metrics: EphemeralMetrics) -> None:
    """Without a metric it writes nothing. `flush_metrics` prints the line and its end apart, and takes no lock."""
    if not metrics.metric_set:
        return
    text = json.dumps(metrics.serialize_metric_set(), separators=(",", ":"))
    with _one_line:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
