"""What a release took, as metrics: one line in CloudWatch's embedded metric format once it is closed."""

from __future__ import annotations

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from seatrial.core.delivery import spans
from seatrial.core.release import Release
from seatrial.flows.account import Account


def closed(aws: Account, release: Release) -> None:
    """Called by whoever closes a release, after its last step is written: the ledger knows by then what there is."""
    ended = aws.ledger.release(release.deployment_id)
    metrics = EphemeralMetrics(namespace="Seatrial", service=ended.function)
    for name, span in spans(ended, aws.ledger.steps(ended.deployment_id)).items():
        metrics.add_metric(name, MetricUnit.Seconds, span.total_seconds())
    metrics.add_metadata("release", ended.deployment_id)
    metrics.add_metadata("end", str(ended.state))
    metrics.flush_metrics()


def judged(release: Release, word: str) -> None:
    """Once for each word that the judge says of a release: VerdictOk, VerdictWorse or VerdictInconclusive."""
    metrics = EphemeralMetrics(namespace="Seatrial", service=release.function)
    metrics.add_metric(f"Verdict{word.capitalize()}", MetricUnit.Count, 1)
    metrics.add_metadata("release", release.deployment_id)
    metrics.flush_metrics()
