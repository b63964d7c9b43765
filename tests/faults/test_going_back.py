"""Going back is never blocked: whatever is unreachable, and whoever takes users back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
import yaml
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from seatrial.core.release import State
from seatrial.flows import preflight, rollback
from seatrial.flows.hook import Handler
from tests.small_account import CREATED, REGION, SmallAccount, event, make_table, refused
from tests.unit.test_hook import CALL, SUITE, Limit, bad, handler_of

TEMPLATE = Path(__file__).parent.parent.parent / "template.yaml"


class _Plain(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their bare values."""


_Plain.add_multi_constructor("!", lambda loader, tag, node: None)


BACKWARD: dict[str, dict[str, Any]] = {
    "CodeDeploy's automatic rollback": {
        "creator": "codeDeployRollback",
        "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-0"},
    },
    "a rollback that names what it takes back and no creator": {
        "creator": "user",
        "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-0"},
    },
    "CloudFormation's rollback": {"creator": "CloudFormationRollback"},
    "another alias of a stack that rolls back": {"creator": "user", "stable": "12", "candidate": "11"},
    "a person's redeploy of the last good version": {"creator": "user", "stable": "9", "candidate": "7"},
}


def without_the_ledger(account: SmallAccount) -> None:
    boto3.client("dynamodb", **REGION).delete_table(TableName="ledger")


def without_cloudwatch(account: SmallAccount) -> None:
    account.alarms.broken = True


def without_lambda(account: SmallAccount) -> None:
    """And so without suites and tags."""

    def unreachable(**_: Any) -> dict[str, Any]:
        raise refused("GetFunction", "ServiceException")

    account.lambdas.get_function = unreachable  # type: ignore[method-assign]
    account.lambdas.invoke = unreachable  # type: ignore[method-assign]


def without_people(account: SmallAccount) -> None:
    account.topic.broken = True


def without_anything(account: SmallAccount) -> None:
    for fault in (without_the_ledger, without_cloudwatch, without_lambda, without_people):
        fault(account)


FAULTS = [without_the_ledger, without_cloudwatch, without_lambda, without_people, without_anything]


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.codedeploy.alarms = ["bad-outcomes"]
        account.lambdas.tags = {"payments": {"seatrial": "released"}}
        account.lambdas.aliases = {"payments": ("8", 1)}
        yield account


@pytest.fixture(params=["pre_traffic", "post_traffic"])
def a_hook(request: pytest.FixtureRequest, account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of(request.param, account, monkeypatch)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", BACKWARD)
def test_every_kind_of_way_back_passes_both_hooks_at_once(
    account: SmallAccount, a_hook: Handler, kind: str, fault: Callable[[SmallAccount], None]
) -> None:
    rollback.take_back(account.aws, event("hold-requested"))
    account.codedeploy.begin("d-1", **BACKWARD[kind])
    fault(account)
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"
    assert account.codedeploy.answers == [("d-1", "x-1", "Succeeded")]
    assert account.lambdas.invoked == []


def lives_on(account: SmallAccount, end: State) -> None:
    """Version 8 came to this end, version 9 is live since, and somebody deploys version 8 again."""
    account.codedeploy.begin("d-8", stable="7", candidate="8", createTime=CREATED - timedelta(hours=2))
    rejected = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-8"))
    account.ledger.finish(rejected, end, "", "", CREATED)
    account.codedeploy.begin("d-9", stable="7", candidate="9", createTime=CREATED - timedelta(hours=1))
    good = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-9"))
    account.ledger.finish(good, State.RELEASED, "", "", CREATED)
    account.lambdas.has("payments", "8", SUITE, bad)
    account.codedeploy.begin("d-1", stable="9", candidate="8")


@pytest.mark.parametrize("end", [State.REFUSED, State.TAKEN_BACK])
def test_a_lower_number_is_tried_when_the_ledger_proves_that_it_never_was_live(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, end: State
) -> None:
    lives_on(account, end)
    answered = handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())
    assert answered["answered"] == "Failed"
    assert ("payments", "8") in account.lambdas.invoked
    assert account.ledger.release("d-1").candidate == "8"


def test_a_lower_number_that_was_live_passes(account: SmallAccount, a_hook: Handler) -> None:
    lives_on(account, State.RELEASED)
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"
    assert account.lambdas.invoked == []


