"""The way back for a flag, on the stage: from on call's event to what users of the flag get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal.stage import Stage
from seatrial.aws.ledger import Ledger
from tests.on_stage import until
from tests.rehearsal.shop import seatrial_on

pytestmark = pytest.mark.proof


@dataclass
class Flags:
    """Seatrial on a stage, and one application with two environments, of which one is Seatrial's."""

    stage: Stage
    ledger: Ledger
    application: str
    environments: dict[str, str]
    profile: str

    def deploy(self, environment: str, content: dict[str, Any], *, minutes: int) -> int:
        """The number of a deployment of this content that takes so many stage minutes."""
        client = self.stage.client("appconfig")
        version = client.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            Content=json.dumps(content).encode(),
            ContentType="application/json",
        )["VersionNumber"]
        strategy = client.create_deployment_strategy(
            Name=f"{minutes} minutes", DeploymentDurationInMinutes=minutes, GrowthFactor=100, FinalBakeTimeInMinutes=0
        )
        started = client.start_deployment(
            ApplicationId=self.application,
            EnvironmentId=self.environments[environment],
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(version),
            DeploymentStrategyId=strategy["Id"],
        )
        return started["DeploymentNumber"]

    def state(self, environment: str, number: int) -> str:
        found = self.stage.client("appconfig").get_deployment(
            ApplicationId=self.application, EnvironmentId=self.environments[environment], DeploymentNumber=number
        )
        return str(found["State"])

    def completes(self, environment: str, number: int) -> None:
        until(self.stage, "it is complete", lambda: self.state(environment, number) == "COMPLETE")

    def users_get(self, environment: str) -> Any:
        data = self.stage.client("appconfigdata")
        token = data.start_configuration_session(
            ApplicationIdentifier=self.application,
            EnvironmentIdentifier=self.environments[environment],
            ConfigurationProfileIdentifier=self.profile,
        )["InitialConfigurationToken"]
        return json.loads(data.get_latest_configuration(ConfigurationToken=token)["Configuration"].read())

    def on_call_asks(self, flag: str) -> None:
        detail = {"flag": flag, "reason": "baskets are lost", "who": "on-call@example.com"}
        entry = {"Source": "seatrial.oncall", "DetailType": "Rollback Requested", "EventBusName": "seatrial"}
        put = self.stage.client("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])
        assert not put["FailedEntryCount"]

    def told(self, flag: str) -> list[str]:
        return [step.sentence for step in self.ledger.flags.steps(flag) if step.kind == "taken back"]


@pytest.fixture(scope="module")
def flags(stage: Stage) -> Iterator[Flags]:
    _, ledger = seatrial_on(stage)
    client, tag = stage.client("appconfig"), {"seatrial": "released"}
    application = client.create_application(Name="shop", Tags=tag)["Id"]
    tags: dict[str, dict[str, str]] = {"production": tag, "elsewhere": {}}
    yield Flags(
        stage,
        ledger,
        application,
        {name: client.create_environment(ApplicationId=application, Name=name, Tags=tags[name])["Id"] for name in tags},
        client.create_configuration_profile(ApplicationId=application, Name="checkout", LocationUri="hosted")["Id"],
    )
    assert [call for call in stage.calls() if not call["allowed"] and "ListTags" not in call["action"]] == []


def test_on_call_takes_a_running_and_a_finished_deployment_of_a_flag_back_and_nobody_elses(flags: Flags) -> None:
    name = "shop/production/checkout"
    flags.completes("production", flags.deploy("production", {"checkout": "old"}, minutes=0))
    running = flags.deploy("production", {"checkout": "new"}, minutes=1_000)
    flags.on_call_asks(name)
    until(flags.stage, "it is taken back", lambda: flags.state("production", running) == "ROLLED_BACK")
    assert flags.users_get("production") == {"checkout": "old"}
    until(flags.stage, "that is told", lambda: len(flags.told(name)) == 1)

    finished = flags.deploy("production", {"checkout": "new"}, minutes=0)
    flags.completes("production", finished)
    assert flags.users_get("production") == {"checkout": "new"}
    flags.on_call_asks(name)
    until(flags.stage, "it is reverted", lambda: flags.state("production", finished) == "REVERTED")
    assert flags.users_get("production") == {"checkout": "old"}
    first, second = until(flags.stage, "both are told", lambda: found if len(found := flags.told(name)) == 2 else None)
    assert "configuration version 2 is taken back to version 1 (deployment 2)" in first
    assert "configuration version 3 is taken back to version 1 (deployment 3)" in second
    assert second.endswith("on-call@example.com asked for it: baskets are lost")


def test_what_is_not_tagged_is_left_alone_and_iam_would_not_allow_more(flags: Flags) -> None:
    number = flags.deploy("elsewhere", {"checkout": "new"}, minutes=1_000)
    flags.on_call_asks("shop/elsewhere/checkout")

    def refused() -> bool:
        return any(
            not call["allowed"] and call["action"] == "appconfig:ListTagsForResource" for call in flags.stage.calls()
        )

    until(flags.stage, "it was looked at", refused)
    assert flags.state("elsewhere", number) == "DEPLOYING"
    assert not any(
        call["action"] == "appconfig:StopDeployment" and "elsewhere" in call["resource"] for call in flags.stage.calls()
    )
