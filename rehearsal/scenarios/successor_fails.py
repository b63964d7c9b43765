"""A good version is guarded, and the version after it is bad: only that one is rolled back.

functions/rollback does not know the alarm, so CodeDeploy's own poll ends the release. The monitor then sees the alarm
fire, and the version before it, which is guarded for an hour, stays.
"""

from rehearsal.scenarios.fails_for_some import poll_alone, rollback_off, rollback_on
from rehearsal.scenarios.story import Check, Scenario, Seen, at_least, same

# functions/monitor acts on alarms that fire for a minute or longer; it looks every minute.
_TWO_LOOKS = 120


def _quiet_after(seen: Seen) -> float:
    """For how many seconds the alarm still fired after users were on stable again."""
    back = seen.back_at() or seen.ended
    quiet = [r["t"] for r in seen.records if r["kind"] == "alarm" and r["new"] != "ALARM" and r["t"] >= back]
    return float(min(quiet, default=seen.started + seen.seconds_after) - back)


def checks(seen: Seen) -> list[Check]:
    return [
        *poll_alone(seen),
        at_least("seconds for which the alarm fired after the rollback", 1, round(_quiet_after(seen))),
        at_least("seconds that were watched after the rollback", _TWO_LOOKS, round(_watched(seen))),
        same("requests of users that another version than these two served", 0, len(_of_older_versions(seen))),
    ]


def _watched(seen: Seen) -> float:
    return seen.started + seen.seconds_after - (seen.back_at() or seen.ended)


def _of_older_versions(seen: Seen) -> list[str]:
    return [s.version for s in seen.served if s.version not in (seen.stable, seen.candidate)]


SCENARIO = Scenario(
    "successor-fails",
    "The version after a good one is bad: CodeDeploy's poll rolls it back, and the good one stays",
    "fails-for-some",
    "taken back",
    checks,
    before=rollback_off,
    after=rollback_on,
    watched=_TWO_LOOKS,
)