def test_a_lower_number_passes_without_the_ledger_also_when_it_was_rejected(
    account: SmallAccount, a_hook: Handler
) -> None:
    lives_on(account, State.REFUSED)
    without_the_ledger(account)
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"


def test_the_version_that_a_rejected_one_was_to_replace_passes(account: SmallAccount, a_hook: Handler) -> None:
    """As CloudFormation takes a sibling back, whose number the ledger knows as the stable one alone."""
    lives_on(account, State.REFUSED)
    account.codedeploy.begin("d-1", stable="9", candidate="7")
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"


@pytest.mark.parametrize(
    "more",
    [{"Handler": "debug.handler"}, {"Architectures": ["arm64"]}, {"Environment": {"Error": {"ErrorCode": "KMS"}}}],
    ids=lambda more: next(iter(more)),
)
def test_the_same_code_run_in_another_way_is_a_release_like_any_other(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    last_good(account)
    account.lambdas.code = {"7": "good", "9": "good"}
    account.lambdas.configured = {"9": more}
    assert "holds every service" in handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())["reason"]


UNREADABLE = {
    "an odd name": '{"Resources": [{"f": {"Properties": {"Name": "arn:", "Alias": "live", "CurrentVersion": "8"}}}]}',
    "nested 100,000 deep": "[" * 100_000,
    "no text": "",
    "no JSON": "version: 0.0",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("kind", [kind for kind, more in BACKWARD.items() if "stable" not in more])
def test_a_rollback_passes_whatever_its_appspec_is(
    account: SmallAccount, a_hook: Handler, kind: str, content: str
) -> None:
    account.codedeploy.begin("d-1", **BACKWARD[kind])
    account.codedeploy.deployments["d-1"]["revision"] = {"revisionType": "String", "string": {"content": content}}
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"


def test_a_rollback_passes_though_codedeploy_does_not_give_its_appspec(account: SmallAccount, a_hook: Handler) -> None:
    def times_out(**_: Any) -> dict[str, Any]:
        raise ReadTimeoutError(endpoint_url="https://codedeploy")

    account.codedeploy.get_application_revision = times_out  # type: ignore[method-assign]
    account.codedeploy.begin("d-1", **BACKWARD["CloudFormation's rollback"])
    account.codedeploy.deployments["d-1"]["revision"] = {"revisionType": "AppSpecContent"}
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"


def fallback(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], object]:
    """The inline code of functions/hook_fallback, as the template has it."""
    template = yaml.load(TEMPLATE.read_text(), Loader=_Plain)
    account.codedeploy.exceptions = Mock(LifecycleEventAlreadyCompletedException=KeyError)  # type: ignore[attr-defined]
    clients = {"codedeploy": account.codedeploy, "lambda": account.lambdas}
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    code: dict[str, Any] = {}
    exec(template["Resources"]["HookFallbackFunction"]["Properties"]["InlineCode"], code)
    return lambda call: code["handler"]({"requestPayload": call}, None)


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("kind", BACKWARD)
def test_the_fallback_passes_every_rollback_it_can_recognise(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, kind: str, content: str
) -> None:
    account.codedeploy.begin("d-1", **BACKWARD[kind])
    if "stable" not in BACKWARD[kind]:
        account.codedeploy.deployments["d-1"]["revision"] = {"revisionType": "String", "string": {"content": content}}
    fallback(account, monkeypatch)(CALL)
    assert account.codedeploy.answers == [("d-1", "x-1", "Succeeded")]


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_the_fallback_rejects_what_goes_forward(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    account.codedeploy.begin("d-1")
    del account.codedeploy.deployments["d-1"]["creator"]  # it is optional
    answer = fallback(account, monkeypatch)
    answer(CALL)
    account.codedeploy.deployments["d-1"]["revision"] = {"revisionType": "String", "string": {"content": content}}
    answer(CALL)
    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")] * 2


def _as_app_spec_content(account: SmallAccount) -> None:
    """GetDeployment has the hash alone, GetApplicationRevision the rest. Source: CodeDeploy's API reference."""
    text = account.codedeploy.deployments["d-1"]["revision"]["string"]["content"]
    whole = {"revisionType": "AppSpecContent", "appSpecContent": {"content": text, "sha256": "3a"}}
    account.codedeploy.deployments["d-1"]["revision"] = {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": None, "sha256": "3a"},
    }
    account.codedeploy.get_application_revision = lambda **_: {"revision": whole}  # type: ignore[method-assign]


@pytest.mark.parametrize(("candidate", "answer"), [("6", "Succeeded"), ("8", "Failed")])
@pytest.mark.parametrize("shape", [lambda account: None, _as_app_spec_content], ids=["String", "AppSpecContent"])
def test_the_fallback_reads_both_shapes_of_a_revision(
    account: SmallAccount,
    monkeypatch: pytest.MonkeyPatch,
    shape: Callable[[SmallAccount], None],
    candidate: str,
    answer: str,
) -> None:
    account.codedeploy.begin("d-1", candidate=candidate, creator=None, rollbackInfo=None)
    shape(account)
    fallback(account, monkeypatch)(CALL)
    assert account.codedeploy.answers == [("d-1", "x-1", answer)]


@pytest.mark.parametrize(
    ("tags", "answer"), [({"seatrial": "off"}, "Succeeded"), ({"seatrial": "payments"}, "Failed"), (None, "Failed")]
)
def test_the_fallback_lets_a_service_pass_whose_tag_says_off(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str] | None, answer: str
) -> None:
    account.codedeploy.begin("d-1")
    account.lambdas.get_function = lambda **_: {"Tags": tags}  # type: ignore[method-assign]
    fallback(account, monkeypatch)(CALL)
    assert account.codedeploy.answers == [("d-1", "x-1", answer)]


