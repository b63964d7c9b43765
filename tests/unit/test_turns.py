"""Each release has its turn, whatever goes wrong in another's."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, get_ident

import pytest
from aws_lambda_powertools import Logger

from seatrial.core.release import Release
from seatrial.flows.turns import AT_ONCE, Turns
from tests.small_account import CREATED

RELEASE = Release("d-0", "shop", "payments", "payments", "live", "7", "8", CREATED)
RELEASES = tuple(replace(RELEASE, deployment_id=f"d-{n}") for n in range(2 * AT_ONCE))
LOG = Logger(service="test")


def test_as_many_have_their_turn_at_the_same_time_as_there_is_room_for() -> None:
    together = Barrier(AT_ONCE)
    turns = Turns(LOG)
    turns.each(RELEASES, lambda release: together.wait(10))
    turns.end()


def test_one_at_a_time_is_in_their_order_and_nobody_elses_thread() -> None:
    taken: list[tuple[str, int]] = []
    Turns(LOG, at_once=1).each(RELEASES, lambda release: taken.append((release.deployment_id, get_ident())))
    assert taken == [(release.deployment_id, get_ident()) for release in RELEASES]


@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_what_goes_wrong_in_some_turns_is_raised_together_after_all_of_them(at_once: int) -> None:
    taken: list[str] = []

    def take(release: Release) -> None:
        taken.append(release.deployment_id)
        if release in RELEASES[:2]:
            raise ValueError(release.deployment_id)

    turns = Turns(LOG, at_once)
    turns.each(RELEASES, take)
    assert sorted(taken) == sorted(release.deployment_id for release in RELEASES)
    with pytest.raises(ExceptionGroup) as raised:
        turns.end()
    assert sorted(str(error) for error in raised.value.exceptions) == ["d-0", "d-1"]


def test_without_a_trouble_there_is_nothing_to_raise() -> None:
    Turns(LOG).end()
