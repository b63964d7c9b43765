"""Counts as a suite names them: what they mean, and what is taken for a slip."""

from __future__ import annotations

import re

import pytest

from seatrial.core import pairs
from seatrial.core.pairs import Term
from seatrial.core.values import UnfitError


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Declined", [Term(1, "Seatrial", "Declined")]),
        ("Shop:Declined", [Term(1, "Shop", "Declined")]),
        ("AWS/SQS:NumberOfMessagesSent", [Term(1, "AWS/SQS", "NumberOfMessagesSent")]),
        ("Requests", [Term(1, "Seatrial", "Requests")]),
        (
            "Shop:Declined + Expired - Shop/Web:Retried-twice",
            [Term(1, "Shop", "Declined"), Term(1, "Seatrial", "Expired"), Term(-1, "Shop/Web", "Retried-twice")],
        ),
    ],
)
def test_counts_are_metrics_added_and_subtracted(text: str, terms: list[Term]) -> None:
    assert pairs.read(text) == tuple(terms)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Declined / Asked", 'where "/" is no + or -: counts are added and subtracted'),
        ("Declined Asked", 'where "Asked" is no + or -'),
        ("Declined+Asked", 'holds "Declined+Asked", which names no metric; write Name, or Namespace:Name'),
        ("Declined +", "which ends where a metric is missing"),
        ("- Declined", 'where "Declined" is no + or -'),
        ("SUM(Declined)", 'holds "SUM(Declined)", which names no metric'),
        ("Shop/Declined", "did you mean 'Shop:Declined'?"),
        ("AWS/SQS/Sent", "did you mean 'AWS/SQS:Sent'?"),
        ("BadOutcome", "which no outcome line reports; did you mean 'BadOutcomes'?"),
        ("requests", "which no outcome line reports; did you mean 'Requests'?"),
    ],
)
def test_what_is_no_count_is_told_with_what_to_write_instead(text: str, sentence: str) -> None:
    with pytest.raises(UnfitError, match=re.escape(sentence)):
        pairs.read(text)
