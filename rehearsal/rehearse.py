"""`make rehearse`: starts the stage, deploys Seatrial and three payments services, and tells the stories.

Three services are released side by side; what breaks Seatrial itself comes last and alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console

from rehearsal.sam import Sam, SamError, project_of, source_of
from rehearsal.scenarios import (
    broken_hook,
    fails_for_some,
    fails_in_the_dark,
    good,
    on_call,
    successor_fails,
    throws_while_importing,
)
from rehearsal.scenarios.story import Check, Scenario, Seen, buckets, same
from rehearsal.stage import Stage, StageError, edges
from rehearsal.telling import page, report, table
from rehearsal.telling.ledgers import Taken
from rehearsal.telling.needed import Needed, longest
from rehearsal.telling.screen import Screen
from rehearsal.theatre import RehearsalError, Seatrials, Service, Watcher
from rehearsal.traffic import Traffic
from seatrial.core import chart

SIDE_BY_SIDE: dict[str, tuple[Scenario, ...]] = {
    "payments-1": (good.SCENARIO, successor_fails.SCENARIO, on_call.SCENARIO),
    "payments-2": (
        fails_in_the_dark.SCENARIO,
        throws_while_importing.SCENARIO,
        fails_for_some.BOTH,
        fails_for_some.JUDGE_ALONE,
    ),
    "payments-3": (fails_for_some.ROLLBACK_ALONE, fails_for_some.POLL_ALONE),
}
ALONE: dict[str, tuple[Scenario, ...]] = {"payments-1": (broken_hook.SCENARIO,)}
TOLD_IN_ORDER = (
    good.SCENARIO,
    fails_in_the_dark.SCENARIO,
    fails_for_some.BOTH,
    fails_for_some.ROLLBACK_ALONE,
    fails_for_some.POLL_ALONE,
    fails_for_some.JUDGE_ALONE,
    on_call.SCENARIO,
    successor_fails.SCENARIO,
    throws_while_importing.SCENARIO,
    broken_hook.SCENARIO,
)
DARK_TESTED = "payments-1"
"""The service whose smoke cases the dark tester asks every five minutes, beside its users."""

REQUESTS_A_MINUTE = 28.0
"""A stage minute and service: a 10 % canary meets users in each minute. At MINUTE=2 these are 14 a wall second."""

_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[^:]*:\d+:function:")


def told(scenario: Scenario, seen: Seen) -> report.RehearsedRelease:
    """What the report says of one release."""
    checks = tuple(scenario.checks(seen))
    return report.RehearsedRelease(
        id=scenario.id,
        title=scenario.title,
        service=seen.service,
        deployment=seen.deployment_id,
        stable=seen.stable,
        candidate=seen.candidate,
        configuration=str(seen.deployment["deploymentConfigName"]),
        result=_result(seen),
        reason=_reason(seen),
        won=seen.won,
        ok=all(check.ok for check in checks) and _result(seen) == scenario.result,
        checks=tuple(report.Check(c.what, c.expected, c.happened, c.ok) for c in (_as_result(scenario, seen), *checks)),
        seconds=seen.seconds_after,
        weights=tuple(chart.Weight(round(t, 1), share) for t, share in seen.weights()),
        requests=tuple(chart.Bucket(*row) for row in buckets(seen)),
        marks=tuple(_marks(seen)),
        courses=seen.courses,
        judged=seen.judged,
        story=tuple(seen.story),
    )


def _reason(seen: Seen) -> str:
    """Seatrial's own word for it, else CodeDeploy's, else that there was nothing against it."""
    theirs = str(seen.deployment.get("errorInformation", {}).get("message", ""))
    return seen.reason or theirs or f"version {seen.candidate} passed its trial and held while users met it"


def _result(seen: Seen) -> str:
    if seen.deployment["status"] == "Succeeded":
        return "released"
    return "refused" if seen.back_at() is None else "taken back"


def _as_result(scenario: Scenario, seen: Seen) -> Check:
    return same("what came of the release", scenario.result, _result(seen))


def _marks(seen: Seen) -> Iterator[chart.Mark]:
    for record in seen.records:
        at = round(record["t"] - seen.started, 1)
        if record["kind"] == "alarm" and record["new"] == "ALARM":
            yield chart.Mark(at, "alarm", f"{record['alarm']} rings")
        elif record["kind"] == "codedeploy" and (kind := _mark_kind(seen, record)):
            yield chart.Mark(at, kind, _FUNCTION_ARN.sub("", record["text"]))


def _mark_kind(seen: Seen, record: dict[str, Any]) -> str | None:
    if record["deployment"] != seen.deployment_id:
        return "rollback" if record["what"] == "weights" else None
    return {"hook": "hook", "stop": "decision", "weights": "gate", "alarm": "alarm"}.get(record["what"])


class Rehearsal:
    """The state of one rehearsal: what runs, and what was seen so far."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._screen = screen
        self.sam = Sam(stage.endpoint)
        self._sources = stage.folder / "sources"
        self.seen: dict[str, report.RehearsedRelease] = {}
        self.ledgers: dict[str, tuple[Taken, ...]] = {}
        self.builds: dict[str, float] = {}
        self.needed = Needed()

    def prepare(self, services: Iterable[str]) -> Seatrials:
        """Build and deploy Seatrial. The services' code is built beside it."""
        dark_tested = ",".join(name for name in services if name == DARK_TESTED)
        self._screen.say("sam build, sam deploy: Seatrial itself, from its own template.yaml")
        (project := self._sources / "seatrial").mkdir(parents=True)
        built = self.sam.build(project_of(project))
        deployed = self.sam.deploy(project, "seatrial", {"DarkTestServices": dark_tested} if dark_tested else None)
        if not deployed.ok:
            raise SamError(f"sam deploy of Seatrial failed:\n{deployed.tail(25)}")
        self._screen.say("Seatrial is deployed")
        self.needed += Needed(built, deployed.seconds)
        return Seatrials(self._stage)

    def build(self, service: str, release: str, variant: str) -> Path:
        folder = source_of(variant, f"{service}-{release}", self._sources)
        self.builds[folder.name] = self.sam.build(folder)
        return folder

    def one_after_the_other(self, service: Service, scenarios: tuple[Scenario, ...], traffic: Traffic) -> Needed:
        """All releases of a service: what they need of the wall's time."""
        needed = Needed()
        for scenario in scenarios:
            folder = self.build(service.name, scenario.id, scenario.variant)
            self._screen.say(f"{scenario.title}: sam deploy", service.name)
            seen = service.rehearse(scenario, folder, traffic)
            codedeploy = (seen.ended - seen.started) * self._stage.minute / 60
            needed += Needed(self.builds[folder.name], seen.deploying, codedeploy)
            release = told(scenario, seen)
            self.seen[scenario.id], self.ledgers[scenario.id] = release, seen.steps
            word = "as expected" if release.ok else "NOT as expected"
            by = f" by {release.won}" if release.won else ""
            self._screen.say(f"{scenario.title}: {release.result}{by}, {word}. {release.reason}", service.name)
        return needed


