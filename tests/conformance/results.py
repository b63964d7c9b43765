"""What the claims came to: docs/conformance.md for people, docs/certified.json for the stage and for the next run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.marks import CAPTURED, DOCUMENTED, UNCONFIRMED

OBSERVED = "observed-"
"""How the names of captures from real accounts begin; the other files are samples of AWS's documentation."""

CERTIFIED = Path(__file__).parents[2] / "docs" / "certified.json"

HEAD = """# What the stage claims about AWS, and who has confirmed it

Written by the proof run of tests/conformance: do not edit. *Confirmed by* says where a claim is known from: a capture
from a real account or a sample of AWS's documentation that the stage's answer is held to field by field (both are in
tests/data/aws), AWS's documentation, reports of users, or nobody yet: **unconfirmed**. `make certify` asks a real
account and fills the last column.

| claim | on the stage | confirmed by | in an account |
| --- | --- | --- | --- |
"""

QUESTIONS = """
## Open questions

Nobody could confirm these. Each is a switch of the stage. Where the second column says yes, the suite was run with each
answer and told them apart; where it says no, there is a switch and no test that an account could answer.

| what the stage does unless it is switched | told apart on the stage | an account's answer |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Tried:
    """One test of a claim or of a question, as its report carries it. `switch` is empty for a claim.

    `began` is False where the set-up failed; `last_case` is True for the last test of its claim.
    """

    name: str
    held: bool
    began: bool
    last_case: bool
    known: str
    capture: str
    switch: str


@dataclass(frozen=True)
class Claim:
    """One row. `known` is of `marks`; `held` is None for a claim that was not tried."""

    name: str
    known: str
    capture: str
    held: bool | None

    @property
    def sentence(self) -> str:
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass
class Certified:
    """docs/certified.json: each claim that held in an account and each answer of one, with its date."""

    path: Path = CERTIFIED
    claims: dict[str, Any] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = CERTIFIED) -> Certified:
        found = json.loads(path.read_text()) if path.exists() else {}
        return cls(path, found.get("claims", {}), found.get("switches", {}))

    def holds(self, claim: str, held: bool) -> None:
        self.claims[claim] = {"held": held, "at": _today()}
        self._write()

    def answers(self, switch: str, answer: Any) -> None:
        self.switches[switch] = {"answer": answer, "at": _today()}
        self._write()

    def _write(self) -> None:
        """At once, so that a run that is broken off can be taken up."""
        self.path.write_text(json.dumps({"claims": self.claims, "switches": self.switches}, indent=2) + "\n")


def table(claims: list[Claim], switches: Mapping[str, tuple[str, bool]], certified: Certified) -> str:
    """docs/conformance.md. `switches` gives each switch's claim and whether every answer of it was seen."""
    rows = [
        f"| {claim.sentence} | {_word(claim.held)} | {_confirmed(claim)} | {_in_account(certified, claim.name)} |\n"
        for claim in sorted(claims, key=lambda claim: claim.name)
    ]
    answers = [
        f"| {sentence} | {'yes' if seen else 'no'} | {_answer(certified, switch)} |\n"
        for switch, (sentence, seen) in sorted(switches.items())
    ]
    held = sum(1 for claim in claims if claim.held)
    captured = sum(1 for claim in claims if claim.capture.startswith(OBSERVED))
    unconfirmed = sum(1 for claim in claims if claim.known == UNCONFIRMED)
    total = (
        f"\n{held} of {len(claims)} claims hold on the stage; {captured} are held to a capture, "
        f"{unconfirmed} are unconfirmed.\n"
    )
    return HEAD + "".join(rows) + total + QUESTIONS + "".join(answers)


def _word(held: bool | None) -> str:
    return "not tried" if held is None else "holds" if held else "**does not hold**"


def _confirmed(claim: Claim) -> str:
    if claim.capture:
        return f"{'a capture' if claim.capture.startswith(OBSERVED) else 'a sample of AWS'}, `{claim.capture}`"
    words = {
        DOCUMENTED: "AWS's documentation",
        CAPTURED: "a published capture, not kept here",
        UNCONFIRMED: "**unconfirmed**",
    }
    return words.get(claim.known, claim.known)


def _in_account(certified: Certified, name: str) -> str:
    found = certified.claims.get(name)
    return f"{'held' if found['held'] else '**did not hold**'} on {found['at']}" if found else "not yet"


def _answer(certified: Certified, switch: str) -> str:
    found = certified.switches.get(switch)
    return f"`{json.dumps(found['answer'])}` on {found['at']}" if found else "not yet"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
