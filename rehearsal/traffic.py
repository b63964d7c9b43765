"""Users, in a process of their own: steady requests through aliases, each with what it came to.

`python -m rehearsal.traffic --endpoint URL --function payments-1:live … --rate 12 --out FILE` sends until standard
input ends and appends one JSON line an answer:
{"t": stage epoch seconds, "function", "version": ExecutedVersion, "bad": bool, "why"}
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.stage import ACCOUNT, REGION, Stage
from seatrial.settings import Clock

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

    def __init__(self, stage: Stage, functions: list[str], *, rate: float) -> None:
        self._out = stage.folder / "traffic.jsonl"
        self._out.touch()
        clock = stage.clock()
        command = [sys.executable, "-m", "rehearsal.traffic", "--endpoint", stage.endpoint, "--out", str(self._out)]
        command += ["--rate", str(rate), "--origin", repr(clock.origin), "--clock-rate", repr(clock.rate)]
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


def _send(
    lambdas: Any, function: str, events: Iterator[dict[str, Any]], rate: float, clock: Clock, out: IO[str]
) -> None:
    name, _, alias = function.partition(":")
    due = time.monotonic()
    for event in events:
        due += 1 / rate
        at = clock.epoch()
        try:
            answer = lambdas.invoke(FunctionName=name, Qualifier=alias, Payload=json.dumps(event).encode())
            bad, why = what_it_came_to(answer, answer["Payload"].read())
            version = answer["ExecutedVersion"]
        except ClientError as error:
            version, bad, why = "none", True, error.response["Error"]["Code"]
        served = {"t": at, "function": name, "version": version, "bad": bad, "why": why}
        out.write(json.dumps(served) + "\n")
        # Behind schedule: users do not queue up to catch up, they are simply fewer.
        due = max(due, time.monotonic() - 1 / rate)
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--function", action="append", required=True, help="NAME:ALIAS; may be given several times")
    parser.add_argument("--rate", type=float, required=True, help="requests a wall second and function")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--origin", type=float, default=0.0)
    parser.add_argument("--clock-rate", type=float, default=1.0)
    chosen = parser.parse_args()
    clock = Clock(chosen.origin, chosen.clock_rate)
    user_request = _user_requests()
    client = boto3.client(
        "lambda",
        endpoint_url=chosen.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="stage",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30, max_pool_connections=20),
    )
    with chosen.out.open("a", buffering=1) as out:
        for start, function in enumerate(chosen.function):
            events = (user_request(n) for n in range(start, sys.maxsize, len(chosen.function)))
            arguments = (client, function, events, chosen.rate, clock, out)
            threading.Thread(target=_send, args=arguments, daemon=True).start()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
