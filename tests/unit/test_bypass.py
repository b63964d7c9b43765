"""Traffic past the alias: found before a release, named, and rejected unless the suite or a hotfix grant allows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from seatrial.core import bypass
from seatrial.core.bypass import Entry
from seatrial.flows import fix_lane
from tests.small_account import SmallAccount, event, make_table, refused
from tests.unit.test_hook import CALL, SUITE, Limit, good, handler_of

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


def allows(resource: str = FUNCTION, **more: Any) -> dict[str, Any]:
    principal = {"Service": "s3.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": resource}
    return allowed | more


def permissions(*statements: dict[str, Any]) -> list[str]:
    return [str(entry) for entry in bypass.permissions(json.dumps({"Statement": statements}))]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param(allows(), ["permission of s3.amazonaws.com → $LATEST"], id="function"),
        pytest.param(allows(f"{FUNCTION}:8"), ["permission of s3.amazonaws.com → 8"], id="version"),
        pytest.param(allows(f"{FUNCTION}:live"), [], id="alias"),
        pytest.param(allows(Effect="Deny"), [], id="denied"),
        pytest.param(allows(Action="lambda:GetFunction"), [], id="no invoke"),
        pytest.param(
            allows(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::shop"}}),
            ["permission of s3.amazonaws.com (arn:aws:s3:::shop) → $LATEST"],
            id="source",
        ),
        pytest.param(
            allows(
                Principal="*",
                Action="lambda:InvokeFunctionUrl",
                Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
            ),
            ["permission of a function URL → $LATEST"],
            id="function URL",
        ),
        pytest.param(allows(Principal={"AWS": "arn:aws:iam::1:root"}), ["permission of arn:aws:iam::1:root → $LATEST"]),
    ],
)
def test_a_permission_past_the_alias_is_found(statement: dict[str, Any], found: list[str]) -> None:
    assert permissions(statement) == found


@pytest.mark.parametrize(
    ("mapping", "targets"),
    [
        ({"FunctionArn": FUNCTION, "State": "Enabled"}, ["$LATEST"]),
        ({"FunctionArn": f"{FUNCTION}:$LATEST", "State": "Creating"}, ["$LATEST"]),
        ({"FunctionArn": f"{FUNCTION}:7"}, ["7"]),
        ({"FunctionArn": f"{FUNCTION}:live", "State": "Enabled"}, []),
        ({"FunctionArn": f"{FUNCTION}:dark", "State": "Enabled"}, []),
        ({"FunctionArn": FUNCTION, "State": "Disabled"}, []),
    ],
)
def test_a_mapping_past_the_alias_is_found(mapping: dict[str, Any], targets: list[str]) -> None:
    assert [entry.target for entry in bypass.mappings([mapping | {"EventSourceArn": QUEUE}])] == targets


def test_a_sentence_names_five_entries_and_how_many_more() -> None:
    entries = [Entry("permission", f"p{n}", "$LATEST") for n in range(7)]
    sentence = bypass.rejected("payments:live", entries)
    assert sentence.startswith("7 entries go past the alias of payments:live: permission of p0 → $LATEST; ")
    assert "p4 → $LATEST and 2 more. This traffic" in sentence
    assert "`FUNCTION:live`" in sentence


# ---------------------------------------------------------------- the gate


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.has("payments", "8", SUITE, good)
        account.codedeploy.begin("d-1")
        account.lambdas.mappings = [{"FunctionArn": FUNCTION, "EventSourceArn": QUEUE, "State": "Enabled"}]
        account.lambdas.policies = {"": [allows(), allows(f"{FUNCTION}:live")], "8": [allows(f"{FUNCTION}:8")]}
        yield account


def answered(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return handler_of("pre_traffic", account, monkeypatch)(CALL, Limit())


def test_a_release_with_traffic_past_its_alias_is_rejected(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answered(account, monkeypatch)
    assert answer["answered"] == "Failed"
    assert (
        f"3 entries go past the alias of payments:live: event source mapping of {QUEUE} → $LATEST; "
        "permission of s3.amazonaws.com → $LATEST; permission of s3.amazonaws.com → 8."
    ) in answer["reason"]
    assert "release: {bypass: allowed}" in answer["reason"]
    assert account.lambdas.invoked == []


def test_the_suite_may_allow_traffic_past_the_alias(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.lambdas.has("payments", "8", SUITE + "release: {bypass: allowed}\n", good)
    assert answered(account, monkeypatch)["answered"] == "Succeeded"
    (told,) = account.told()
    assert told.startswith("3 entries go past the alias")
    assert told.endswith("its suite allows that (release.bypass)")


def test_a_hotfix_grant_passes_traffic_past_the_alias(account: SmallAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.codedeploy.begin("d-0")
    account.lambdas.mappings, mappings = [], account.lambdas.mappings
    account.lambdas.policies, policies = {}, account.lambdas.policies
    handler_of("pre_traffic", account, monkeypatch)(CALL | {"DeploymentId": "d-0"}, Limit())
    account.lambdas.mappings, account.lambdas.policies = mappings, policies
    fix_lane.run(account.aws, event("fix-granted") | {"time": account.clock.now().isoformat()})
    account.codedeploy.begin("d-1", createTime=account.clock.now())
    assert answered(account, monkeypatch)["answered"] == "Succeeded"


def test_a_policy_that_cannot_be_read_is_told_and_rejects_nothing(
    account: SmallAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: str) -> dict[str, Any]:
        raise refused("GetPolicy", "AccessDeniedException")

    account.lambdas.get_policy = denied  # type: ignore[method-assign]
    assert answered(account, monkeypatch)["answered"] == "Succeeded"
    assert "whether traffic goes past the alias of payments:live could not be read" in account.told()[0]
