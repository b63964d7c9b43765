"""A version charges a wrong fee. A case in the dark finds it, and no user ever meets it."""

from rehearsal.scenarios.story import Check, Scenario, Seen, never_met_a_user, same


def checks(seen: Seen) -> list[Check]:
    return [
        *never_met_a_user(seen),
        same("the ledger's word for it", "refused", seen.state),
        Check("the reason names the case that failed", "asks … for …", seen.reason, "asks " in seen.reason),
    ]


SCENARIO = Scenario("fails-in-the-dark", "A version fails a dark case", "fails-in-the-dark", "refused", checks)
