"""What follows from the judge's verdicts: taken back, told once, waited for, and never in the way of anything else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from moto import mock_aws

from seatrial.core.metric import Metric
from seatrial.core.release import Release, State
from seatrial.flows import monitor, rollback
from seatrial.flows.hook import Handler
from tests.small_account import CREATED, SmallAccount, event, make_table
from tests.unit.test_hook import CALL, Limit, good, handler_of

TICK = event("tick")
AFTER = CALL | {"LifecycleEventHookExecutionId": "x-2"}
SUITE = """
cases:
  - {name: health answers, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}
"""


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes"]
        account.lambdas.answers["payments", "live"] = good
        yield account


class Release8:
    """A release of version 8 of payments, minute by minute."""

    def __init__(self, account: SmallAccount, monkeypatch: pytest.MonkeyPatch, suite: str = "") -> None:
        self.account = account
        account.lambdas.has("payments", "8", SUITE + suite, good)
        account.codedeploy.begin("d-1")
        self.answered = handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
        account.codedeploy.shifts("d-1")
        account.codedeploy.answers.clear()
        self._post_traffic: Handler = handler_of("post_traffic", account, monkeypatch)

    def minutes(self, count: int, *, failing: float = 0.0, stable_failing: float = 0.0, requests: int = 200) -> None:
        """So many minutes of the shift pass, each with a tick at its end."""
        for _ in range(count):
            minute = self.account.clock.now().replace(second=0)
            self.counts(minute, "7", 4 * requests, round(4 * requests * stable_failing))
            self.counts(minute, "8", requests, round(requests * failing))
            self.tick()

    def counts(self, minute: object, version: str, n: int, errors: int) -> None:
        alias = {"FunctionName": "payments", "Resource": "payments:live"}
        for dimensions in (alias, alias | {"ExecutedVersion": version}):
            self.account.metrics.report(Metric.of("AWS/Lambda", "Invocations", **dimensions), minute, n)  # type: ignore[arg-type]
            self.account.metrics.report(Metric.of("AWS/Lambda", "Errors", **dimensions), minute, errors)  # type: ignore[arg-type]

    def tick(self, minutes: float = 1) -> None:
        self.account.clock.goes_on(timedelta(minutes=minutes))
        monitor.look(self.account.aws, TICK)

    def everybody(self) -> dict[str, str]:
        """AfterAllowTraffic begins."""
        self.account.codedeploy.shifts("d-1", 1.0, "Succeeded")
        return self._post_traffic(AFTER, Limit())

    @property
    def now(self) -> Release:
        return self.account.ledger.release("d-1")

    def steps(self, kind: str) -> list[str]:
        return [step.sentence for step in self.account.ledger.steps("d-1") if step.kind == kind]


@pytest.fixture
def release(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Release8:
    return Release8(account, monkeypatch)


def test_what_is_worse_is_taken_back_by_the_tick_with_the_judges_sentence(
    account: SmallAccount, release: Release8
) -> None:
    release.minutes(1, failing=0.4)
    assert account.codedeploy.stops == ["d-1"]
    assert (release.now.state, release.now.by) == (State.GOING_BACK, "functions/monitor")
    assert release.now.reason.startswith("the judge finds it worse: errors worse since minute ")
    (told,) = release.steps("verdict")
    assert told.startswith("payments:live: the judge finds version 8 worse: errors worse since minute ")


def test_what_fails_as_much_as_stable_is_nobodys_fault(account: SmallAccount, release: Release8) -> None:
    release.minutes(6, failing=0.4, stable_failing=0.4)
    assert account.codedeploy.stops == []
    assert release.now.verdict != "worse"


def test_a_verdict_is_said_once_and_not_each_minute(
    account: SmallAccount, release: Release8, caplog: pytest.LogCaptureFixture
) -> None:
    release.minutes(9)
    assert sum("the judge finds version 8 ok" in record.getMessage() for record in caplog.records) == 1
    (told,) = release.steps("verdict")
    assert told.startswith("payments:live: the judge finds version 8 ok: errors ok since minute ")
    assert release.now.verdict == "ok"


def test_a_stop_that_failed_is_tried_again_at_the_next_tick(account: SmallAccount, release: Release8) -> None:
    release.minutes(1, failing=0.0)
    stop, account.codedeploy.stop_deployment = account.codedeploy.stop_deployment, None  # type: ignore[method-assign, assignment]
    with pytest.raises(ExceptionGroup):
        release.minutes(1, failing=0.4)
    account.codedeploy.stop_deployment = stop  # type: ignore[method-assign]
    release.tick()
    assert account.codedeploy.stops == ["d-1"]


def test_in_a_dry_run_people_are_told_once_when_it_would_have_been_taken_back_and_why(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release8(account, monkeypatch, "release: {dry_run: true}")
    release.minutes(8, failing=0.4)
    assert account.codedeploy.stops == []
    (told,) = [sentence for sentence in account.told() if "dry run" in sentence]
    assert told.startswith(
        "payments:live: dry run: version 8 would have been taken back at 10:02 UTC, because the judge finds it worse: "
    )


def test_cloudwatch_that_cannot_be_read_stops_neither_the_tick_nor_a_way_back(
    account: SmallAccount, release: Release8
) -> None:
    account.metrics.broken = True
    with pytest.raises(ExceptionGroup):
        release.tick()
    rang = {"AlarmName": "bad-outcomes", "StateValue": "ALARM", "StateTransitionedTimestamp": account.clock.now()}
    account.alarms.alarms = [rang]
    release.tick()
    assert account.codedeploy.stops == ["d-1"], "by the alarm, whose event was lost"
    account.codedeploy.begin("d-2", stable="8", candidate="7")
    assert release._post_traffic(AFTER | {"DeploymentId": "d-2"}, Limit())["answered"] == "Succeeded"


def test_while_alarms_cannot_be_read_the_judge_takes_back_all_the_same(
    account: SmallAccount, release: Release8
) -> None:
    account.alarms.broken = True
    with pytest.raises(ExceptionGroup):
        release.minutes(1, failing=0.4)
    assert account.codedeploy.stops == ["d-1"]


def test_a_fix_in_its_lane_is_taken_back_by_the_judge(account: SmallAccount, release: Release8) -> None:
    account.ledger.as_the_fix(release.now, "on-call@example.com: refunds answer twice")
    release.minutes(1, failing=0.4)
    assert account.codedeploy.stops == ["d-1"]


def test_a_young_release_of_high_resolution_is_looked_at_within_the_minute(
    account: SmallAccount, release: Release8
) -> None:
    """Users meet it, and it fails, 20 seconds after the tick: the look at 30 seconds takes it back."""
    account.metrics.fine = True
    tick = account.clock.now() + timedelta(minutes=1)
    for second in range(-60, 40, 10):
        moment = tick + timedelta(seconds=second)
        for version, n, bad in (("7", 50, 0), ("8", 20 if second >= 20 else 0, 15 if second >= 20 else 0)):
            for name, count in (("Requests", n), ("BadOutcomes", bad)):
                account.metrics.report(Metric.of("Seatrial", name, service="payments", version=version), moment, count)
    release.tick()
    assert account.codedeploy.stops == ["d-1"]
    assert release.now.reason.startswith("the judge finds it worse: outcomes worse since minute 1")
    assert account.clock.now() == tick + timedelta(seconds=30)


def test_a_tick_looks_no_more_often_where_minutes_are_all_there_is(account: SmallAccount, release: Release8) -> None:
    before = account.clock.now()
    release.minutes(1, failing=0.01)
    assert account.clock.now() - before == timedelta(minutes=1)


# ---------------------------------------------------------------- after the shift


def test_the_verdict_on_the_whole_shift_is_said_with_what_it_rests_on(account: SmallAccount, release: Release8) -> None:
    release.minutes(5)
    assert release.everybody()["answered"] == "later"
    assert any("of the candidate's requests 0 % are bad (0 of 1,000)" in told for told in release.steps("verdict"))


def test_a_shift_that_was_worse_is_answered_failed(account: SmallAccount, release: Release8) -> None:
    """Its last minute decides, which no tick has seen."""
    release.minutes(4)
    minute = account.clock.now().replace(second=0)
    release.counts(minute, "7", 800, 0)
    release.counts(minute, "8", 200, 150)
    account.clock.goes_on(timedelta(minutes=1))
    answered = release.everybody()
    assert answered["answered"] == "Failed"
    assert "is taken back after the shift: the judge finds it worse: errors worse since minute 5" in answered["reason"]


def test_without_a_verdict_it_goes_on_unless_told_otherwise_and_people_know(
    account: SmallAccount, release: Release8
) -> None:
    release.minutes(2, requests=1)
    assert release.everybody()["answered"] == "later"
    (told,) = [sentence for sentence in account.told() if "can't tell" in sentence]
    assert told.startswith("payments:live: version 8 goes on, though the judge can't tell whether it is worse")
    assert "missing: " in told
    assert release.steps("warning") == [told]


def test_stop_lets_nothing_on_without_a_verdict(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    release = Release8(account, monkeypatch, "judge: {on_inconclusive: stop}")
    release.minutes(2, requests=1)
    answered = release.everybody()
    assert answered["answered"] == "Failed"
    assert "the judge can't tell, and its suite says `on_inconclusive: stop`" in answered["reason"]


@pytest.mark.parametrize(("setting", "answer"), [("continue", "Succeeded"), ("stop", "Failed")])
def test_a_shift_without_traffic_through_the_alias_is_a_finding(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, setting: str, answer: str
) -> None:
    release = Release8(account, monkeypatch, f"judge: {{on_inconclusive: {setting}}}\nrelease: {{bake: 0}}")
    release.minutes(2, requests=0)
    assert release.everybody()["answered"] == answer
    (finding,) = [one for one in release.steps("finding") if "no traffic came through the alias" in one]
    assert "Next: if payments has users, let them invoke payments:live and not the function" in finding
    assert not any("can't tell" in one for one in account.told())


@pytest.mark.parametrize("setting", ["stop", "wait", "continue"])
def test_to_a_fix_too_little_to_tell_is_a_warning(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    release = Release8(account, monkeypatch, f"judge: {{on_inconclusive: {setting}}}\nrelease: {{bake: 0}}")
    account.ledger.as_the_fix(release.now, "on-call@example.com: refunds answer twice")
    release.minutes(2, requests=1)
    assert release.everybody()["answered"] == "Succeeded"


def test_wait_bakes_until_there_is_a_verdict(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    release = Release8(account, monkeypatch, "judge: {on_inconclusive: wait}\nrelease: {bake: 2m}")
    release.minutes(2, requests=1)
    assert release.everybody()["answered"] == "later"
    for _ in range(10):
        release.tick()
    assert account.codedeploy.answers == []
    assert len(release.steps("waits")) == 1
    first = release.now.opened_at.replace(second=0)
    for minute in range(60):
        release.counts(first - timedelta(minutes=60 - minute), "7", 1000, 0)
    for minute in range(3, 12):
        release.counts(first + timedelta(minutes=minute + 1), "8", 1000, 0)
    release.tick()
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]


def test_a_long_bake_leaves_time_to_go_back_within_codedeploys_hour(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins when the smoke cases have been asked, and the hour when everybody came."""
    release = Release8(account, monkeypatch, "release: {bake: 50m}")

    def takes_long(event: dict[str, object]) -> dict[str, object]:
        account.clock.goes_on(timedelta(minutes=4))
        return good(event)

    account.lambdas.answers["payments", "live"] = takes_long
    release.everybody()
    assert release.now.everybody_at is not None and release.now.bake_until is not None
    assert account.clock.now() == release.now.everybody_at + timedelta(minutes=4)
    assert release.now.bake_until == release.now.everybody_at + timedelta(minutes=50)


