"""The stage's own process: MiniStack on 127.0.0.1 with what it lacks, and a small control API below `/_stage/`.

GET, POST /_stage/clock         stage time, who works, leases, the manual clock (rehearsal.stage.clock_calls)
GET  /_stage/records?since=N    what happened from record N on
GET  /_stage/calls              the AWS calls that functions made, each with what their role's policies say
POST /_stage/switches           {"poll_alarms": {GROUP: bool}}: CodeDeploy's alarm poll, on or off for one group;
                                {"answers": {SWITCH: ANSWER}}: another answer to what nobody could confirm
GET  /_stage/switches           every such switch with its claim (rehearsal.stage.codedeploy.behaviour)
POST, GET, DELETE /_stage/faults  ask for a fault, see those that are on, end them all (rehearsal.stage.faults)
GET  /_stage/packages/…         a version's own zip (rehearsal.stage.lambdas.packages)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from rehearsal.stage import clock_calls, faults
from rehearsal.stage.clock import StageClock
from rehearsal.stage.codedeploy import behaviour

if TYPE_CHECKING:
    from rehearsal.stage.codedeploy.book import Change, WeightChange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREPARED = {
    # MiniStack reads these when it is imported.
    "AUTH": "false",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "MINISTACK_HOST": "localhost",
    "BIND_HOST": "127.0.0.1",
}


def prepare_environment(port: int, folder: Path) -> None:
    """Before MiniStack is imported. Functions inherit this environment, and no AWS settings of the caller."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "SEATRIAL_", "MINISTACK_", "LAMBDA_"))]:
        del os.environ[name]
    os.environ.update(PREPARED)
    os.environ["GATEWAY_PORT"] = str(port)
    os.environ["TMPDIR"] = str(folder)
    os.environ["SEATRIAL_CLOCK_URL"] = f"http://127.0.0.1:{port}/_stage/clock"


class Additions:
    """What the stage adds to MiniStack, installed once, before the first request."""

    def __init__(self, clock: StageClock, port: int, folder: Path, chosen: behaviour.Behaviour) -> None:
        from rehearsal.stage import appconfig as stage_appconfig
        from rehearsal.stage import appconfig_deployments, codedeploy, edge, iam, notes, stage_time
        from rehearsal.stage.cloudformation import drift, exports, inert, outputs, requests, state_machines, unread
        from rehearsal.stage.cloudwatch import alarm_answers, alarms, composites, log_metrics, metrics
        from rehearsal.stage.lambdas import (
            addresses,
            alias,
            alias_rules,
            apis,
            cold_starts,
            concurrency,
            doors,
            environments,
            event_sources,
            layers,
            packages,
            permissions,
            runtime,
            versions,
        )
        from rehearsal.stage.records import Records

        self.clock = clock
        self.records = Records(clock)
        notes.install(lambda text: self.records.add("note", text=text))
        stage_time.install(clock)
        metrics.install(clock)
        log_metrics.install(clock)
        self.alarms = alarms.install(clock, behaviour=lambda: self.codedeploy.behaviour)
        self.alarms.on_transition = self._alarm_changed
        composites.install()
        alarm_answers.install()
        alias.install(clock)
        versions.install()
        alias_rules.install()
        event_sources.install()
        apis.install()
        doors.install(lambda: self.codedeploy.behaviour)
        addresses.install(f"http://127.0.0.1:{port}")
        permissions.install()
        concurrency.install()
        layers.install()
        runtime.install(folder)
        cold_starts.install()
        environments.install(clock)
        packages.install(port)
        stage_appconfig.install(lambda: self.codedeploy.behaviour)
        requests.install()
        outputs.install()
        exports.install()
        drift.install()
        unread.install()
        inert.install()
        state_machines.install()
        self.faults = faults.Faults()
        self.codedeploy = codedeploy.install(
            clock, chosen, lambda account: faults.ThrottledAccount(account, self.faults)
        )
        appconfig_deployments.install(clock)
        edge.install()
        faults.install(self.faults, clock, lambda: self.codedeploy.behaviour)
        self.calls = iam.install(self._group_of, lambda: self.codedeploy.behaviour)
        self.codedeploy.on_change = self._codedeploy_changed
        self.codedeploy.on_weights = self._weights_changed

    def ask_for(self, fault: faults.Fault) -> None:
        """A fault begins; a restart of CodeDeploy takes place on a thread of its own."""
        match fault:
            case faults.Restart(restart_codedeploy=seconds):
                self.clock.start("CodeDeploy's restart", self.codedeploy.restart, seconds)
            case _:
                self.faults.add(fault)

    def switch(self, answers: Mapping[str, Any]) -> None:
        self.codedeploy.behaviour = behaviour.switched(self.codedeploy.behaviour, answers)

    def _group_of(self, deployment_id: str) -> str:
        found = next((one for one in self.codedeploy.deployments() if one.id == deployment_id), None)
        return f"{found.application}/{found.group}" if found else "*"

    def _alarm_changed(self, name: str, old: str, new: str, reason: str, at: float) -> None:
        self.records.add("alarm", t=at, alarm=name, old=old, new=new, reason=reason)

    def _codedeploy_changed(self, change: Change) -> None:
        self.records.add(
            "codedeploy", t=change.time, what=change.kind, text=change.text, deployment=change.deployment_id
        )

    def _weights_changed(self, change: WeightChange) -> None:
        self.records.add(
            "weights",
            t=change.time,
            function=change.function,
            alias=change.alias,
            main=change.main,
            weights=dict(change.weights),
            deployment=change.deployment_id,
        )


