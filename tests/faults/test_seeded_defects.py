"""The world of test_exactly_once.py notices what it is there for: each defect that is put in on purpose is found.

What is told a second time is not among them: that the same ring is told once is held by tests/unit/test_rollback.py.
`python -m tests.faults.test_seeded_defects` prints after how many steps, and by which sentence.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from seatrial.aws import deployment_info, lambdas
from seatrial.aws.codedeploy import AlreadyCompleted, CodeDeploy
from seatrial.aws.lambdas import Alias, Lambdas
from seatrial.aws.ledger import releases
from seatrial.aws.ledger.alarm_index import AlarmIndex
from seatrial.aws.ledger.cases import Cases
from seatrial.core import alarm_owner, decide, oncall, reconcile, siblings, tag
from seatrial.core.decide import Situation
from seatrial.core.deployment import Deployment, Shift
from seatrial.core.release import Release, State
from seatrial.core.tag import Tag
from seatrial.flows import guard, rollback, situation
from tests.faults.world import World

pytestmark = pytest.mark.proof

Patch = pytest.MonkeyPatch

EXAMPLES, STEPS = 200, 60


def the_cool_down_is_ignored(patch: Patch) -> None:
    patch.setattr(decide, "COOL_DOWN", timedelta(0))


def the_cool_down_is_not_written_down(patch: Patch) -> None:
    patch.setattr(AlarmIndex, "took_back", lambda *_: None)


def what_is_going_back_is_taken_back_again(patch: Patch) -> None:
    """After its end, by the alias, too."""

    def over(release: Release, situation: Situation) -> str:
        return ""

    patch.setattr(decide, "_over", over)


def a_deployment_that_ends_well_just_before_its_stop_is_let_be(patch: Patch) -> None:
    def let_be(*_: Any) -> dict[str, str]:
        return {"action": "ignored", "reason": "it is over"}

    patch.setattr(rollback, "_ended_well_meanwhile", let_be)


def the_alias_is_set_whoever_set_it_meanwhile(patch: Patch) -> None:
    def point(self: Lambdas, function: str, name: str, version: str, *, seen: Alias) -> bool:
        self._client.update_alias(
            FunctionName=function, Name=name, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}}
        )
        return True

    patch.setattr(Lambdas, "point", point)


def the_alias_of_another_service_is_set(patch: Patch) -> None:
    point = Lambdas.point

    def of_another(self: Lambdas, function: str, name: str, version: str, *, seen: Alias) -> bool:
        other = "refunds" if function == "payments" else "payments"
        return point(self, other, name, version, seen=self.alias(other, name))

    patch.setattr(Lambdas, "point", of_another)


def a_person_takes_every_service_back(patch: Patch) -> None:
    patch.setattr(Release, "belongs_to", lambda self, service: True)


def states_move_backwards(patch: Patch) -> None:
    patch.setattr(releases, "states_before", lambda state: tuple(State))


def the_index_of_alarms_does_not_learn_that_users_come(patch: Patch) -> None:
    advance = AlarmIndex.advance

    def but_for_shifting(self: AlarmIndex, release: Release, values: Any, to: State) -> None:
        if to is not State.SHIFTING:
            advance(self, release, values, to)

    patch.setattr(AlarmIndex, "advance", but_for_shifting)


def the_index_of_alarms_does_not_learn_of_the_fix(patch: Patch) -> None:
    copy = AlarmIndex.copy
    patch.setattr(AlarmIndex, "copy", lambda self, release, *, afresh=False: copy(self, release))


def an_alarm_takes_the_fix_back(patch: Patch) -> None:
    spared = decide._spared
    patch.setattr(decide, "_spared", lambda release, *rest: spared(replace(release, fix=""), *rest))


def a_rollback_that_was_cut_short_is_left_to_itself(patch: Patch) -> None:
    """The ledger says that it goes back, and nobody stops it."""

    def but_for_stops(*args: Any) -> tuple[Any, ...]:
        return tuple(one for one in reconcile.reconcile(*args) if not isinstance(one, reconcile.StopAgain))

    patch.setattr("seatrial.flows.reconcile.reconcile", but_for_stops)


def a_return_that_was_cut_short_is_left_to_itself(patch: Patch) -> None:
    look = guard.look

    def but_for_returns(aws: Any, release: Release) -> None:
        if release.state is not State.RETURNING:
            look(aws, release)

    patch.setattr(guard, "look", but_for_returns)


def a_way_back_is_refused_without_the_ledger(patch: Patch) -> None:
    """The hooks ask the ledger first, as for what goes forward."""
    patch.setattr(Deployment, "goes_back", property(lambda self: False))
    patch.setattr(Shift, "is_backward", property(lambda self: False))


def a_person_is_not_obeyed_without_the_ledger(patch: Patch) -> None:
    patch.setattr(rollback, "_situation", situation.of)


def a_word_from_before_takes_the_next_release_back(patch: Patch) -> None:
    patch.setattr(decide, "EVENT_TIME", timedelta(days=365))


def an_alarm_from_before_takes_the_next_release_back(patch: Patch) -> None:
    spared = decide._spared

    def whenever(release: Release, alarm: Any, situation: Situation) -> Any:
        return spared(
            replace(release, opened_at=datetime.min.replace(tzinfo=release.opened_at.tzinfo)), alarm, situation
        )

    patch.setattr(decide, "_spared", whenever)


def off_means_nothing(patch: Patch) -> None:
    patch.setattr(tag, "read", lambda tags: Tag.RELEASED)


def a_stop_is_only_said(patch: Patch) -> None:
    patch.setattr(CodeDeploy, "stop", lambda *_: AlreadyCompleted("it is over"))


def an_alarm_is_held_against_whoever_is_guarded(patch: Patch) -> None:
    """Whoever had the traffic on which it fired."""
    patch.setattr(alarm_owner, "owner", lambda *_: None)


def a_smoke_test_is_not_marked(patch: Patch) -> None:
    patch.setattr(lambdas, "_MARK", base64.b64encode(b"{}").decode())


def what_cloudformation_stops_is_held_against_a_person(patch: Patch) -> None:
    patch.setattr(siblings, "failed_first", lambda *_: None)


def a_senders_time_is_trusted(patch: Patch) -> None:
    patch.setattr(oncall, "arrived", lambda trigger, now: trigger)


def a_claim_keeps_nobody_from_running_the_case(patch: Patch) -> None:
    patch.setattr(Cases, "claim", lambda *_: True)


def an_appspec_that_cannot_be_read_is_not_passed_over(patch: Patch) -> None:
    shift_of = deployment_info.shift_of

    def raises(content: str) -> Shift:
        json.loads(content)  # without a net: nesting raises RecursionError
        return shift_of(content)

    patch.setattr(deployment_info, "shift_of", raises)


DEFECTS: tuple[Callable[[Patch], None], ...] = (
    the_cool_down_is_ignored,
    the_cool_down_is_not_written_down,
    what_is_going_back_is_taken_back_again,
    a_deployment_that_ends_well_just_before_its_stop_is_let_be,
    the_alias_is_set_whoever_set_it_meanwhile,
    the_alias_of_another_service_is_set,
    a_person_takes_every_service_back,
    states_move_backwards,
    the_index_of_alarms_does_not_learn_that_users_come,
    the_index_of_alarms_does_not_learn_of_the_fix,
    an_alarm_takes_the_fix_back,
    a_rollback_that_was_cut_short_is_left_to_itself,
    a_return_that_was_cut_short_is_left_to_itself,
    a_way_back_is_refused_without_the_ledger,
    a_person_is_not_obeyed_without_the_ledger,
    a_word_from_before_takes_the_next_release_back,
    an_alarm_from_before_takes_the_next_release_back,
    off_means_nothing,
    a_stop_is_only_said,
    an_alarm_is_held_against_whoever_is_guarded,
    a_smoke_test_is_not_marked,
    what_cloudformation_stops_is_held_against_a_person,
    a_senders_time_is_trusted,
    a_claim_keeps_nobody_from_running_the_case,
    an_appspec_that_cannot_be_read_is_not_passed_over,
)


@dataclass(frozen=True)
class Found:
    steps: int
    by: str


def search() -> Found | None:
    """The first that does not hold, and after how many steps; None when all holds."""
    World.steps = 0
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # found is enough: nobody reads the shortest way to a defect that was put in
        suppress_health_check=list(HealthCheck),
    )
    logging.disable()
    try:
        run_state_machine_as_test(World, settings=how)
    except Exception as error:  # noqa: BLE001 - whatever shows it: an invariant, or the code itself
        return Found(World.steps, f"{type(error).__name__}: {error}".splitlines()[0])
    finally:
        logging.disable(logging.NOTSET)
    return None


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__.replace("_", " "))
def test_a_defect_that_is_put_in_on_purpose_is_found(
    defect: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert search() is not None, f"{defect.__name__} was not noticed in {World.steps} steps"


def main() -> None:
    for defect in DEFECTS:
        with pytest.MonkeyPatch.context() as patch:
            defect(patch)
            found = search()
        name = defect.__name__.replace("_", " ")
        print(
            f"| {name} | {f'{found.steps} steps: {found.by}' if found else f'NOT FOUND in {World.steps}'} |", flush=True
        )


if __name__ == "__main__":
    main()
