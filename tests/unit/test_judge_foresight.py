"""What a shift can see."""

from __future__ import annotations

import pytest

from benchmarks.judge.worlds import Cell, World, shift
from seatrial.core import foresight
from seatrial.core.bake import Shifting
from seatrial.core.evidence import Row
from seatrial.core.foresight import LONGER, POWER, Foresight, Step, foresee, steps_of, steps_of_any
from seatrial.core.judge import judge
from seatrial.core.sections import JudgeSettings

DEFAULTS = JudgeSettings()
CANARY = (Step(0.1, 5),)


@pytest.mark.parametrize(
    ("configuration", "steps"),
    [
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", (Step(0.1, 5),)),
        ("Canary10Percent30Minutes", (Step(0.1, 30),)),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", tuple(Step(share / 10, 1) for share in range(1, 10))),
        ("Linear10PercentEvery3Minutes", tuple(Step(share / 10, 3) for share in range(1, 10))),
        ("CodeDeployDefault.LambdaAllAtOnce", ()),
        ("slowly-with-care", None),
    ],
)
def test_the_steps_of_a_configuration_are_known_by_its_name(configuration: str, steps: tuple[Step, ...] | None) -> None:
    assert steps_of(configuration) == steps


@pytest.mark.parametrize(
    ("shifting", "steps"),
    [
        (Shifting.canary(10, 5), (Step(0.1, 5),)),
        (Shifting.canary(25, 45), (Step(0.25, 45),)),
        (Shifting.linear(30, 2), (Step(0.3, 2), Step(0.6, 2), Step(0.9, 2))),
        (Shifting(), ()),
    ],
)
def test_the_steps_of_a_configuration_of_ones_own_are_known_by_what_it_does(
    shifting: Shifting, steps: tuple[Step, ...]
) -> None:
    assert steps_of_any(shifting) == pytest.approx(steps)


def test_what_comes_after_two_hours_is_not_looked_at() -> None:
    assert foresee((Step(0.1, 2_880),), 0.4, 0.001, DEFAULTS) == foresee((Step(0.1, 120),), 0.4, 0.001, DEFAULTS)


def seen(steps: tuple[Step, ...], rate: float, base: float, settings: JudgeSettings = DEFAULTS) -> float:
    share = foresee(steps, rate, base, settings).share
    assert share is not None
    return share


def test_more_users_and_more_time_see_more_and_a_worse_stable_hides_more() -> None:
    usual = seen(CANARY, 5, 0.001)
    assert seen(CANARY, 50, 0.001) < usual
    assert seen(LONGER, 5, 0.001) < usual
    assert seen(CANARY, 5, 0.01) > usual
    assert seen(CANARY, 5, 0.001, JudgeSettings(false_alarms=0.0001)) > usual
    assert seen(CANARY, 5, 0.001, JudgeSettings(worse_than=5)) > usual


def test_what_is_foreseen_is_always_the_same() -> None:
    assert foresee(CANARY, 5, 0.001, DEFAULTS) == foresee(CANARY, 5, 0.001, DEFAULTS)


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (
            20,
            "Canary10Percent5Minutes at 20 requests/s can only notice a candidate that fails 2.3 % of its requests; "
            "30 minutes at 25 % would notice 0.45 %",
        ),
        (
            0.4,
            "Canary10Percent5Minutes at 0.4 requests/s can only notice a candidate that fails 70 % of its requests; "
            "30 minutes at 25 % would notice 5.9 %",
        ),
        (
            0.05,
            "Canary10Percent5Minutes at 0.05 requests/s can't notice even a candidate that fails all of its requests: "
            "in 5 minutes about 1.5 reach it; 30 minutes at 25 % would notice 81 %",
        ),
    ],
)
def test_before_a_shift_people_read_what_it_can_see(rate: float, sentence: str) -> None:
    usual, longer = foresee(CANARY, rate, 0.001, DEFAULTS), foresee(LONGER, rate, 0.001, DEFAULTS)
    assert foresight.sentence("Canary10Percent5Minutes", rate, usual, longer) == sentence


def test_a_shift_all_at_once_compares_nothing() -> None:
    assert foresight.sentence("AllAtOnce", 20, foresee((), 20, 0.001, DEFAULTS)) == (
        "AllAtOnce at 20 requests/s lets everybody in at once and compares nothing; only the time before is left to "
        "compare with"
    )


def test_a_longer_shift_is_offered_only_when_it_sees_more() -> None:
    told = foresight.sentence("careful", 5, Foresight(0.02, 100, 60), Foresight(0.05, 100, 30))
    assert told == "careful at 5 requests/s can only notice a candidate that fails 2 % of its requests"


@pytest.mark.proof
@pytest.mark.parametrize("seed", ["other", "and another"])
@pytest.mark.parametrize(
    ("shifting", "rate", "base"),
    [
        pytest.param(Shifting.canary(10, 5), 0.4, 0.001, id="a canary without many users"),
        pytest.param(Shifting.canary(25, 30), 2.0, 0.01, id="a canary of one's own"),
        pytest.param(Shifting.linear(20, 4), 20.0, 0.001, id="linear, of one's own"),
        pytest.param(Shifting.linear(10, 1), 500.0, 0.01, id="linear, with many users and errors"),
    ],
)
def test_what_is_foreseen_is_what_other_shifts_notice(shifting: Shifting, rate: float, base: float, seed: str) -> None:
    steps = steps_of_any(shifting)
    failing = seen(steps, rate, base)
    shifts = [_shift(steps, rate, base, failing, f"{seed} {number}") for number in range(500)]
    noticed = [judge(rows, DEFAULTS).verdict for rows in shifts].count("worse")
    assert POWER - 0.08 <= noticed / len(shifts) <= POWER + 0.11


def _shift(steps: tuple[Step, ...], rate: float, base: float, failing: float, seed: str) -> list[Row]:
    """Counts as chance has them: the judge must not know the ones it was tried on."""
    cells = [Cell(World(str(at), fails=failing), rate, base, step.minutes, step.share) for at, step in enumerate(steps)]
    return [row for cell in cells for row in shift(cell, seed)]
