"""What CloudWatch can be asked: one statistic of one metric over a span of time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

type Series = Mapping[datetime, float]
"""Values by the beginning of their period, in UTC. A period in which nothing was reported is absent."""


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, /, **dimensions: str) -> Metric:
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Question:
    """`since` belongs to the span, `until` does not. `period` is seconds.

    `statistic` is CloudWatch's word: Sum, p95, or PR(:800) for the percentage of values up to 800.
    """

    metric: Metric
    since: datetime
    until: datetime
    statistic: str = "Sum"
    period: int = 60


type Answers = Mapping[Question, Series]
"""A question that CloudWatch could not answer is absent."""
