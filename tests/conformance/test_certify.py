"""What can be held of the account's side without an account: that it asks first, and that it can be taken up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3

from rehearsal.stage import ACCOUNT, REGION, Stage
from rehearsal.stage.codedeploy.behaviour import Behaviour, certified
from tests.conformance.account import Account, AdvancedTime
from tests.conformance.captures import DATA, as_captured
from tests.conformance.marks import CAPTURED, UNCONFIRMED
from tests.conformance.results import Certified, Claim, table

HERE = Path(__file__).parent


def test_without_yes_it_says_what_it_would_cost_and_does_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "YES" and not name.startswith("AWS_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-m", "claim or question", "-p", "no:cacheprovider", str(HERE)],
        env={**environment, "CONFORMANCE": "account"},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "claims and questions are left to try, about" in ran.stdout
    assert "cost below 1 USD" in ran.stdout
    assert "Nothing was done. `YES=1 make certify` does it in the account of your credentials." in ran.stdout


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


def test_the_table_tells_what_holds_what_does_not_and_what_nobody_confirmed(tmp_path: Path) -> None:
    known = Certified(tmp_path / "certified.json", claims={"test_one": {"held": True, "at": "2026-11-24"}})
    claims = [
        Claim("test_one", CAPTURED, "observed-one", held=True),
        Claim("test_two", UNCONFIRMED, "", held=False),
    ]
    told = table(claims, {"switch": ("it is so", True)}, known)
    assert "| one | holds | a capture, `observed-one` | held on 2026-11-24 |" in told
    assert "| two | **does not hold** | **unconfirmed** | not yet |" in told
    assert "1 of 2 claims hold on the stage; 1 are held to a capture, 1 are unconfirmed." in told
    assert "| it is so | yes | not yet |" in told


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
