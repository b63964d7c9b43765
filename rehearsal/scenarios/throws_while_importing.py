"""A version that can't even be imported. It is asked in the dark first, so nobody notices."""

from rehearsal.scenarios.story import Check, Scenario, Seen, never_met_a_user, same


def checks(seen: Seen) -> list[Check]:
    return [
        *never_met_a_user(seen),
        same("the ledger's word for it", "refused", seen.state),
        Check("the reason names what its import raised", "KeyError", seen.reason, "with KeyError" in seen.reason),
    ]


SCENARIO = Scenario(
    "throws-while-importing", "A version throws while it is imported", "throws-while-importing", "refused", checks
)
