"""What nothing on the stage would read in a template: pure."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.stage.cloudformation.unread import passed_over, problem

SHIFT = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "Group"}}
NOTHING = {"Ref": "AWS::NoValue"}


def an_alias(policy: Any) -> dict[str, Any]:
    return {"Resources": {"Live": {"Type": "AWS::Lambda::Alias", "UpdatePolicy": policy}}}


def either(one: Any, other: Any) -> dict[str, Any]:
    return {"Fn::If": ["Shifts", one, other]}


@pytest.mark.parametrize(
    "template",
    [
        pytest.param({"Resources": {}, "Globals": {}, "Transform": ["AWS::Serverless-2016-10-31"]}, id="SAM"),
        pytest.param(an_alias({"CodeDeployLambdaAliasUpdate": SHIFT}), id="a shift"),
        pytest.param(an_alias(either({"CodeDeployLambdaAliasUpdate": SHIFT}, NOTHING)), id="a shift by condition"),
        pytest.param(an_alias({"CodeDeployLambdaAliasUpdate": either(SHIFT, NOTHING)}), id="a condition in a shift"),
        pytest.param(
            an_alias({"CodeDeployLambdaAliasUpdate": {**SHIFT, "BeforeAllowTrafficHook": "hook"}}), id="a hook"
        ),
        pytest.param(
            {"Resources": {"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "UpdatePolicy": {"Any": {}}}}},
            id="a policy of another type",
        ),
    ],
)
def test_what_the_stage_reads_is_no_problem(template: dict[str, Any]) -> None:
    assert problem(template) is None


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (an_alias({"CodeDeployAlias": {}}), "UpdatePolicy of Live: an alias has CodeDeployLambdaAliasUpdate, not "),
        (an_alias({"CodeDeployLambdaAliasUpdate": {**SHIFT, "AfterInstall": "hook"}}), "not AfterInstall"),
        (an_alias({"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a"}}), "needs DeploymentGroupName"),
        (an_alias(either({"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a"}}, NOTHING)), "DeploymentGroupName"),
        (
            {
                "Resources": {
                    "F": {"Type": "AWS::Lambda::Function", "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {}}}
                }
            },
            "UpdatePolicy of F: CodeDeployLambdaAliasUpdate is for aliases alone",
        ),
        ({"Transform": "Mine", "Resources": {}}, "No transform named Mine found"),
        ({"Resources": {"F": {"Properties": {"Fn::Transform": {"Name": "Mine"}}}}}, "No transform named Mine found"),
        ({"Resources": {}, "Hooks": {"Green": {}}}, "The stage reads no section Hooks"),
    ],
)
def test_what_nothing_reads_is_named(template: dict[str, Any], said: str) -> None:
    assert said in str(problem(template))


def test_a_hook_that_sam_passes_over_is_told() -> None:
    def preferring(*hooks: str) -> dict[str, Any]:
        return {"DeploymentPreference": {"Type": "AllAtOnce", "Hooks": dict.fromkeys(hooks, "hook")}}

    template = {
        "Globals": {"Function": preferring("PreTraffic", "PostTraffic")},
        "Resources": {"Pay": {"Type": "AWS::Serverless::Function", "Properties": preferring("Pretraffic")}},
    }
    assert list(passed_over(template)) == [
        "SAM passes over the hook Pretraffic of Pay: it knows PostTraffic and PreTraffic"
    ]
