"""A world in which everything may arrive twice, late, out of order or never, and end at any call; and what holds in it.

Hypothesis chooses what happens. The deployed flows run over a small account whose CodeDeploy shifts, stops and rolls
back by itself. What must never be is an invariant; what must be is owed: whoever asks in good time, and is not
interrupted, gets the release taken back at once, and in the end even who was interrupted does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from moto import mock_aws

from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.core.cases import Case
from seatrial.core.gate import Report
from seatrial.core.release import Release, State
from seatrial.flows import bake, monitor, preflight, rollback
from seatrial.flows.account import Account
from seatrial.flows.hook import HookCall, hook
from seatrial.flows.once import Once
from seatrial.flows.trial import CaseResult
from tests.faults.crashing import Aliases, CrashError, Fuse, Moved, Shifting
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import REGION, SmallAccount, event, make_table
from tests.unit.test_hook import Limit

SERVICES = ("payments", "refunds")
SHARED = "everybody"
ALARMS = (*(f"{service}-alarm" for service in SERVICES), SHARED)
STACK = "shop"
WINDOW = timedelta(minutes=3)
"""The period of each alarm times its evaluation periods."""
PAUSE = timedelta(minutes=10)
"""For so long an alarm takes nothing of the same service back again."""
ENDED_WELL = {State.RELEASED}
TAKEN_BACK = {State.REFUSED, State.TAKEN_BACK, State.RETURNED, State.HEALED}  # refused: stopped before anybody met it
ORDER = (
    {State.TRIAL},
    {State.SHIFTING},
    {State.CONFIRMING},
    {State.BAKING},
    {State.GOING_BACK},
    {State.RELEASED, State.REFUSED, State.TAKEN_BACK, State.STRANDED},
    {State.RETURNING},
    {State.RETURNED},
    {State.HEALED},
)

# One release after the other, so that a run can be repeated call by call.
look = partial(monitor.look, at_once=1)

services = st.sampled_from(["payments", "payments", "refunds"])
"""What happens to one service more often leads further."""

alarms = st.sampled_from(["payments-alarm", "payments-alarm", "refunds-alarm", SHARED])
arrivals = st.sampled_from(["at once", "at once", "later", "never"])
backwards = st.integers(0, 5) | st.integers(0, 100)
crashes = st.just(0) | st.integers(1, 16) | st.integers(6, 14)
"""The call at which the process ends; 0 is never."""


@dataclass(frozen=True)
class Made:
    """A release as the world made it."""

    id: str
    service: str
    stable: str
    candidate: str
    opened: datetime
    fix: bool


@dataclass(frozen=True)
class Accused:
    """Somebody has said at that moment that the service should go back."""

    service: str
    at: datetime
    by_a_person: bool


@dataclass(frozen=True)
class Word:
    """What somebody said that may take a release back, and the event that tells of it."""

    event: Mapping[str, Any]
    at: datetime
    services: tuple[str, ...]
    alarm: str = ""
    named: str = ""


ELSE = [
    "an alarm is quiet",
    "time passes",
    "somebody heals",
    *["somebody sets the alias"] * 2,
    "a team switches",
    *["a request is dated ahead"] * 2,
    *["a call of a hook comes three times"] * 2,
]
HAPPENS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    # How often, against the others, and with what. One rule chooses among them: rules of their own would be switched
    # off by Hypothesis for whole runs, and most of what is to be seen here needs four or five of them in a row.
    "a_release_begins": (
        4,
        {
            "bakes": st.booleans(),
            "guard": st.sampled_from([0, 3600, 3600]),
            "fix": st.sampled_from([False, False, False, True]),
            "users_come": st.sampled_from([True, True, True, False]),
        },
    ),
    "the_shift_is_done": (2, {"crash": crashes, "after": st.booleans()}),
    "codedeploy_polls_an_alarm": (4, {}),
    "cloudformation_cancels": (4, {}),
    "a_bad_version_follows_a_good_one": (1, {"arrives": arrivals}),
    "an_alarm_rings": (
        4,
        {
            "alarm": alarms,
            "polled": st.booleans(),
            "arrives": arrivals,
            "crash": crashes,
            "after": st.booleans(),
        },
    ),
    "on_call_asks": (
        3,
        {"service": services, "named": st.booleans(), "arrives": arrivals, "crash": crashes, "after": st.booleans()},
    ),
    "an_event_arrives": (
        3,
        {"back": st.integers(0, 5) | st.integers(0, 100), "crash": crashes, "after": st.booleans()},
    ),
    "the_minute_ticks": (2, {"crash": crashes, "after": st.booleans()}),
    "something_else_happens": (
        3,
        {"service": services, "what": st.sampled_from(ELSE), "minutes": st.sampled_from([2, 11, 70])},
    ),
    "the_ledger_is_gone_and_users_go_back": (
        1,
        {"service": services, "passed": st.sampled_from(["pre_traffic", "post_traffic"])},
    ),
}


class World(RuleBasedStateMachine):
    """Two services and their releases."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._moto = mock_aws()
        self._moto.start()
        make_table()
        self.account = SmallAccount()
        self.fuse = Fuse()
        self.lambdas = Aliases()
        self.codedeploy = Shifting(self.lambdas, SHARED, self.account.clock.now)
        ledger: Any = QuickDynamoDB(REGION["region_name"], self.fuse.before, self.fuse.after)
        self.aws = replace(
            self.account.aws,
            codedeploy=CodeDeploy(self.fuse.of(self.codedeploy), self.account.pauses.append),
            lambdas=Lambdas(self.fuse.of(self.lambdas), self.lambdas.package, self.account.pauses.append),
            ledger=Ledger(ledger, "ledger", timedelta(days=400)),
        )
        self.without_ledger = replace(self.aws, ledger=Ledger(ledger, "no-table", timedelta(days=1)))
        self.version = dict.fromkeys(SERVICES, 1)
        self.believed = dict.fromkeys(SERVICES, "1")
        self.off = dict.fromkeys(SERVICES, False)
        self.open: dict[str, str] = {}
        self.made: dict[str, Made] = {}
        self.accused: list[Accused] = []
        self.words: list[Word] = []
        self.told: list[tuple[Callable[..., Any], Mapping[str, Any]]] = []
        self.owed: set[str] = set()
        self.rolled: dict[tuple[str, str], datetime] = {}
        self.reached: dict[str, int] = {}
        self.traffic: dict[str, datetime] = {}
        self.ended: dict[str, datetime] = {}
        self.updates: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.account.stacks.events[STACK] = []
        for service in SERVICES:
            self._tag(service)
            self.lambdas.leads_to(service, "1")
        self.alarms = {alarm: self._quiet(alarm) for alarm in ALARMS}

    def teardown(self) -> None:
        try:
            self._in_the_end()
        finally:
            self._moto.stop()

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        needs = {
            "a_release_begins": ("free", self._free()),
            "a_bad_version_follows_a_good_one": ("follows", self._free()),
            "the_shift_is_done": ("running", self._running()),
            "codedeploy_polls_an_alarm": ("stops", self._polled()),
            "cloudformation_cancels": ("stops", self._cancellable()),
        }
        possible = [name for name, (often, _) in HAPPENS.items() for _ in range(often) if needs.get(name, ("", "-"))[1]]
        name = data.draw(st.sampled_from(possible))
        how = dict(HAPPENS[name][1])
        if name in needs:
            key, among = needs[name]
            how[key] = st.sampled_from(among)
        getattr(self, name)(**{key: data.draw(strategy) for key, strategy in how.items()})

    # ------------------------------------------------------------------ releases

    def a_release_begins(self, free: str, bakes: bool, guard: int, fix: bool, users_come: bool) -> None:
        service = free
        self.version[service] += 1
        self.account.clock.goes_on(timedelta(seconds=2))
        stable, candidate, now = self.believed[service], str(self.version[service]), self.account.clock.now()
        id = f"d-{service}{candidate}"
        self.owed -= {one.id for one in self.made.values() if one.service == service}  # the next one takes its place
        self.codedeploy.begin(id, function=service, stable=stable, candidate=candidate, createTime=now)
        self.codedeploy.deployments[id]["stable"] = stable
        self._cloudformation_starts(id, service, now)
        self.open[service], self.made[id] = id, Made(id, service, stable, candidate, now, fix)
        release = preflight.admitted(self.aws, self.aws.codedeploy.deployment(id))
        release = self.aws.ledger.settle(release, alarms=[], settings={"bake": 300.0 * bakes, "guard": guard})
        if fix:
            release = self.aws.ledger.as_the_fix(release, "on call: the fix")
        preflight.let_begin(self.aws, release)
        if users_come:
            self.codedeploy.shifts(id)
            self.traffic[id] = now
        self._later(look, self._changed(id))

    def the_shift_is_done(self, running: str, crash: int, after: bool) -> None:
        id = running
        self.codedeploy.shifts(id, 1.0, "Succeeded")
        self.lambdas.leads_to(self.made[id].service, self.made[id].candidate)
        call = {"DeploymentId": id, "LifecycleEventHookExecutionId": f"x-{id}"}
        self._done(_post_traffic, call, crash, after)
        self._done(_post_traffic, call, 0, after)  # Lambda tries again
        self._later(_post_traffic, call)  # and may do so once too often

    def a_bad_version_follows_a_good_one(self, follows: str, arrives: str) -> None:
        """In the good one's guard, and CodeDeploy's poll is faster than the event: seldom met step by step."""
        self.a_release_begins(follows, bakes=False, guard=3600, fix=False, users_come=True)
        self.the_shift_is_done(self.open[follows], crash=0, after=False)
        self.the_minute_ticks(crash=0, after=False)
        if follows in self._free():
            self.a_release_begins(follows, bakes=False, guard=3600, fix=False, users_come=True)
            self.an_alarm_rings(f"{follows}-alarm", polled=True, arrives=arrives, crash=0, after=False)

    # ------------------------------------------------------------------ who else ends one

    def codedeploy_polls_an_alarm(self, stops: str) -> None:
        """Nothing tells Seatrial but CodeDeploy's event, if that comes."""
        now = self.account.clock.now()
        self.accused.append(Accused(self.made[stops].service, now, by_a_person=False))
        self.codedeploy.polled(stops)
        self._cloudformation_looks()

    def cloudformation_cancels(self, stops: str) -> None:
        now = self.account.clock.now()
        self.accused.append(Accused(self.made[stops].service, now, by_a_person=True))
        self.codedeploy.cancelled(stops)
        self.cancelled.add(stops)
        self._cloudformation_looks()

    def _polled(self) -> list[str]:
        """The poll knows no tag and no dry run; of the fix the group's alarms are off."""
        running = [id for id in self.open.values() if self._runs(self.made[id].service)]
        return [id for id in running if not self.made[id].fix and self._rings_for(self.made[id].service)]

    def _cancellable(self) -> list[str]:
        """Those that run while another deployment of the same update has failed."""
        failed = {
            self.updates[id] for id in self.made if self.codedeploy.deployments[id]["status"] in ("Failed", "Stopped")
        }
        running = [id for id in self.open.values() if self._runs(self.made[id].service)]
        return [id for id in running if self.updates[id] in failed]

    def _cloudformation_starts(self, id: str, service: str, now: datetime) -> None:
        """One update of the stack for all that begin while another one of it still runs."""
        running = [self.updates[one] for one in self.open.values()]
        told: dict[str, Any] = {"StackId": "arn:shop", "Timestamp": now - timedelta(seconds=1)}
        events = self.account.stacks.events[STACK]
        self.updates[id] = running[0] if running else len(self.updates) + 1
        if not running:
            events.insert(0, told | {"ResourceStatus": "UPDATE_IN_PROGRESS", "PhysicalResourceId": "arn:shop"})
        started = {"ResourceStatus": "UPDATE_IN_PROGRESS", "LogicalResourceId": f"{service}Aliaslive"}
        events.insert(0, told | started | {"ResourceStatusReason": f"CodeDeploy deployment started: {id}"})

    # ------------------------------------------------------------------ words about them

    def an_alarm_rings(self, alarm: str, polled: bool, arrives: str, crash: int, after: bool) -> None:
        """`polled`: CodeDeploy's own poll is faster than the event."""
        self.account.clock.goes_on(timedelta(seconds=1))
        now = self.account.clock.now()
        if self.alarms[alarm]["StateValue"] != "ALARM":
            self.alarms[alarm] |= {"StateValue": "ALARM", "StateReason": "it rings", "StateTransitionedTimestamp": now}
        about = tuple(service for service in SERVICES if alarm in (SHARED, f"{service}-alarm"))
        state = {"value": "ALARM", "reason": "it rings", "timestamp": now.isoformat()}
        told = event("alarm") | {"id": f"e{len(self.told)}", "detail": {"alarmName": alarm, "state": state}}
        for id in self._polled() if polled else ():
            self.codedeploy_polls_an_alarm(id)
        self._say(Word(told, now, about, alarm=alarm), arrives, crash, after)

    def on_call_asks(self, service: str, named: bool, arrives: str, crash: int, after: bool) -> None:
        id = self._last(service) if named else None
        self._say(self._request(service, id), arrives, crash, after)

    def an_event_arrives(self, back: int, crash: int, after: bool) -> None:
        """Any of them, in any order and as often as it likes; the last ones more often."""
        if self.told:
            self._done(*self.told[-1 - back % len(self.told)], crash, after)

    def the_minute_ticks(self, crash: int, after: bool) -> None:
        self.account.clock.goes_on(timedelta(minutes=1))
        self._done(look, event("tick"), crash, after)

    # ------------------------------------------------------------------ what else happens

    def something_else_happens(self, service: str, what: str, minutes: int) -> None:
        match what:
            case "an alarm is quiet":
                self.alarms |= {alarm: self._quiet(alarm) for alarm in (f"{service}-alarm", SHARED)}
            case "time passes":
                self.account.clock.goes_on(timedelta(minutes=minutes))
            case "somebody heals":
                self._somebody_heals(service)
            case "somebody sets the alias":
                self._somebody_sets_the_alias_just_when_seatrial_does(service)
            case "a team switches":
                self.off[service] = not self.off[service]
                self._tag(service)
            case "a request is dated ahead":
                self._a_hold_is_dated_ahead()
            case "a call of a hook comes three times":
                self._a_call_of_a_hook_comes_three_times(service)

    def _a_hold_is_dated_ahead(self) -> None:
        ahead = {"id": f"h{len(self.reached)}-{World.steps}", "time": "2126-01-01T00:00:00Z"}
        with self._crashing(0, False):
            rollback.take_back(self.aws, event("hold-requested") | ahead)
            self.account.clock.goes_on(timedelta(seconds=2))
            now = {"id": f"l{ahead['id']}", "time": self.account.clock.now().isoformat()}
            rollback.take_back(self.aws, event("hold-released") | now)
        assert self.aws.ledger.holds.standing() == (), "a hold that was dated ahead can't be lifted"

    def _a_call_of_a_hook_comes_three_times(self, service: str) -> None:
        id = self._runs(service) or next(filter(None, map(self._runs, SERVICES)), None)
        if id is None:
            return
        charged: list[str] = []

        def charge() -> CaseResult:
            charged.append(id)
            return CaseResult("charges a card", "passed")

        release = self.aws.ledger.release(id)
        case = Case(f"charges a card {World.steps}", effects="real")
        with self._crashing(0, False):
            for _ in range(3):
                Once(self.aws, release, "x", lambda: 0.0)(case, charge)
        assert len(charged) == 1, f"a case with effects ran {len(charged)} times"

    def the_ledger_is_gone_and_users_go_back(self, service: str, passed: str) -> None:
        """By a person's word, and by a deployment of CloudFormation's."""
        if id := self._runs(service):
            word = self._request(service, id)
            self._accuse(word)
            with self._crashing(0, False), _only_if_not_all_could():
                rollback.take_back(self.without_ledger, word.event)
            self._cloudformation_looks()
            assert self._times_back(self.made[id]) == 1, f"{id} was not taken back without the ledger"
        self.codedeploy.begin("d-aside", function=service, stable="9", candidate="8")
        self.codedeploy.deployments["d-aside"]["stable"] = "9"

        @hook(self.without_ledger, passed)
        def never(call: HookCall) -> Report:
            raise AssertionError("a way back was held up")

        call = {"DeploymentId": "d-aside", "LifecycleEventHookExecutionId": "x"}
        with self._crashing(0, False):
            assert never(call, Limit())["answered"] == "Succeeded", "a way back was refused"
            unreadable = {"revisionType": "String", "string": {"content": "[" * 100_000}}
            self.codedeploy.deployments["d-aside"] |= {
                "status": "InProgress",
                "creator": "codeDeployRollback",
                "revision": unreadable,
            }
            assert never(call, Limit())["answered"] == "Succeeded", "a way back was refused for its AppSpec"
        del self.codedeploy.deployments["d-aside"]

    def _somebody_heals(self, service: str) -> None:
        if service not in self.open and self._main(service) != self.believed[service]:
            self.version[service] += 1
            self.believed[service] = str(self.version[service])
            self.lambdas.leads_to(service, self.believed[service])
            self.owed -= {one.id for one in self.made.values() if one.service == service}

    def _somebody_sets_the_alias_just_when_seatrial_does(self, service: str) -> None:
        self.version[service] += 1
        hotfix = str(self.version[service])
        self.lambdas.intruders[:] = [lambda: self.lambdas.leads_to(service, hotfix)]

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def a_step_is_counted(self) -> None:
        World.steps += 1

    @invariant()
    def no_release_is_taken_back_twice(self) -> None:
        for made in self.made.values():
            assert self._times_back(made) <= 1, f"{made.id} was taken back {self._times_back(made)} times"

    @invariant()
    def only_what_was_accused_is_taken_back(self) -> None:
        """By an alarm or a person, and while it ran: what was said before a release began is not about it."""
        for made in self.made.values():
            if self._times_back(made):
                assert any(self._accuses(one, made) for one in self.accused), f"nobody accused {made.id}"

    @invariant()
    def seatrial_moves_an_alias_from_a_candidate_to_its_stable_version_alone(self) -> None:
        allowed = {Moved(made.service, made.candidate, made.stable) for made in self.made.values()}
        assert set(self.lambdas.moved) <= allowed, f"{set(self.lambdas.moved) - allowed}"

    @invariant()
    def every_service_has_a_version_to_serve(self) -> None:
        for service in SERVICES:
            assert 1 <= int(self._main(service)) <= self.version[service]

    @invariant()
    def no_smoke_test_counts_as_a_users_request(self) -> None:
        assert not self.lambdas.counted, "a smoke test was counted, and an alarm would roll its release back"

    def no_release_moves_backwards(self) -> None:
        for id, release in self._heads():
            place = next(n for n, states in enumerate(ORDER) if release.state in states)
            assert place >= self.reached.get(id, 0), f"{id} is {release.state} again"
            self.reached[id] = place
            if release.state is State.GOING_BACK and self._last(self.made[id].service) == id:
                self.owed.add(id)  # what was begun is finished

    @invariant()
    def people_are_told_once(self) -> None:
        told = Counter(
            (sent["MessageAttributes"]["release"]["StringValue"], sent["Subject"])
            for sent in self.account.topic.sent
            if "release" in sent["MessageAttributes"] and any(word in sent["Subject"] for word in (" is ", " was "))
        )
        twice = [key for key, times in told.items() if times > 1 and "nothing" not in key[1]]
        assert not twice, f"told again: {twice}"

    def _in_the_end(self) -> None:
        """Ticks that are not interrupted bring the ledger into line with what happened, with a reason for each."""
        for _ in range(12):  # longer than a cool-down
            self.account.clock.goes_on(timedelta(minutes=1))
            self._done(look, event("tick"), 0, False)
            self.no_release_is_taken_back_twice()
            self.only_what_was_accused_is_taken_back()
        for id, release in self._heads():
            self._ended_as_it_should(self.made[id], release)
        late = {id for id in self.owed if not self._times_back(self.made[id])}
        assert not late, f"asked for, and never taken back: {late}"

    def _ended_as_it_should(self, made: Made, release: Release) -> None:
        if self._times_back(made):
            if made.id in self.cancelled:
                assert not release.by.startswith("a person"), f"a sibling of {made.id} failed: {release.by}"
            assert release.state in TAKEN_BACK, f"{made.id} was taken back and the ledger says {release.state}"
            assert release.reason, f"nobody says why {made.id} was taken back"
            assert release.by
            kinds = {step.kind for step in self.aws.ledger.steps(made.id)}
            assert kinds & {"closed", "returned", "going back"}, f"{made.id} went back, and the ledger tells {kinds}"
        elif self.codedeploy.deployments[made.id]["status"] == "Succeeded":
            superseded = self._main(made.service) != made.candidate or self._last(made.service) != made.id
            gone = {State.HEALED} if superseded else set()  # while it was returned, somebody was faster
            assert release.state in ENDED_WELL | gone, f"{made.id} is released and the ledger says {release.state}"
        else:
            assert release.is_open
            assert release.state is not State.GOING_BACK, "what was begun is finished"
            spared = release.state is State.SHIFTING or made.fix or self.off[made.service]
            assert not self._rings_for(release.function) or spared, "a tick sees alarms"

    # ------------------------------------------------------------------ small things

    def _say(self, word: Word, arrives: str, crash: int, after: bool) -> None:
        self._accuse(word)
        if arrives == "never":
            return
        self._later(rollback.take_back, word.event)
        if arrives == "at once":
            self._done(rollback.take_back, word.event, crash, after)

    def _accuse(self, word: Word) -> None:
        self.words.append(word)
        self.accused += [Accused(service, word.at, by_a_person=not word.alarm) for service in word.services]

    def _request(self, service: str, id: str | None) -> Word:
        now = self.account.clock.now()
        detail = {"service": service, "reason": "no", "who": "on call", **({"release": id} if id else {})}
        sent = {"id": f"e{len(self.words)}", "time": now.isoformat(), "detail": detail}
        return Word(event("rollback-requested") | sent, now, (service,), named=id or "")

    def _done(self, flow: Callable[..., Any], told: Mapping[str, Any], crash: int, after: bool) -> None:
        """`crash` is the call at which the process ends; 0 is never."""
        before, moved = self._back(), len(self.lambdas.moved)
        at_once, some_time = self._what_is_asked(told) if not crash else (set[str](), set[str]())
        ended = False
        with self._crashing(crash, after), _only_if_not_all_could():
            flow(self.aws, told)
            ended = True
        if ended and not crash:
            self.owed |= some_time
            late = at_once - self._back()
            assert not late, f"asked for, and not taken back: {late}"
        self.no_release_moves_backwards()
        self._no_alarm_flips(self._back() - before, sure=ended and not crash)
        self._no_alarm_of_another_returns(self.lambdas.moved[moved:], told)
        self._cloudformation_looks()

    @contextmanager
    def _crashing(self, crash: int, after: bool) -> Iterator[None]:
        self.account.alarms.alarms = list(self.alarms.values())
        self.fuse.set(crash, after=after)
        try:
            yield
        except CrashError:
            pass
        finally:
            self.fuse.set(0, after=False)

    def _what_is_asked(self, told: Mapping[str, Any]) -> tuple[set[str], set[str]]:
        """The releases that a word, when it arrives now, must take back: at once, and those that are on their way."""
        word = next((one for one in self.words if one.event is told), None)
        asked: tuple[set[str], set[str]] = (set(), set())
        for service in word.services if word else ():
            id = self._last(service)
            if word and id and self._is_due(word, self.made[id]):
                begun = self.aws.ledger.release(id).state in (State.GOING_BACK, State.RETURNING)
                asked[begun].add(id)
        return asked

    def _is_due(self, word: Word, made: Made) -> bool:
        status = self.codedeploy.deployments[made.id]["status"]
        live = status == "InProgress" or (status == "Succeeded" and self._main(made.service) == made.candidate)
        if not live or word.at < made.opened or word.named not in ("", made.id) or self.lambdas.intruders:
            return False
        if not word.alarm:
            return True
        release, now = self.aws.ledger.release(made.id), self.account.clock.now()
        last = self.aws.ledger.alarms.naming(word.alarm)[1].get(release.service)
        cools = last is not None and now - last < PAUSE
        if not release.is_open and word.alarm == SHARED and any(one.service != made.service for one in self._lost()):
            return False  # it may be the other service's, which was rolled back
        return not (made.fix or self.off[made.service] or cools) and (release.is_open or release.is_guarded(now))

    def _lost(self) -> list[Made]:
        return [one for one in self.made.values() if self._times_back(one)]

    def _no_alarm_flips(self, back: set[str], *, sure: bool) -> None:
        """Nor does one take back what is off. `sure`: nothing was cut short, so what it was for is written down."""
        now = self.account.clock.now()
        for made in (self.made[id] for id in back):
            reason = self.aws.ledger.release(made.id).reason
            alarm = reason.removeprefix("alarm ").partition(" rang")[0] if reason.startswith("alarm ") else ""
            if not alarm:
                continue
            assert not self.off[made.service], f"{made.id} was taken back for {alarm}, and its service is off"
            last = self.rolled.get((alarm, made.service))
            assert last is None or now - last >= PAUSE, f"{alarm} takes {made.service} back again after {now - last}"
            if sure:
                self.rolled[alarm, made.service] = now

    def _no_alarm_of_another_returns(self, moved: list[Moved], told: Mapping[str, Any]) -> None:
        """What ended well stays while the alarm's data may be of a later release of the service."""
        now = self.account.clock.now()
        for made in (one for one in self.made.values() if Moved(one.service, one.candidate, one.stable) in moved):
            reason = self.aws.ledger.release(made.id).reason
            alarm = reason.removeprefix("alarm ").partition(" rang")[0] if reason.startswith("alarm ") else ""
            if not alarm:
                continue
            word = next((one for one in self.words if one.event is told), None)
            at = word.at if word else self.alarms[alarm].get("StateTransitionedTimestamp", now)
            for later in self.made.values():
                if later.service != made.service or later.opened <= made.opened or later.id not in self.traffic:
                    continue
                until = self.ended.get(later.id)
                owns = self.traffic[later.id] <= at and (until is None or now < until + WINDOW)
                assert not owns, f"{made.id} was taken back for {alarm}, which fired on the traffic of {later.id}"

    def _accuses(self, one: Accused, made: Made) -> bool:
        about = one.service == made.service and one.at >= made.opened
        return about and (one.by_a_person or not made.fix)

    def _cloudformation_looks(self) -> None:
        for service, id in list(self.open.items()):
            status = self.codedeploy.deployments[id]["status"]
            if status == "InProgress":
                continue
            del self.open[service]
            if status != "Succeeded":
                self.ended[id] = self.codedeploy.deployments[id]["completeTime"]
            if status == "Succeeded":
                self.believed[service] = self.made[id].candidate
            self._later(look, self._changed(id))

    def _later(self, flow: Callable[..., Any], told: Mapping[str, Any]) -> None:
        self.told.append((flow, told))

    def _runs(self, service: str) -> str | None:
        id = self.open.get(service)
        return id if id and self.codedeploy.deployments[id]["status"] == "InProgress" else None

    def _running(self) -> list[str]:
        """Those that shift: their hook after it has not been called."""
        return [id for id in self.open.values() if self._runs(self.made[id].service) and not self._shifted(id)]

    def _shifted(self, id: str) -> bool:
        return self._main(self.made[id].service) == self.made[id].candidate

    def _free(self) -> list[str]:
        """One deployment a group; and AWS refuses where the alias disagrees."""
        return [one for one in SERVICES if one not in self.open and self._main(one) == self.believed[one]]

    def _last(self, service: str) -> str | None:
        return next((id for id, made in reversed(self.made.items()) if made.service == service), None)

    def _heads(self) -> list[tuple[str, Release]]:
        return list(self.aws.ledger.find_all(self.made).items())

    def _back(self) -> set[str]:
        return {id for id, made in self.made.items() if self._times_back(made)}

    def _times_back(self, made: Made) -> int:
        returned = self.lambdas.moved.count(Moved(made.service, made.candidate, made.stable))
        return self.codedeploy.taken_back[made.id] + returned

    def _main(self, service: str) -> str:
        return self.lambdas.aliases[service][0]

    def _tag(self, service: str) -> None:
        word = "off" if self.off[service] else "released"
        self.lambdas.tags[service] = {"seatrial": word, "aws:cloudformation:stack-name": STACK}

    def _rings_for(self, service: str) -> bool:
        return any(self.alarms[alarm]["StateValue"] == "ALARM" for alarm in (f"{service}-alarm", SHARED))

    @staticmethod
    def _quiet(alarm: str) -> dict[str, Any]:
        return {"AlarmName": alarm, "StateValue": "OK", "Period": 60, "EvaluationPeriods": 3}

    @staticmethod
    def _changed(id: str) -> dict[str, Any]:
        notification = event("deployment")
        return notification | {"detail": notification["detail"] | {"deploymentId": id}}


def _post_traffic(aws: Account, call: Mapping[str, Any]) -> object:
    """As functions/post_traffic, with one smoke case."""

    @hook(aws, "post_traffic")
    def post_traffic(call: HookCall) -> Report:
        aws.lambdas.invoke(call.release.function, "live", {})
        return bake.begin(aws, bake.reached(aws, call.release), call)

    return post_traffic(call, Limit())


@contextmanager
def _only_if_not_all_could() -> Iterator[None]:
    """Lambda makes the same call again where not everything could be done; a bug of the test's own is none of that."""
    try:
        yield
    except ExceptionGroup as troubles:
        if troubles.subgroup(lambda error: isinstance(error, AssertionError)):
            raise