def test_the_fallback_rejects_where_tags_cannot_be_read(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.codedeploy.begin("d-1")
    without_lambda(account)
    fallback(account, monkeypatch)(CALL)
    assert account.codedeploy.answers == [("d-1", "x-1", "Failed")]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_forward_is_not_let_begin_by_the_same_faults(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, fault: Callable[[SmallAccount], None]
) -> None:
    account.codedeploy.begin("d-1")
    fault(account)
    assert handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())["answered"] == "Failed"


@pytest.mark.parametrize("fault", [without_cloudwatch, without_people])
def test_an_alarm_and_people_take_a_release_back_though_something_else_is_unreachable(
    account: SmallAccount, fault: Callable[[SmallAccount], None]
) -> None:
    account.codedeploy.begin("d-1")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
    account.ledger.move(release, State.SHIFTING)
    fault(account)
    (decision,) = rollback.take_back(account.aws, event("rollback-requested"))["decisions"]
    assert decision["action"] == "stopped"
    assert account.codedeploy.stops == ["d-1"]


def test_a_hold_and_a_closed_window_hold_no_way_back(account: SmallAccount, a_hook: Handler) -> None:
    rollback.take_back(account.aws, event("hold-requested"))
    account.codedeploy.begin("d-1", stable="8", candidate="7")
    assert a_hook(CALL, Limit())["answered"] == "Succeeded"


def last_good(account: SmallAccount) -> None:
    """Version 8 has replaced version 7 and is live; version 9 wants to."""
    account.codedeploy.begin("d-0")
    release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-0"))
    account.ledger.finish(release, State.RELEASED, "", "", account.clock.now())
    rollback.take_back(account.aws, event("hold-requested"))
    account.codedeploy.begin("d-1", stable="8", candidate="9")


def test_the_last_good_version_deployed_once_more_under_a_new_number_passes_a_hold(
    account: SmallAccount, a_hook: Handler
) -> None:
    last_good(account)
    account.lambdas.code = {"7": "good", "9": "good"}
    answered = a_hook(CALL, Limit())
    assert answered["answered"] == "Succeeded"
    assert "version 9 is version 7 once more" in answered["reason"]
    assert account.lambdas.invoked == []


@pytest.mark.parametrize("code", [{"7": "good", "9": "other"}, {"7": "good", "8": "live", "9": "live"}])
def test_any_other_code_is_a_release_like_any_other(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch, code: dict[str, str]
) -> None:
    last_good(account)
    account.lambdas.code = code
    assert "holds every service" in handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())["reason"]
