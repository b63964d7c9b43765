"""The main job from end to end: real releases of the payments service, each seen to end as it must."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from rehearsal.telling import page
from rehearsal.telling.report import RehearsedRelease
from tests.rehearsed import Rehearsed


def told(release: RehearsedRelease) -> str:
    """What of a release was not as expected, as text for a person."""
    return "\n".join(f"{check.what}: {check.happened}, expected {check.expected}" for check in release.checks)


def test_every_release_ends_as_its_story_says(rehearsed: Rehearsed) -> None:
    assert {release.id: told(release) for release in rehearsed.report.unexpected} == {}
    assert [release.result for release in rehearsed.report.releases] == [
        "released",
        "refused",
        "taken back",
        "taken back",
        "taken back",
        "taken back",
        "taken back",
        "refused",
        "refused",
    ]


def test_each_refusal_and_each_way_back_has_a_reason_that_people_can_act_on(rehearsed: Rehearsed) -> None:
    reasons = {release.id: release.reason for release in rehearsed.report.releases}

    assert reasons["fails-in-the-dark"].startswith("1 of 12 cases failed: 'asks 2 for 80 JPY'")
    assert "failed with KeyError: 'PAYMENTS_FEE_SHARE'" in reasons["throws-while-importing"]
    assert "BadOutcomes" in reasons["fails-for-some-rollback-alone"]
    assert "BadOutcomes" in reasons["fails-for-some-poll-alone"]
    assert reasons["fails-for-some-judge-alone"].startswith("the judge finds it worse: outcomes worse since minute ")
    assert "asked for it" in reasons["on-call"]


def test_what_goes_out_is_told_with_the_judges_verdict_and_what_it_rests_on(rehearsed: Rehearsed) -> None:
    (good,) = [release for release in rehearsed.report.releases if release.id == "good"]
    told = [line for line in good.story if "the judge finds version" in line]
    assert told and all("of the candidate's requests" in line and "outcomes" in line for line in told)


def test_the_page_has_a_chart_of_each_release(rehearsed: Rehearsed) -> None:
    shown = page.html(rehearsed.report)

    assert shown.count("<section") == len(rehearsed.report.releases)
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "")


def test_an_interrupted_rehearsal_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle of `sam deploy`, with the stage, functions and `sam` running."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    rehearsal = subprocess.Popen(
        [sys.executable, "-m", "rehearsal.rehearse", "--only", "good", "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    assert rehearsal.stdout
    for line in rehearsal.stdout:
        if "sam deploy: Seatrial itself" in line:
            break
    assert list(temporary.iterdir())

    rehearsal.send_signal(signal.SIGINT)
    rest = rehearsal.stdout.read()

    assert rehearsal.wait(timeout=30) == 130
    assert "interrupted; the stage, its functions and its files are gone" in rest
    assert list(temporary.iterdir()) == []
    assert subprocess.run(["pgrep", "-f", str(temporary)], capture_output=True, text=True).stdout == ""