class Gateway:
    """The ASGI application: control API and role checks in front of MiniStack."""

    def __init__(self, ministack: Any, additions: Additions) -> None:
        self._ministack = ministack
        self._additions = additions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._ministack(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].startswith(clock_calls.PATH):
            body = await _body(receive)
            answer = await clock_calls.answer(self._additions.clock, scope["method"], scope["path"], body)
            await _respond(send, *answer)
            return
        if scope["path"].startswith("/_stage/"):
            await _respond(send, *self._control(scope, headers, await _body(receive)))
            return
        from rehearsal.stage import iam

        made_by_function = iam.caller(headers) is not None
        if not made_by_function and not self._additions.faults.any_throttle():
            await self._ministack(scope, receive, send)
            return
        body = await _body(receive)
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        throttled = faults.refused(
            self._additions.faults, scope["method"], unquote(scope["path"]), headers, body, query, made_by_function
        )
        if throttled is not None:
            await _respond(send, *throttled)
            return
        denied = iam.check(self._additions.calls, scope["method"], unquote(scope["path"]), headers, body, query)
        if denied is not None:
            await _respond(send, *denied)
            return
        await self._ministack(scope, _replayed(body, receive), send)

    def _control(self, scope: Scope, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        from rehearsal.stage.lambdas import packages

        path, query = scope["path"], parse_qs(scope["query_string"].decode())
        if path.startswith(packages.PATH):
            found = packages.package(unquote(path))
            return packages.part(found, headers.get("range")) if found is not None else (404, {}, b"no such package")
        additions = self._additions
        if path == "/_stage/records":
            return _json(additions.records.since(int(query.get("since", ["0"])[0])))
        if path == "/_stage/calls":
            return _json(additions.calls.as_json())
        try:
            if path == "/_stage/switches":
                return _json(self._switches(scope["method"], body))
            if path == "/_stage/faults":
                return _json(self._faults(scope["method"], body))
        except ValueError as error:
            return 400, {"Content-Type": "text/plain"}, f"stage: {error}".encode()
        return 404, {"Content-Type": "text/plain"}, f"the stage has no {path}".encode()

    def _switches(self, method: str, body: bytes) -> Any:
        additions = self._additions
        if method == "POST":
            asked = json.loads(body)
            additions.switch(asked.get("answers", {}))
            for group, on in asked.get("poll_alarms", {}).items():
                additions.codedeploy.poll_alarms_of(group, on=bool(on))
        return behaviour.as_json(additions.codedeploy.behaviour)

    def _faults(self, method: str, body: bytes) -> Any:
        additions = self._additions
        if method == "POST":
            additions.ask_for(faults.fault(json.loads(body)))
        if method == "DELETE":
            additions.faults.clear()
        return additions.faults.as_json()


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


async def _respond(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    fields = {**headers, "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), str(value).encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _serve(gateway: Gateway, listener: int, stop: asyncio.Event) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    await serve(gateway, config, shutdown_trigger=stop.wait)


def _stop_with_the_parent(stop: Callable[[], None]) -> None:
    """The parent holds the other end of our standard input: when it ends, however it ends, so do we."""
    sys.stdin.buffer.read()
    stop()


def _asked_for() -> tuple[behaviour.Behaviour, list[faults.Fault]]:
    """What whoever starts the stage chose: STAGE_SWITCHES over what an account answered, and STAGE_FAULTS."""
    switches = json.loads(os.environ.get("STAGE_SWITCHES") or "{}")
    wanted = json.loads(os.environ.get("STAGE_FAULTS") or "[]")
    return behaviour.switched(behaviour.certified(), switches), [faults.fault(one) for one in wanted]


async def _run(listener: int, port: int, clock: StageClock, folder: Path, *, parent: bool) -> None:
    from ministack.app import app
    from ministack.core import lambda_runtime

    chosen, wanted = _asked_for()
    additions = Additions(clock, port, folder, chosen)
    for fault in wanted:
        additions.ask_for(fault)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if parent:
        ended = (lambda: loop.call_soon_threadsafe(stop.set),)
        threading.Thread(target=_stop_with_the_parent, args=ended, daemon=True).start()
    try:
        await _serve(Gateway(app, additions), listener, stop)
    finally:
        lambda_runtime.reset()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of a socket that is bound already")
    parser.add_argument("--minute", type=float, required=True)
    parser.add_argument("--manual", action="store_true", help="time stands still, but for what is asked for")
    parser.add_argument("--folder", type=Path, required=True, help="for the stage's own files")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    chosen = parser.parse_args()
    clock = StageClock(chosen.minute, manual=chosen.manual)
    with socket.socket(fileno=os.dup(chosen.socket)) as bound:
        port = int(bound.getsockname()[1])
    prepare_environment(port, chosen.folder)
    logging.basicConfig(
        filename=chosen.folder / "stage.log", level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    asyncio.run(_run(chosen.socket, port, clock, chosen.folder, parent=chosen.with_parent))
    if chosen.with_parent:
        shutil.rmtree(chosen.folder, ignore_errors=True)  # the parent may not be there any more to do it
    # MiniStack's pollers are daemon threads that would hold the interpreter's end up; nothing is left to save.
    os._exit(0)


if __name__ == "__main__":
    main()
