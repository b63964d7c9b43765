"""What alarms do to a deployment."""

from __future__ import annotations

from datetime import timedelta

from tests.conformance.account import NO_ROLLBACK, Account
from tests.conformance.captures import as_captured, capture
from tests.conformance.marks import captured, claim, documented, modelled, published, reported

AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"


@claim(
    published("event log of a stopped canary, published by its owner"),
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_an_alarm_that_already_rings_stops_a_deployment_before_any_hook_and_any_weight(account: Account) -> None:
    account.alias()
    account.group(alarms=(account["Alarm"],), autoRollbackConfiguration=NO_ROLLBACK)
    account.rings("Alarm")
    deployment = account.start(account.spec(before=account["Hook"]))
    ended = account.end(deployment)
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert account.routes() == ("1", {})
    assert all(status != "Succeeded" for _, status in account.lifecycle(deployment))


@claim(
    captured("observed-getdeployment-stopped-by-alarm"),
    minutes=3,
    danger=3,
    cost="Users would stay on a bad candidate after its release failed.",
)
def test_an_alarm_during_the_shift_stops_it_and_a_rollback_follows(account: Account) -> None:
    account.alias()
    account.group(CANARY, alarms=(account["Alarm"],))
    deployment = account.start()
    account.until_it_shifts(0.1)
    account.rings("Alarm")
    given, captured = as_captured(account.end(deployment), capture("observed-getdeployment-stopped-by-alarm"))
    assert given == captured
    assert account.routes() == ("1", {})


@claim(
    captured("observed-lifecycle-events-stopped-and-rollback"),
    minutes=3,
    danger=2,
    cost="A message or a report would name the wrong cause.",
)
def test_what_an_alarm_stopped_failed_in_allow_traffic_and_its_rollback_reports_every_event_as_succeeded(
    account: Account,
) -> None:
    account.alias()
    account.group(CANARY, alarms=(account["Alarm"],))
    deployment = account.start()
    account.until_it_shifts(0.1)
    account.rings("Alarm")
    ended = account.end(deployment)
    captured = capture("observed-lifecycle-events-stopped-and-rollback")
    assert account.lifecycle(deployment) == captured["stopped"]
    assert account.lifecycle(ended["rollbackInfo"]["rollbackDeploymentId"]) == captured["rollback"]


@claim(
    published("event log of a stopped canary, published by its owner"),
    minutes=3,
    danger=2,
    cost="A bad candidate would keep its traffic for longer than we report.",
)
def test_from_the_alarm_to_the_stop_it_takes_less_than_forty_seconds(account: Account) -> None:
    account.alias()
    account.group(CANARY, alarms=(account["Alarm"],))
    deployment = account.start()
    account.until_it_shifts(0.1)
    account.rings("Alarm")
    ended = account.end(deployment)
    (alarm,) = account.client("cloudwatch").describe_alarms(AlarmNames=[account["Alarm"]])["MetricAlarms"]
    took = ended["completeTime"] - alarm["StateUpdatedTimestamp"]
    assert timedelta() < took < timedelta(seconds=40)


@claim(captured("observed-getdeployment-rollback"), danger=2, cost="A message or a report would name the wrong cause.")
def test_a_rollback_is_a_deployment_of_its_own_that_names_the_one_it_takes_back(account: Account) -> None:
    account.alias()
    account.group()
    deployment = account.start()
    account.until_it_shifts()
    account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    back = account.info(account.end(deployment)["rollbackInfo"]["rollbackDeploymentId"])
    given, captured = as_captured(back, capture("observed-getdeployment-rollback"))
    assert given == captured
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == deployment
    assert back["creator"] == "codeDeployRollback"


@claim(
    reported("users' reports of canaries with sparse metrics (no thread kept)"),
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_an_alarm_without_data_stops_nothing(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE, alarms=(account["Alarm"],))
    account.rings("Alarm", "INSUFFICIENT_DATA")
    assert account.end(account.start())["status"] == "Succeeded"


@claim(documented("CodeDeploy User Guide: Monitoring deployments with CloudWatch alarms in CodeDeploy"))
def test_a_group_whose_alarms_are_not_enabled_shifts_past_a_ringing_one(account: Account) -> None:
    account.alias()
    quiet = {"enabled": False, "alarms": [{"name": account["Alarm"]}]}
    account.group(AT_ONCE, alarmConfiguration=quiet)
    account.rings("Alarm")
    assert account.end(account.start())["status"] == "Succeeded"


@claim(
    modelled("codedeploy.CreateDeployment"),
    danger=2,
    cost="A bad candidate would get production traffic without a check.",
)
def test_a_deployments_own_alarms_count_instead_of_its_groups(account: Account) -> None:
    account.alias()
    account.group(AT_ONCE, alarms=(account["Alarm"],))
    account.rings("Alarm")
    deployment = account.start(overrideAlarmConfiguration={"enabled": False, "alarms": []})
    ended = account.end(deployment)
    assert (ended["status"], ended["overrideAlarmConfiguration"]["enabled"]) == ("Succeeded", False)
