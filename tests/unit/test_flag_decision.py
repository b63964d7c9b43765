"""What on call's word means for a flag's newest deployment: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core.decide import Ignore, Notify
from seatrial.core.flag import REVERTED_WITHIN, FlagDecision, StopRollout, decide
from seatrial.core.oncall import FlagRollbackRequested
from seatrial.core.rollout import Flag, Rollout

BEGAN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FLAG = Flag("shop/production/checkout", "app1", "env1", "pro1")
ASKED = "on call asked for it: baskets are lost"
AGAIN = (
    "`aws appconfig start-deployment --application-id app1 --environment-id env1 --configuration-profile-id pro1 "
    "--configuration-version 11 --deployment-strategy-id AppConfig.AllAtOnce`"
)


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def asks(minute: float = 5) -> FlagRollbackRequested:
    return FlagRollbackRequested("e-1", at(minute), FLAG.name, "baskets are lost", "on call")


running = Rollout(FLAG, 7, "12", "DEPLOYING", BEGAN, stable="11")
complete = replace(running, state="COMPLETE", completed=at(3))


def back(rollout: Rollout) -> StopRollout:
    return StopRollout(rollout, ASKED)


@pytest.mark.parametrize(
    ("newest", "decision"),
    [
        *(
            pytest.param(one, back(one), id=f"while it is {one.state} it is stopped")
            for one in (running, replace(running, state="BAKING"), replace(running, state="VALIDATING"))
        ),
        pytest.param(complete, back(complete), id="when it is complete it is reverted"),
        pytest.param(
            replace(running, stable=""),
            back(replace(running, stable="")),
            id="the first of all is stopped while it runs: users get what they had, which is nothing",
        ),
        pytest.param(
            replace(complete, stable=""),
            Notify(
                f"shop/production/checkout: NOT taken back ({ASKED}): deployment 7 of shop/production/checkout is "
                "complete, and before it there was no configuration to go back to. Deploy a version that works"
            ),
            id="and is not reverted to nothing once it is complete",
        ),
        *(
            pytest.param(
                replace(complete, state=state),
                Ignore(f"deployment 7 of shop/production/checkout is already {word}"),
                id=f"what is {word} is not taken back again",
            )
            for state, word in (
                ("ROLLING_BACK", "rolling back"),
                ("ROLLED_BACK", "rolled back"),
                ("REVERTED", "reverted"),
            )
        ),
        pytest.param(
            replace(running, started=at(6)),
            Ignore("on call asked before deployment 7 of shop/production/checkout began"),
            id="a word from before it is not about it",
        ),
        pytest.param(
            replace(complete, completed=at(6) - REVERTED_WITHIN),
            Notify(
                f"shop/production/checkout: NOT taken back ({ASKED}): deployment 7 of shop/production/checkout is "
                "complete since 2026-11-20 10:06 UTC, and AppConfig reverts within 72 hours alone. Deploy the version "
                f"before: {AGAIN}"
            ),
            id="after 72 hours people are told what to type",
        ),
        pytest.param(
            replace(complete, completed=at(6) - REVERTED_WITHIN + timedelta(seconds=1)),
            back(replace(complete, completed=at(6) - REVERTED_WITHIN + timedelta(seconds=1))),
            id="and a second before that it is reverted",
        ),
        pytest.param(
            replace(running, state="PAUSED"),
            Notify(
                f"shop/production/checkout: NOT taken back ({ASKED}): AppConfig says that deployment 7 of "
                "shop/production/checkout is PAUSED, a state that Seatrial does not know. Deploy the version before: "
                f"{AGAIN}"
            ),
            id="an unknown state is told",
        ),
        pytest.param(
            None,
            Notify(
                "on call asked to take shop/production/checkout back, but AppConfig has never deployed this profile to "
                "this environment"
            ),
            id="where nothing was deployed there is nothing to take back",
        ),
    ],
)
def test_on_call_takes_back_the_newest_deployment_of_the_flag_they_name(
    newest: Rollout | None, decision: FlagDecision
) -> None:
    assert decide(asks(), newest, at(6)) == decision
