"""Where the claims are tried: on the stage, in a real account (CONFORMANCE=account), or at CONFORMANCE_ENDPOINT."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import stage as rehearsal_stage
from rehearsal.stage.codedeploy import behaviour
from tests.conformance import results, stacks
from tests.conformance.account import Account, AccountError
from tests.conformance.marks import UNVERIFIED
from tests.conformance.waiting import AdvancedTime, WallTime

IN_ACCOUNT = os.environ.get("CONFORMANCE") == "account"
ENDPOINT = os.environ.get("CONFORMANCE_ENDPOINT", "")
EVERYTHING = IN_ACCOUNT or bool(ENDPOINT) or os.environ.get("CONFORMANCE") == "all"
PREFIX = os.environ.get("CONFORMANCE_PREFIX", "seatrial-certify")
LEAST_DANGER = int(os.environ.get("DANGER", "1"))
TABLE = os.environ.get("CONFORMANCE_TABLE", "")
HERE = Path(__file__).parent
TRIED = "tried"
COST = (
    "below 1 USD: a few hundred invokes, two alarms, a queue, topics, rules, and HTTP APIs, all deleted at the end, "
    "and values of a dozen metrics, which CloudWatch deletes by itself"
)

_certified = results.Certified.read()
_claims: dict[str, results.Claim] = {}
_asked: dict[str, results.Question] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "claim(why, minutes, danger, cost, long): something the local AWS says about AWS"
    )
    config.addinivalue_line("markers", "question(switch, why, minutes, danger, cost): what has no sure answer")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A question is asked once for each answer that the stage can give; elsewhere there is one answer, unknown."""
    mark = metafunc.definition.get_closest_marker("question")
    if mark is None:
        return
    answers = [None] if IN_ACCOUNT or ENDPOINT else behaviour.as_json(behaviour.Behaviour())[mark.args[0]]["answers"]
    metafunc.parametrize("expected", answers, ids=[str(answer).lower() for answer in answers])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    left_out = [item for item in ours if not _wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if IN_ACCOUNT:
        items.sort(key=_order)


def _wanted(item: pytest.Item) -> bool:
    """In an account, what an earlier run has settled is not tried again; in `make test`, nothing long."""
    claim, question = item.get_closest_marker("claim"), item.get_closest_marker("question")
    name = _name(item)
    if IN_ACCOUNT and (mark := _mark(item)) and mark.kwargs["danger"] < LEAST_DANGER:
        return False
    if IN_ACCOUNT and os.environ.get("AGAIN") != "1":
        settled = _certified.claims.get(name, {}).get("held")
        if claim and settled:
            return False
        if question and question.args[0] in _certified.switches:
            return False
    if question:
        return EVERYTHING
    return EVERYTHING or claim is None or not claim.kwargs["long"]


def _mark(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("claim") or item.get_closest_marker("question")


def _why(mark: pytest.Mark) -> str:
    return str(mark.args[0] if mark.name == "claim" else mark.kwargs["why"])


def _minutes(item: pytest.Item) -> float:
    mark = _mark(item)
    return float(mark.kwargs["minutes"]) if mark else 0.0


def _order(item: pytest.Item) -> tuple[int, bool, float]:
    """The most dangerous first, of these the unverified ones, of these the short ones."""
    mark = _mark(item)
    return (-mark.kwargs["danger"], _why(mark) != UNVERIFIED, mark.kwargs["minutes"]) if mark else (0, True, 0.0)


def _plan(items: list[pytest.Item]) -> Iterator[str]:
    """One line for each claim or question, in the order in which they are tried."""
    marks = {_name(item): mark for item in items if (mark := _mark(item))}
    for name, mark in marks.items():
        minutes = sum(_minutes(item) for item in items if _name(item) == name)
        sentence = name.removeprefix("test_").replace("_", " ")
        yield f"  {mark.kwargs['danger']}  {minutes:4.0f} min  {sentence}: {mark.kwargs['cost']}"


def _name(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


def pytest_collection_finish(session: pytest.Session) -> None:
    """In an account: what it costs and how long it takes, before anything is made there."""
    if not IN_ACCOUNT:
        return
    minutes = sum(_minutes(item) for item in session.items)
    print(f"\n{len(session.items)} claims and questions are left to try, about {minutes:.0f} minutes; cost {COST}.")
    print(f"Each costs less than 1 US cent. Everything is made in stacks named {PREFIX}* and deleted at the end.")
    print("In this order, with the danger (3 is the highest), the minutes, and the cost of a wrong guess:")
    print("\n".join(_plan(session.items)))
    if os.environ.get("YES") != "1":
        pytest.exit("Nothing was done. `YES=1 make certify` does it in the account of your credentials.", returncode=2)
    try:
        print(f"As {boto3.client('sts').get_caller_identity()['Arn']} in {boto3.Session().region_name}")
    except (BotoCoreError, ClientError) as error:
        pytest.exit(f"No account answers: {error}. Set AWS_PROFILE and AWS_REGION, and log in.", returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Each report carries what was tried, since with several workers another process than this one adds it up."""
    report = yield
    mark = _mark(item)
    if mark and (report.when == "call" or (report.when == "setup" and not report.passed)):
        tried = results.Tried(
            name=_name(item),
            held=report.passed,
            began=report.when == "call",
            last_case=not _cases_left(item),
            why=_why(mark),
            danger=mark.kwargs["danger"],
            minutes=_minutes(item),
            cost=mark.kwargs["cost"],
            switch=mark.args[0] if mark.name == "question" else "",
        )
        report.user_properties.append((TRIED, asdict(tried)))
    return report


def _cases_left(item: pytest.Item) -> bool:
    """A claim of several cases is not settled before its last one was tried."""
    ours = [one for one in item.session.items if _name(one) == _name(item)]
    return ours[-1] is not item


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the process that adds up: an account in which a claim could not be tried has said nothing about it."""
    for tried in (results.Tried(**value) for name, value in report.user_properties if name == TRIED):
        if tried.switch:
            before_it = _asked.get(tried.switch)
            seen = tried.held and (before_it is None or before_it.seen)
            default = behaviour.CLAIMS[tried.switch]
            _asked[tried.switch] = results.Question(
                tried.switch, default, seen, tried.why, tried.danger, tried.minutes, tried.cost
            )
            continue
        before = _claims.get(tried.name)
        together = tried.held and (before is None or before.held is True)
        _claims[tried.name] = results.Claim(tried.name, tried.why, tried.danger, together)
        if IN_ACCOUNT and tried.began:
            _certified.holds(tried.name, together and tried.last_case)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if TABLE and not hasattr(session.config, "workerinput"):  # a worker has seen its own part only
        questions = [_asked.get(name, results.Question(name, text)) for name, text in behaviour.CLAIMS.items()]
        Path(TABLE).write_text(results.table(list(_claims.values()), questions, _certified))


@pytest.fixture(scope="session")
def stage() -> Iterator[rehearsal_stage.Stage | None]:
    """The stage that the claims are tried on, if it is one."""
    if IN_ACCOUNT or ENDPOINT:
        yield None
        return
    with rehearsal_stage.Stage(manual=True) as running:
        yield running


@pytest.fixture(scope="session")
def shared_account(stage: rehearsal_stage.Stage | None) -> Iterator[Account]:
    if IN_ACCOUNT:
        account = Account(boto3.Session(), None, WallTime(), prefix=PREFIX, slack=120.0)
    else:
        session = boto3.Session("111122223333", "stage", region_name="eu-west-1")
        endpoint = stage.endpoint if stage else ENDPOINT
        time = AdvancedTime(stage.time) if stage else WallTime()
        account = Account(session, endpoint, time, prefix=PREFIX)
    try:
        try:
            account.set_up()
        except (BotoCoreError, ClientError, AccountError) as error:
            pytest.exit(f"No claim can be tried here: {error}", returncode=2)
        yield account
    finally:
        if stage is None:  # the stage goes with everything that is in it
            account.tear_down()


@pytest.fixture
def account(shared_account: Account, request: pytest.FixtureRequest) -> Account:
    """The account, with the name of this claim; its alarms are quiet."""
    shared_account.claim = request.node.name
    for alarm in ("Alarm", "StackAlarm"):
        shared_account.rings(alarm, "OK")
    return shared_account


@pytest.fixture
def stack(account: Account) -> str:
    """A released service, version 1, its hook and its alarm the shared ones. Left to the account's own end."""
    name = f"{account.prefix}-{account.name}"
    if account.exists(name):
        account.delete(name)  # of a run that was broken off
    account.apply(name, stacks.released(account, "One"))
    return name


@pytest.fixture
def answered(
    stage: rehearsal_stage.Stage | None, request: pytest.FixtureRequest, expected: Any
) -> Iterator[Callable[[Any], None]]:
    """Takes the answer to this question. On the stage it must be the one that the switch was set to."""
    switch = request.node.get_closest_marker("question").args[0]
    if stage:
        before = stage.get("switches")[switch]["answer"]
        stage.switch(**{switch: expected})

    def answer(given: Any) -> None:
        if stage:
            assert given == expected
        if IN_ACCOUNT:
            _certified.answers(switch, given)

    yield answer
    if stage:
        stage.switch(**{switch: before})
