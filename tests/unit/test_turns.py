"""Each release has its turn, whatever goes wrong in another's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, get_ident

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from seatrial.core import pairs
from seatrial.core.metric import Metric
from seatrial.core.pairs import Term
from seatrial.core.pairs import read as read_pairs
from seatrial.core.release import Release, State
from seatrial.core.sections import JudgeSettings, MetricPair
from seatrial.flows import preflight, verdict
from seatrial.flows.turns import AT_ONCE, Turns
from tests.small_account import CREATED, SmallAccount, make_table

RELEASE = Release("d-0", "shop", "payments", "payments", "live", "7", "8", CREATED)
RELEASES = tuple(replace(RELEASE, deployment_id=f"d-{n}") for n in range(2 * AT_ONCE))
LOG = Logger(service="test")


@pytest.fixture
def small() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags["payments"] = {"seatrial": "released"}
        yield account


def test_as_many_have_their_turn_at_the_same_time_as_there_is_room_for() -> None:
    together = Barrier(AT_ONCE)
    turns = Turns(LOG)
    turns.each(RELEASES, lambda release: together.wait(10))
    turns.end()


def test_one_at_a_time_is_in_their_order_and_nobody_elses_thread() -> None:
    taken: list[tuple[str, int]] = []
    Turns(LOG, at_once=1).each(RELEASES, lambda release: taken.append((release.deployment_id, get_ident())))
    assert taken == [(release.deployment_id, get_ident()) for release in RELEASES]


@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_what_goes_wrong_in_some_turns_is_raised_together_after_all_of_them(at_once: int) -> None:
    taken: list[str] = []

    def take(release: Release) -> None:
        taken.append(release.deployment_id)
        if release in RELEASES[:2]:
            raise ValueError(release.deployment_id)

    turns = Turns(LOG, at_once)
    turns.each(RELEASES, take)
    assert sorted(taken) == sorted(release.deployment_id for release in RELEASES)
    with pytest.raises(ExceptionGroup) as raised:
        turns.end()
    assert sorted(str(error) for error in raised.value.exceptions) == ["d-0", "d-1"]


def test_without_a_trouble_there_is_nothing_to_raise() -> None:
    Turns(LOG).end()


def test_verdict_that_breaks_is_one_releases_own(small: SmallAccount) -> None:
    """No bound holds here: the settings come as no reader would give them."""
    hostile = replace(RELEASE, deployment_id="d-bad", state=State.SHIFTING, judge=JudgeSettings(worse_than="a"))  # type: ignore[arg-type]
    innocent = replace(RELEASE, deployment_id="d-good", state=State.SHIFTING)
    for version in ("7", "8"):
        requests = Metric.of(
            "AWS/Lambda", "Invocations", FunctionName="payments", Resource="payments:live", ExecutedVersion=version
        )
        small.metrics.report(requests, CREATED, 100.0)
    turns = Turns(LOG)
    looked = verdict.follow(small.aws, turns, [hostile, innocent])
    assert looked.verdicts.keys() == {"d-good"}
    with pytest.raises(ExceptionGroup) as raised:
        turns.end()
    assert len(raised.value.exceptions) == 1


def test_rejected_metric_is_reported_once_for_its_release(small: SmallAccount) -> None:
    small.codedeploy.begin("d-1")
    opened = preflight.admitted(small.aws, small.aws.codedeploy.deployment("d-1"))
    pair = MetricPair("Shop:" + "b" * 300, "Shop:a")
    hostile = replace(opened, state=State.SHIFTING, judge=JudgeSettings(metrics=(pair,)))
    innocent = replace(RELEASE, state=State.SHIFTING)
    small.clock.goes_on(timedelta(minutes=3))
    for _ in range(2):
        turns = Turns(LOG)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pairs, "read", lambda text: (Term(1, *text.split(":")),) if ":" in text else read_pairs(text))
            looked = verdict.follow(small.aws, turns, [hostile, innocent])
        turns.end()
        assert looked.verdicts.keys() == {"d-0"}
    (sentence,) = small.told()
    assert sentence == (
        "payments:live: version 8 is not judged: CloudWatch rejects one of its metrics (The name of a metric is too "
        "long). Next: correct judge.metrics in its suite"
    )


def test_gathered_is_what_each_turn_gave() -> None:
    turns = Turns(LOG)
    found = turns.gather(RELEASES[:3], lambda release: {"d-0": 1, "d-1": None}[release.deployment_id])
    assert found == {"d-0": 1}
    with pytest.raises(ExceptionGroup, match="not every release"):
        turns.end()


def test_no_turn_begins_when_the_function_has_less_time_than_is_kept() -> None:
    seconds = iter([60.0, 26.0, 25.0, 24.0])
    taken: list[str] = []
    turns = Turns(LOG, at_once=1, seconds_left=lambda: next(seconds))
    turns.each(RELEASES[:4], lambda release: taken.append(release.deployment_id), keep=25.0)
    assert taken == ["d-0", "d-1"]
    assert list(turns.left) == ["d-2", "d-3"]


def test_turns_of_many_begin_together_or_are_left_together() -> None:
    seconds = iter([60.0, 5.0])
    taken: list[int] = []
    turns = Turns(LOG, at_once=1, seconds_left=lambda: next(seconds))
    turns.together(RELEASES[:13], 10, lambda some: taken.append(len(some)))
    assert (taken, list(turns.left)) == ([10], ["d-10", "d-11", "d-12"])