def rehearse(minute: float, port: int, out: Path, screen: Screen, only: frozenset[str]) -> report.Report:
    """All stories (or those named in `only`), and the report on them. What was started is stopped when this ends."""
    began = time.monotonic()
    started = datetime.now(UTC)
    with ExitStack() as ending:
        screen.say(f"the stage starts; a stage minute takes {minute:g} s")
        stage = ending.enter_context(Stage(port=port, minute=minute))
        out.mkdir(parents=True, exist_ok=True)
        ending.callback(_keep_logs, stage, out)
        run = Rehearsal(stage, screen)
        ending.callback(run.sam.stop)
        _release_services(run, stage, screen, ending, only)
        releases = tuple(run.seen[s.id] for s in TOLD_IN_ORDER if s.id in run.seen)
        (out / "board.html").write_text(_look_at_the_board(stage), encoding="utf-8")
        (out / "ledgers.json").write_text(json.dumps(run.ledgers, indent=1))
        calls = stage.calls()
        (out / "calls.json").write_text(json.dumps(calls, indent=1))
        (out / "roles.json").write_text(json.dumps(allowed_actions(stage), indent=1))
    for call in (call for call in calls if not call["allowed"]):
        screen.say(f"DENIED: {call['function']} called {call['action']} on {call['resource']}, which its role forbids")
    return report.Report(
        seatrial=version("seatrial"),
        started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        minute=minute,
        wall_seconds=round(time.monotonic() - began, 1),
        needed=run.needed.rounded,
        ok=all(release.ok for release in releases) and all(call["allowed"] for call in calls),
        releases=releases,
    )


