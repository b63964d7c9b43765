"""What a release did cost its users: the estimate, and when it is said."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from moto import mock_aws

from seatrial.core.cost import cost, told
from seatrial.core.evidence import Row
from seatrial.core.metric import Metric
from seatrial.core.release import Release, State
from seatrial.flows import guard, monitor
from tests.small_account import CREATED, SmallAccount, event, make_table

TICK = event("tick")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("rows", "after", "sentence"),
    [
        pytest.param(
            [Row(900, 9, 100, 31)] * 2,
            [],
            "about 60 of 2,000 requests (3 %) had a bad outcome because of it",
            id="what stable's users met, too, is not counted",
        ),
        pytest.param(
            [Row(900, 450, 100, 50), Row(900, 0, 100, 0)],
            [],
            "none of 2,000 requests had a bad outcome because of it",
            id="an outage of both costs nothing",
        ),
        pytest.param(
            [Row(1000, 100, 0, 0), Row(0, 0, 100, 30)],
            [],
            "about 20 of 1,100 requests (1.82 %) had a bad outcome because of it",
            id="without stable in the same minute, its share at other times counts",
        ),
        pytest.param(
            [Row(900, 9, 100, 1)],
            [Row(1000, 10, 1000, 110), Row(1000, 10, 1000, 110)],
            "about 200 of 3,000 requests (6.67 %) had a bad outcome because of it",
            id="after 100 % it is held against the time before, whose requests are not the release's",
        ),
        pytest.param(
            [],
            [Row(0, 0, 100, 40)],
            "about 40 of 100 requests (40 %) had a bad outcome because of it",
            id="with nothing to hold it against, all that is bad is its own",
        ),
        pytest.param(
            [Row(900, 9, 100, 3)],
            [],
            "of 1,000 requests no more had a bad outcome than chance explains",
            id="two more than expected come about by chance",
        ),
        pytest.param([], [], "no request came while it was released", id="nobody came"),
    ],
)
def test_a_release_ends_with_what_it_did_cost(rows: list[Row], after: list[Row], sentence: str) -> None:
    assert cost(rows, after).sentence("it") == sentence


def test_a_candidate_that_is_better_costs_nothing() -> None:
    assert cost([Row(900, 90, 100, 0)]).bad == 0


def test_where_outcomes_are_unknown_the_sentence_says_errors() -> None:
    assert cost([Row(900, 0, 100, 50)], outcomes=False).sentence("version 8") == (
        "about 50 of 1,000 requests (5 %) ended in an error of Lambda's because of version 8"
    )


def test_a_harmless_release_is_rarely_blamed() -> None:
    chance = random.Random(2026)
    blamed = 0
    for _ in range(1000):
        pairs = ((chance.binomialvariate(1080, 0.01), chance.binomialvariate(120, 0.01)) for _ in range(10))
        blamed += cost([Row(1080, base, 120, cand) for base, cand in pairs]).is_known
    assert blamed <= 5


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.begin("d-1")
        account.codedeploy.shifts("d-1")
        account.lambdas.tags["payments"] = {"seatrial": "released"}
        account.lambdas.aliases["payments"] = ("8", 1)
        deployment = account.aws.codedeploy.deployment("d-1")
        assert deployment.shift is not None
        release = account.ledger.open(deployment, deployment.shift, ["bad-outcomes"])
        account.ledger.move(release, State.SHIFTING)
        yield account


def met(account: SmallAccount, version: str, at: datetime, requests: int, bad: int) -> None:
    """Outcome lines of one minute."""
    for name, count in (("Requests", requests), ("BadOutcomes", bad)):
        account.metrics.report(Metric.of("Seatrial", name, service="payments", version=version), at, count)


def is_taken_back(account: SmallAccount) -> Release:
    """In the second minute after it was opened, in the first of which a third of the candidate's users met a 500."""
    met(account, "7", CREATED, 900, 0)
    met(account, "8", CREATED, 100, 30)
    account.codedeploy.ends("d-1", "Stopped", "ALARM_ACTIVE", "alarm", rollback="d-2")
    account.codedeploy.begin("d-2", stable="8", candidate="7", status="Succeeded", completeTime=CREATED + 2 * MINUTE)
    ticks(account)
    release = account.ledger.release("d-1")
    assert release.state is State.TAKEN_BACK
    return release


def ticks(account: SmallAccount, minutes: int = 1) -> None:
    for _ in range(minutes):
        account.clock.goes_on(MINUTE)
        monitor.look(account.aws, TICK)


def costs(account: SmallAccount) -> list[str]:
    return [step.sentence for step in account.ledger.steps("d-1") if step.kind == "cost"]