def test_bake_and_wait_together_end_50_minutes_after_everybody_came(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release8(account, monkeypatch, "judge: {on_inconclusive: wait}\nrelease: {bake: 0}")
    release.minutes(2, requests=1)
    assert release.everybody()["answered"] == "later"
    everybody = account.clock.now()
    while not account.codedeploy.answers:
        release.tick()
        assert account.clock.now() - everybody <= timedelta(minutes=51)
    assert account.clock.now() - everybody == timedelta(minutes=50)
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]
    assert "(`on_inconclusive: wait`)" in account.told()[-1]


def test_what_gets_worse_in_the_bake_is_taken_back_without_a_control_group(
    account: SmallAccount, release: Release8
) -> None:
    first = release.now.opened_at
    for minute in range(60):
        release.counts(first - timedelta(minutes=60 - minute), "7", 1000, 0)
    release.minutes(5)
    assert release.everybody()["answered"] == "later"
    for _ in range(4):
        release.counts(account.clock.now().replace(second=0), "8", 1000, 400)
        release.tick()
    assert account.codedeploy.answers == [("d-1", "x-2", "Failed")]
    assert "since 100 %, with no control group but the hour before: errors worse" in release.now.reason


def test_no_bake_ends_well_while_nobody_can_say_how_it_goes(account: SmallAccount, release: Release8) -> None:
    release.minutes(5)
    release.everybody()
    account.metrics.broken = True
    for _ in range(8):
        with pytest.raises(ExceptionGroup):
            release.tick()
    assert account.codedeploy.answers == []
    account.metrics.broken = False
    release.tick()
    assert account.codedeploy.answers == [("d-1", "x-2", "Succeeded")]


