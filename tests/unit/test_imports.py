"""A function and a command import what their path needs: a cold start is part of every rollback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if (folder / "app.py").is_file())

NEVER = {"boto3", "s3transfer", "rich", "typer", "aws_lambda_powertools.event_handler"}
TRIALS = {"yaml", "seatrial.flows.trial", "seatrial.flows.suite_file"}
TRIES_AT_ONCE = {"dark_tester"}

# Modules of Seatrial's own in the largest function. A module with values takes 1 to 3 ms of a cold start.
MOST_MODULES = 120


def imported(code: str, *, folder: Path = ROOT) -> set[str]:
    """The names of the modules that a Python of its own has imported after running the code."""
    show = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"],
        cwd=folder,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_imports_no_more_than_it_needs_to_begin(name: str) -> None:
    modules = imported("import app", folder=ROOT / "functions" / name)
    assert not modules & NEVER
    assert modules & TRIALS <= (TRIALS if name in TRIES_AT_ONCE else set())
    assert sum(module.split(".")[0] == "seatrial" for module in modules) <= MOST_MODULES


def test_what_is_imported_is_never_looked_through_for_garbage() -> None:
    check = "import gc, seatrial.wiring; assert gc.isenabled() and gc.get_freeze_count() > 10_000"
    assert "seatrial.wiring" in imported(check)


def command(*words: str) -> set[str]:
    """What a command has imported when it ends."""
    return imported(f"from cli.app import app\ntry:\n    app({list(words)!r})\nexcept SystemExit:\n    pass")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["rollback", "--help"], id="help of a command"),
        pytest.param(["status", "--no-such-option"], id="unknown option"),
        pytest.param(["hold", "--reason", "r"], id="hold without a service"),
        pytest.param(["judge"], id="judge without a file"),
    ],
)
def test_help_and_usage_errors_import_neither_aws_nor_flows(words: list[str]) -> None:
    modules = command(*words)
    assert not modules & {"botocore", "boto3", "yaml", "rich", "seatrial.aws", "seatrial.flows"}
    assert len([name for name in modules if name.split(".")[0] == "seatrial"]) <= 5


@pytest.mark.parametrize("words", [["suite", "check", "functions/rollback/seatrial"], ["judge", "no-such-file"]])
def test_a_command_without_an_account_imports_no_client(words: list[str]) -> None:
    assert not command(*words) & {"botocore.client", "boto3", "rich"}


@pytest.mark.parametrize("words", [["status"], ["explain", "d-1"], ["heal", "payments"], ["foresee", "payments"]])
def test_a_command_with_an_account_does_not_import_boto3(words: list[str]) -> None:
    modules = command(*words, "--stack", "none")  # there are no credentials: it fails at its first call
    assert "botocore.client" in modules
    assert not modules & {"boto3", "s3transfer", "rich", "yaml"}
