"""Seatrial and services of its users on a stage, for stories that take more than one `sam deploy` to tell."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from rehearsal.sam import PROJECT, Ran, Sam, source_of
from rehearsal.stage import Stage
from seatrial.aws.ledger import Ledger
from seatrial.core.release import Release, State

PATIENCE = 60.0
"""Wall seconds: an hour of a stage whose minute is a second."""


def until[T](what: str, holds: Callable[[], T | None], patience: float = PATIENCE) -> T:
    deadline = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)
    return found


@dataclass
class Shop:
    """Seatrial and several payments services on one stage."""

    stage: Stage
    sam: Sam
    sources: Path
    ledger: Ledger

    def build(self, variant: str, name: str) -> Path:
        folder = source_of(variant, name, self.sources)
        self.sam.build(folder)
        return folder

    def live(self, service: str) -> str:
        alias = self.stage.client("lambda").get_alias(FunctionName=service, Name="live")
        assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"), "weights are left on the alias"
        return str(alias["FunctionVersion"])

    def serves(self, service: str, requests: int = 15) -> set[str]:
        """The versions that answer users."""
        health = (PROJECT / "examples/payments/function/seatrial/events/get.json").read_bytes()
        client = self.stage.client("lambda")
        return {
            client.invoke(FunctionName=service, Qualifier="live", Payload=health)["ExecutedVersion"]
            for _ in range(requests)
        }

    def stack(self, service: str) -> str:
        (found,) = self.stage.client("cloudformation").describe_stacks(StackName=service)["Stacks"]
        return str(found["StackStatus"])

    def alarm(self, service: str) -> str:
        return self._resource(service, "BadOutcomes")

    def group(self, service: str) -> dict[str, Any]:
        found = self.stage.client("codedeploy").get_deployment_group(
            applicationName=self._resource(service, "ServerlessDeploymentApplication"),
            deploymentGroupName=self._resource(service, "PaymentsFunctionDeploymentGroup"),
        )
        return dict(found["deploymentGroupInfo"])

    def ring(self, service: str) -> None:
        self.stage.client("cloudwatch").set_alarm_state(
            AlarmName=self.alarm(service), StateValue="ALARM", StateReason="users complain"
        )

    def last(self, service: str) -> Release | None:
        found = self.ledger.releases_of(service, 1)
        return self.ledger.find(found[0].deployment_id) if found else None

    def reaches(self, service: str, state: State, patience: float = PATIENCE) -> Release:
        def there() -> Release | None:
            found = self.last(service)
            return found if found and found.state is state else None

        return until(f"{service} is {state}", there, patience)

    def told(self, release: Release) -> list[str]:
        return [step.sentence for step in self.ledger.steps(release.deployment_id)]

    def records_of(self, release: Release) -> list[dict[str, Any]]:
        return [one for one in self.stage.records() if one.get("deployment") == release.deployment_id]

    def last_reason(self, service: str) -> str:
        found = self.last(service)
        return found.reason if found else ""

    def kinds(self, release: Release) -> set[str]:
        return {step.kind for step in self.ledger.steps(release.deployment_id)}

    def on_call(self, what: str, **detail: Any) -> None:
        entry = {"Source": "seatrial.oncall", "DetailType": what, "EventBusName": "seatrial"}
        said = json.dumps({"who": "on-call@example.com", "reason": "rehearsed", **detail})
        assert not self.stage.client("events").put_events(Entries=[{**entry, "Detail": said}])["FailedEntryCount"]

    def _resource(self, stack: str, logical_id: str) -> str:
        found = self.stage.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def seatrial_on(stage: Stage) -> tuple[Sam, Ledger]:
    """Seatrial itself, deployed; with its ledger."""
    sam = Sam(stage.endpoint)
    sam.build(PROJECT)
    deployed(sam.deploy(PROJECT, "seatrial"))
    found = stage.client("cloudformation").describe_stack_resource(StackName="seatrial", LogicalResourceId="Ledger")
    table = found["StackResourceDetail"]["PhysicalResourceId"]
    return sam, Ledger(stage.client("dynamodb"), table, timedelta(days=1))


def deployed(ran: Ran) -> None:
    assert ran.ok, ran.tail(25)


class Meanwhile:
    """`sam deploy` in a thread of its own."""

    def __init__(self, shop: Shop, folder: Path, service: str, **parameters: str) -> None:
        self.ran: Ran | None = None

        def run() -> None:
            self.ran = shop.sam.deploy(folder, service, parameters)

        self._thread = Thread(target=run)
        self._thread.start()

    def ended(self) -> Ran:
        self._thread.join(4 * PATIENCE)
        assert self.ran is not None, "sam deploy did not end"
        return self.ran
