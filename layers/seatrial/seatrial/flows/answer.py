"""The one answer to one call of a hook: recorded, given, and told when it is a refusal."""

from __future__ import annotations

import threading

from seatrial.core import story
from seatrial.core.deployment import Deployment
from seatrial.core.events import HookRequest
from seatrial.core.gate import Report
from seatrial.core.release import Release, State
from seatrial.flows import tell
from seatrial.flows.account import Account

_STEP = "answer"
_BEFORE_USERS = "functions/pre_traffic"


class Answer:
    """Two may want to give it, the hook and its timer. The first does; what comes later is dropped.

    `by` is who decides, as in "functions/pre_traffic".
    """

    def __init__(self, aws: Account, by: str, request: HookRequest) -> None:
        self.request = request
        self._aws = aws
        self.by = by
        self.deployment: Deployment | None = None  # known once CodeDeploy was asked; then what is rejected is recorded
        self.release: Release | None = None  # in the ledger, once it was opened there
        self._report: Report | None = None
        self._is_repeated = False
        self._turn = threading.Lock()

    def give(self, report: Report) -> None:
        """Record, answer, tell. Recorded first, so that the same call made again is answered the same."""
        with self._turn:
            if self._report is not None:
                return
            recorded = self._recorded(report)
            self._answer(recorded)
        self._tell(recorded)

    def give_plainly(self, report: Report) -> None:
        """Answer and log, nothing else: for what goes back, and for what was recorded and told before."""
        with self._turn:
            if self._report is None:
                self._answer(report)

    def leave(self, report: Report) -> None:
        """Give none now. What keeps the hook open is in the ledger by then."""
        with self._turn:
            if self._report is None:
                self._aws.log.info(report.sentence, extra=self._ids() | {"answer": report.answer})
                self._report = report

    def give_late(self, report: Report) -> None:
        """Answer first, since Lambda's limit is near. Runs in the timer's thread, where nobody could catch an error."""
        try:
            with self._turn:
                if self._report is not None:
                    return
                self._answer(report)
            self._recorded(report)
            self._tell(report)
        except Exception:  # see above; Lambda's retry and OnFailure destination are the next nets
            self._aws.log.exception("the late answer failed", extra=self._ids())

    def given_before(self) -> Report | None:
        """The answer to this very call, when Lambda makes it again."""
        step = self._aws.ledger.find_step(self.request.deployment_id, _STEP, self.request.execution_id)
        if step is None:
            return None
        return Report.succeeded(step.sentence) if step.outcome == "Succeeded" else Report.failed(step.sentence)

    def given(self) -> dict[str, str]:
        if self._report is None:
            raise RuntimeError(f"no answer was given for {self.request.deployment_id}")
        return {"answered": self._report.answer, "reason": self._report.sentence}

    def give_up(self, sentence: str) -> dict[str, str]:
        """There is nobody to answer, and a second attempt could better nothing."""
        self._aws.log.error(sentence, extra=self._ids())
        return {"answered": "nobody", "reason": sentence}

    def _answer(self, report: Report) -> None:
        request = self.request
        self._aws.log.info(report.sentence, extra=self._ids() | {"answer": report.answer})
        self._aws.codedeploy.answer(request.deployment_id, request.execution_id, passed=report.passed)
        self._report = report

    def _recorded(self, report: Report) -> Report:
        """What may be answered once the ledger knows. A release that the ledger can't follow does not go forward."""
        try:
            return self._record(report)
        except Exception as error:  # an answer must follow, whatever the ledger says
            self._aws.log.exception("the ledger can't be written", extra=self._ids())
            return Report.failed(story.hook_broke(error)) if report.passed else report

    def _record(self, report: Report) -> Report:
        """The report; what another delivery of the same call has recorded before it is the answer of both."""
        found = self.release or self._aws.ledger.find(self.request.deployment_id)
        if found is None and self.deployment is not None:  # rejected before it was opened: no tag, no readable AppSpec
            found = self._aws.ledger.open(self.deployment, self.deployment.shift_or_unknown, alarms=())
        if found is None:
            return report
        release = self.release = found
        is_first = tell.step(
            self._aws,
            release,
            _STEP,
            report.sentence,
            by=self.by,
            once=self.request.execution_id,
            outcome=report.answer,
        )
        if not is_first and (before := self.given_before()):
            self._is_repeated = True
            return before
        if not report.passed:
            self._aws.ledger.explain(release, report.reason, self.by)
        return report

    def _tell(self, report: Report) -> None:
        """How it ends is told and counted by who closes it: here only of what the ledger has no release to close."""
        if report.passed or self._is_repeated:
            return
        if self.release is None:
            attributes = {"release": self.request.deployment_id, "event": "refused", "by": self.by}
            tell.send(self._aws, f"[seatrial] {self.request.deployment_id} is refused", report.sentence, attributes)
        elif self.by == _BEFORE_USERS:
            tell.people(self._aws, self.release, "refusing", "is refused", report.sentence)
        else:
            tell.people(self._aws, self.release, State.GOING_BACK, "is going back", report.sentence)

    def _ids(self) -> dict[str, str]:
        return {"release": self.request.deployment_id, "execution": self.request.execution_id, "by": self.by}
