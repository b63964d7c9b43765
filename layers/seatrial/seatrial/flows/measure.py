"""What becomes of releases, as metrics: lines in CloudWatch's embedded metric format. docs/board.md lists them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from seatrial.core.cost import Cost
from seatrial.core.delivery import OF_A_DEPLOYMENT, OF_A_DEPLOYMENT_STEPS, OF_A_WAY_BACK, spans
from seatrial.core.release import Release, State, Step
from seatrial.flows import metric_line
from seatrial.flows.account import Account
from seatrial.flows.turns import Turns


def closed(aws: Account, release: Release) -> None:
    """What it took. Called by whoever closes a release, with what it has become, after its last step is written."""
    _took(release, aws.ledger.steps(release.deployment_id), OF_A_DEPLOYMENT + OF_A_WAY_BACK)


def closed_together(aws: Account, turns: Turns, ended: Sequence[Release]) -> None:
    """As closed() for each. Those that ended well have two steps to read, a call for a hundred; others have many."""
    well = {one.deployment_id: one for one in ended if one.state is State.RELEASED and not one.reason}
    with turns.turn(", ".join(well)):
        found = aws.ledger.steps_of(well, OF_A_DEPLOYMENT_STEPS)
        for id, release in well.items():
            _took(release, found[id], OF_A_DEPLOYMENT)
    turns.each((one for one in ended if one.deployment_id not in well), lambda release: closed(aws, release))


def returned(aws: Account, release: Release) -> None:
    """What the way back took, of one that was closed long before. Called after the step that says it is back."""
    ended = aws.ledger.release(release.deployment_id)
    _took(ended, aws.ledger.steps(ended.deployment_id), OF_A_WAY_BACK)


def judged(release: Release, word: str) -> None:
    """Once for each word that the judge says of a release: VerdictOk, VerdictWorse or VerdictInconclusive."""
    metrics = _of(release)
    metrics.add_metric(f"Verdict{word.capitalize()}", MetricUnit.Count, 1)
    metric_line.write(metrics)


def cost(release: Release, found: Cost) -> None:
    """Once late metrics are in: BadOutcomesCaused, 0 for what may be chance, of RequestsWhileReleased."""
    metrics = _of(release)
    metrics.add_metric("BadOutcomesCaused", MetricUnit.Count, round(found.bad) if found.is_known else 0)
    metrics.add_metric("RequestsWhileReleased", MetricUnit.Count, found.requests)
    metric_line.write(metrics)


def _took(ended: Release, steps: Sequence[Step], names: Iterable[str]) -> None:
    known = spans(ended, steps)
    metrics = _of(ended)
    for name in names:
        if name in known:
            metrics.add_metric(name, MetricUnit.Seconds, known[name].total_seconds())
    metrics.add_metadata("end", str(ended.state))
    metric_line.write(metrics)


def _of(release: Release) -> EphemeralMetrics:
    """In the dimension `service`, with the release's id in the line beside the metrics."""
    metrics = EphemeralMetrics(namespace="Seatrial", service=release.function)
    metrics.add_metadata("release", release.deployment_id)
    return metrics
