"""A good version goes out: tried in the dark, 10 % of the users for five minutes, then all of them."""

from rehearsal.scenarios.story import Check, Scenario, Seen, at_least, released, same


def checks(seen: Seen) -> list[Check]:
    shares = [share for _, share in seen.weights()]
    first, last = (at for at, share in seen.weights() if share in (0.1, 1.0))
    during = seen.answers(seen.candidate, since=seen.started + first, until=seen.started + last)
    both = during + seen.answers(seen.stable, since=seen.started + first, until=seen.started + last)
    return [
        same(
            "the steps of the shift",
            "0 %, 10 %, 100 %",
            ", ".join(f"{share:.0%}".replace("%", " %") for share in shares),
        ),
        Check("minutes between them", "5", f"{(last - first) / 60:.1f}", 4.9 <= (last - first) / 60 <= 5.5),
        at_least("user requests that the candidate served at 10 %", 1, len(during)),
        Check(
            "its share of the requests then",
            "2 % to 25 %",
            f"{len(during) / max(1, len(both)):.0%}",
            0.02 <= len(during) / max(1, len(both)) <= 0.25,
        ),
        same("requests that came to a bad end", 0, sum(s.bad for s in seen.served)),
        *released(seen),
    ]


SCENARIO = Scenario("good", "A good version goes out by canary", "good", "released", checks)
