"""What can be held of the account's side without an account: that it asks first, and that it can be taken up."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.session
import pytest

from rehearsal.stage import ACCOUNT, REGION, Stage
from rehearsal.stage.codedeploy.behaviour import CLAIMS, Behaviour, certified
from tests.conformance.account import Account, AccountError
from tests.conformance.captures import DATA, as_captured
from tests.conformance.deletion import is_stack_of
from tests.conformance.marks import NOTHING, UNVERIFIED, captured
from tests.conformance.results import Certified, Claim, Question, table
from tests.conformance.waiting import AdvancedTime

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def plan() -> str:
    """What `make certify` prints without YES=1."""
    environment = {name: value for name, value in os.environ.items() if name != "YES" and not name.startswith("AWS_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-s", "-m", "claim or question", "-p", "no:cacheprovider", str(HERE)],
        env={**environment, "CONFORMANCE": "account"},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    return ran.stdout


def test_without_yes_certify_reports_cost_and_minutes_and_does_nothing(plan: str) -> None:
    assert "claims and questions are left to try, about" in plan
    assert "cost below 1 USD" in plan
    assert "Nothing was done. `YES=1 make certify` does it in the account of your credentials." in plan


def test_certify_asks_the_most_dangerous_question_first(plan: str) -> None:
    found = re.findall(r"^  (\d) +(\d+) min  (.+?): .+$", plan, re.MULTILINE)
    assert found[0][2].startswith("is a hook named by an alias arn invoked")
    dangers = [int(danger) for danger, _, _ in found]
    assert dangers == sorted(dangers, reverse=True)
    assert len(dangers) > 90


def marked() -> Iterator[tuple[str, pytest.Mark]]:
    """Each claim and question of this folder with its mark."""
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.conformance.{path.stem}")
        for name, test in vars(module).items():
            for mark in getattr(test, "pytestmark", ()):
                if name.startswith("test_") and mark.name in ("claim", "question"):
                    yield name, mark


def test_each_claim_and_question_has_a_source_that_exists_or_is_unverified() -> None:
    models = botocore.session.get_session()
    for name, mark in marked():
        why = mark.args[0] if mark.name == "claim" else mark.kwargs["why"]
        match why.kind:
            case "capture":
                assert "not kept here" in why.what or (DATA / f"{why.what}.json").exists(), name
            case "service model":
                service, _, operation = why.what.partition(".")
                assert operation in models.get_service_model(service).operation_names, name
            case "documentation page":
                assert re.match(r".+(Guide|Reference|Center): .+", why.what), name
            case "public report" | "transform run":
                assert why.what, name
            case kind:
                assert (kind, str(why)) == (NOTHING, UNVERIFIED), name


def test_each_claim_and_question_says_what_a_wrong_guess_costs() -> None:
    for name, mark in marked():
        assert mark.kwargs["danger"] in (1, 2, 3), name
        assert mark.kwargs["cost"].endswith("."), name
        assert len(mark.kwargs["cost"].split()) <= 20, name


def test_each_switch_has_a_question_but_the_one_that_needs_a_flooded_account() -> None:
    asked = {mark.args[0] for _, mark in marked() if mark.name == "question"}
    assert set(CLAIMS) - asked == {"lambda_tries"}


def test_what_an_account_said_is_kept_at_once_for_the_next_run_and_for_the_stage(tmp_path: Path) -> None:
    path = tmp_path / "certified.json"
    Certified.read(path).holds("test_a_claim", held=True)
    Certified.read(path).answers("unanswered_code", "HOOK_EXECUTION_FAILURE")
    kept = json.loads(path.read_text())
    assert (kept["claims"]["test_a_claim"]["held"], Certified.read(path).claims) == (True, kept["claims"])
    assert certified(path) == Behaviour(unanswered_code="HOOK_EXECUTION_FAILURE")


def test_a_run_that_was_killed_holds_up_no_claim_of_the_next_one_which_deletes_what_is_left(stage: Stage) -> None:
    session = boto3.Session(ACCOUNT, "stage", region_name=REGION)
    killed, following = (
        Account(session, stage.endpoint, AdvancedTime(stage.time), "killed", claim="one") for _ in range(2)
    )
    killed.set_up()
    killed.alias()
    killed.group()
    left = killed.start(killed.spec(before=killed["Hook"]))
    following.set_up()
    assert following.info(left)["status"] == "Stopped"
    following.alias()
    following.group("CodeDeployDefault.LambdaAllAtOnce")
    assert following.end(following.start())["status"] == "Succeeded"
    following.tear_down()
    assert not following.exists("killed")
    assert "killed" not in following.codedeploy.list_applications()["applications"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("sea", True),
        ("sea-c0123abcd", True),
        ("sea-c0123abcd-out2", True),
        ("seatrial", False),
        ("sea-trial", False),
        ("sea-canary", False),
        ("sea-c0123abcd-out-of-town", False),
    ],
)
def test_only_stacks_of_this_suite_are_deleted(name: str, ours: bool) -> None:
    assert is_stack_of("sea", name) is ours


def test_a_stack_of_others_with_the_name_of_the_prefix_is_left_alone(stage: Stage) -> None:
    session = boto3.Session(ACCOUNT, "stage", region_name=REGION)
    account = Account(session, stage.endpoint, AdvancedTime(stage.time), "theirs", claim="one")
    theirs = {"Description": "of another team", "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    assert account.apply("theirs", theirs) == "CREATE_COMPLETE"
    with pytest.raises(AccountError, match="theirs is not of this suite"):
        account.set_up()
    account.tear_down()
    assert account.status("theirs") == "CREATE_COMPLETE"


def test_table_names_the_source_and_the_danger_of_each_claim(tmp_path: Path) -> None:
    known = Certified(tmp_path / "certified.json", claims={"test_one": {"held": True, "at": "2026-11-24"}})
    claims = [
        Claim("test_one", str(captured("observed-one")), 3, held=True),
        Claim("test_two", UNVERIFIED, 1, held=False),
    ]
    written = table(claims, [Question("switch", "it is so", seen=True, danger=2, cost="Users wait.")], known)
    assert "| one | holds | capture: observed-one | 3 | held on 2026-11-24 |" in written
    assert "| two | **does not hold** | **UNVERIFIED** | 1 | not yet |" in written
    assert "1 of 2 claims hold on the local AWS; 1 are held to a capture, 1 are UNVERIFIED." in written
    assert "| it is so | **UNVERIFIED** | 2 | Users wait. | yes | not yet |" in written


def test_every_capture_is_one_that_something_is_held_to() -> None:
    tests = "".join(path.read_text() for path in HERE.parent.rglob("test_*.py"))
    unused = [path.stem for path in DATA.glob("*.json") if f'"{path.stem}"' not in tests]
    assert not unused


def test_ids_and_names_may_differ_from_a_capture_and_nothing_else() -> None:
    captured = {"id": "d-ABCDEFGH1", "error": {"code": "A", "message": "d-ABCDEFGH1 failed: <alarm>"}}
    same = {"id": "d-ZYXWVUTS9", "error": {"code": "A", "message": "d-ZYXWVUTS9 failed: <other>"}, "more": 1}
    given, expected = as_captured(same, captured)
    assert given == expected
    for other in ({**same, "error": {"code": "B", "message": "x"}}, {"id": "d-ZYXWVUTS9"}):
        given, expected = as_captured(other, captured)
        assert given != expected
