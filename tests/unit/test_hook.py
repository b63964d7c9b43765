"""The two hooks, from CodeDeploy's payload to the answer."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from seatrial import wiring
from seatrial.core.gate import Report
from seatrial.core.printable import printable
from seatrial.core.release import State, Step
from seatrial.flows import monitor, preflight
from seatrial.flows.hook import Handler, HookCall, hook
from tests.small_account import CREATED, FixedClock, SmallAccount, event, make_table, refused

FUNCTIONS = Path(__file__).parent.parent.parent / "functions"
CALL = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}
SUITE = """
cases:
  - {name: health answers, smoke: true, event: {path: /health}, expect: {response.statusCode: 200}}
  - {name: a quote has a fee, event: {path: /quotes}, expect: {response.fee: 0.25}}
"""


class Limit:
    """Lambda's context of a call that has `seconds` left, for ever."""

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags["payments"] = {"seatrial": "released"}
        yield account


def handler_of(name: str, account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The deployed app.py itself, wired to the small account."""
    monkeypatch.setattr(wiring, "connect", lambda: account.aws)
    spec = importlib.util.spec_from_file_location(f"{name}_app", FUNCTIONS / name / "app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


@pytest.fixture
def pre_traffic(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of("pre_traffic", account, monkeypatch)


@pytest.fixture
def post_traffic(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of("post_traffic", account, monkeypatch)


def good(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "fee": 0.25}


def bad(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 500}


def test_a_candidate_that_passes_its_trial_may_begin(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.codedeploy.alarms = ["bad-outcomes"]
    account.lambdas.has("payments", "8", SUITE + "release: {alarms: [late]}\n", good)

    assert pre_traffic(CALL, Limit()) == {
        "answered": "Succeeded",
        "reason": "payments:live: version 8 passed its trial and may meet users",
    }
    assert account.codedeploy.answers == [("d-1", "x-1", "Succeeded")]
    assert account.lambdas.invoked == [("payments", "8"), ("payments", "8")], "dark: by number, never by alias"
    release = account.ledger.release("d-1")
    assert (release.state, release.alarms) == (State.SHIFTING, ("bad-outcomes", "late"))


def test_when_its_change_was_ready_is_kept_for_the_lead_time(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.published["8"] = CREATED - timedelta(minutes=7)

    pre_traffic(CALL, Limit())

    assert account.ledger.release("d-1").made_at == CREATED - timedelta(minutes=7)


def test_no_release_waits_for_when_it_was_made(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.gone.add(("payments", "8"))

    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))

    assert release.made_at is None
    assert release == account.ledger.release("d-1")


def test_a_candidate_that_fails_is_refused_and_everybody_is_told_the_same(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, bad)

    reason = pre_traffic(CALL, Limit())["reason"]

    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")]
    assert reason.startswith("payments:live: version 8 is refused before any user met it: 2 of 2 cases failed")
    release = account.ledger.release("d-1")
    assert (release.state, release.by) == (State.TRIAL, "functions/pre_traffic")
    assert reason.endswith(release.reason), (
        "the ledger keeps the bare refusal, for the sentence that closes the release"
    )
    assert release.reason.startswith("2 of 2 cases failed")
    assert account.told() == [reason]


def test_the_same_call_made_again_is_answered_the_same_without_another_trial(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, bad)
    first = pre_traffic(CALL, Limit())
    account.lambdas.answers["payments", "8"] = good
    asked = len(account.lambdas.invoked)

    assert pre_traffic(CALL, Limit()) == first
    assert len(account.lambdas.invoked) == asked
    assert len(account.told()) == 1


@pytest.mark.parametrize(
    "sign",
    [
        {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-0"}},
        {"creator": "codeDeployRollback"},
        {"stable": "8", "candidate": "7"},
    ],
)
@pytest.mark.parametrize("name", ["pre_traffic", "post_traffic"])
def test_what_goes_back_passes_at_once_though_nothing_but_codedeploy_works(
    name: str, sign: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():  # no table, no function, no topic
        account = SmallAccount(table="there-is-no-ledger")
        account.topic.broken = True
        account.codedeploy.begin("d-1", **sign)
        assert handler_of(name, account, monkeypatch)(CALL, Limit())["answered"] == "Succeeded"
        assert account.codedeploy.answers == [("d-1", "x-1", "Succeeded")]


def test_without_its_ledger_nothing_goes_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        account = SmallAccount(table="there-is-no-ledger")
        account.codedeploy.begin("d-1")
        account.lambdas.has("payments", "8", SUITE, good)
        answered = handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "Seatrial could not decide (ResourceNotFoundException" in answered["reason"]
    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")]
    assert account.told() == [answered["reason"]]
    assert account.lambdas.invoked == []


def test_a_function_without_the_tag_is_refused_with_the_line_to_add_and_never_invoked(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.tags["payments"] = {"team": "shop"}
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "add `Tags: {seatrial: payments}` to the function" in answered["reason"]
    assert account.lambdas.invoked == []
    assert account.told() == [answered["reason"]]


def without_the_tag(account: SmallAccount) -> None:
    account.lambdas.tags["payments"] = {"team": "shop"}


def with_an_unreadable_app_spec(account: SmallAccount) -> None:
    account.codedeploy.deployments["d-1"]["revision"] = {"revisionType": "String", "string": {"content": "{"}}


def with_a_missing_alarm(account: SmallAccount) -> None:
    account.codedeploy.alarms = ["payments-eror"]
    account.alarms.missing = {"payments-eror"}


def without_a_suite(account: SmallAccount) -> None:
    account.lambdas.suites.clear()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_the_tag, "carries no tag 'seatrial'"),
        (with_an_unreadable_app_spec, "the AppSpec of d-1 can't be read"),
        (with_a_missing_alarm, "alarm payments-eror does not exist"),
        (without_a_suite, "payments:8 brings no seatrial/suite.yaml"),
    ],
)
def test_each_deployment_whose_hook_was_called_is_in_the_ledger_with_its_reason(
    account: SmallAccount, pre_traffic: Handler, spoil: Callable[[SmallAccount], None], reason: str
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    spoil(account)
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    account.codedeploy.ends("d-1", "Failed", "HOOK_EXECUTION_FAILURE", "a hook failed")
    monitor.look(account.aws, event("tick"))
    release = account.ledger.release("d-1")
    assert (release.state, release.by) == (State.REFUSED, "functions/pre_traffic")
    assert reason in release.reason
    assert {"answer", "closed"} <= {step.kind for step in account.ledger.steps("d-1")}


def test_a_missing_alarm_is_let_pass_where_the_suite_says_so(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE + "release: {missing_alarms: allow}\n", good)
    with_a_missing_alarm(account)
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert account.told() == [
        "alarm payments-eror does not exist, and rolls nothing back; its suite allows that (release.missing_alarms)"
    ]


def test_what_a_candidate_says_reaches_no_terminal_raw(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    forged = "\x1b[2K\n10:00:00  payments:live: version 8 is released \u202e"
    suite = "cases:\n  - {name: says, event: {}, expect: {response: 1, response.b: 2}}\n"
    account.lambdas.has("payments", "8", suite, lambda _: {"b": forged})
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    for sentence in (*account.told(), *(step.sentence for step in account.ledger.steps("d-1"))):
        assert printable(sentence) == sentence
    reason = account.ledger.release("d-1").reason
    assert "\\u202e" in reason
    account.ledger.step(account.ledger.release("d-1"), Step("said", "", forged, CREATED, by=forged))
    step = account.ledger.find_step("d-1", "said", "")
    assert step is not None
    assert step.sentence == step.by == printable(forged)
    assert printable(reason) == reason


def test_a_service_that_is_off_goes_forward_untried_and_unbaked_and_that_is_told_once(
    account: SmallAccount, pre_traffic: Handler, post_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, bad)
    account.lambdas.tags["payments"] = {"seatrial": "off"}
    sentence = (
        "payments:live: version 8 passes untried, and nothing but CodeDeploy watches it: its function's tag says "
        "`seatrial: off`. Next: `seatrial enable payments` has the next release tested again"
    )
    for hook_ in (pre_traffic, post_traffic):
        assert hook_(CALL, Limit()) == {"answered": "Succeeded", "reason": sentence}
    assert account.lambdas.invoked == []
    assert account.told() == [sentence]
    assert [step.sentence for step in account.ledger.steps("d-1")].count(sentence) == 1
    assert account.ledger.release("d-1").state is State.SHIFTING, "on call can still take it back"


@pytest.mark.parametrize("name", ["pre_traffic", "post_traffic"])
def test_off_lets_a_service_past_a_seatrial_that_is_broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        account = SmallAccount(table="there-is-no-ledger")
        account.codedeploy.begin("d-1")
        account.lambdas.tags["payments"] = {"seatrial": "off"}
        answered = handler_of(name, account, monkeypatch)(CALL, Limit())
    assert account.codedeploy.answers == [("d-1", "x-1", "Succeeded")]
    assert account.told() == [answered["reason"]]


def test_what_goes_back_says_so_also_where_the_service_is_off(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1", creator="codeDeployRollback")
    account.lambdas.tags["payments"] = {"seatrial": "off"}
    answered = pre_traffic(CALL, Limit())
    assert answered["reason"] == "d-1 takes payments:live back to version 8: that is never held up"


def test_a_group_that_would_not_roll_back_is_refused_before_any_trial(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.codedeploy.rollback_events = ("DEPLOYMENT_FAILURE",)
    account.lambdas.has("payments", "8", SUITE, good)
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "does not roll back by itself on DEPLOYMENT_STOP_ON_ALARM, DEPLOYMENT_STOP_ON_REQUEST" in answered["reason"]
    assert account.lambdas.invoked == []


def test_what_preflight_finds_about_alarms_is_told_and_stops_nothing(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.codedeploy.alarms = ["errors"]
    account.alarms.alarms = [
        {
            "AlarmName": "errors",
            "StateValue": "ALARM",
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": "payments"}],
        }
    ]
    account.lambdas.has("payments", "8", SUITE, good)
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert sorted(account.told()) == [
        "alarm errors is in ALARM already: CodeDeploy stops the release as long as it rings",
        "alarm errors watches FunctionName=payments alone, so that it counts what the trial itself calls: "
        "give it the dimension Resource (function:alias) too",
    ]
    assert len([step for step in account.ledger.steps("d-1") if step.kind == "finding"]) == 2


def test_a_package_without_a_suite_is_refused_with_the_way_to_add_one(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.suites.clear()
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "payments:8 brings no seatrial/suite.yaml" in answered["reason"]


def test_an_unknown_deployment_is_one_clear_sentence(account: SmallAccount, pre_traffic: Handler) -> None:
    answered = pre_traffic(CALL, Limit())
    assert answered["answered"] == "nobody"
    assert answered["reason"].startswith("CodeDeploy knows no deployment d-1 in this account and Region")


def test_people_who_cannot_be_told_do_not_hold_up_the_answer(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.topic.broken = True
    account.lambdas.has("payments", "8", SUITE, bad)
    assert pre_traffic(CALL, Limit())["answered"] == "Failed"


def test_an_answer_that_codedeploy_does_not_take_leaves_for_lambda_to_try_again(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.codedeploy.answers_with = [refused("PutLifecycleEventHookExecutionStatus", "InternalErrorException")]
    with pytest.raises(Exception, match="InternalErrorException"):
        pre_traffic(CALL, Limit())
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert len(account.lambdas.invoked) == 2, "the second call repeats the answer, not the trial"


def test_whatever_a_hook_raises_is_a_failed(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")

    @hook(account.aws, "pre_traffic")
    def broken(call: HookCall) -> Report:
        raise ZeroDivisionError("division by zero")

    answered = broken(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "ZeroDivisionError: division by zero" in answered["reason"]
    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")]


def test_a_hook_that_comes_to_no_decision_is_answered_for_before_lambdas_limit(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    answered = threading.Event()
    put = account.codedeploy.put_lifecycle_event_hook_execution_status

    def put_and_say_so(**answer: str) -> None:
        put(**answer)
        answered.set()

    account.codedeploy.put_lifecycle_event_hook_execution_status = put_and_say_so  # type: ignore[method-assign]

    @hook(account.aws, "pre_traffic")
    def slow(call: HookCall) -> Report:
        assert answered.wait(timeout=10)
        return Report.succeeded("too late")

    assert slow(CALL, Limit(0.4))["reason"] == (
        "no decision 0.1 s before the function's own limit, and what is not decided does not go forward"
    )
    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")]


def test_a_trial_is_told_to_end_before_the_hook_is_answered_for(account: SmallAccount) -> None:
    account.codedeploy.begin("d-1")
    left: list[float] = []

    @hook(account.aws, "pre_traffic")
    def asks(call: HookCall) -> Report:
        left.append(call.seconds_left())
        return Report.succeeded("in time")

    asks(CALL, Limit(900))
    assert left == [900 - 30 - 5]


def test_after_the_shift_only_smoke_cases_are_asked_and_through_the_alias(
    account: SmallAccount, post_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.answers["payments", "live"] = good
    assert post_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert account.lambdas.invoked == [("payments", "live")]
    assert account.ledger.release("d-1").state is State.CONFIRMING, "the end of the deployment closes it, not the hook"


def test_a_smoke_case_that_fails_takes_the_release_back(account: SmallAccount, post_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, good)
    account.lambdas.answers["payments", "live"] = bad
    answered = post_traffic(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert "version 8 is taken back after the shift: 1 of 1 case failed" in answered["reason"]
    assert account.ledger.release("d-1").by == "functions/post_traffic"
    assert account.told() == [answered["reason"]]


EFFECTS = """
cases:
  - {name: charge a card, effects: real, event: {path: /charge}, expect: {response.statusCode: 200}}
  - {name: health answers, event: {path: /health}, expect: {response.statusCode: 200}}
release: {allow_effects: [real]}
"""


class Meeting(FixedClock):
    """A clock whose first wait lets the other delivery go on, and comes back when that has answered."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "waited", threading.Event())
        object.__setattr__(self, "answered", threading.Event())

    def wait(self, stage_seconds: float) -> None:
        self.waited.set()  # type: ignore[attr-defined]
        assert self.answered.wait(30)  # type: ignore[attr-defined]


def test_call_delivered_twice_at_once_runs_a_case_with_effects_once(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, charging = Meeting(), threading.Event()
    account.aws = replace(account.aws, clock=clock)
    account.codedeploy.begin("d-1")
    charged: list[str] = []

    def charge(event: dict[str, Any]) -> dict[str, Any]:
        if event["path"] == "/charge":
            charged.append(event["path"])
            charging.set()
            assert clock.waited.wait(30)  # type: ignore[attr-defined]
        return {"statusCode": 200}

    account.lambdas.has("payments", "8", EFFECTS, charge)
    handler = handler_of("pre_traffic", account, monkeypatch)
    answers: list[dict[str, str]] = []

    def deliver() -> None:
        answers.append(handler(CALL, Limit()))
        clock.answered.set()  # type: ignore[attr-defined]

    deliveries = [threading.Thread(target=deliver) for _ in range(2)]
    for each in deliveries:
        each.start()
        assert charging.wait(30)  # moto, unlike DynamoDB, does not check and write in one
    for each in deliveries:
        each.join()
    assert charged == ["/charge"]
    assert [each["answered"] for each in answers] == ["Succeeded", "Succeeded"]
    assert {answer for _, _, answer in account.codedeploy.answers} == {"Succeeded"}


def test_case_with_effects_that_left_no_result_is_reported_and_not_run_again(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    charged: list[str] = []

    def die(event: dict[str, Any]) -> dict[str, Any]:
        charged.append(event["path"])
        raise KeyboardInterrupt  # nothing catches the end of Lambda's sandbox

    account.lambdas.has("payments", "8", EFFECTS, die)
    with pytest.raises(KeyboardInterrupt):
        pre_traffic(CALL, Limit())
    account.lambdas.answers["payments", "8"] = good
    answered = pre_traffic(CALL, Limit())
    assert charged == ["/charge"]
    assert answered["answered"] == "Failed"
    assert "left no result. It may have had its effect, so it is not run again" in answered["reason"]


def test_result_of_a_case_with_effects_is_used_by_the_same_call_made_again(
    account: SmallAccount, pre_traffic: Handler
) -> None:
    account.codedeploy.begin("d-1")
    charged: list[str] = []

    def dies_later(event: dict[str, Any]) -> dict[str, Any]:
        charged.append(event["path"])
        if event["path"] == "/health":
            raise KeyboardInterrupt
        return {"statusCode": 200}

    account.lambdas.has("payments", "8", EFFECTS, dies_later)
    with pytest.raises(KeyboardInterrupt):
        pre_traffic(CALL, Limit())
    account.lambdas.answers["payments", "8"] = good
    assert pre_traffic(CALL, Limit())["answered"] == "Succeeded"
    assert charged == ["/charge", "/health"]


def test_another_release_runs_its_case_with_effects_again(account: SmallAccount, pre_traffic: Handler) -> None:
    charged: list[str] = []

    def charge(event: dict[str, Any]) -> dict[str, Any]:
        charged.append(event["path"])
        return {"statusCode": 200}

    account.lambdas.has("payments", "8", EFFECTS, charge)
    for deployment in ("d-1", "d-2"):
        account.codedeploy.begin(deployment)
        pre_traffic(CALL | {"DeploymentId": deployment}, Limit())
    assert charged.count("/charge") == 2


def test_two_deliveries_that_decide_differently_give_the_first_answer_and_tell_once(account: SmallAccount) -> None:
    """The second decides while the first already has: what is recorded first is the answer of both."""
    account.codedeploy.begin("d-1")
    reports = iter((Report.failed("the first", "the first"), Report.succeeded("the second")))
    inner = hook(account.aws, "pre_traffic")(lambda call: next(reports))
    answered: list[str] = []

    @hook(account.aws, "pre_traffic")
    def outer(call: HookCall) -> Report:
        answered.append(inner(CALL, Limit())["reason"])
        return next(reports)

    answered.append(outer(CALL, Limit())["reason"])
    assert answered == ["the first", "the first"]
    assert account.told() == ["the first"]


def test_an_alarm_on_errors_that_a_smoke_case_fires_is_reported(account: SmallAccount, pre_traffic: Handler) -> None:
    account.codedeploy.begin("d-1")
    account.codedeploy.alarms = ["errors"]
    watched = [{"Name": "FunctionName", "Value": "payments"}, {"Name": "Resource", "Value": "payments:live"}]
    errors = {"AlarmName": "errors", "StateValue": "OK", "Namespace": "AWS/Lambda", "MetricName": "Errors"}
    account.alarms.alarms = [errors | {"Dimensions": watched}]
    fails = "  - {name: no id fails, smoke: true, event: {}, expect: {error.errorType: KeyError}}\n"
    account.lambdas.has("payments", "8", SUITE + fails, good)
    pre_traffic(CALL, Limit())
    (found,) = [step.sentence for step in account.ledger.steps("d-1") if step.kind == "finding"]
    assert found == (
        "alarm errors counts Lambda's own Errors of payments:live, and smoke cases expect an error ('no id fails'): "
        "they can fire it during the bake. Next: leave `smoke` out of these cases, or let the alarm watch BadOutcomes"
    )


SECRETS = """
redact: [birthday]
cases:
  - {name: login, event: {}, capture: {token: response.body.token}, body: json}
  - {name: card is masked, event: {}, body: json, expect: {response.body.card: {matches: '^[*]+[0-9]{4}$'}}}
  - {name: token of a session, event: {}, body: json, expect: {response.headers.authorization: $token}}
  - {name: body is text, event: {}, body: text, expect: {response.body.ok: true}}
  - {name: own name, event: {}, body: json, expect: {response.body.birthday: none}}
"""


def test_secret_of_a_response_leaves_in_no_message_event_log_or_entry(
    account: SmallAccount, pre_traffic: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    card, token, birthday = "4111111111111111", "eyJhbGciOiJIUzI1NiJ9.SECRETSECRETSECRET", "1970-04-01"
    body = json.dumps({"token": token, "card": card, "birthday": birthday})
    answers = iter(f"{token}{number}" for number in range(5))
    account.codedeploy.begin("d-1")
    account.lambdas.has(
        "payments", "8", SECRETS, lambda event: {"headers": {"authorization": next(answers)}, "body": body}
    )
    answered = pre_traffic(CALL, Limit())
    places = {
        "answer": answered["reason"],
        "SNS": json.dumps(account.topic.sent),
        "bus": json.dumps(account.bus.events),
        "ledger": f"{account.ledger.steps('d-1')} {account.ledger.release('d-1')}",
        "log": caplog.text,
    }
    assert answered["answered"] == "Failed"
    for place, text in places.items():
        for secret in (card, token, birthday):
            assert secret not in text, place
    assert "response.body.card is [redacted]" in answered["reason"]
