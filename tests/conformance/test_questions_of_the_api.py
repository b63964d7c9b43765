"""What nobody could confirm of what the APIs take: each test asks, and hands over whatever is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance import template
from tests.conformance.account import Account, code
from tests.conformance.marks import documented, modelled, question, reported

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"

type Answered = Callable[[Any], None]


@question(
    "second_deployment",
    minutes=2,
    why=modelled("codedeploy.CreateDeployment"),
    danger=2,
    cost="A rollback of ours would wait behind the release that it must end.",
)
def test_is_a_second_deployment_of_a_group_refused_or_does_it_wait(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    first = account.start(account.spec(before=account["Hook"]))
    call = account.asked(first)
    try:
        second = account.start()
    except ClientError as refused:
        assert code(refused) == "DeploymentLimitExceededException"
        given = "refused"
    else:
        assert account.info(second)["status"] in ("Created", "Queued")
        account.codedeploy.stop_deployment(deploymentId=second)
        given = "queued"
    account.answer(call)
    assert account.end(first)["status"] == "Succeeded"
    answered(given)


@question(
    "rollback_shows_last_good",
    minutes=2,
    danger=2,
    cost="Reports would name the wrong version as the one rolled back to.",
)
def test_does_a_rollback_show_the_appspec_that_succeeded_last(account: Account, answered: Answered) -> None:
    account.alias()
    account.group(AT_ONCE)
    good = account.end(account.start(account.spec() + "\n"))  # a text that nothing else would make
    failing = account.start(account.spec(after=account["Hook"], current="2", target="1"))
    account.answer(account.asked(failing), "Failed")
    back = account.info(account.end(failing)["rollbackInfo"]["rollbackDeploymentId"])
    shown = back["revision"].get("string") or back["revision"].get("appSpecContent") or {}
    answered(shown.get("sha256") == good["revision"]["string"]["sha256"])


@question(
    "flag_stops_while_it_bakes",
    minutes=3,
    danger=3,
    cost="A bad flag value would stay on during its bake.",
)
def test_does_stopping_take_a_flag_back_that_bakes(account: Account, answered: Answered) -> None:
    name = f"{account.prefix}-{account.name}"
    if account.exists(name):
        account.delete(name)  # of a run that was broken off
    assert account.apply(name, template.flag(name)) == "CREATE_COMPLETE"
    outputs = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    flag = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    appconfig = account.client("appconfig")
    where = {"ApplicationId": flag["Application"], "EnvironmentId": flag["Environment"]}
    number = appconfig.start_deployment(
        **where,
        DeploymentStrategyId=flag["Strategy"],
        ConfigurationProfileId=flag["Profile"],
        ConfigurationVersion=flag["Version"],
    )["DeploymentNumber"]

    def state() -> str:
        return str(appconfig.get_deployment(**where, DeploymentNumber=number)["State"])

    account.until(lambda: state() == "BAKING", 5)
    try:
        appconfig.stop_deployment(**where, DeploymentNumber=number, AllowRevert=True)
    except ClientError as refused:
        assert code(refused) == "BadRequestException"
    bakes_on = state() == "BAKING"
    account.until(lambda: state() not in ("DEPLOYING", "BAKING", "ROLLING_BACK"), 12)
    account.delete(name)
    answered(not bakes_on)


@question(
    "empty_alarms_refused",
    why=reported("public templates with an empty list of alarms (no thread kept)"),
    danger=1,
    cost="A template whose list of alarms is empty would fail.",
)
def test_are_alarms_refused_that_are_enabled_and_list_none(account: Account, answered: Answered) -> None:
    try:
        account.group(AT_ONCE, alarmConfiguration={"enabled": True, "alarms": []})
    except ClientError as refused:
        assert code(refused) == "InvalidAlarmConfigException"
        answered(True)
    else:
        answered(False)


@question(
    "alarms_take_open_ranks",
    why=documented("CloudWatch API Reference: PutMetricAlarm"),
    danger=2,
    cost="A stack with a latency alarm of ours would fail.",
)
def test_may_an_alarm_watch_a_percentile_rank_with_one_bound(account: Account, answered: Answered) -> None:
    answered(takes_an_alarm_on(account, "PR(:800)"))


@question(
    "alarms_take_values_between",
    why=documented("CloudWatch API Reference: PutMetricAlarm"),
    danger=1,
    cost="A stack with an alarm on a trimmed count would fail.",
)
def test_may_an_alarm_watch_a_trimmed_statistic_between_values(account: Account, answered: Answered) -> None:
    answered(takes_an_alarm_on(account, "TC(0:800)"))


def takes_an_alarm_on(account: Account, statistic: str) -> bool:
    cloudwatch, name = account.client("cloudwatch"), f"{account.prefix}-{account.name}"
    try:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Seatrial/Conformance",
            MetricName="Nothing",
            ExtendedStatistic=statistic,
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
    except ClientError as refused:
        assert code(refused) == "ValidationError"
        return False
    cloudwatch.delete_alarms(AlarmNames=[name])
    return True
