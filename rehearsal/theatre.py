"""One service on the stage and the releases rehearsed with it: deploy, watch, intervene, see what came of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rehearsal.sam import PROJECT, Sam, SamError
from rehearsal.scenarios.story import Scenario, Seen
from rehearsal.stage import Stage
from rehearsal.telling import ledgers
from rehearsal.telling.screen import Screen
from rehearsal.traffic import Traffic
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.core import charted, story
from seatrial.core import judging as judge
from seatrial.core.release import Release, State
from seatrial.flows import judging
from seatrial.settings import Clock

ALIAS = "live"
SEATRIAL = "seatrial"
ANSWERS_AFTER_THE_END = 12
"""So many answers are waited for after a release, to see which version users get."""


class RehearsalError(Exception):
    """The rehearsal can't go on: something took too long or is not there. The text says what."""


def wait_until(what: str, true: Callable[[], Any], *, clock: Clock, seconds: float, stopping: threading.Event) -> Any:
    """The first true answer of `true`, asked every tenth of a wall second.

    Raises RehearsalError after stage `seconds`, or as soon as `stopping` is set.
    """
    deadline = clock.epoch() + seconds
    while not (found := true()):
        if clock.epoch() > deadline:
            raise RehearsalError(f"waited {seconds:.0f} seconds of the stage in vain: {what}")
        if stopping.wait(0.1):
            raise RehearsalError(f"stopped while waiting: {what}")
    return found


class Seatrials:
    """Seatrial's own stack on the stage: what scenarios switch off, break and mend there."""

    def __init__(self, stage: Stage) -> None:
        self.clock = stage.clock()
        resources = stage.client("cloudformation").describe_stack_resources(StackName=SEATRIAL)["StackResources"]
        self._names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self._events = stage.client("events")
        self._lambda = stage.client("lambda")
        self.ledger = Ledger(stage.client("dynamodb"), self._names["Ledger"], timedelta(days=1))
        self._alarm_rule = self._names["RollbackFunctionAlarm"]
        self._pattern = json.loads(self._events.describe_rule(Name=self._alarm_rule)["EventPattern"])
        self._hook = self._names["PreTrafficFunction"]

    def rollback_on_alarm(self, alarm: str, *, on: bool) -> None:
        """Whether functions/rollback hears of one alarm; all others stay as they are."""
        pattern = json.loads(json.dumps(self._pattern))
        if not on:
            pattern["detail"]["alarmName"] = [{"anything-but": [alarm]}]
        self._events.put_rule(Name=self._alarm_rule, EventPattern=json.dumps(pattern))

    def on_call(self, sample: str, service: str) -> None:
        """Send one event from events/, for this service."""
        event = json.loads((PROJECT / "events" / sample).read_text())
        detail = {**event["detail"], "service": service}
        detail.pop("release", None)
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(detail)}
        answer = self._events.put_events(Entries=[{**entry, "EventBusName": "seatrial"}])
        if answer["FailedEntryCount"]:
            raise RehearsalError(f"the bus did not take {sample}: {answer['Entries']}")

    def break_pre_traffic(self) -> str:
        """Publish the hook without its layer, so that it can't be imported. The version that it replaces."""
        good = str(self._lambda.get_alias(FunctionName=self._hook, Name=ALIAS)["FunctionVersion"])
        self._lambda.update_function_configuration(FunctionName=self._hook, Layers=[])
        broken = self._lambda.publish_version(FunctionName=self._hook)["Version"]
        self._lambda.update_alias(FunctionName=self._hook, Name=ALIAS, FunctionVersion=broken)
        return good

    def mend_pre_traffic(self, good: str) -> None:
        self._lambda.update_alias(FunctionName=self._hook, Name=ALIAS, FunctionVersion=good)