ABOUT_30 = "payments:live: about 30 of 1,000 requests (3 %) had a bad outcome because of version 8"


def test_a_release_that_is_taken_back_says_at_once_what_it_did_cost(account: SmallAccount) -> None:
    is_taken_back(account)
    assert costs(account) == [ABOUT_30]


def test_what_arrives_late_is_counted_again(account: SmallAccount) -> None:
    is_taken_back(account)
    met(account, "8", CREATED + MINUTE, 100, 50)
    met(account, "7", CREATED + MINUTE, 900, 0)
    ticks(account, 5)
    assert costs(account) == [
        ABOUT_30,
        "payments:live: counted again, about 80 of 2,000 requests (4 %) had a bad outcome because of version 8",
    ]
    assert account.ledger.watched() == (), "nothing more is expected of it"


def test_nothing_is_said_twice_when_nothing_arrived_late(
    account: SmallAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    is_taken_back(account)
    ticks(account, 5)
    assert costs(account) == [ABOUT_30]
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "BadOutcomesCaused" in line)
    assert '"BadOutcomesCaused":[30.0]' in line and '"RequestsWhileReleased":[1000.0]' in line


def test_a_cloudwatch_that_does_not_answer_is_asked_again(account: SmallAccount) -> None:
    is_taken_back(account)
    met(account, "8", CREATED + MINUTE, 100, 50)
    account.metrics.broken = True
    with pytest.raises(ExceptionGroup):
        ticks(account, 5)
    account.metrics.broken = False
    ticks(account)
    assert costs(account)[1:] == [
        "payments:live: counted again, about 80 of 1,100 requests (7.27 %) had a bad outcome because of version 8"
    ]


def test_after_an_hour_nobody_waits_for_it_any_more(account: SmallAccount) -> None:
    is_taken_back(account)
    account.metrics.broken = True
    account.clock.goes_on(timedelta(hours=1))
    with pytest.raises(ExceptionGroup):
        ticks(account)
    ticks(account)
    assert account.ledger.watched() == ()


def test_a_cloudwatch_that_does_not_answer_does_not_keep_a_release_open(account: SmallAccount) -> None:
    account.metrics.broken = True
    with pytest.raises(ExceptionGroup):  # of the judge
        is_taken_back(account)
    assert account.ledger.release("d-1").state is State.TAKEN_BACK


def test_a_release_that_no_user_met_has_no_cost(account: SmallAccount) -> None:
    account.codedeploy.targets.clear()
    account.codedeploy.ends("d-1", "Failed", "HOOK_EXECUTION_FAILURE", "no")
    ticks(account, 5)
    assert costs(account) == []


def test_one_that_is_returned_late_is_counted_until_then(account: SmallAccount) -> None:
    met(account, "7", CREATED, 900, 0)
    met(account, "8", CREATED, 100, 0)
    account.codedeploy.ends("d-1", "Succeeded")
    account.ledger.reach_everybody(account.ledger.release("d-1"), CREATED + MINUTE)
    ticks(account, 5)
    assert costs(account) == ["payments:live: none of 1,000 requests had a bad outcome because of version 8"]
    met(account, "8", account.clock.now(), 1000, 500)
    ticks(account)
    release = account.ledger.release("d-1")
    assert release.state is State.RELEASED
    guard.give_back(account.aws, release, "alarm bad-outcomes rang", "functions/rollback")
    ticks(account, 5)
    assert costs(account)[1:] == [
        "payments:live: counted again, about 500 of 2,000 requests (25 %) had a bad outcome because of version 8"
    ]


@pytest.mark.parametrize(
    ("rows", "state", "concludes"),
    [
        pytest.param([Row(56, 12, 6, 0)], State.TAKEN_BACK, True, id="stable failed and the candidate did not"),
        pytest.param([Row(56, 12, 6, 0)], State.RELEASED, False, id="nothing was rolled back"),
        pytest.param([Row(56, 0, 6, 0)], State.TAKEN_BACK, False, id="neither failed"),
        pytest.param([Row(56, 12, 6, 6)], State.TAKEN_BACK, False, id="the candidate failed too"),
    ],
)
def test_a_rollback_for_errors_of_stable_is_concluded_and_told(rows: list[Row], state: State, concludes: bool) -> None:
    release = Release("d-1", "shop", "payments", "payments", "live", "3", "4", CREATED, state=state)
    sentence = told(release, cost(rows))
    assert ("the rollback was probably not for version 4. Next: correct what fails" in sentence) is concludes
    if concludes:
        assert "Version 3 itself had 12 bad ones of 56 in these minutes" in sentence
