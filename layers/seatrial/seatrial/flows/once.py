"""A case with effects runs once in a release, however often Lambda delivers the call of a hook or makes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from seatrial.core.cases import Case
from seatrial.core.gate import AnsweredError
from seatrial.core.release import Release
from seatrial.flows.account import Account
from seatrial.flows.trial import CaseResult, Outcome

# Seconds between two looks at what an earlier call is doing.
_PAUSE = 1.0


@dataclass(frozen=True)
class Once:
    """The claims of one call of the hook. `execution_id` is that of the call, `until` tells the seconds left for it."""

    aws: Account
    release: Release
    execution_id: str
    until: Callable[[], float]

    def __call__(self, case: Case, run: Callable[[], CaseResult]) -> CaseResult:
        """Run the case unless an earlier call has claimed it; then wait for its result, and never run it again.

        Raises AnsweredError when the earlier call has answered meanwhile.
        """
        if case.effects == "none":
            return run()
        clock, cases = self.aws.clock, self.aws.ledger.cases
        limit = clock.now() + timedelta(seconds=max(0.0, self.until()))
        if not cases.claim(self.release, case.name, limit):
            return self._of_an_earlier_call(case)
        result = run()
        cases.finish(self.release, case.name, result.outcome, "; ".join(result.sentences))
        return result

    def _of_an_earlier_call(self, case: Case) -> CaseResult:
        """Until its limit the earlier call may still be at it: the same call is delivered twice now and then."""
        while True:
            if self.aws.ledger.find_step(self.release.deployment_id, "answer", self.execution_id):
                raise AnsweredError
            claim = self.aws.ledger.cases.find(self.release, case.name)
            if claim and claim.outcome and not case.capture:
                outcome: Outcome = "passed" if claim.outcome == "passed" else "failed"
                return CaseResult(case.name, outcome, (claim.sentence,) if claim.sentence else ())
            if claim is None or self.aws.clock.now() >= claim.until or self.until() <= 0:
                return CaseResult(case.name, "failed", (_unfinished(case, claim.outcome if claim else ""),))
            self.aws.clock.wait(_PAUSE)


def _unfinished(case: Case, outcome: str) -> str:
    if outcome:
        return (
            f"has effects and {outcome} in an earlier call of the hook, which ended before the trial did. What it "
            "captured is lost, so it is not run again. Next: deploy again"
        )
    return (
        f"has effects ({case.effects}) and was started by an earlier call of the hook, which left no result. It may "
        "have had its effect, so it is not run again. Next: look for the effect, then deploy again"
    )
