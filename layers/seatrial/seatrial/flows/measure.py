"""What becomes of releases, as metrics: lines in CloudWatch's embedded metric format. docs/board.md lists them all."""

from __future__ import annotations

from collections.abc import Iterable

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from seatrial.core.cost import Cost
from seatrial.core.delivery import OF_A_DEPLOYMENT, OF_A_WAY_BACK, spans
from seatrial.core.release import Release
from seatrial.flows.account import Account


def closed(aws: Account, release: Release) -> None:
    """What it took. Called by whoever closes a release, after its last step is written: the ledger knows it by then."""
    _took(aws, release, OF_A_DEPLOYMENT + OF_A_WAY_BACK)


def returned(aws: Account, release: Release) -> None:
    """What the way back took, of one that was closed long before. Called after the step that says it is back."""
    _took(aws, release, OF_A_WAY_BACK)


def judged(release: Release, word: str) -> None:
    """Once for each word that the judge says of a release: VerdictOk, VerdictWorse or VerdictInconclusive."""
    metrics = _of(release)
    metrics.add_metric(f"Verdict{word.capitalize()}", MetricUnit.Count, 1)
    metrics.flush_metrics()


def cost(release: Release, found: Cost) -> None:
    """Once late metrics are in: BadOutcomesCaused, 0 for what may be chance, of RequestsWhileReleased."""
    metrics = _of(release)
    metrics.add_metric("BadOutcomesCaused", MetricUnit.Count, round(found.bad) if found.is_known else 0)
    metrics.add_metric("RequestsWhileReleased", MetricUnit.Count, found.requests)
    metrics.flush_metrics()


def _took(aws: Account, release: Release, names: Iterable[str]) -> None:
    ended = aws.ledger.release(release.deployment_id)
    known = spans(ended, aws.ledger.steps(ended.deployment_id))
    metrics = _of(ended)
    for name in names:
        if name in known:
            metrics.add_metric(name, MetricUnit.Seconds, known[name].total_seconds())
    metrics.add_metadata("end", str(ended.state))
    metrics.flush_metrics()


def _of(release: Release) -> EphemeralMetrics:
    """In the dimension `service`, with the release's id in the line beside the metrics."""
    metrics = EphemeralMetrics(namespace="Seatrial", service=release.function)
    metrics.add_metadata("release", release.deployment_id)
    return metrics
