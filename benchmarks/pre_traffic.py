"""BeforeAllowTraffic with one case that the candidate answers at once, beside its AWS calls one after the other.

The account is tests/small_account.py; each call waits 25 ms.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto import mock_aws

from benchmarks.rows import Pairs, Row, ratio
from rehearsal.sam import PROJECT
from seatrial import wiring
from tests.small_account import SmallAccount, make_table

MOST = 1.5
A_CALL = 0.025  # seconds
REPEATS = 5

SUITE = "cases: [{name: health, event: {path: /health}, expect: {response.statusCode: 200}}]\n"
CALL = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}


class Recorder:
    """Notes each call of every client that it is handed, with what it asks, and has it wait."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, client: Any) -> Any:
        return _Recorded(client, self._note)

    def _note(self, operation: str, asked: dict[str, Any]) -> None:
        self.calls.append(f"{operation} {json.dumps(asked, default=str, sort_keys=True)}")
        time.sleep(A_CALL)


class _Recorded:
    def __init__(self, client: Any, note: Any) -> None:
        self._client, self._note = client, note

    def __getattr__(self, name: str) -> Any:
        def call(**asked: Any) -> Any:
            self._note(name, asked)
            return getattr(self._client, name)(**asked)

        return call

    def get_paginator(self, name: str) -> Any:
        """One page is all there is here."""
        return SimpleNamespace(
            paginate=lambda **asked: (self._note(name, asked), self._client.get_paginator(name).paginate(**asked))[1]
        )


class Context:
    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def one_case() -> Row:
    took, calls = zip(*(run_hook() for _ in range(1 + REPEATS)), strict=True)
    needed = Counter(calls[-1])
    pairs = Pairs(took[1:], tuple(len(set(made)) * A_CALL * 1000 for made in calls[1:]))
    faults = [f"made {times} times: {call[:120]}" for call, times in needed.items() if times > 1]
    beside = f"its {len(needed)} different calls of {A_CALL * 1000:.0f} ms, once each"
    return pairs.row("pre_traffic with one instant case", "ms", ratio(MOST), beside, faults)


def run_hook() -> tuple[float, list[str]]:
    """Wall milliseconds of the deployed handler, and its calls."""
    with mock_aws(), _account() as (account, recorder), patch.object(wiring, "connect", lambda: account.aws):
        spec = spec_from_file_location("pre_traffic_app", PROJECT / "functions" / "pre_traffic" / "app.py")
        assert spec and spec.loader
        app = module_from_spec(spec)
        spec.loader.exec_module(app)
        recorder.calls.clear()
        began = time.perf_counter()
        answer = app.handler(CALL, Context())
        took = (time.perf_counter() - began) * 1000
        if answer["answered"] != "Succeeded":
            raise RuntimeError(f"the hook answered {answer}")
        return took, recorder.calls


@contextmanager
def _account() -> Iterator[tuple[SmallAccount, Recorder]]:
    make_table()
    recorder = Recorder()
    account = SmallAccount(through=recorder)
    account.lambdas.tags["payments"] = {"seatrial": "released"}
    account.codedeploy.begin("d-1")
    account.lambdas.has("payments", "8", SUITE, lambda event: {"statusCode": 200})
    yield account, recorder
