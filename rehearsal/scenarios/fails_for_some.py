"""A version passes in the dark and answers some users with 500. Lambda sees no error; the outcome alarm does.

Told four times: as it is installed, with CodeDeploy's own alarm poll switched off, with functions/rollback cut off from
alarms, and with an alarm that is set too high to notice, so that each of the three nets is seen to hold alone.
"""

from rehearsal.scenarios.story import (
    JUDGE,
    POLL,
    ROLLBACK,
    Actors,
    Check,
    Scenario,
    Seen,
    at_least,
    at_most,
    same,
    taken_back,
)


def _checks(seen: Seen) -> list[Check]:
    bad = [s for s in seen.answers(seen.candidate) if s.bad]
    return [
        *taken_back(seen),
        at_least("user requests that the candidate brought to a bad end", 1, len(bad)),
        same("of these, raised errors that Lambda counts", 0, sum("error" in s.why for s in bad)),
        same("requests that stable brought to a bad end", 0, sum(s.bad for s in seen.answers(seen.stable))),
    ]


def _rang(seen: Seen) -> list[float]:
    """When its alarm began to ring, each time, in stage epoch seconds."""
    return [r["t"] for r in seen.records if r["kind"] == "alarm" and r["new"] == "ALARM"]


def _stopped(seen: Seen) -> float:
    return next((float(r["t"]) for r in seen.records if r.get("what") == "stop"), float("inf"))


def either(seen: Seen) -> list[Check]:
    return [*_checks(seen), Check("who stopped it first", "either", str(seen.won), seen.won in (ROLLBACK, POLL))]


def rollback_alone(seen: Seen) -> list[Check]:
    rang = next(iter(_rang(seen)), seen.started)
    return [
        *_checks(seen),
        same("who stopped it", ROLLBACK, seen.won),
        # The clock goes at most at wall speed while the function works, and the first time it has to start.
        at_most("seconds from the alarm to StopDeployment", 10, round(_stopped(seen) - rang, 2)),
    ]


def poll_alone(seen: Seen) -> list[Check]:
    return [*_checks(seen), same("who stopped it", POLL, seen.won)]


def judge_alone(seen: Seen) -> list[Check]:
    stopped = _stopped(seen)
    return [
        *_checks(seen),
        same("who stopped it", JUDGE, seen.won),
        # CloudFormation then takes the alarm's old threshold back, too, and that one rings.
        same("the alarm rang before the judge spoke", False, any(rang < stopped for rang in _rang(seen))),
        same("the reason is the judge's", True, seen.reason.startswith("the judge finds it worse: ")),
    ]


def _poll_off(actors: Actors) -> None:
    actors.alarm_poll(on=False)


def _poll_on(actors: Actors) -> None:
    actors.alarm_poll(on=True)


def rollback_off(actors: Actors) -> None:
    actors.rollback_on_alarm(on=False)


def rollback_on(actors: Actors) -> None:
    actors.rollback_on_alarm(on=True)


BOTH = Scenario(
    "fails-for-some", "A version answers some users with 500: both nets are up", "fails-for-some", "taken back", either
)
ROLLBACK_ALONE = Scenario(
    "fails-for-some-rollback-alone",
    "The same without CodeDeploy's alarm poll: functions/rollback alone",
    "fails-for-some",
    "taken back",
    rollback_alone,
    before=_poll_off,
    after=_poll_on,
)
POLL_ALONE = Scenario(
    "fails-for-some-poll-alone",
    "The same without functions/rollback: CodeDeploy's alarm poll alone",
    "fails-for-some",
    "taken back",
    poll_alone,
    before=rollback_off,
    after=rollback_on,
)
JUDGE_ALONE = Scenario(
    "fails-for-some-judge-alone",
    "The same with an alarm that is set too high to notice: the judge alone",
    "fails-for-some",
    "taken back",
    judge_alone,
    parameters={"AlarmAt": "1000", "ShiftType": "Canary10Percent30Minutes"},
)
