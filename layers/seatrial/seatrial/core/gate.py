"""Gates: checks that may stop a release, asked in order and only as far as needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.core.bounds import short
from seatrial.core.redaction import sentence as redacted

# A gate answers with its refusal, one sentence for people, or with None: nothing against it.
Gate = Callable[[], str | None]


def first_refusal(*gates: Gate) -> str | None:
    """The first refusal; the gates after it are never asked."""
    return next((refusal for gate in gates if (refusal := gate()) is not None), None)


class RefusedError(Exception):
    """A refusal from before the first gate: there is nothing yet that a gate could look at."""


class AnsweredError(Exception):
    """The same call of the hook was delivered twice, and the other delivery has answered it."""


@dataclass(frozen=True)
class Report:
    """What a hook has found, and so what CodeDeploy is answered. `reason` is the bare refusal within the sentence.

    One that `waits` is not answered yet: somebody else does so later.
    """

    passed: bool
    sentence: str
    reason: str = ""
    waits: bool = False

    @classmethod
    def succeeded(cls, sentence: str) -> Report:
        return cls(True, short(redacted(sentence)))

    @classmethod
    def failed(cls, sentence: str, reason: str = "") -> Report:
        return cls(False, short(redacted(sentence)), short(redacted(reason or sentence)))

    @classmethod
    def waiting(cls, sentence: str) -> Report:
        return cls(True, short(sentence), waits=True)

    @property
    def answer(self) -> str:
        """CodeDeploy's word for it, or "later"."""
        if self.waits:
            return "later"
        return "Succeeded" if self.passed else "Failed"
