"""Whatever is told twice, late, out of order or never, and wherever Seatrial is interrupted: a release goes back once.

The world and what holds in it is world.py; that it would notice is test_seeded_defects.py.
"""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.world import World


def run(examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # add Phase.shrink to be shown the shortest way to what is found
        suppress_health_check=checks,
    )
    logging.disable()  # a dozen lines for each of thousands of steps, which pytest would keep
    try:
        run_state_machine_as_test(World, settings=how)
    finally:
        logging.disable(logging.NOTSET)


def test_a_release_goes_back_once_and_everybody_can_read_why() -> None:
    run(examples=8, steps=30)


@pytest.mark.proof
def test_a_release_goes_back_once_in_five_thousand_steps() -> None:
    World.steps = 0
    run(examples=120, steps=60)
    assert World.steps >= 5_000