def allowed_actions(stage: Stage) -> dict[str, list[str]]:
    """What the role of each of Seatrial's functions allows by its own policies, beside writing logs."""
    iam = stage.client("iam")
    resources = stage.client("cloudformation").describe_stack_resources(StackName="seatrial")["StackResources"]
    allowed: dict[str, list[str]] = {}
    for role in (r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::IAM::Role"):
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                allowed.setdefault(role, []).extend([actions] if isinstance(actions, str) else actions)
    return allowed


def _look_at_the_board(stage: Stage) -> str:
    """What a dashboard would show at the end."""
    answer = stage.client("lambda").invoke(
        FunctionName="seatrial-board", Qualifier="live", Payload=json.dumps({"last": 20})
    )
    shown = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RehearsalError(f"the board can't be shown: {shown}")
    return str(shown)


def _keep_logs(stage: Stage, out: Path) -> None:
    """What the stage and Seatrial's functions wrote outlives the stage: it says why something went otherwise."""
    for log in ("stage.log", "output.log"):
        if (stage.folder / log).exists():
            shutil.copy(stage.folder / log, out / log)
    try:
        resources = stage.client("cloudformation").describe_stack_resources(StackName="seatrial")["StackResources"]
    except ClientError:
        return  # it did not come so far
    logs = stage.client("logs").get_paginator("filter_log_events")
    for group in (r for r in resources if r["ResourceType"] == "AWS::Logs::LogGroup"):
        pages = logs.paginate(logGroupName=group["PhysicalResourceId"])
        lines = [event["message"] for page in pages for event in page["events"]]
        (out / f"{group['LogicalResourceId'].removesuffix('Log')}.log").write_text("\n".join(lines) + "\n")


def _release_services(run: Rehearsal, stage: Stage, screen: Screen, ending: ExitStack, only: frozenset[str]) -> None:
    def chosen(stories: dict[str, tuple[Scenario, ...]]) -> dict[str, tuple[Scenario, ...]]:
        kept = {name: tuple(s for s in told if not only or s.id in only) for name, told in stories.items()}
        return {name: told for name, told in kept.items() if told}

    first, last = chosen(SIDE_BY_SIDE), chosen(ALONE)
    names = sorted({*first, *last})
    with side_by_side(run.sam, len(names) + 1) as together:
        built = {name: together.submit(run.build, name, "v1", "v1") for name in names}
        seatrial = run.prepare(names)
        services = {name: Service(name, stage, run.sam, seatrial, screen) for name in names}
        created = _all([together.submit(services[name].create, built[name].result()) for name in names])
        run.needed += longest(Needed(sam_deploys=seconds) for seconds in created)
        traffic = Traffic(stage, [f"{name}:live" for name in names], per_minute=REQUESTS_A_MINUTE)
        ending.callback(traffic.stop)
        watcher = Watcher(stage, list(services.values()), traffic, screen)
        ending.callback(watcher.stop)
        for stories in (first, last):
            lanes = [
                together.submit(run.one_after_the_other, services[n], told, traffic) for n, told in stories.items()
            ]
            run.needed += longest(_all(lanes))


@contextmanager
def side_by_side(sam: Sam, workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that end early, with what they wait for, when one of them fails or a person interrupts."""
    with ThreadPoolExecutor(workers) as together:
        try:
            yield together
        except BaseException:
            sam.stop()
            together.shutdown(wait=False, cancel_futures=True)
            raise


def _all[T](work: list[Future[T]]) -> list[T]:
    """The results, or the first error as soon as there is one."""
    wait(work, return_when=FIRST_EXCEPTION)
    for one in work:
        if one.done() and one.exception():
            raise one.exception() or RuntimeError
    return [one.result() for one in work]


@contextmanager
def interrupted_by(*numbers: signal.Signals) -> Iterator[None]:
    """These signals end the rehearsal in the way Ctrl-C does: whatever runs is stopped, and nothing stays."""

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__)
    parser.add_argument("--minute", default=os.environ.get("MINUTE", "2"))
    parser.add_argument("--port", default=os.environ.get("PORT", "0"), help="0 takes a free one")
    parser.add_argument("--out", type=Path, default=Path("build/rehearsal"))
    parser.add_argument("--only", action="append", default=[], choices=[s.id for s in TOLD_IN_ORDER])
    chosen = parser.parse_args(arguments)
    # A pipe has no width of its own.
    console = Console() if sys.stdout.isatty() else Console(width=150)
    try:
        with interrupted_by(signal.SIGTERM, signal.SIGHUP), Screen(console) as screen:
            minute, port = edges.minute(chosen.minute), edges.port(chosen.port)
            found = rehearse(minute, port, chosen.out, screen, frozenset(chosen.only))
    except (StageError, SamError, RehearsalError, ValueError) as error:
        console.print(f"rehearsal: {error}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("rehearsal: interrupted; the stage, its functions and its files are gone")
        return 130
    (chosen.out / "report.json").write_text(json.dumps(report.to_json(found), indent=1, ensure_ascii=False))
    (chosen.out / "report.html").write_text(page.html(found), encoding="utf-8")
    console.print(table.table(found))
    console.print(
        f"{found.wall_seconds:.0f} s, of which sam and CodeDeploy need {found.needed.total:.0f} s. "
        f"{chosen.out / 'report.html'} has a chart of each release.",
        markup=False,
    )
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
