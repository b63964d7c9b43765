"""The ledger, against moto's DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seatrial.aws.ledger import Ending, Ledger, ReleaseUnknownError
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.holds import Hold
from seatrial.core.release import State, Step
from seatrial.core.sections import JudgeSettings, MetricPair
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import REGION, Meter, make_table

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = OPENED + timedelta(minutes=5)
SHIFT = Shift("payments", "live", "7", "8")
DEPLOYMENT = Deployment("d-1", "shop", "payments", Status.IN_PROGRESS, OPENED, SHIFT, configuration="AllAtOnce")


@pytest.fixture(
    params=[lambda: boto3.client("dynamodb", **REGION), lambda: QuickDynamoDB("eu-west-1")], ids=["", "quick"]
)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """Through boto3, and through the quick client that the other tests use."""
    with mock_aws():
        make_table()
        yield Ledger(request.param(), "ledger", timedelta(days=400))


def test_a_release_is_read_as_it_was_opened(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    assert (release.state, release.alarms, release.opened_at) == (State.TRIAL, ("bad-outcomes",), OPENED)
    assert ledger.release("d-1") == release
    assert ledger.open_releases() == (release,)


def test_when_its_change_was_ready_is_kept_from_the_first_opening(ledger: Ledger) -> None:
    made = OPENED - timedelta(hours=2)
    ledger.open(DEPLOYMENT, SHIFT, [], made)
    ledger.open(DEPLOYMENT, SHIFT, [], OPENED)
    assert ledger.release("d-1").made_at == made


def test_opening_again_changes_nothing(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.move(release, State.SHIFTING)
    again = ledger.open(DEPLOYMENT, SHIFT, [])
    assert (again.state, again.alarms) == (State.SHIFTING, ("bad-outcomes",))


def test_what_the_suite_says_is_kept_beside_what_the_group_said(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    settled = ledger.settle(release, alarms=["late", "bad-outcomes"], settings={"bake": 300.0, "windows": ()})
    assert settled.alarms == ("bad-outcomes", "late")


def test_how_it_is_judged_is_kept_as_its_suite_said(ledger: Ledger) -> None:
    judge = JudgeSettings(worse_than=2.0, on_inconclusive="wait", metrics=(MetricPair("Declined", "Asked"),))
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    assert (release.judge, release.slow_above) == (JudgeSettings(), None)
    settled = ledger.settle(release, alarms=[], settings={"judge": asdict(judge), "slow_above": 812.5})
    assert (settled.judge, settled.slow_above) == (judge, 812.5)
    assert ledger.alarms.naming("bad-outcomes")[0] == (settled,)


def test_a_setting_of_the_judge_that_a_later_version_wrote_is_passed_over(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    later = {"worse_than": 2.0, "worse_by_night": 9.0}
    assert ledger.settle(release, alarms=[], settings={"judge": later}).judge == JudgeSettings(worse_than=2.0)


def test_when_everybody_came_to_the_candidate_is_kept_from_the_first_time(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    assert ledger.reach_everybody(release, LATER)
    assert not ledger.reach_everybody(release, LATER + timedelta(minutes=9))
    reached = ledger.release("d-1")
    assert (reached.state, reached.everybody_at) == (State.CONFIRMING, LATER)
    assert ledger.alarms.naming("bad-outcomes")[0] == (reached,)


def test_the_judges_last_word_is_kept(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    for word in ("ok", "worse"):
        ledger.judged(release, word)
    assert ledger.release("d-1").verdict == "worse"


@pytest.mark.parametrize("order", [*permutations([State.SHIFTING, State.CONFIRMING, State.GOING_BACK])])
def test_states_that_arrive_in_any_order_leave_the_furthest(ledger: Ledger, order: tuple[State, ...]) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    for state in order:
        ledger.move(release, state)
    assert ledger.release("d-1").state is State.GOING_BACK


def test_a_state_is_reached_once(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    assert ledger.move(release, State.GOING_BACK, "on call asked for it", "functions/rollback")
    assert not ledger.move(release, State.GOING_BACK, "an alarm rang", "somebody else")
    stored = ledger.release("d-1")
    assert (stored.reason, stored.by) == ("on call asked for it", "functions/rollback")


def test_whoever_closes_it_first_decides_how_it_ended(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    assert ledger.finish(release, State.TAKEN_BACK, "an alarm rang", "functions/rollback", LATER)
    assert not ledger.finish(release, State.RELEASED, "", "CodeDeploy", LATER)
    assert not ledger.move(release, State.SHIFTING)
    closed = ledger.release("d-1")
    assert (closed.state, closed.reason, closed.by, closed.closed_at) == (
        State.TAKEN_BACK,
        "an alarm rang",
        "functions/rollback",
        LATER,
    )
    assert ledger.open_releases() == ()


def test_only_an_end_closes_a_release(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    with pytest.raises(ValueError, match="is no end of a release"):
        ledger.finish(release, State.SHIFTING, "", "", LATER)


def test_a_closed_release_is_not_opened_again_by_a_late_event(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.finish(release, State.RELEASED, "", "CodeDeploy", LATER)
    assert ledger.open(DEPLOYMENT, SHIFT, []).state is State.RELEASED
    assert ledger.open_releases() == ()


def test_the_first_reason_stays(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    assert ledger.explain(release, "2 of 9 cases failed", "functions/pre_traffic")
    assert not ledger.explain(release, "out of time", "functions/pre_traffic")
    assert ledger.release("d-1").reason == "2 of 9 cases failed"


def test_a_release_that_is_closed_needs_no_reason_any_more(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.finish(release, State.RELEASED, "", "CodeDeploy", LATER)
    assert not ledger.explain(release, "late", "functions/post_traffic")


def test_the_same_step_is_written_once_and_steps_are_told_in_order(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    second = Step("stopped", "e-1", "going back", LATER, "functions/rollback")
    first = Step("answer", "x-1", "passed", OPENED, "functions/pre_traffic", "Succeeded")
    assert ledger.step(release, second)
    assert ledger.step(release, first)
    assert not ledger.step(release, replace(second, sentence="going back, told again", at=LATER + timedelta(1)))
    assert ledger.steps("d-1") == (first, second)
    assert ledger.find_step("d-1", "answer", "x-1") == first
    assert ledger.find_step("d-1", "answer", "x-2") is None


def test_the_releases_of_a_service_come_newest_first(ledger: Ledger) -> None:
    for n in range(3):
        opened = OPENED + timedelta(hours=n)
        ledger.open(replace(DEPLOYMENT, id=f"d-{n}", created=opened), SHIFT, [])
    beta = replace(SHIFT, alias="beta")
    ledger.open(replace(DEPLOYMENT, id="d-beta", created=OPENED - timedelta(hours=1)), beta, [])

    def ids(service: str, limit: int = 10) -> list[str]:
        return [release.deployment_id for release in ledger.releases_of(service, limit)]

    assert ids("payments") == ["d-2", "d-1", "d-0", "d-beta"]
    assert ids("payments", 2) == ["d-2", "d-1"]
    assert ids("payments:beta") == ["d-beta"]
    assert ids("payments:beta", 1) == ["d-beta"], "the limit counts releases of the alias"
    assert ids("refunds") == []


def test_a_step_is_no_release_in_any_index(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.step(release, Step("opened", "", "opened", OPENED))
    assert ledger.open_releases() == (release,)
    assert ledger.releases_of("payments") == (release,)


def test_everything_leaves_the_table_after_its_time(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.step(release, Step("opened", "", "opened", OPENED))
    items = boto3.client("dynamodb", **REGION).scan(TableName="ledger")["Items"]
    expected = str(int((OPENED + timedelta(days=400)).timestamp()))
    assert [item["expires"] for item in items] == [{"N": expected}] * 2


def test_an_unknown_release_is_told_in_a_sentence(ledger: Ledger) -> None:
    assert ledger.find("d-404") is None
    with pytest.raises(ReleaseUnknownError, match="the ledger has no release d-404"):
        ledger.release("d-404")


def test_an_alarm_knows_the_open_releases_that_name_it_as_they_are_now(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.open(replace(DEPLOYMENT, id="d-2"), SHIFT, ["late"])
    release = ledger.settle(release, alarms=["late"], settings={"bake": 60.0, "guard": 10.0, "dry_run": True})
    ledger.move(release, State.SHIFTING)
    ledger.bake(release, "x-9", LATER)
    head = ledger.release("d-1")
    assert (head.hook, head.bake_until, head.bake, head.guard, head.dry_run) == ("x-9", LATER, 60.0, 10.0, True)
    assert ledger.alarms.naming("bad-outcomes") == ((head,), {})
    assert [release.deployment_id for release in ledger.alarms.naming("late")[0]] == ["d-1", "d-2"]
    assert ledger.alarms.naming("nobody's") == ((), {})


def test_opening_again_takes_no_copy_backwards(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.move(release, State.SHIFTING)
    ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.settle(release, alarms=[], settings={})
    ((copy,), _) = ledger.alarms.naming("bad-outcomes")
    assert copy.state is State.SHIFTING


def test_an_alarm_forgets_a_release_that_never_had_traffic(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.finish(release, State.REFUSED, "", "", LATER)
    assert ledger.alarms.naming("bad-outcomes") == ((), {})


@pytest.mark.parametrize("end", [State.TAKEN_BACK, State.STRANDED])
def test_an_alarm_remembers_a_release_that_lost_its_traffic(ledger: Ledger, end: State) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.move(release, State.SHIFTING, traffic=OPENED)
    until = LATER if end is State.TAKEN_BACK else None
    ledger.finish(ledger.release("d-1"), end, "", "", LATER, until)
    head = ledger.release("d-1")
    assert (head.traffic_from, head.traffic_until) == (OPENED, until)
    assert ledger.alarms.naming("bad-outcomes")[0] == (head,)
    ledger.unwatch(head)
    assert ledger.alarms.naming("bad-outcomes")[0] == (head,), "also when nothing more is expected of it"
    assert ledger.watched() == ()


def test_what_no_user_met_is_done_with_and_of_the_rest_the_cost_is_still_to_be_counted(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.finish(release, State.REFUSED, "", "", LATER)
    assert ledger.watched() == ()
    other = ledger.open(replace(DEPLOYMENT, id="d-2"), SHIFT, ["bad-outcomes"])
    ledger.finish(other, State.TAKEN_BACK, "", "", LATER)
    ledger.costed(other, LATER)
    assert [one.costed_until for one in ledger.watched()] == [LATER]


def test_what_is_released_is_watched_and_named_until_its_guard_is_over(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.finish(release, State.RELEASED, "", "", LATER)
    ((copy,), _) = ledger.alarms.naming("bad-outcomes")
    assert (copy.state, copy.closed_at) == (State.RELEASED, LATER)
    assert (ledger.open_releases(), len(ledger.watched())) == ((), 1)
    ledger.unwatch(release)
    assert (ledger.alarms.naming("bad-outcomes"), ledger.watched()) == (((), {}), ())


def test_an_alarm_remembers_which_service_it_took_back_when(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.alarms.took_back("bad-outcomes", release, LATER)
    assert ledger.alarms.naming("bad-outcomes") == ((release,), {"payments:live": LATER})


def test_only_what_was_released_can_be_returned_and_only_what_was_returned_healed(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    assert not ledger.move(release, State.RETURNING)
    ledger.finish(release, State.RELEASED, "", "", LATER)
    assert not ledger.move(release, State.HEALED)
    assert ledger.move(release, State.RETURNING, "why", "who")
    assert not ledger.move(release, State.RETURNING, "another", "who")
    assert ledger.move(release, State.RETURNED)
    assert ledger.move(release, State.HEALED)
    assert ledger.release("d-1").reason == "why"


def test_a_fix_is_known_to_its_alarms(ledger: Ledger) -> None:
    fix = ledger.as_the_fix(ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"]), "on call: mended")
    assert ledger.release("d-1") == fix
    assert ledger.alarms.naming("bad-outcomes") == ((fix,), {})


def test_the_last_word_about_a_hold_stands_in_whatever_order_it_arrives(ledger: Ledger) -> None:
    held = Hold("payments", "the bank is down", "on call", OPENED)
    assert ledger.holds.place(held)
    assert not ledger.holds.place(held)
    assert ledger.holds.standing() == (held,)
    lifted = Hold("payments", "the bank is back", "on call", LATER)
    assert ledger.holds.lift(lifted)
    assert not ledger.holds.place(held), "told twice, the second time late"
    assert ledger.holds.standing() == ()
    assert ledger.holds.place(replace(held, since=LATER + timedelta(minutes=1)))


def test_many_releases_are_read_a_hundred_a_call(ledger: Ledger) -> None:
    ids = [f"d-{n}" for n in range(201)]
    for id in ids:
        ledger.open(replace(DEPLOYMENT, id=id), SHIFT, [])
    meter = Meter()
    metered = Ledger(meter(boto3.client("dynamodb", **REGION)), "ledger", timedelta(days=400))
    assert set(metered.find_all([*ids, "d-404"])) == set(ids)
    assert meter.calls == {"BatchGetItem": 3}


def test_what_the_table_leaves_out_of_an_answer_is_read_by_itself(ledger: Ledger) -> None:
    for id in ("d-1", "d-2"):
        ledger.open(replace(DEPLOYMENT, id=id), SHIFT, [])
    client = boto3.client("dynamodb", **REGION)
    throttled = Ledger(client, "ledger", timedelta(days=400))

    def leaves_the_last_out(parsed: dict[str, Any], **_: Any) -> None:
        left = parsed["Responses"]["ledger"].pop()
        key = {"pk": left["pk"], "sk": left["sk"]}
        parsed["UnprocessedKeys"] = {"ledger": {"Keys": [key], "ConsistentRead": True}}

    client.meta.events.register("after-call.dynamodb.BatchGetItem", leaves_the_last_out)
    assert set(throttled.find_all(["d-1", "d-2"])) == {"d-1", "d-2"}


def ending(ledger: Ledger, id: str, end: State = State.RELEASED, alarms: int = 1) -> Ending:
    """Of a release that shifts."""
    deployment = replace(DEPLOYMENT, id=id)
    release = ledger.open(deployment, SHIFT, [f"{id}-alarm-{number}" for number in range(alarms)])
    ledger.move(release, State.SHIFTING)
    return Ending(release, end, "a reason", "CodeDeploy", LATER, Step("closed", "", f"{id} ended", LATER, "CodeDeploy"))


@pytest.mark.parametrize("end", [State.RELEASED, State.REFUSED, State.TAKEN_BACK, State.STRANDED])
def test_what_is_finished_together_is_as_if_finished_one_by_one(ledger: Ledger, end: State) -> None:
    together, alone = ending(ledger, "d-1", end, alarms=2), ending(ledger, "d-2", end, alarms=2)
    assert ledger.finish_together([together]) == [True]
    ledger.step(alone.release, alone.step)
    assert ledger.finish(alone.release, end, "a reason", "CodeDeploy", LATER)
    first, second = ledger.release("d-1"), ledger.release("d-2")
    assert replace(first, deployment_id="d-2", alarms=second.alarms) == second
    assert [step.kind for step in ledger.steps("d-1")] == [step.kind for step in ledger.steps("d-2")] == ["closed"]
    copies = [[one.state for one in ledger.alarms.naming(f"{id}-alarm-1")[0]] for id in ("d-1", "d-2")]
    assert copies[0] == copies[1]
    assert [one.deployment_id for one in ledger.listed()] == ([] if end is State.REFUSED else ["d-1", "d-2"])


def test_thirty_releases_with_one_alarm_each_are_finished_in_one_call() -> None:
    with mock_aws():
        make_table()
        meter = Meter()
        filling = Ledger(boto3.client("dynamodb", **REGION), "ledger", timedelta(days=400))
        endings = [ending(filling, f"d-{number}") for number in range(40)]
        ledger = Ledger(meter(boto3.client("dynamodb", **REGION)), "ledger", timedelta(days=400))
        assert ledger.finish_together(endings[:33]) == [True] * 33
        assert meter.calls == {"TransactWriteItems": 1}
        assert ledger.finish_together(endings[33:]) == [True] * 7


def test_one_that_is_closed_already_keeps_no_other_from_being_finished(ledger: Ledger) -> None:
    endings = [ending(ledger, f"d-{number}") for number in range(3)]
    ledger.finish(endings[1].release, State.STRANDED, "another reason", "somebody", LATER)
    assert ledger.finish_together(endings) == [True, False, True]
    assert [ledger.release(f"d-{n}").state for n in range(3)] == [State.RELEASED, State.STRANDED, State.RELEASED]
    assert ledger.steps("d-1") == (), "no part of an ending is written without the rest"


def test_one_whose_step_is_there_is_left_to_be_finished_alone(ledger: Ledger) -> None:
    half_done = ending(ledger, "d-1")
    ledger.step(half_done.release, half_done.step)
    assert ledger.finish_together([half_done]) == [False]
    assert ledger.release("d-1").state is State.SHIFTING


def test_steps_together_keep_what_was_said_first(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.step(release, Step("cost", "", "first", OPENED))
    ledger.steps_together([(release, Step("cost", "", "second", LATER)), (release, Step("waits", "", "new", LATER))])
    assert [step.sentence for step in ledger.steps("d-1")] == ["first", "new"]


def test_steps_of_some_kinds_are_read_for_many_releases(ledger: Ledger) -> None:
    for id in ("d-1", "d-2"):
        release = ledger.open(replace(DEPLOYMENT, id=id), SHIFT, [])
        for kind in ("opened", "trial", "answer")[: 3 if id == "d-1" else 1]:
            ledger.step(release, Step(kind, "", kind, OPENED))
    found = ledger.steps_of(["d-1", "d-2", "d-3"], ("opened", "trial"))
    assert {id: sorted(step.kind for step in steps) for id, steps in found.items()} == {
        "d-1": ["opened", "trial"],
        "d-2": ["opened"],
        "d-3": [],
    }


def test_stored_settings_beyond_their_bounds_are_clamped(ledger: Ledger) -> None:
    """An older version of Seatrial, which had no bounds, may have written them."""
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    judge = {
        "worse_than": 1e308,
        "warm_up": -1,
        "false_alarms": 0,
        "slow": "median",
        "min_requests": 10**12,
        "metrics": [{"bad": "Shop:" + "b" * 300, "of": "a"}, {"bad": "Declined", "of": "Asked"}],
    }
    settings = {"bake": 1e300, "guard": 2.52e11, "judge": judge}
    clamped = ledger.settle(release, alarms=[f"a{n}" for n in range(300)], settings=settings)
    assert (clamped.bake, clamped.guard, len(clamped.alarms)) == (3_000.0, 604_800.0, 30)
    metrics = (MetricPair("Declined", "Asked"),)
    assert clamped.judge == JudgeSettings(100.0, 0.0, 0.00001, min_requests=1_000_000, metrics=metrics)


def test_entry_that_cannot_be_read_hides_no_other(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    broken = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    innocent = ledger.open(replace(DEPLOYMENT, id="d-2"), SHIFT, ["bad-outcomes"])
    ledger._table.change({"pk": "release#d-1", "sk": "release"}, {"settings": "{"})
    ledger._table.change({"pk": "alarm#bad-outcomes", "sk": "release#d-1"}, {"state": "unheard of"}, within="head")
    assert ledger.listed() == (innocent,)
    assert ledger.find_all([broken.deployment_id, "d-2"]) == {"d-2": innocent}
    assert ledger.releases_of("payments") == (innocent,)
    assert ledger.opened_between(OPENED, LATER) == (innocent,)
    assert ledger.alarms.naming("bad-outcomes")[0] == (innocent,)
    assert "d-1: entry of the ledger left out" in caplog.text


def test_odd_entries_of_grants_steps_and_cool_downs_hide_no_other(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, ["bad-outcomes"])
    ledger.step(release, Step("trial", "", "passed", OPENED))
    ledger.alarms.took_back("bad-outcomes", release, OPENED)
    for pk, sk in [("fix", "a:live"), ("release#d-1", "step#odd#"), ("alarm#bad-outcomes", "taken-back#a:live")]:
        ledger._table.put({"pk": pk, "sk": sk})
    assert ledger.grants.standing() == ()
    assert ledger.grants.last("a:live") is None
    assert [step.kind for step in ledger.steps("d-1")] == ["trial"]
    assert ledger.steps_of(["d-1"], ["trial", "odd"])["d-1"] == list(ledger.steps("d-1"))
    assert ledger.alarms.naming("bad-outcomes") == ((release,), {"payments:live": OPENED})


def test_an_odd_entry_of_a_hold_still_holds_and_can_be_lifted(ledger: Ledger) -> None:
    ledger._table.put({"pk": "hold", "sk": "payments"})
    (hold,) = ledger.holds.standing()
    assert (hold.service, hold.who) == ("payments", "unknown")
    assert ledger.holds.lift(replace(hold, who="on call", since=OPENED))
    assert ledger.holds.standing() == ()


@mock_aws
def test_of_many_threads_one_claims_a_case() -> None:
    """Through the quick client, which writes one item after the other, as DynamoDB does."""
    make_table()
    client: Any = QuickDynamoDB("eu-west-1")
    ledger = Ledger(client, "ledger", timedelta(days=400))
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    with ThreadPoolExecutor(8) as threads:
        claims = [threads.submit(ledger.cases.claim, release, "charge a card", LATER) for _ in range(40)]
    assert sum(claim.result() for claim in claims) == 1


def test_result_of_a_case_is_kept_whatever_it_quotes(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.cases.claim(release, "half \ud800", LATER)
    ledger.cases.finish(release, "half \ud800", "failed", "half \ud800" + "x" * 500_000)
    claim = ledger.cases.find(release, "half \ud800")
    assert claim
    assert claim.sentence.startswith("half \\ud800xxx")
    assert len(claim.sentence) <= 50_000


@pytest.mark.parametrize("once", ["e" * 199, "返金が二重に応答します。" * 60, "half \ud800", "two\nlines"])
def test_step_is_kept_once_however_long_what_tells_it_apart_is(ledger: Ledger, once: str) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    assert ledger.step(release, Step("warning", once, "first", OPENED))
    assert not ledger.step(release, Step("warning", once, "again", OPENED))
    assert ledger.step(release, Step("warning", once + ".", "another", LATER))
    found = ledger.find_step("d-1", "warning", once)
    assert found and found.sentence == "first"


def test_long_sentence_is_cut_and_its_detail_has_all_of_it(ledger: Ledger) -> None:
    release = ledger.open(DEPLOYMENT, SHIFT, [])
    ledger.step(release, Step("trial", "", "a" * 40_000, OPENED))
    (step,) = ledger.steps("d-1")
    assert len(step.sentence) <= 1_000
    assert step.sentence.endswith("more characters)")
    assert step.detail == "a" * 40_000
    ledger.explain(release, "b" * 500_000, "the judge")
    assert len(ledger.release("d-1").reason) <= 1_000