class Service:
    """A payments stack with users. Times that it gives are stage epoch seconds."""

    def __init__(self, name: str, stage: Stage, sam: Sam, seatrial: Seatrials, screen: Screen) -> None:
        self.name = name
        self.alarm = ""
        self._stage = stage
        self._sam = sam
        self._seatrial = seatrial
        self._screen = screen
        self._row = screen.row(name)
        self._cloudformation = stage.client("cloudformation")
        self._codedeploy = stage.client("codedeploy")
        self._cloudwatch = stage.client("cloudwatch")
        self._metrics = Metrics(self._cloudwatch)
        self._lambda = stage.client("lambda")
        self.traffic: Traffic | None = None
        self._names: dict[str, str] = {}
        self._good_hook = ""
        self._began = 0.0

    # ------------------------------------------------------------------ what scenarios do (scenarios.story.Actors)

    def wait_for_users_on_the_candidate(self) -> None:
        """Until three of them have had an answer from it."""
        stable = self._row.stable

        def met() -> bool:
            answers = self.traffic.served() if self.traffic else []
            return sum(s.function == self.name and s.version != stable and s.t >= self._began for s in answers) >= 3

        self._wait_until("users on the candidate", met, seconds=3600)

    def on_call(self, sample: str) -> None:
        self._screen.say(f"on call sends events/{sample}", self.name)
        self._seatrial.on_call(sample, self.name)

    def alarm_poll(self, *, on: bool) -> None:
        self._screen.say(f"CodeDeploy's alarm poll is {'on' if on else 'off'} for this service", self.name)
        self._stage.poll_alarms(self._group, on=on)

    def rollback_on_alarm(self, *, on: bool) -> None:
        heard = "hears again of" if on else "does not hear of"
        self._screen.say(f"functions/rollback {heard} this service's alarm", self.name)
        self._seatrial.rollback_on_alarm(self.alarm, on=on)

    def break_pre_traffic(self) -> None:
        self._screen.say("the pre-traffic hook loses its layer: it can't be imported any more", self.name)
        self._good_hook = self._seatrial.break_pre_traffic()

    def mend_pre_traffic(self) -> None:
        self._seatrial.mend_pre_traffic(self._good_hook)

    # ------------------------------------------------------------------ the service's life

    def create(self, folder: Path) -> float:
        """The first deployment, which no release accompanies: the wall seconds that it took."""
        self._row.step = "sam deploy"
        ran = self._sam.deploy(folder, self.name)
        if not ran.ok:
            raise SamError(f"the first sam deploy of {self.name} failed:\n{ran.tail(25)}")
        resources = self._cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        self._names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.alarm = self._names["BadOutcomes"]
        self._row.stable = self._alias()[0]
        self._row.step = "serves users"
        self._screen.say("deployed: version 1 serves users", self.name)
        return ran.seconds

    def rehearse(self, scenario: Scenario, folder: Path, traffic: Traffic) -> Seen:
        """One release from `sam deploy` to the end, and all that was seen of it."""
        self.traffic, self._began = traffic, self._seatrial.clock.epoch()
        self._row.story, self._row.step = scenario.id, "waits for a quiet alarm"
        self._wait_until(f"{self.alarm} is quiet", self._is_quiet, seconds=3600)
        stable = self._alias()[0]
        before = set(self._deployments())
        first_record = len(self._stage.records())
        self._row.stable, self._row.candidate, self._row.share = stable, "–", 0.0
        self._row.step = "sam deploy"
        scenario.before(self)
        try:
            with ThreadPoolExecutor(1) as meanwhile:
                intervention = meanwhile.submit(scenario.during, self)
                deployed = self._sam.deploy(folder, self.name, scenario.parameters)
                intervention.result()
        finally:
            scenario.after(self)
        started_now = [d for d in self._deployments() if d not in before]
        if not started_now:
            raise RehearsalError(f"sam deploy started no deployment of {self.name}:\n{deployed.tail(25)}")
        seen = self._seen(stable, started_now, first_record, traffic, scenario.watched)
        seen = replace(seen, deploying=deployed.working)
        self._row.step = "serves users"
        return seen

    def _seen(self, stable: str, deployments: list[str], first_record: int, traffic: Traffic, watched: float) -> Seen:
        infos = [self._codedeploy.get_deployment(deploymentId=d)["deploymentInfo"] for d in deployments]
        release = min(infos, key=lambda info: info["createTime"])
        started = release["createTime"].timestamp()
        candidate = _target(release)
        ended = self._seatrial.clock.epoch()

        def enough_answers() -> bool:
            if self._seatrial.clock.epoch() < ended + watched:
                return False
            return sum(s.function == self.name and s.t >= ended for s in traffic.served()) >= ANSWERS_AFTER_THE_END

        self._wait_until(f"users of {self.name} after the release", enough_answers, seconds=600 + watched)
        head, steps = self._ledgers_word(str(release["deploymentId"]))
        main, weights = self._alias()
        stack = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
        mine = {str(info["deploymentId"]) for info in infos}
        return Seen(
            service=self.name,
            stable=stable,
            candidate=candidate,
            started=started,
            ended=ended,
            seconds_after=self._seatrial.clock.epoch() - started,
            deployment=release,
            stack=stack,
            alias_main=main,
            alias_weights=weights,
            served=[s for s in traffic.served() if s.function == self.name and s.t >= started],
            records=[r for r in self._stage.records(first_record) if self._concerns(r, mine)],
            state=str(head.state) if head else "unknown to the ledger",
            reason=head.reason if head else "",
            by=head.by if head else "",
            story=story.lines(head, steps) if head else [],
            steps=ledgers.taken(steps, started),
            **self._judged(head),
        )

    def _judged(self, release: Release | None) -> dict[str, Any]:
        """What the judge makes of a release by its end, and how it came to that; nothing of one that no user met."""
        if release is None or release.state is State.REFUSED:
            return {}
        found = judging.read(self._metrics, [release], self._seatrial.clock.now())
        counted = found[release.deployment_id]
        verdict = judge.verdict(counted, release.judged_by)
        return {
            "courses": tuple(charted.courses(release, counted, verdict)),
            "judged": tuple(charted.told(counted, verdict)),
        }

    def _ledgers_word(self, deployment_id: str) -> tuple[Any, Any]:
        """The ledger's release once it is closed and costed, or what there is of it after three stage minutes."""
        ledger = self._seatrial.ledger

        def closed() -> Any:
            head = ledger.find(deployment_id)
            if not head or head.is_open:
                return None
            return head if head.state is State.REFUSED or ledger.find_step(deployment_id, "cost", "") else None

        try:
            head = self._wait_until("the ledger closes the release", closed, seconds=180)
        except RehearsalError:
            head = ledger.find(deployment_id)
        return head, ledger.steps(deployment_id) if head else ()

    def follow(self, records: Iterable[dict[str, Any]]) -> None:
        """Bring the screen's line up to date, and say what is worth a sentence."""
        for record in records:
            if record["kind"] == "weights" and record["function"] == self.name:
                self._row.share = self._share(record)
            elif record["kind"] == "alarm" and record["alarm"] == self.alarm:
                self._row.alarm = record["new"]
                if record["new"] == "ALARM":
                    self._screen.say(f"alarm: {record['reason']}", self.name)

    def _share(self, record: dict[str, Any]) -> float:
        if record["main"] != self._row.stable:
            self._row.candidate = record["main"]
            return 1.0
        for version, share in record["weights"].items():
            self._row.candidate = version
            return float(share)
        return 0.0

    def count(self, traffic: Traffic) -> None:
        versions: dict[str, int] = {}
        bad = 0
        for served in traffic.served():
            if served.function == self.name:
                versions[served.version] = versions.get(served.version, 0) + 1
                bad += served.bad
        self._row.served_stable = versions.get(self._row.stable, 0)
        self._row.served_candidate = versions.get(self._row.candidate, 0)
        self._row.bad = bad

    # ------------------------------------------------------------------ small questions

    def _wait_until(self, what: str, true: Callable[[], Any], *, seconds: float) -> Any:
        clock = self._seatrial.clock
        return wait_until(what, true, clock=clock, seconds=seconds, stopping=self._sam.stopping)

    @property
    def _group(self) -> str:
        return self._names["PaymentsFunctionDeploymentGroup"]

    def _alias(self) -> tuple[str, dict[str, float]]:
        alias = self._lambda.get_alias(FunctionName=self.name, Name=ALIAS)
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return str(alias["FunctionVersion"]), dict(weights)

    def _is_quiet(self) -> bool:
        (alarm,) = self._cloudwatch.describe_alarms(AlarmNames=[self.alarm])["MetricAlarms"]
        return bool(alarm["StateValue"] != "ALARM")

    def _deployments(self) -> list[str]:
        application = self._names["ServerlessDeploymentApplication"]
        listed = self._codedeploy.list_deployments(applicationName=application, deploymentGroupName=self._group)
        return list(listed["deployments"])

    def _concerns(self, record: dict[str, Any], deployments: set[str]) -> bool:
        return record.get("deployment") in deployments or record.get("alarm") == self.alarm


def _target(info: dict[str, Any]) -> str:
    (resource,) = json.loads(info["revision"]["string"]["content"])["Resources"]
    (moved,) = resource.values()
    return str(moved["Properties"]["TargetVersion"])


class Watcher:
    """Follows the stage's records and the users' answers for the screen, until it is stopped."""

    def __init__(self, stage: Stage, services: list[Service], traffic: Traffic, screen: Screen) -> None:
        self._stage, self._services, self._traffic, self._screen = stage, services, traffic, screen
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        seen = 0
        while not self._stop.wait(0.3):
            try:
                records = self._stage.records(seen)
            except OSError:
                continue  # it is slow, or gone, and whoever needs it says so
            seen += len(records)
            for record in records:
                if record["kind"] == "codedeploy":
                    self._screen.say(record["text"], record["deployment"])
            for service in self._services:
                service.follow(records)
                service.count(self._traffic)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
