"""Users, in a process of their own: steady requests through aliases, each with what it came to.

`python -m rehearsal.traffic --endpoint URL --function payments-1:live … --per-minute 24 --out FILE` sends at stage
times until standard input ends and appends one JSON line an answer:
{"t": stage epoch seconds, "function", "version": ExecutedVersion, "bad": bool, "why"}

A request holds the clock as little as a user does. Where so many wait for their answers that this machine is behind,
the users as a whole hold it until it has caught up: a slow machine meets as many of them in a stage minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.stage import ACCOUNT, REGION, Stage
from rehearsal.stage.outside import OutsideClock

MOST_AT_ONCE = 8
"""Requests of one function that are under way at the same time."""
MOST_UNANSWERED = 4
BEHIND_SECONDS = 2.0
"""From so many unanswered requests of a function, or stage seconds of delay, on, the clock is held."""

REQUESTS = Path(__file__).parent.parent / "examples" / "payments" / "requests.py"


@dataclass(frozen=True)
class Served:
    """One answer that a user got. `t` is stage epoch seconds of the request, `bad` what it came to for the user."""

    t: float
    function: str
    version: str
    bad: bool
    why: str


class Traffic:
    """Starts the process of the users, reads what they met, and ends it."""

    def __init__(self, stage: Stage, functions: list[str], *, per_minute: float) -> None:
        self._out = stage.folder / "traffic.jsonl"
        self._out.touch()
        command = [sys.executable, "-m", "rehearsal.traffic", "--endpoint", stage.endpoint, "--out", str(self._out)]
        command += ["--per-minute", str(per_minute)]
        for function in functions:
            command += ["--function", function]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self._read = 0
        self._served: list[Served] = []
        self._lock = threading.Lock()

    def served(self) -> list[Served]:
        """Every answer so far, in the order in which they came back."""
        with self._lock:
            with self._out.open() as lines:
                lines.seek(self._read)
                while (line := lines.readline()).endswith("\n"):
                    self._served.append(Served(**json.loads(line)))
                    self._read = lines.tell()
            return list(self._served)

    def stop(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def count(served: list[Served], function: str, start: float, end: float) -> Counter[str]:
    """How many answers each version gave to requests of `function` made in [start, end)."""
    return Counter(s.version for s in served if s.function == function and start <= s.t < end)


def what_it_came_to(answer: dict[str, Any], payload: bytes) -> tuple[bool, str]:
    """Whether a request came to a bad end for its user, and in which way."""
    if "FunctionError" in answer:
        return True, "the function raised an error"
    status = int((json.loads(payload) or {}).get("statusCode", 200))
    return status >= 500, f"status {status}"


def _user_requests() -> Any:
    """The n-th request of a user, as the example brings it (it is no part of any package)."""
    spec = importlib.util.spec_from_file_location("payments_requests", REQUESTS)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(REQUESTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.user_request


class Users:
    """Those of one function: each request is sent when it is due, whether the one before has been answered or not."""

    def __init__(self, lambdas: Any, function: str, out: IO[str]) -> None:
        self._lambdas = lambdas
        self._name, _, self._alias = function.partition(":")
        self._out = out
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE)
        self._asked: list[Future[None]] = []

    def send(self, event: dict[str, Any], at: float) -> None:
        self._asked.append(self._threads.submit(self._send, event, at))

    def unanswered(self) -> list[Future[None]]:
        self._asked = [one for one in self._asked if not one.done()]
        return self._asked

    def _send(self, event: dict[str, Any], at: float) -> None:
        payload = json.dumps(event).encode()
        try:
            answer = self._lambdas.invoke(FunctionName=self._name, Qualifier=self._alias, Payload=payload)
            bad, why = what_it_came_to(answer, answer["Payload"].read())
            version = answer["ExecutedVersion"]
        except ClientError as error:
            version, bad, why = "none", True, error.response["Error"]["Code"]
        served = {"t": at, "function": self._name, "version": version, "bad": bad, "why": why}
        self._out.write(json.dumps(served) + "\n")


def _come(clock: OutsideClock, users: list[Users], per_minute: float) -> None:
    """Requests of all functions, each `per_minute` times a stage minute, in a fixed order."""
    every, request, numbers = 60 / per_minute, _user_requests(), itertools.count()
    first = clock.read()
    if first["manual"]:  # time that stands still has room for their answers
        for at in clock.turns(every, "users"):
            for one in users:
                one.send(request(next(numbers)), at)
            wait([future for one in users for future in one.unanswered()])
        return
    due = float(first["now"])
    while True:
        due += every
        at = clock.wait_until(due)
        for one in users:
            one.send(request(next(numbers)), at)
        behind = [one for one in users if len(one.unanswered()) >= MOST_UNANSWERED]
        if behind or at - due > BEHIND_SECONDS:
            with clock.held("users who wait for their answers", 30):
                wait([future for one in behind for future in one.unanswered()[: -MOST_UNANSWERED // 2]], timeout=30)
                due = max(due, clock.read()["now"] - every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--function", action="append", required=True, help="NAME:ALIAS; may be given several times")
    parser.add_argument("--per-minute", type=float, required=True, help="requests a stage minute and function")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    client = boto3.client(
        "lambda",
        endpoint_url=chosen.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="stage",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30, max_pool_connections=40),
    )
    with chosen.out.open("a", buffering=1) as out:
        users = [Users(client, function, out) for function in chosen.function]
        arguments = (OutsideClock(chosen.endpoint), users, chosen.per_minute)
        threading.Thread(target=_come, args=arguments, daemon=True).start()
        sys.stdin.buffer.read()
        out.flush()
        os._exit(0)  # whoever still waits for an answer is not waited for


if __name__ == "__main__":
    main()
