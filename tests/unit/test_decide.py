"""What an alarm, the judge and on call mean for releases: one table for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from seatrial.core import alarm_owner, tag
from seatrial.core.alarm_owner import Watch
from seatrial.core.decide import (
    COOL_DOWN,
    AnswerHook,
    Decision,
    Ignore,
    LetGo,
    Notify,
    ReportForeign,
    Retry,
    ReturnAlias,
    Situation,
    StopDeployment,
    Trigger,
    decide,
    suspects,
    to_be_judged,
    touched,
)
from seatrial.core.events import AlarmChanged, JudgedWorse
from seatrial.core.oncall import RollbackRequested
from seatrial.core.release import Release, State
from seatrial.core.tag import Tag

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def at(minute: float) -> datetime:
    return OPENED + timedelta(minutes=minute)


def rings(minute: float = 5, *, state: str = "ALARM", alarm: str = "bad-outcomes") -> AlarmChanged:
    return AlarmChanged("e-1", alarm, state, "3 of 3 datapoints", at(minute))


def asks(service: str = "payments", release: str = "", *, minute: float = 5) -> RollbackRequested:
    return RollbackRequested("e-2", at(minute), service, "refunds answer twice", "on call", release)


def situation(*releases: Release, minute: float = 6, **more: Any) -> Situation:
    """Every function carries its tag, unless `tags` says otherwise."""
    known = Situation(at(minute), releases, **more)
    return replace(known, tags={release.function: Tag.RELEASED for release in releases} | dict(known.tags))


shifting = Release(
    "d-1", "shop", "payments", "payments", "live", "7", "8", OPENED, State.SHIFTING, alarms=("bad-outcomes",)
)
confirming = replace(shifting, state=State.CONFIRMING)
baking = replace(shifting, state=State.BAKING, hook="x-9", bake_until=at(10))
in_trial = replace(shifting, state=State.TRIAL)
going_back = replace(shifting, state=State.GOING_BACK)
guarded = replace(shifting, state=State.RELEASED, closed_at=at(2), guard=3_600.0)
dry = replace(shifting, dry_run=True)
fix = replace(shifting, fix="on call: the currency table")
other = replace(shifting, deployment_id="d-2", function="refunds", alarms=("refund-errors",))
beside = replace(shifting, deployment_id="d-3", function="quotes")
next_one = replace(shifting, deployment_id="d-4", stable="8", candidate="9", opened_at=at(3))

WHY = "alarm bad-outcomes rang: 3 of 3 datapoints"


@pytest.mark.parametrize(
    ("alarm", "known", "decisions"),
    [
        pytest.param(
            rings(), situation(shifting), [StopDeployment(shifting, WHY)], id="while it shifts, it is stopped"
        ),
        pytest.param(rings(), situation(confirming), [StopDeployment(confirming, WHY)], id="and so it is after it"),
        pytest.param(rings(), situation(baking), [AnswerHook(baking, WHY)], id="while it bakes, its hook is answered"),
        pytest.param(
            rings(), situation(guarded), [ReturnAlias(guarded, WHY)], id="in its guard, the alias is returned"
        ),
        pytest.param(
            rings(70),
            situation(guarded, minute=70),
            [Ignore("alarm bad-outcomes rang after the guard of release d-1 of payments:live was over")],
            id="after its guard, nothing",
        ),
        pytest.param(
            rings(),
            situation(replace(guarded, guard=0.0)),
            [Ignore("alarm bad-outcomes rang after the guard of release d-1 of payments:live was over")],
            id="without a guard, nothing",
        ),
        pytest.param(
            rings(-1),
            situation(shifting),
            [Ignore("alarm bad-outcomes rang before release d-1 of payments:live began")],
            id="an alarm from before the release is not its doing",
        ),
        pytest.param(
            rings(),
            situation(in_trial),
            [
                Ignore(
                    "alarm bad-outcomes rang while no user meets version 8 of payments:live yet; CodeDeploy itself "
                    "begins no shift under a ringing alarm"
                )
            ],
            id="who has met nobody can't have caused it",
        ),
        pytest.param(
            rings(),
            situation(going_back),
            [Ignore("release d-1 of payments:live is already going back")],
            id="never twice",
        ),
        *(
            pytest.param(
                rings(),
                situation(replace(shifting, state=state)),
                [Ignore(f"release d-1 of payments:live is already {state}")],
                id=f"what is {state} is over",
            )
            for state in (
                State.REFUSED,
                State.TAKEN_BACK,
                State.STRANDED,
                State.RETURNING,
                State.RETURNED,
                State.HEALED,
            )
        ),
        pytest.param(
            rings(state="OK"), situation(shifting), [Ignore("alarm bad-outcomes is OK")], id="recovering is no alarm"
        ),
        pytest.param(
            rings(),
            situation(),
            [Ignore("no open release names alarm bad-outcomes")],
            id="nothing open, nothing to tell",
        ),
        pytest.param(rings(), situation(dry), [Notify(ANY, dry)], id="in a dry run it is told"),
        pytest.param(rings(), situation(fix), [Notify(ANY, fix)], id="the fix goes on"),
        pytest.param(
            rings(),
            situation(guarded, next_one),
            [
                Ignore("release d-1 of payments:live is not the last of its service any more: d-4 is"),
                StopDeployment(next_one, WHY),
            ],
            id="the guard of the one before leaves it to the one that shifts",
        ),
        pytest.param(
            rings(),
            situation(shifting, next_one),
            [
                Ignore("release d-1 of payments:live is not the last of its service any more: d-4 is"),
                StopDeployment(next_one, WHY),
            ],
            id="so does one whose end the ledger has not heard of",
        ),
        pytest.param(
            rings(),
            situation(guarded, replace(next_one, state=State.REFUSED)),
            [ReturnAlias(guarded, WHY), Ignore("release d-4 of payments:live is already refused")],
            id="a release that was refused has moved nobody, so the one before is still guarded",
        ),
        pytest.param(
            rings(),
            situation(replace(shifting, stable="")),
            [Notify(ANY, replace(shifting, stable=""))],
            id="with nothing to go back to, people are told",
        ),
        pytest.param(
            rings(),
            situation(shifting, taken_back={"payments:live": at(0)}),
            [Notify(ANY, shifting)],
            id="the same alarm takes nothing of the service back twice in a row",
        ),
        pytest.param(
            rings(12),
            situation(shifting, minute=COOL_DOWN.total_seconds() / 60, taken_back={"payments:live": at(0)}),
            [StopDeployment(shifting, WHY)],
            id="and does so again after its cool-down",
        ),
        pytest.param(
            rings(),
            situation(shifting, taken_back={"quotes:live": at(4)}),
            [StopDeployment(shifting, WHY)],
            id="the cool-down of another service is none of its business",
        ),
    ],
)
def test_an_alarm_takes_back_the_release_that_names_it_and_can_have_caused_it(
    alarm: AlarmChanged, known: Situation, decisions: list[Decision]
) -> None:
    assert list(decide(alarm, known)) == decisions


@pytest.mark.parametrize(
    ("known", "taken_back"),
    [
        pytest.param(situation(shifting, beside), ["d-1", "d-3"], id="nobody can be cleared: all, as CodeDeploy would"),
        pytest.param(situation(shifting, beside, worse=frozenset({"d-3"})), ["d-3"], id="the one that is worse"),
        pytest.param(
            situation(shifting, beside, worse=frozenset({"d-1", "d-3"})), ["d-1", "d-3"], id="both when both are worse"
        ),
        pytest.param(
            situation(shifting, beside, cleared=frozenset({"d-1"})), ["d-3"], id="not the one that is cleared"
        ),
        pytest.param(
            situation(shifting, beside, cleared=frozenset({"d-1", "d-3"})), [], id="neither when both are cleared"
        ),
        pytest.param(situation(shifting, cleared=frozenset({"d-1"})), ["d-1"], id="one alone did it, whatever is said"),
        pytest.param(
            situation(shifting, replace(beside, state=State.TRIAL), cleared=frozenset({"d-1"})),
            ["d-1"],
            id="one that has met nobody is no second suspect",
        ),
    ],
)
def test_of_several_that_name_an_alarm_those_go_back_that_the_judge_does_not_clear(
    known: Situation, taken_back: list[str]
) -> None:
    decisions = decide(rings(), known)
    assert [one.release.deployment_id for one in decisions if isinstance(one, StopDeployment)] == taken_back
    assert len(decisions) == len(known.releases), "each has a decision that can be read"


def test_who_cannot_have_caused_an_alarm_is_no_suspect() -> None:
    assert suspects(rings(), situation(shifting, beside, other, going_back, in_trial, dry)) == (shifting, beside)


def test_an_alarm_that_nobody_names_is_told_while_users_meet_a_candidate() -> None:
    assert decide(rings(alarm="disk-full"), situation(serving=(shifting,))) == (ReportForeign((shifting,)),)
    assert decide(rings(alarm="disk-full"), situation(in_trial)) == (Ignore("no open release names alarm disk-full"),)


ASKED = "on call asked for it: refunds answer twice"


@pytest.mark.parametrize(
    ("request_", "known", "decisions"),
    [
        pytest.param(
            asks(), situation(shifting, other), [StopDeployment(shifting, ASKED)], id="by the function's name"
        ),
        pytest.param(asks("payments:live"), situation(shifting), [StopDeployment(shifting, ASKED)], id="and its alias"),
        pytest.param(asks(), situation(in_trial), [StopDeployment(in_trial, ASKED)], id="people may stop a trial too"),
        pytest.param(asks(), situation(baking), [AnswerHook(baking, ASKED)], id="and a bake"),
        pytest.param(asks(), situation(dry), [StopDeployment(dry, ASKED)], id="a dry run obeys people"),
        pytest.param(asks(), situation(fix), [StopDeployment(fix, ASKED)], id="a fix obeys people"),
        pytest.param(
            asks(minute=600),
            situation(guarded, minute=600),
            [ReturnAlias(guarded, ASKED)],
            id="people may go back after the guard as well",
        ),
        pytest.param(
            asks(),
            situation(shifting, taken_back={"payments:live": at(4)}),
            [StopDeployment(shifting, ASKED)],
            id="a cool-down is for alarms",
        ),
        pytest.param(
            asks(minute=-1),
            situation(shifting),
            [Ignore("on call asked before release d-1 of payments:live began")],
            id="a word that comes a day late is not meant for today's release",
        ),
        pytest.param(
            asks(),
            situation(guarded, replace(next_one, state=State.TAKEN_BACK)),
            [Ignore("release d-4 of payments:live is already taken back")],
            id="the same word again does not take the release before back as well",
        ),
        pytest.param(
            asks(release="d-1"),
            situation(guarded, replace(next_one, state=State.TAKEN_BACK)),
            [ReturnAlias(guarded, ASKED)],
            id="unless it is named",
        ),
        pytest.param(
            asks(),
            situation(replace(shifting, state=State.RETURNED)),
            [Ignore("release d-1 of payments:live is already returned")],
            id="a rollback is not rolled back",
        ),
        pytest.param(
            asks("quotes"),
            situation(open_ones=("payments:live", "refunds:live")),
            [
                Ignore(
                    "quotes: rollback of on call declined: there is no release of quotes "
                    "(open: payments:live, refunds:live)"
                )
            ],
            id="an unknown service is told what is open",
        ),
        pytest.param(
            asks(release="d-9"),
            situation(shifting, open_ones=("payments:live",)),
            [
                Ignore(
                    "payments: rollback of on call declined: there is no release d-9 of payments (open: payments:live)"
                )
            ],
            id="another release of the service is left alone",
        ),
        pytest.param(
            asks(),
            situation(),
            [Ignore("payments: rollback of on call declined: there is no release of payments (no release is open)")],
            id="nothing is open",
        ),
        pytest.param(
            asks(), situation(going_back), [Ignore("release d-1 of payments:live is already going back")], id="once"
        ),
    ],
)
def test_on_call_takes_back_the_release_of_the_service_they_name(
    request_: RollbackRequested, known: Situation, decisions: list[Decision]
) -> None:
    assert list(decide(request_, known)) == decisions


WORSE = JudgedWorse("v-1", "d-1", "9 of 90 requests end badly, 3 of 810 of stable's")


@pytest.mark.parametrize(
    ("known", "decision"),
    [
        pytest.param(situation(shifting), StopDeployment(shifting, WORSE.reason), id="while it shifts"),
        pytest.param(situation(baking), AnswerHook(baking, WORSE.reason), id="while it bakes"),
        pytest.param(situation(guarded), ReturnAlias(guarded, WORSE.reason), id="in its guard"),
        pytest.param(situation(fix), StopDeployment(fix, WORSE.reason), id="also the fix"),
        pytest.param(situation(dry), Notify(ANY, dry), id="in a dry run it is told"),
        pytest.param(
            situation(in_trial), Ignore("no user meets version 8 of payments:live yet"), id="nobody has met it"
        ),
        pytest.param(
            situation(guarded, minute=90), Ignore("the guard of release d-1 of payments:live is over"), id="too late"
        ),
        pytest.param(
            situation(going_back), Ignore("release d-1 of payments:live is already going back"), id="never twice"
        ),
        pytest.param(
            situation(other), Ignore("the judge speaks of d-1, which the ledger does not know"), id="not another one"
        ),
    ],
)
def test_what_the_judge_finds_worse_goes_back(known: Situation, decision: Decision) -> None:
    assert decide(WORSE, known) == (decision,)


OFF = {"payments": Tag.OFF}


def would_be(release: Release, reason: str) -> Notify:
    return Notify(
        f"payments:live: version 8 would be taken back now ({reason}), but its function's tag says `seatrial: off`: "
        "Seatrial keeps its hands off. `seatrial rollback payments:live` takes it back",
        release,
    )


@pytest.mark.parametrize(
    ("trigger", "known", "decisions"),
    [
        pytest.param(rings(), situation(shifting, tags=OFF), [would_be(shifting, WHY)], id="an alarm only tells"),
        pytest.param(
            rings(),
            situation(baking, tags=OFF),
            [LetGo(baking, f"{would_be(baking, WHY).reason}. Its bake is over")],
            id="and what bakes is not held any more",
        ),
        pytest.param(rings(), situation(guarded, tags=OFF), [would_be(guarded, WHY)], id="and in the guard"),
        pytest.param(
            rings(),
            situation(in_trial, tags=OFF),
            [Ignore(ANY)],
            id="and nothing is told of what the alarm would not have touched",
        ),
        pytest.param(
            rings(),
            situation(shifting, beside, tags=OFF, cleared=frozenset({"d-3"})),
            [would_be(shifting, WHY), StopDeployment(beside, WHY)],
            id="who is off is no second suspect, as who runs dry is none",
        ),
        pytest.param(
            WORSE, situation(shifting, tags=OFF), [would_be(shifting, WORSE.reason)], id="the judge only tells"
        ),
        pytest.param(asks(), situation(shifting, tags=OFF), [StopDeployment(shifting, ASKED)], id="people are obeyed"),
        pytest.param(
            asks(), situation(baking, tags=OFF), [AnswerHook(baking, ASKED)], id="people are obeyed in the bake"
        ),
        pytest.param(
            asks(minute=600),
            situation(guarded, minute=600, tags=OFF),
            [ReturnAlias(guarded, ASKED)],
            id="and long after the guard",
        ),
    ],
)
def test_of_a_service_that_is_off_seatrial_takes_nothing_back_by_itself_and_everything_for_people(
    trigger: Trigger, known: Situation, decisions: list[Decision]
) -> None:
    assert list(decide(trigger, known)) == decisions


@pytest.mark.parametrize("trigger", [rings(), WORSE, asks()], ids=["an alarm", "the judge", "a person"])
@pytest.mark.parametrize("release", [shifting, baking, guarded], ids=["shifting", "baking", "guarded"])
def test_what_carries_no_tag_is_touched_for_nobody(trigger: Trigger, release: Release) -> None:
    sentence = (
        "payments carries no tag 'seatrial', so Seatrial does not touch it: add `Tags: {seatrial: payments}` to the "
        "function in its template"
    )
    assert decide(trigger, situation(release, tags={"payments": Tag.NONE})) == (Notify(sentence, release),)
    unseen = Situation(at(6), (release,))
    assert decide(trigger, unseen) == (Notify(sentence, release),), "nor is what nobody has looked at"


@pytest.mark.parametrize("trigger", [rings(), WORSE, asks()], ids=["an alarm", "the judge", "a person"])
def test_where_the_tag_cannot_be_read_the_others_have_their_turn_and_it_is_tried_again(trigger: Trigger) -> None:
    known = situation(shifting, beside, tags={"payments": Tag.UNREAD})
    first, *others = decide(trigger, known)
    assert first == Retry(shifting, ANY)
    assert others == ([StopDeployment(beside, WHY)] if trigger == rings() else [])


def test_tags_are_asked_for_where_they_matter_and_nowhere_else() -> None:
    untagged = Situation(at(6), (shifting, beside, replace(going_back, function="mails"), replace(dry, function="x")))
    assert touched(rings(), untagged) == ("payments", "quotes")
    assert touched(rings(state="OK"), untagged) == ()
    assert touched(asks(), untagged) == ("payments",)
    assert touched(WORSE, untagged) == ("payments",)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({}, Tag.NONE),
        ({"team": "off"}, Tag.NONE),
        ({"seatrial": "released"}, Tag.RELEASED),
        ({"seatrial": "self"}, Tag.RELEASED),
        ({"seatrial": ""}, Tag.RELEASED),
        ({"seatrial": "off"}, Tag.OFF),
        ({"seatrial": " Off "}, Tag.OFF),
        pytest.param({"seatrial": "false"}, Tag.OFF, id="what CloudFormation makes of an unquoted off"),
        ({"seatrial": "no"}, Tag.OFF),
    ],
)
def test_the_tag_says_whether_seatrial_is_wanted(tags: dict[str, str], says: Tag) -> None:
    assert tag.read(tags) is says


# ---------------------------------------------------------------- whose data an alarm speaks of

earlier = replace(guarded, closed_at=at(2))
later = replace(
    shifting, deployment_id="d-4", stable="8", candidate="9", opened_at=at(3), traffic_from=at(4), traffic_until=at(6)
)
FIVE_MINUTES = Watch(timedelta(minutes=5))
SPARED = (
    "payments:live: not rolled back: alarm bad-outcomes fired on the traffic of version 9 (d-4), which was rolled "
    "back. Version 8 is rolled back if the alarm still fires after 10:11:00 UTC"
)


def ended(state: State = State.TAKEN_BACK, **more: Any) -> Release:
    return replace(later, state=state, **more)


@pytest.mark.parametrize(
    ("alarm", "other_one", "known", "decision"),
    [
        pytest.param(rings(5), ended(), {}, Notify(SPARED, earlier), id="it fired on the traffic of the later one"),
        pytest.param(rings(4), ended(), {}, Notify(SPARED, earlier), id="in the moment when that began"),
        pytest.param(rings(7), ended(), {}, Notify(SPARED, earlier), id="after it, on what it has left"),
        pytest.param(rings(3.5), ended(), {}, ReturnAlias(earlier, WHY), id="before the later one had traffic"),
        pytest.param(rings(12), ended(), {"minute": 13}, ReturnAlias(earlier, WHY), id="after its data were gone"),
        pytest.param(rings(5), ended(), {"minute": 11}, ReturnAlias(earlier, WHY), id="the data since then breach"),
        pytest.param(
            rings(5),
            ended(),
            {"minute": 11, "watch": replace(FIVE_MINUTES, fires=False)},
            Ignore(
                "alarm bad-outcomes fired on the traffic of d-4, and does not fire on that of release d-1 of "
                "payments:live"
            ),
            id="a late event of an alarm that is quiet again",
        ),
        pytest.param(
            rings(5),
            ended(),
            {"minute": 11, "watch": replace(FIVE_MINUTES, keeps=True)},
            ANY,
            id="kept by missing data",
        ),
        *(
            pytest.param(rings(5), ended(state), {}, Notify(SPARED, earlier), id=f"the later one is {state}")
            for state in (State.STRANDED, State.RETURNED, State.HEALED)
        ),
        pytest.param(rings(5), ended(alarms=()), {}, Notify(SPARED, earlier), id="also when that does not name it"),
        pytest.param(rings(5), ended(State.REFUSED), {}, ReturnAlias(earlier, WHY), id="that never had traffic"),
        pytest.param(
            rings(5),
            ended(State.TAKEN_BACK, opened_at=at(-9), traffic_from=at(-8)),
            {},
            ReturnAlias(earlier, WHY),
            id="that was before this one",
        ),
        pytest.param(
            rings(5), ended(traffic_until=None, closed_at=at(6)), {}, Notify(SPARED, earlier), id="of an older ledger"
        ),
        pytest.param(
            rings(5),
            ended(function="refunds"),
            {},
            Notify(SPARED.replace("of version 9", "of refunds:live version 9"), earlier),
            id="of another service that names the alarm",
        ),
        pytest.param(
            rings(5), ended(function="refunds", alarms=()), {}, ReturnAlias(earlier, WHY), id="and that does not"
        ),
    ],
)
def test_an_alarm_belongs_to_the_release_on_whose_traffic_it_fired(
    alarm: AlarmChanged, other_one: Release, known: dict[str, Any], decision: Decision
) -> None:
    found = situation(earlier, other_one, **({"minute": 7, "watch": FIVE_MINUTES} | known))
    assert decide(alarm, found)[0] == decision
    assert not isinstance(decide(alarm, found)[0], ReturnAlias) or decision == ReturnAlias(earlier, WHY)


@pytest.mark.parametrize("state", [State.RETURNING, State.STRANDED])
def test_while_the_later_release_may_have_traffic_no_earlier_one_is_rolled_back(state: State) -> None:
    known = situation(earlier, ended(state, traffic_until=None), minute=50, watch=FIVE_MINUTES)
    (decision, _) = decide(rings(40), known)
    assert isinstance(decision, Notify)
    assert "is rolling back. Version 8 stays" in decision.reason


def test_what_is_open_is_rolled_back_unless_the_judge_clears_it_of_another_ones_alarm() -> None:
    mine = replace(beside, opened_at=at(1))
    known = situation(mine, ended(), minute=7, watch=FIVE_MINUTES)
    assert to_be_judged(rings(5), known) == (mine,)
    assert decide(rings(5), known)[0] == StopDeployment(mine, WHY)
    (decision, _) = decide(rings(5), replace(known, cleared=frozenset({"d-3"})))
    assert decision == Notify(ANY, mine)
    assert "by the judge d-4 is to blame" in decision.reason
    quiet = situation(mine, ended(alarms=()), minute=7, watch=FIVE_MINUTES)
    assert to_be_judged(rings(5), quiet) == ()


@pytest.mark.parametrize(
    ("period", "periods", "span"),
    [(60, 3, 5), (60, 1, 3), (300, 1, 15), (10, 6, 80 / 60), (86_400, 7, 1_440), (None, 3, 15), (60, None, 15)],
)
def test_an_alarm_looks_back_as_far_as_its_periods(period: int | None, periods: int | None, span: float) -> None:
    assert alarm_owner.span(period, periods) == timedelta(minutes=span)


def test_a_composite_alarm_looks_back_as_far_as_its_farthest_child() -> None:
    rule = "ALARM(\"a b\") AND (NOT OK('c') OR ALARM(d-e)) OR ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:f) OR TRUE"
    assert alarm_owner.children(rule) == ("a b", "c", "d-e", "f")
    short, long = Watch(timedelta(minutes=3), fires=True), Watch(timedelta(minutes=9), fires=False, keeps=True)
    assert alarm_owner.together([short, long], fires=True) == Watch(timedelta(minutes=9))
    assert alarm_owner.together([replace(long, fires=True)], fires=True).keeps
    assert alarm_owner.together([], fires=True) == Watch(alarm_owner.UNKNOWN_SPAN)
