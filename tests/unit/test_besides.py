"""What a release changes besides code: compared, told once, and never waited for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from seatrial.aws import configurations
from seatrial.core import besides
from seatrial.core.besides import Configuration, ResourceChange, StackEvent
from seatrial.core.release import Release
from seatrial.flows import monitor, preflight
from tests.small_account import CREATED, SmallAccount, event, make_table, refused

TICK = event("tick")
ALARM = "AWS::CloudWatch::Alarm"
ALIAS = "arn:aws:lambda:eu-west-1:123456789012:function:payments:live"
WITH_STACK = {"seatrial": "released", "aws:cloudformation:stack-name": "shop"}


def at(minute: int) -> Any:
    return CREATED + timedelta(minutes=minute)


def stack(minute: int, status: str) -> StackEvent:
    return StackEvent(at(minute), "shop", "arn:shop", "AWS::CloudFormation::Stack", status, is_stack=True)


def resource(minute: int, status: str, name: str = "Bad", type: str = ALARM, physical: str = "x") -> StackEvent:
    return StackEvent(at(minute), name, physical, type, status)


# ---------------------------------------------------------------- the configuration


def test_what_differs_is_told_in_a_few_words_each() -> None:
    stable = Configuration(
        "a", {"memory": "128 MB", "runtime": "python3.13"}, ("tools:3",), {"TABLE": "1", "OLD": "2"}, {"VPC": "x"}
    )
    candidate = Configuration(
        "b",
        {"memory": "256 MB", "runtime": "python3.13", "tracing": "Active"},
        ("tools:4",),
        {"TABLE": "3", "FEES": "4"},
    )
    assert besides.differences(stable, candidate) == (
        "memory 128 MB → 256 MB",
        "tracing none → Active",
        "layer tools:3 removed",
        "layer tools:4 added",
        "variable FEES added",
        "variable OLD removed",
        "variable TABLE changed",
        "VPC removed",
    )
    assert besides.differences(stable, stable) == ()


# ---------------------------------------------------------------- the stack's update

CLEANED = [
    stack(9, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    resource(9, "DELETE_COMPLETE", "Old"),
    stack(9, "UPDATE_COMPLETE"),
]
ROLLED_BACK = [stack(9, "UPDATE_ROLLBACK_IN_PROGRESS"), resource(9, "UPDATE_IN_PROGRESS", "Other")]
FOLLOWED = [*CLEANED, stack(20, "UPDATE_IN_PROGRESS"), resource(20, "UPDATE_IN_PROGRESS", "Other")]
UPDATE = [
    stack(-30, "CREATE_COMPLETE"),
    stack(-2, "UPDATE_IN_PROGRESS"),
    resource(-2, "UPDATE_IN_PROGRESS", "Function", "AWS::Lambda::Function", "payments"),
    resource(-2, "UPDATE_IN_PROGRESS"),
    resource(-1, "UPDATE_COMPLETE"),
    resource(-1, "CREATE_IN_PROGRESS", "FunctionVersionab", "AWS::Lambda::Version"),
    resource(-1, "CREATE_IN_PROGRESS", "Refunds", "AWS::DynamoDB::Table"),
    resource(0, "UPDATE_IN_PROGRESS", "FunctionAliaslive", "AWS::Lambda::Alias", ALIAS),
    resource(1, "CREATE_COMPLETE", "Refunds", "AWS::DynamoDB::Table"),
]
RELEASE = Release("d-1", "shop", "payments", "payments", "live", "7", "8", CREATED)
CHANGES = (ResourceChange("Bad", ALARM, "update"), ResourceChange("Refunds", "AWS::DynamoDB::Table", "create"))


def of_update(history: list[StackEvent]) -> tuple[ResourceChange, ...]:
    return besides.of_update(reversed(history), RELEASE)


def test_the_update_that_brought_the_release_tells_each_other_resource_once() -> None:
    assert of_update(UPDATE) == CHANGES
    assert [str(change) for change in CHANGES] == ["Alarm Bad (update)", "Table Refunds (create)"]


@pytest.mark.parametrize(
    "later", [CLEANED, ROLLED_BACK, FOLLOWED], ids=["its clean-up", "its rollback", "another update"]
)
def test_what_comes_after_the_update_is_not_its_doing(later: list[StackEvent]) -> None:
    assert of_update([*UPDATE, *later]) == CHANGES


def test_an_update_that_has_not_come_to_the_alias_yet_is_the_one_while_it_runs() -> None:
    assert of_update(UPDATE[:5]) == CHANGES[:1]


def test_a_deployment_made_by_hand_has_no_update_to_tell_of() -> None:
    assert of_update([*UPDATE[:5], stack(-1, "UPDATE_COMPLETE")]) == ()
    assert of_update([]) == ()


def test_nothing_before_the_update_is_read() -> None:
    read: list[StackEvent] = []

    def history() -> Iterator[StackEvent]:
        for one in reversed(UPDATE):
            read.append(one)
            yield one

    besides.of_update(history(), RELEASE)
    assert read[-1].status == "UPDATE_IN_PROGRESS"
    assert len(read) == len(UPDATE) - 1


NESTED = "AWS::CloudFormation::Stack"


def visited(minute: int, properties: str, name: str = "Tables", status: str = "UPDATE_COMPLETE") -> StackEvent:
    return StackEvent(at(minute), name, f"arn:{name}", NESTED, status, properties=properties)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ([visited(-9, '{"Url": "1"}')], []),
        ([visited(-9, '{"Url": "0"}')], ["Stack Tables (update)"]),
        ([visited(-9, '{"Url": "1"}'), visited(-8, '{"Url": "0"}')], ["Stack Tables (update)"]),
        ([visited(-9, '{"Url": "1"}'), visited(-8, "")], []),
        ([visited(-9, '{"Url": "1"}', name="Other")], ["Stack Tables (update)"]),
        ([], ["Stack Tables (update)"]),
    ],
    ids=["as before", "changed", "changed back", "an event that does not say", "of another resource", "unknown"],
)
def test_nested_stack_that_is_visited_and_left_as_it_is_is_no_change(before: list[StackEvent], told: list[str]) -> None:
    update = [
        UPDATE[1],
        visited(-1, '{"Url": "1"}', status="UPDATE_IN_PROGRESS"),
        visited(-1, '{"Url": "1"}'),
        UPDATE[7],
    ]
    assert [str(change) for change in of_update([*before, *update])] == told


def test_a_resource_that_is_created_is_a_change_whatever_was_before() -> None:
    made = visited(-1, "{}", status="CREATE_COMPLETE")
    assert [str(change) for change in of_update([visited(-9, "{}"), UPDATE[1], made, UPDATE[7]])] == [
        "Stack Tables (create)"
    ]


def test_variables_that_lambda_cannot_decrypt_are_unknown_and_not_equal() -> None:
    told = {"CodeSha256": "a", "MemorySize": 128, "Timeout": 3, "Role": "role/shop"}
    denied = told | {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}}}
    unknown = ("variables unknown (Lambda can't decrypt them for Seatrial)",)
    assert besides.differences(configurations.read(denied), configurations.read(denied)) == unknown
    assert besides.differences(configurations.read(told), configurations.read(told)) == ()


# ---------------------------------------------------------------- the flow


@pytest.fixture
def account() -> Iterator[SmallAccount]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        account.lambdas.tags = {"payments": WITH_STACK}
        account.lambdas.configured = {"8": {"MemorySize": 256, "Environment": {"Variables": {"KEY": "s3cret"}}}}
        account.stacks.events["shop"] = [_told(one) for one in reversed(UPDATE)]
        account.codedeploy.begin("d-1")
        yield account


def _told(one: StackEvent) -> dict[str, Any]:
    return {
        "StackId": "arn:shop",
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "ResourceStatus": one.status,
        "Timestamp": one.at,
    }


def opened(account: SmallAccount) -> Release:
    return preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))


def told(account: SmallAccount) -> str:
    step = account.ledger.find_step("d-1", "besides", "")
    return step.sentence if step else ""


def test_the_first_look_keeps_it_with_the_release(account: SmallAccount) -> None:
    opened(account)
    monitor.look(account.aws, TICK)
    assert told(account) == (
        "payments:live: version 8 changes besides its code: memory 128 MB → 256 MB, variable KEY added. The update of "
        "stack shop changes so far 2 of its other resources: Alarm Bad (update), Table Refunds (create)"
    )
    assert account.ledger.release("d-1").compared


def test_it_is_read_once(account: SmallAccount) -> None:
    opened(account)
    monitor.look(account.aws, TICK)
    account.lambdas.configured = {}
    account.stacks.broken = refused("DescribeStackEvents", "Throttling")
    before = told(account)
    monitor.look(account.aws, TICK)
    assert told(account) == before


def test_no_value_of_the_environment_is_kept(account: SmallAccount, capsys: pytest.CaptureFixture[str]) -> None:
    opened(account)
    monitor.look(account.aws, TICK)
    assert "s3cret" not in repr(account.ledger.steps("d-1")) + capsys.readouterr().out


def test_what_can_not_be_read_now_holds_nothing_up_and_is_read_by_the_next_tick(account: SmallAccount) -> None:
    opened(account)
    account.stacks.broken = refused("DescribeStackEvents", "Throttling")
    account.codedeploy.ends("d-1", "Succeeded")
    assert monitor.look(account.aws, TICK)["closed"] == [{"release": "d-1", "end": "released"}]
    assert told(account) == ""
    account.stacks.broken = None
    monitor.look(account.aws, TICK)
    assert told(account)


def test_a_stack_that_may_not_be_read_is_told_as_such(account: SmallAccount) -> None:
    opened(account)
    account.stacks.broken = refused("DescribeStackEvents", "AccessDenied")
    monitor.look(account.aws, TICK)
    assert told(account).endswith("variable KEY added. What else stack shop changes can't be read")


@pytest.mark.parametrize(
    ("tags", "code", "sentence"),
    [
        ({"seatrial": "released"}, {}, "changes nothing but its code"),
        ({"seatrial": "released"}, {"8": "7"}, "has the code of version 7 and changes nothing"),
        (WITH_STACK, {}, "changes nothing but its code. The update of stack shop changes nothing else so far"),
    ],
)
def test_that_nothing_changes_is_told_too(
    account: SmallAccount, tags: dict[str, str], code: dict[str, str], sentence: str
) -> None:
    account.lambdas.tags = {"payments": tags}
    account.lambdas.configured, account.lambdas.code = {}, code
    account.stacks.events["shop"] = [_told(UPDATE[1])]
    opened(account)
    monitor.look(account.aws, TICK)
    assert told(account) == f"payments:live: version 8 {sentence}"
