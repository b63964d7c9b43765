"""A race has the same winner on a busy machine, because the clock is slow while a function works there.

A function that stops a deployment starts anew each time, against an alarm poll that comes seven seconds later or more.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from rehearsal.stage import ACCOUNT, Stage
from tests.load import busy
from tests.on_stage import ended

pytestmark = pytest.mark.proof

RACES = 20
LOOPS = 4
AFTER_THE_START = 3.0
"""Seconds. CodeDeploy looks at the alarms when it starts, and again 10 to 30 seconds later."""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/race"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SERVICE = "def handler(event, context):\n    return 1\n"
ROLLBACK = """
import boto3
codedeploy = boto3.client("codedeploy")

def handler(event, context):
    running = codedeploy.list_deployments(
        applicationName="app", deploymentGroupName="group", includeOnlyStatuses=["InProgress"]
    )["deployments"]
    for deployment in running:
        codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
"""


def packed(code: str) -> bytes:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", code)
    return package.getvalue()


def make(stage: Stage, name: str, code: str) -> str:
    made = stage.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Timeout=30,
        Role=ROLE,
        Code={"ZipFile": packed(code)},
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """An alarm, a group that polls it, and a function that hears of it by a rule. Its time runs by itself."""
    with Stage(minute=2) as running:
        functions, codedeploy, events = (running.client(one) for one in ("lambda", "codedeploy", "events"))
        running.client("iam").create_role(RoleName="race", AssumeRolePolicyDocument="{}")
        running.client("iam").put_role_policy(
            RoleName="race", PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING)
        )
        make(running, "service", SERVICE)
        for description in ("one", "two"):
            functions.update_function_configuration(FunctionName="service", Description=description)
            functions.publish_version(FunctionName="service")
        functions.create_alias(FunctionName="service", Name="live", FunctionVersion="1")
        rollback = make(running, "rollback", ROLLBACK)
        running.client("cloudwatch").put_metric_alarm(
            AlarmName="errors",
            Namespace="Race",
            MetricName="Errors",
            Statistic="Sum",
            Period=3600,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        pattern = {"detail-type": ["CloudWatch Alarm State Change"], "detail": {"state": {"value": ["ALARM"]}}}
        rule = events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))["RuleArn"]
        functions.add_permission(
            FunctionName="rollback",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )
        events.put_targets(Rule="alarms", Targets=[{"Id": "rollback", "Arn": rollback}])
        codedeploy.create_application(applicationName="app", computePlatform="Lambda")
        codedeploy.create_deployment_group(
            applicationName="app",
            deploymentGroupName="group",
            deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent30Minutes",
            serviceRoleArn=ROLE,
            alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]},
            autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]},
        )
        yield running


def race(stage: Stage, number: int) -> tuple[str, float]:
    """Why a deployment was stopped whose alarm fires soon after its first weight, and how many seconds after that."""
    set_state = stage.client("cloudwatch").set_alarm_state
    set_state(AlarmName="errors", StateValue="OK", StateReason="a new race")
    code = packed(f"{ROLLBACK}# {number}")  # other code: no environment of the race before serves this one
    stage.client("lambda").update_function_code(FunctionName="rollback", ZipFile=code)
    properties = {"Name": "service", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    content = {"version": 0.0, "Resources": [{"it": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    began, turns = len(stage.records()), stage.time.turns(AFTER_THE_START, "the race", 300)
    next(turns)
    deployment = stage.client("codedeploy").create_deployment(
        applicationName="app",
        deploymentGroupName="group",
        revision={"revisionType": "String", "string": {"content": json.dumps(content)}},
    )["deploymentId"]
    fired = next(turns)
    assert any(one["kind"] == "weights" for one in stage.records(began)), "it shifts"
    set_state(AlarmName="errors", StateValue="ALARM", StateReason="the race")
    turns.close()
    found = ended(stage, deployment)
    stopped = next(one["t"] for one in stage.records(began) if one.get("what") in ("stop", "alarm"))
    return str(found["errorInformation"]["code"]), stopped - fired


def test_the_rollback_function_wins_every_race_on_a_busy_machine(stage: Stage) -> None:
    with busy(LOOPS):
        races = [race(stage, number) for number in range(RACES)]
    print(*(f"{code} after {seconds:.1f} s" for code, seconds in races), sep="\n")
    assert {code for code, _ in races} == {"MANUAL_STOP"}
