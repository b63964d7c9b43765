"""Seatrial's own hook can't be imported. Its OnFailure destination answers in minutes, not in CodeDeploy's hour."""

from rehearsal.scenarios.story import Actors, Check, Scenario, Seen, at_most, never_met_a_user


def checks(seen: Seen) -> list[Check]:
    return [
        *never_met_a_user(seen),
        at_most("minutes until CodeDeploy had its answer", 15, round((seen.ended - seen.started) / 60, 1)),
    ]


def _break(actors: Actors) -> None:
    actors.break_pre_traffic()


def _mend(actors: Actors) -> None:
    actors.mend_pre_traffic()


SCENARIO = Scenario(
    "broken-hook", "The hook itself can't be imported", "good", "refused", checks, before=_break, after=_mend
)
