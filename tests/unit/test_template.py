"""template.yaml keeps what the README promises of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samcli.yamlhelper import yaml_parse

from seatrial import settings
from seatrial.aws.ledger import heads
from seatrial.core.release import Release
from tests.small_account import REGION, make_table

PROJECT = Path(__file__).parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text())
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = {n: r["Properties"] for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
HOOKS = {"PreTrafficFunction": "pre_traffic", "PostTrafficFunction": "post_traffic"}
CODE_LIMIT = 25


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_behind_an_alias_with_a_deployment_preference(name: str) -> None:
    assert TEMPLATE["Globals"]["Function"]["AutoPublishAlias"] == "live"
    assert "Type" in FUNCTIONS[name]["DeploymentPreference"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_log_group_that_forgets(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]

    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize(("logical_id", "part"), HOOKS.items())
def test_the_hooks_bear_the_prefix_that_codedeploy_may_invoke_and_have_no_hooks_themselves(
    logical_id: str, part: str
) -> None:
    properties = FUNCTIONS[logical_id]

    assert properties["FunctionName"] == {"Fn::Sub": f"CodeDeployHook_${{AWS::StackName}}_{part}"}
    assert properties["DeploymentPreference"] == {"Type": "AllAtOnce"}


@pytest.mark.parametrize("name", ["RollbackFunction", "MonitorFunction", "DarkTesterFunction", "BoardFunction"])
def test_what_is_no_hook_is_tried_in_the_dark_by_the_hooks(name: str) -> None:
    preference = FUNCTIONS[name]["DeploymentPreference"]

    assert preference["Type"] == {"Ref": "ShiftType"}
    assert preference["Hooks"]["PreTraffic"] == {"Ref": "PreTrafficFunction.Alias"}
    suite = PROJECT / FUNCTIONS[name]["CodeUri"] / "seatrial" / "suite.yaml"
    assert suite.is_file()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_invoked_asynchronously_has_a_place_for_what_fails(name: str) -> None:
    assert "OnFailure" in FUNCTIONS[name]["EventInvokeConfig"]["DestinationConfig"]


@pytest.mark.parametrize("hook", ["PreTraffic", "PostTraffic"])
def test_services_import_the_hooks_by_their_alias(hook: str) -> None:
    output = TEMPLATE["Outputs"][f"{hook}Hook"]

    assert output["Value"] == {"Fn::If": ["HooksByAlias", {"Ref": f"{hook}Function.Alias"}, {"Ref": f"{hook}Function"}]}
    assert output["Export"] == {"Name": {"Fn::Sub": f"${{AWS::StackName}}-{hook}"}}


def test_no_export_changes_its_value_with_an_update() -> None:
    exported = {output["Export"]["Name"]["Fn::Sub"] for output in TEMPLATE["Outputs"].values() if "Export" in output}
    assert exported == {"${AWS::StackName}-PreTraffic", "${AWS::StackName}-PostTraffic"}


def test_services_read_the_outcome_layer_from_a_parameter() -> None:
    parameter = RESOURCES["OutcomeLayerParameter"]["Properties"]
    payments = yaml_parse((PROJECT / "examples/payments/template.yaml").read_text())

    assert parameter["Value"] == {"Ref": "OutcomeLayer"}
    read = payments["Parameters"]["OutcomeLayer"]
    assert read["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Name"] == {"Fn::Sub": "/${AWS::StackName}/outcome-layer"}
    assert read["Default"] == "/seatrial/outcome-layer"


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_give_up_long_before_codedeploy_on_alias_and_latest(name: str) -> None:
    of_alias = FUNCTIONS[name]["EventInvokeConfig"]
    (of_latest,) = [
        r["Properties"]
        for r in RESOURCES.values()
        if r["Type"] == "AWS::Lambda::EventInvokeConfig" and r["Properties"]["FunctionName"] == {"Ref": name}
    ]

    assert of_latest["Qualifier"] == "$LATEST"
    fallback = {"Ref": "HookFallbackFunction.Alias"}
    for config in (of_alias, of_latest):
        assert config["MaximumEventAgeInSeconds"] == 600
        assert config["MaximumRetryAttempts"] == 2
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == fallback


def test_the_fallback_is_short_enough_to_stand_in_a_template() -> None:
    assert len(FUNCTIONS["HookFallbackFunction"]["InlineCode"]) <= 4096


def test_the_runtime_is_fixed_and_the_processor_a_choice() -> None:
    assert TEMPLATE["Globals"]["Function"]["Runtime"] == "python3.13"
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]
    assert TEMPLATE["Parameters"]["Architecture"]["Default"] == "arm64"


def test_a_changed_layer_publishes_versions() -> None:
    assert TEMPLATE["Globals"]["Function"]["AutoPublishAliasAllProperties"] is True
    assert RESOURCES["SeatrialLayer"]["Properties"]["PublishLambdaVersion"] is True


@pytest.mark.parametrize("handler", sorted((PROJECT / "functions").glob("*/app.py")), ids=lambda path: path.parent.name)
def test_a_handler_is_short(handler: Path) -> None:
    assert len(handler.read_text().splitlines()) <= CODE_LIMIT


def test_the_ledger_costs_by_request_can_be_put_back_to_any_second_and_forgets_after_its_days() -> None:
    table = RESOURCES["Ledger"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert RESOURCES["Ledger"]["DeletionPolicy"] == RESOURCES["Ledger"]["UpdateReplacePolicy"] == "Retain"
    assert TEMPLATE["Parameters"]["LedgerDays"]["Type"] == "Number"
    environment = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert environment["SEATRIAL_LEDGER_DAYS"] == {"Ref": "LedgerDays"}
    release = Release("d-1", "shop", "payments", "payments", "live", "7", "8", datetime(2026, 11, 23, tzinfo=UTC))
    keep = settings.read({"SEATRIAL_LEDGER_DAYS": "30"}).ledger_keeps
    forgotten = {"AttributeName": "expires", "Enabled": True}
    assert table["TimeToLiveSpecification"] == forgotten
    assert heads.expires(release, keep) == {"expires": datetime(2026, 12, 23, tzinfo=UTC).timestamp()}


@mock_aws()
def test_tests_have_the_ledger_of_the_template() -> None:
    make_table()
    made = boto3.client("dynamodb", **REGION).describe_table(TableName="ledger")["Table"]
    table = RESOURCES["Ledger"]["Properties"]
    assert made["KeySchema"] == table["KeySchema"]
    assert made["AttributeDefinitions"] == table["AttributeDefinitions"]
    indexes = table["GlobalSecondaryIndexes"]
    assert [{name: one[name] for name in indexes[0]} for one in made["GlobalSecondaryIndexes"]] == indexes


OWN_ALARMS = {n: r["Properties"] for n, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_throttles_and_duration_of_each_function_alarm_into_the_topic(name: str) -> None:
    own = {n: a for n, a in OWN_ALARMS.items() if a["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]}
    assert sorted(alarm["MetricName"] for alarm in own.values()) == ["Duration", "Errors", "Throttles"]
    for logical_id, alarm in own.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Topic"}]
        assert RESOURCES[logical_id].get("Condition") == RESOURCES[name].get("Condition")
        if alarm["MetricName"] == "Duration":
            limit = FUNCTIONS[name].get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])
            assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 900 * limit)
        else:
            assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 0)


def test_an_event_in_the_dead_letter_queue_alarms() -> None:
    alarm = OWN_ALARMS["DeadLettersAlarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)


def test_alarms_of_seatrials_own_have_names_of_their_own_that_the_rollback_function_does_not_hear() -> None:
    names = [alarm["AlarmName"]["Fn::Sub"] for alarm in OWN_ALARMS.values()]
    (unheard,) = FUNCTIONS["RollbackFunction"]["Events"]["Alarm"]["Properties"]["Pattern"]["detail"]["alarmName"]
    prefix = unheard["anything-but"]["prefix"]["Fn::Sub"]
    assert len(names) == len(set(names)) == 3 * len(FUNCTIONS) + 1
    assert all(name.startswith(prefix) for name in names)


def test_the_read_only_policy_only_reads() -> None:
    statements = RESOURCES["ReadOnlyPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    actions = [a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
    verbs = ("Get", "Describe", "Query", "Scan", "BatchGet")
    assert [action for action in actions if not action.partition(":")[2].startswith(verbs)] == []
