"""Nothing rings, but on call knows better: one event from events/ takes the release back."""

from rehearsal.scenarios.story import ROLLBACK, Actors, Check, Scenario, Seen, same, taken_back

SAMPLE = "rollback-requested.json"


def send_the_event(actors: Actors) -> None:
    actors.wait_for_users_on_the_candidate()
    actors.on_call(SAMPLE)


def checks(seen: Seen) -> list[Check]:
    return [
        *taken_back(seen),
        same("who stopped it", ROLLBACK, seen.won),
        same("alarms that rang", 0, sum(r["kind"] == "alarm" and r["new"] == "ALARM" for r in seen.records)),
    ]


SCENARIO = Scenario(
    "on-call", "On call takes a release back by one event", "good", "taken back", checks, during=send_the_event
)