def test_a_hook_that_cannot_read_what_was_counted_does_not_let_go_on(account: SmallAccount, release: Release8) -> None:
    release.minutes(5)
    account.metrics.broken = True
    assert release.everybody()["answered"] == "Failed"


# ---------------------------------------------------------------- an alarm that several releases name


def rings(account: SmallAccount) -> dict[str, object]:
    state = {"value": "ALARM", "reason": "3 of 3 datapoints", "timestamp": account.clock.now().isoformat()}
    return event("alarm") | {"detail": {"alarmName": "bad-outcomes", "state": state}}


def another(account: SmallAccount) -> None:
    """A release of refunds that names the same alarm."""
    account.lambdas.tags["refunds"] = {"seatrial": "released"}
    account.codedeploy.begin("d-2", function="refunds")
    account.codedeploy.shifts("d-2")
    monitor.look(account.aws, event("deployment") | {"detail": {"deploymentId": "d-2", "state": "START"}})
    account.ledger.move(account.ledger.release("d-2"), State.SHIFTING)


def test_of_several_that_name_an_alarm_the_one_that_the_judge_finds_worse_goes_back(
    account: SmallAccount, release: Release8
) -> None:
    another(account)
    for minute in (1, 2, 3):
        release.counts(CREATED + timedelta(minutes=minute), "7", 800, 0)
        release.counts(CREATED + timedelta(minutes=minute), "8", 200, 100)
    account.clock.goes_on(timedelta(minutes=4))
    rollback.take_back(account.aws, rings(account))
    assert account.codedeploy.stops == ["d-1"]


