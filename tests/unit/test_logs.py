"""Every line about a release can be found by the release's id."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeGuard

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from seatrial.flows import guard, monitor, preflight, rollback, smoke
from tests.small_account import SmallAccount, event, make_table

LAYER = Path(__file__).parents[2] / "layers" / "seatrial" / "seatrial"
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")

# By module or function.
ABOUT_NO_RELEASE = {
    "flows/board.py": "who looks at the board looks at many",
    "flows/dark_tests.py": "what is live is asked, whoever released it",
    "flows/flag_rollback.py": "a flag's deployment has a number of its own",
    "flows/holds.py": "a hold is on a service",
    "flows/situation.py:_tag": "a tag is a function's, whatever is released of it",
}
# What holds the id; the run below shows that the helpers among them do.
NAMES_IT = ("release", "_ids()", "_fields(", "fields", "attributes")


def log_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Module, function and call."""
    for file in sorted(LAYER.rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef):
                for call in filter(is_logging, ast.walk(function)):
                    yield str(file.relative_to(LAYER)), function.name, call


def is_logging(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and ast.unparse(node.func.value).endswith(".log")
    )


@pytest.mark.parametrize(
    ("file", "function", "call"),
    [pytest.param(*found, id=f"{found[0]}:{found[2].lineno}") for found in log_calls()],
)
def test_every_line_in_the_log_names_its_release(file: str, function: str, call: ast.Call) -> None:
    if {file, f"{file}:{function}"} & ABOUT_NO_RELEASE.keys():
        return
    extra = next((ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "extra"), "")
    assert any(name in extra for name in NAMES_IT), f"{file}:{call.lineno} logs {ast.unparse(call)}"


def test_all_that_is_logged_of_a_release_from_its_opening_to_its_healing_bears_its_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mock_aws():
        make_table()
        account = SmallAccount()
        # A logger keeps the stdout that it first met, and other tests have met the usual one before.
        account.aws = replace(account.aws, log=Logger(service="logs"))
        account.lambdas.tags = {"payments": {"seatrial": "released"}}
        account.lambdas.aliases = {"payments": ("8", 1)}
        account.codedeploy.alarms = ["bad-outcomes"]
        account.topic.broken = True
        account.codedeploy.begin("d-1")
        release = preflight.admitted(account.aws, account.aws.codedeploy.deployment("d-1"))
        smoke.check(account.aws, release, lambda: 60.0)
        account.codedeploy.shifts("d-1", 1.0, "Succeeded")
        account.codedeploy.ends("d-1", "Succeeded")
        monitor.look(account.aws, event("tick"))
        account.clock.goes_on(timedelta(minutes=2))
        state = {"value": "ALARM", "reason": "3 of 3", "timestamp": account.clock.now().isoformat()}
        rollback.take_back(account.aws, event("alarm") | {"detail": {"alarmName": "bad-outcomes", "state": state}})
        account.lambdas.aliases = {"payments": ("9", 3)}
        guard.look(account.aws, account.ledger.release("d-1"))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    logged = [line for line in lines if "message" in line]
    measured = [line for line in lines if "_aws" in line]
    assert {line["step"] for line in logged if "step" in line} >= {"opened", "closed", "returned", "healed"}
    assert any("nobody could be told" in line["message"] for line in logged)
    assert {line["release"] for line in (*logged, *measured)} == {"d-1"}
