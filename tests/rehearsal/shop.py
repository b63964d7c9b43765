"""Seatrial and services of its users on a stage, for stories that take more than one `sam deploy` to tell."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from rehearsal.sam import HOLD_SECONDS, PROJECT, Ran, Sam, project_of, source_of
from rehearsal.stage import Stage
from seatrial.aws.ledger import Ledger
from seatrial.core.release import Release, State
from tests.on_stage import HOUR, settled, until


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

    def deploy(self, folder: Path, service: str, parameters: Mapping[str, str] | None = None) -> Ran:
        """`sam deploy` to its end; the stage's time goes on as far as the stack needs it."""
        return deploy(self.stage, self.sam, folder, service, **(parameters or {}))

    def until[T](self, what: str, holds: Callable[[], T | None], seconds: float = HOUR) -> T:
        return until(self.stage, what, holds, seconds)

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

    def reaches(self, service: str, state: State, patience: float = HOUR) -> Release:
        def there() -> Release | None:
            found = self.last(service)
            return found if found and found.state is state else None

        return until(self.stage, f"{service} is {state}", there, patience)

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
    deployed(sam.deploy(built(sam), "seatrial"))
    found = stage.client("cloudformation").describe_stack_resource(StackName="seatrial", LogicalResourceId="Ledger")
    table = found["StackResourceDetail"]["PhysicalResourceId"]
    return sam, Ledger(stage.client("dynamodb"), table, timedelta(days=1))


def built(sam: Sam) -> Path:
    """Seatrial as `sam build` makes it, once for all workers of a test run: an unchanged source is not built again."""
    folders = (PROJECT / name for name in ("functions", "layers"))
    sources = sorted(path for folder in folders for path in folder.rglob("*"))
    digest = hashlib.sha256()
    for path in (PROJECT / "template.yaml", PROJECT / "samconfig.toml", *sources):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    folder = PROJECT / "build" / "tests" / digest.hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            sam.build(project_of(folder))
            (folder / "built").touch()
    return folder


def deployed(ran: Ran) -> None:
    assert ran.ok, ran.tail(25)


@dataclass(frozen=True)
class Deployer:
    """What `sam deploy` takes."""

    stage: Stage
    sam: Sam


def deploy(stage: Stage, sam: Sam, folder: Path, stack: str, **parameters: str) -> Ran:
    """`sam deploy` to its end; the stage's time goes on as far as the stack needs it."""
    return Meanwhile(Deployer(stage, sam), folder, stack, **parameters).ended()


class Meanwhile:
    """`sam deploy` in a thread of its own. It holds the clock until it waits for the stack."""

    def __init__(self, shop: Shop | Deployer, folder: Path, service: str, **parameters: str) -> None:
        self.ran: Ran | None = None
        self._stage, self._stack = shop.stage, service
        begins = ExitStack()
        begins.enter_context(shop.stage.time.held(f"sam deploy of {service}", HOLD_SECONDS))

        def run() -> None:
            with begins:  # sam.deploy holds the clock by itself before it prints anything
                self.ran = shop.sam.deploy(folder, service, parameters, lambda _: begins.close())

        self._thread = Thread(target=run)
        self._thread.start()

    def ended(self) -> Ran:
        self._stage.time.advance(0, within=HOLD_SECONDS)
        settled(self._stage, self._stack)
        self._thread.join()
        assert self.ran is not None, "sam deploy did not end"
        return self.ran