def test_of_several_that_name_an_alarm_the_one_that_the_judge_clears_stays(
    account: SmallAccount, release: Release8
) -> None:
    another(account)
    release.minutes(6)
    rollback.take_back(account.aws, rings(account))
    assert account.codedeploy.stops == ["d-2"]


def test_when_the_judge_cannot_be_asked_all_that_name_the_alarm_go_back(
    account: SmallAccount, release: Release8
) -> None:
    another(account)
    account.clock.goes_on(timedelta(minutes=4))
    account.metrics.broken = True
    rollback.take_back(account.aws, rings(account))
    assert sorted(account.codedeploy.stops) == ["d-1", "d-2"]


def test_jump_of_client_errors_is_reported_once_and_rolls_nothing_back(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release8(account, monkeypatch)
    for _ in range(4):
        minute = account.clock.now().replace(second=0)
        for version, rejected in (("7", 0), ("8", 200)):
            of_version = {"service": "payments", "version": version}
            for name, count in (("Requests", 200), ("BadOutcomes", 0), ("ClientErrors", rejected)):
                account.metrics.report(Metric.of("Seatrial", name, **of_version), minute, count)
        release.tick()
    found = [each for each in release.steps("finding") if "client errors" in each]
    assert len(found) == 1
    assert "100 % of the requests to version 8 got a 4xx" in found[0]
    assert "This does not roll the release back" in found[0]
    assert account.told().count(found[0]) == 1
    assert account.codedeploy.stops == []


def test_all_at_once_onto_a_service_without_requests_is_held_against_the_limit(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release8(account, monkeypatch)
    account.codedeploy.shifts("d-1", 1.0, "Succeeded")
    release.tick()
    minute = account.clock.now().replace(second=0)
    release.counts(minute, "8", 60_000, 60_000)
    account.clock.goes_on(timedelta(minutes=1))
    answered = release.everybody()
    assert answered["answered"] == "Failed"
    assert "so more than 50 % is too much" in answered["reason"]
