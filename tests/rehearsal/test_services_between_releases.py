"""What no hook sees: the first version behind a new alias, and a change that publishes no version."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.sam import Sam, source_of
from rehearsal.stage import Stage
from tests.on_stage import until
from tests.rehearsal.shop import deploy, deployed

pytestmark = pytest.mark.proof

MINUTE = 60


def notices(stage: Stage, service: str) -> list[str]:
    """The kinds of what was told of a service apart from any release."""
    resource = {"StackName": "seatrial", "LogicalResourceId": "Ledger"}
    table = stage.client("cloudformation").describe_stack_resource(**resource)["StackResourceDetail"]
    found = stage.client("dynamodb").query(
        TableName=table["PhysicalResourceId"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"notice#{service}"}},
    )
    return [item["sk"]["S"].partition("#")[0] for item in found["Items"]]


def invokes(stage: Stage, function: str, version: str) -> int:
    calls = [call for call in stage.calls() if call["action"] == "lambda:InvokeFunction" and call["allowed"]]
    return sum(1 for call in calls if str(call["resource"]).endswith(f":{function}:{version}"))


def test_a_first_version_is_tested_and_an_imported_layer_alone_is_reported(
    stage: Stage, project: Path, tmp_path: Path
) -> None:
    sam = Sam(stage.endpoint)
    sam.build(project)
    deployed(deploy(stage, sam, project, "seatrial"))
    payments = source_of("v1", "first", tmp_path)
    sam.build(payments)
    deployed(deploy(stage, sam, payments, "payments"))
    until(stage, "version 1 is tested", lambda: invokes(stage, "payments", "1") or None, MINUTE)
    assert notices(stage, "payments:live") == ["first test"]

    module = project / "layers/outcome/seatrial_outcome/__init__.py"
    module.write_text(f"{module.read_text()}# changed\n")
    sam.build(project)
    deployed(deploy(stage, sam, project, "seatrial"))
    deployed(deploy(stage, sam, payments, "payments"))

    until(
        stage,
        "the change without a version is reported",
        lambda: "unreleased" in notices(stage, "payments:live") or None,
        MINUTE,
    )
    assert stage.client("lambda").get_alias(FunctionName="payments", Name="live")["FunctionVersion"] == "1"
    assert [call for call in stage.calls() if not call["allowed"]] == []
