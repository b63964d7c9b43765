"""Which releases an alarm or a request of on call takes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core.decide import Decision, Ignore, Notify, StopDeployment, decide
from seatrial.core.events import AlarmChanged, RollbackRequested
from seatrial.core.release import Release, State

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def rings(minute: float = 5, *, state: str = "ALARM", alarm: str = "bad-outcomes") -> AlarmChanged:
    return AlarmChanged("e-1", alarm, state, "3 of 3 datapoints", OPENED + timedelta(minutes=minute))


def asks(service: str = "payments", release: str = "") -> RollbackRequested:
    return RollbackRequested("e-2", service, "refunds answer twice", "ines", release)


shifting = Release(
    "d-1", "shop", "payments", "payments", "live", "7", "8", OPENED, State.SHIFTING, alarms=("bad-outcomes",)
)
confirming = replace(shifting, state=State.CONFIRMING)
in_trial = replace(shifting, state=State.TRIAL)
going_back = replace(shifting, state=State.GOING_BACK)
closed = replace(shifting, state=State.RELEASED)
other = replace(shifting, deployment_id="d-2", function="refunds", alarms=("refund-errors",))
beside = replace(shifting, deployment_id="d-3", function="quotes")

WHY = "alarm bad-outcomes rang: 3 of 3 datapoints"


@pytest.mark.parametrize(
    ("alarm", "releases", "decisions"),
    [
        pytest.param(rings(), [shifting], [StopDeployment(shifting, WHY)], id="while it shifts, it is stopped"),
        pytest.param(rings(), [confirming], [StopDeployment(confirming, WHY)], id="and so it is after the shift"),
        pytest.param(
            rings(-1),
            [shifting],
            [Ignore("alarm bad-outcomes rang before release d-1 of payments:live began")],
            id="an alarm from before the release is not its doing",
        ),
        pytest.param(
            rings(),
            [in_trial],
            [
                Ignore(
                    "alarm bad-outcomes rang while no user meets version 8 of payments:live yet; CodeDeploy itself "
                    "begins no shift under a ringing alarm"
                )
            ],
            id="who has met nobody can't have caused it",
        ),
        pytest.param(
            rings(), [going_back], [Ignore("release d-1 of payments:live is already going back")], id="never twice"
        ),
        pytest.param(
            rings(state="OK"), [shifting], [Ignore("alarm bad-outcomes is OK")], id="recovering takes nothing back"
        ),
        pytest.param(
            rings(), [], [Ignore("no open release names alarm bad-outcomes")], id="nothing open, nothing to tell"
        ),
        pytest.param(
            rings(),
            [shifting, other, beside],
            [StopDeployment(shifting, WHY), StopDeployment(beside, WHY)],
            id="all that name it go back, as CodeDeploy would have it",
        ),
    ],
)
def test_an_alarm_takes_back_the_releases_that_name_it_and_can_have_caused_it(
    alarm: AlarmChanged, releases: list[Release], decisions: list[Decision]
) -> None:
    assert list(decide(alarm, releases)) == decisions


def test_an_alarm_that_nobody_names_is_told_while_users_meet_a_candidate() -> None:
    (decision,) = decide(rings(alarm="disk-full"), [shifting])
    assert isinstance(decision, Notify)
    assert "no release names it" in decision.reason
    assert decide(rings(alarm="disk-full"), [in_trial]) == (Ignore("no open release names alarm disk-full"),)


OPEN = "payments:live, refunds:live"
ASKED = "ines asked for it: refunds answer twice"


@pytest.mark.parametrize(
    ("request_", "releases", "decisions"),
    [
        pytest.param(asks(), [shifting, other], [StopDeployment(shifting, ASKED)], id="by the function's name"),
        pytest.param(asks("payments:live"), [shifting], [StopDeployment(shifting, ASKED)], id="by function and alias"),
        pytest.param(asks(), [in_trial], [StopDeployment(in_trial, ASKED)], id="people may stop a trial as well"),
        pytest.param(
            asks(release="d-1"), [closed, other], [Ignore("release d-1 of payments:live is already released")],
            id="a closed release is said to be closed",
        ),
        pytest.param(
            asks("payment"), [shifting, other],
            [Ignore(f"ines asked for a rollback, but no release of payment is open (open: {OPEN})")],
            id="an unknown service is told what is open",
        ),
        pytest.param(
            asks(release="d-9"), [shifting],
            [Ignore("ines asked for a rollback, but no release d-9 of payments is open (open: payments:live)")],
            id="another release of the service is left alone",
        ),
        pytest.param(
            asks(), [],
            [Ignore("ines asked for a rollback, but no release of payments is open (no release is open at all)")],
            id="nothing is open",
        ),
        pytest.param(
            asks(), [going_back], [Ignore("release d-1 of payments:live is already going back")], id="never twice"
        ),
    ],
)  # fmt: skip
def test_on_call_takes_back_the_open_release_of_the_service_they_name(
    request_: RollbackRequested, releases: list[Release], decisions: list[Decision]
) -> None:
    assert list(decide(request_, releases)) == decisions
