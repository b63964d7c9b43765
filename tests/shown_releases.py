"""Releases as a board shows them: one that shifts, one taken back, one released, one refused, one to be healed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from seatrial.core import judging
from seatrial.core.board import Shown
from seatrial.core.counted import Counted, Minutes
from seatrial.core.evidence import Row
from seatrial.core.release import Release, State, Step

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def release(id: str, opened: float, state: State, **more: Any) -> Release:
    base = Release(
        deployment_id=id,
        application="shop",
        group="payments",
        function="payments",
        alias="live",
        stable="7",
        candidate="8",
        opened_at=at(opened),
        state=state,
        configuration="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    return replace(base, **more)


def step(kind: str, minutes: float, sentence: str, by: str = "", outcome: str = "") -> Step:
    return Step(kind, "", f"payments:live: {sentence}", at(minutes), by, outcome)


def minutes(since: float, **counts: Sequence[tuple[int, int, int, int]]) -> Minutes:
    """By metric, one row a minute from `since` on: stable served, bad of these; the candidate served, bad of these."""
    return Minutes(at(since), {metric: tuple(Row(*row) for row in rows) for metric, rows in counts.items()})


def judged(
    release: Release,
    steps: tuple[Step, ...],
    shift: Minutes,
    after: Minutes | None = None,
    throttles: int = 0,
    silent: tuple[str, ...] = (),
) -> Shown:
    counted = Counted(shift, after, throttles, silent)
    return Shown(release, steps, counted, judging.verdict(counted, release.judge))


SHIFTING = judged(
    release("d-SHIFTING1", -3, State.SHIFTING),
    (
        step("opened", -3, "version 8 wants to replace version 7 (d-SHIFTING1)"),
        step("trial", -2.4, "version 8 was tried in the dark: 12 of 12 cases passed"),
        step("answer", -2.3, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
    ),
    minutes(-2, errors=[(540, 0, 59, 0), (528, 1, 61, 1)]),
    silent=("outcomes",),
)
TAKEN_BACK = judged(
    release(
        "d-TAKENBAC1",
        -90,
        State.TAKEN_BACK,
        reason="the judge found version 8 worse: 32 of 119 <requests> were bad",
        by="functions/monitor",
        closed_at=at(-86.5),
        slow_above=480.0,
    ),
    (
        step("opened", -90, "version 8 wants to replace version 7 (d-TAKENBAC1)"),
        step("trial", -89.1, "version 8 was tried in the dark: 12 of 12 cases passed"),
        step("answer", -89, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
        step("going back", -87, "going back from version 8 to version 7: outcomes are worse", "functions/monitor"),
        step("closed", -86.5, "version 8 was taken back to version 7", "functions/monitor"),
        step("besides", -89.9, "besides code: memory 128 → 256"),
        step("cost", -86.5, "about 30 of 1,793 requests (1.67 %) had a bad outcome because of it"),
        step("cost", -80, "about 31 of 1,793 requests (1.73 %) had a bad outcome because of it"),
        step("nag", 400, "told long after"),
    ),
    minutes(
        -89,
        outcomes=[(541, 3, 61, 8), (529, 2, 58, 24), (604, 3, 0, 0)],
        errors=[(541, 0, 61, 0), (529, 0, 58, 0), (604, 0, 0, 0)],
        slow=[(541, 26, 61, 9), (529, 25, 58, 3), (604, 30, 0, 0)],
    ),
    throttles=17,
)
RELEASED = judged(
    release(
        "d-RELEASED1",
        -300,
        State.RELEASED,
        closed_at=at(-287),
        bake=300.0,
        bake_until=at(-287.5),
        everybody_at=at(-294),
        made_at=at(-312),
    ),
    (
        step("opened", -300, "version 8 wants to replace version 7 (d-RELEASED1)"),
        step("answer", -299, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
        step("smoke", -293, "version 8 was asked again through the alias", "functions/post_traffic"),
        step("baking", -292.5, "version 8 bakes", "functions/post_traffic"),
        step("closed", -287, "version 8 is released and serves everybody", "CodeDeploy"),
        step("guard over", -227, "the guard over version 8 is over"),
    ),
    minutes(-299, outcomes=[(5400, 9, 600, 1)] * 5, errors=[(5400, 0, 600, 0)] * 5),
    minutes(-294, outcomes=[(6000, 10, 6000, 11)] * 7, errors=[(6000, 0, 6000, 0)] * 7),
)
REFUSED = Shown(
    release("d-REFUSED11", -400, State.REFUSED, closed_at=at(-399), reason="3 of 12 cases failed", by="functions/<x>"),
    (step("opened", -400, "version 8 wants to replace version 7"),),
)
ENDED = (TAKEN_BACK, RELEASED, REFUSED)
RETURNED = release(
    "d-RETURNED1", -60 * 1440, State.RETURNED, reason="alarm fees-wrong rang", by="functions/rollback", function="fees"
)
