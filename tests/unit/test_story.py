"""The sentences people read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from seatrial.core import finding_story, rollback_story, story
from seatrial.core.deployment import Deployment, Group, Shift, Status
from seatrial.core.release import Release, State, Step

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
release = Release(
    "d-RGSWBD91L",
    "shop",
    "payments",
    "payments",
    "live",
    "7",
    "8",
    OPENED,
    State.TAKEN_BACK,
    "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    by="functions/rollback",
)


def step(seconds: int, sentence: str) -> Step:
    return Step("step", sentence, sentence, OPENED + timedelta(seconds=seconds))


def test_a_release_is_told_in_the_order_in_which_it_happened() -> None:
    steps = [
        step(63, rollback_story.stopped(release, "on call asked for it: refunds answer twice")),
        step(0, story.opened(release)),
        step(4, story.tried(release, "9 of 9 cases passed")),
    ]
    assert "\n".join(story.lines(release, steps)) == (
        "d-RGSWBD91L  payments:live  7 → 8  taken back by functions/rollback\n"
        "  10:00:00   +0m00s  payments:live: version 8 wants to replace version 7 (d-RGSWBD91L, "
        "CodeDeployDefault.LambdaCanary10Percent5Minutes)\n"
        "  10:00:04   +0m04s  payments:live: version 8 was tried in the dark: 9 of 9 cases passed\n"
        "  10:01:03   +1m03s  payments:live: going back from version 8 to version 7: on call asked for it: "
        "refunds answer twice"
    )


def test_a_refusal_for_the_group_names_what_is_missing_and_the_lines_to_add() -> None:
    group = Group("shop", "payments", rolls_back_on=frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}))
    assert finding_story.must_roll_back_by_itself(group) == (
        "deployment group payments does not roll back by itself on DEPLOYMENT_STOP_ON_REQUEST: add "
        "`AutoRollbackConfiguration: {Enabled: true, Events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, "
        "DEPLOYMENT_STOP_ON_REQUEST]}` to it in the template (SAM's DeploymentPreference does so by itself)"
    )


def test_a_missing_tag_is_told_with_the_line_that_adds_it() -> None:
    assert "`Tags: {seatrial: payments}`" in finding_story.not_tagged("payments")


def test_going_back_is_told_even_when_nobody_knows_from_where() -> None:
    unread = Deployment("d-2", "shop", "payments", Status.IN_PROGRESS, OPENED, unreadable="no JSON")
    known = Deployment("d-2", "shop", "payments", Status.IN_PROGRESS, OPENED, Shift("payments", "live", "8", "7"))
    assert rollback_story.goes_back(unread) == "d-2 takes users back: that is never held up"
    assert rollback_story.goes_back(known) == "d-2 takes payments:live back to version 7: that is never held up"


def test_a_subject_fits_into_a_message() -> None:
    assert len(story.subject(release, "x" * 200)) == 100
