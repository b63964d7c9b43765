"""What the claims came to: docs/conformance.md for people, docs/certified.json for the stage and for the next run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.marks import CAPTURE, UNVERIFIED

OBSERVED = f"{CAPTURE}: observed-"
"""How a capture from a real account is named; the other files are samples of AWS's documentation."""

CERTIFIED = Path(__file__).parents[2] / "docs" / "certified.json"

HEAD = """# What the local AWS claims about AWS, and why we believe it

Written by the proof run of tests/conformance: do not edit. *Why we believe it* names one source for each claim: a
documentation page, an operation of the service model, a run of the SAM transform, a capture, or a public report. A
capture without *not kept here* is a file of tests/data/aws, and the claim is compared with it field by field. A claim
without a source is **UNVERIFIED**. *Danger* is 3 for what would hurt users, 2 for what would fail or mislead a release,
and 1 for the rest. `make certify` tries the dangerous claims first in a real account and fills the last column.

| claim | on the local AWS | why we believe it | danger | in an account |
| --- | --- | --- | --- | --- |
"""

QUESTIONS = """
## Open questions

Nobody could confirm these. Each is a switch of the local AWS, and `make certify` asks them in this order. Where the
column *told apart* says yes, the suite was run with each answer and told them apart. Where it says no, an account could
not answer without harm.

| default of the local AWS | why we believe it | danger | a wrong guess would cost | told apart | an account's answer |
| --- | --- | --- | --- | --- | --- |
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
    why: str
    danger: int
    minutes: float
    cost: str
    switch: str


@dataclass(frozen=True)
class Claim:
    """One row. `why` is a source of `marks` as text, or UNVERIFIED; `held` is None for a claim that was not tried."""

    name: str
    why: str
    danger: int
    held: bool | None

    @property
    def sentence(self) -> str:
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass(frozen=True)
class Question:
    """One open question: `default` is what its switch does unless set, `seen` whether each answer was observed."""

    switch: str
    default: str
    seen: bool = False
    why: str = UNVERIFIED
    danger: int = 1
    minutes: float = 0.0
    cost: str = "Not asked: an account would have to be flooded with calls."


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


def table(claims: list[Claim], questions: list[Question], certified: Certified) -> str:
    """docs/conformance.md."""
    rows = [
        f"| {claim.sentence} | {_word(claim.held)} | {_why(claim.why)} | {claim.danger} "
        f"| {_in_account(certified, claim.name)} |\n"
        for claim in sorted(claims, key=lambda claim: claim.name)
    ]
    answers = [
        f"| {one.default} | {_why(one.why)} | {one.danger} | {one.cost} | {'yes' if one.seen else 'no'} "
        f"| {_answer(certified, one.switch)} |\n"
        for one in sorted(questions, key=lambda one: (-one.danger, one.why != UNVERIFIED, one.minutes))
    ]
    held = sum(1 for claim in claims if claim.held)
    captured = sum(1 for claim in claims if claim.why.startswith(OBSERVED))
    unverified = sum(1 for claim in claims if claim.why == UNVERIFIED)
    total = (
        f"\n{held} of {len(claims)} claims hold on the local AWS; {captured} are held to a capture, "
        f"{unverified} are {UNVERIFIED}.\n"
    )
    return HEAD + "".join(rows) + total + QUESTIONS + "".join(answers)


def _word(held: bool | None) -> str:
    return "not tried" if held is None else "holds" if held else "**does not hold**"


def _why(source: str) -> str:
    return f"**{source}**" if source == UNVERIFIED else source


def _in_account(certified: Certified, name: str) -> str:
    found = certified.claims.get(name)
    return f"{'held' if found['held'] else '**did not hold**'} on {found['at']}" if found else "not yet"


def _answer(certified: Certified, switch: str) -> str:
    found = certified.switches.get(switch)
    return f"`{json.dumps(found['answer'])}` on {found['at']}" if found else "not yet"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
