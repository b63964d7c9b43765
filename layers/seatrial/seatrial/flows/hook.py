"""What both hooks have in common: a deployment that goes back passes at once, and CodeDeploy always gets an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from seatrial.aws.codedeploy import DeploymentUnknownError
from seatrial.core import events, rollback_story, story
from seatrial.core.deployment import Deployment
from seatrial.core.gate import AnsweredError, RefusedError, Report
from seatrial.core.release import Release
from seatrial.flows import backward, hands_off, preflight
from seatrial.flows.account import Account
from seatrial.flows.answer import Answer

# Seconds before Lambda's limit at which a hook that has decided nothing is answered for: room for the answer and its
# repetitions. A short limit keeps a quarter of itself.
_MARGIN = 30.0

# Seconds before that at which a trial begins no further case, so that what it has found is what is told.
_FOR_THE_REPORT = 5.0


class Context(Protocol):
    """The part of Lambda's context that a hook needs."""

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True)
class HookCall:
    """A hook's call for a deployment that goes forward, whose release the ledger has by now.

    `aws` is the account as this call sees it, `seconds_left` the wall time left for deciding.
    """

    aws: Account
    release: Release
    execution_id: str
    seconds_left: Callable[[], float]


type Decide = Callable[[HookCall], Report]
type Handler = Callable[[Mapping[str, Any], Context], dict[str, str]]


def hook(aws: Account, name: str) -> Callable[[Decide], Handler]:
    """Make a hook of a function that decides about a forward deployment. `name` is its folder in functions/.

    Whatever the function raises is a Failed, told as any refusal is; so is a decision that would come too late. Only
    when CodeDeploy itself can't be asked or answered does the hook raise: Lambda then makes the same call again, and in
    the end its OnFailure destination answers.
    """

    def made(decide: Decide) -> Handler:
        def handler(event: Mapping[str, Any], context: Context) -> dict[str, str]:
            within = aws.within_one_call()
            answer = Answer(within, f"functions/{name}", events.hook_request(event))
            try:
                with _before_the_limit(answer, context) as seconds_left:
                    _answer(within, answer, decide, seconds_left)
            except DeploymentUnknownError as unknown:
                return answer.give_up(str(unknown))
            return answer.given()

        return handler

    return made


def _answer(aws: Account, answer: Answer, decide: Decide, seconds_left: Callable[[], float]) -> None:
    try:
        deployment = aws.codedeploy.deployment(answer.request.deployment_id)
    except DeploymentUnknownError as unknown:
        answer.give_plainly(Report.failed(str(unknown)))
        return
    if backward.goes_back(aws, deployment):  # without the ledger, where CodeDeploy says so
        answer.give_plainly(Report.succeeded(rollback_story.goes_back(deployment)))
    else:
        answer.deployment = deployment
        _answer_forward(aws, answer, decide, deployment, seconds_left)


def _answer_forward(
    aws: Account, answer: Answer, decide: Decide, deployment: Deployment, seconds_left: Callable[[], float]
) -> None:
    try:
        if untried := hands_off.passes(aws, deployment):
            answer.give_plainly(untried)
            hands_off.told(aws, deployment, untried.sentence, answer.by)
            return
        if before := answer.given_before():
            answer.give_plainly(before)
            return
        shift = deployment.shift
        if shift and (good := backward.good_version_again(aws, deployment.id, shift)):
            answer.give_plainly(Report.succeeded(rollback_story.goes_back_again(shift, good)))
            return
        answer.release = release = preflight.admitted(aws, deployment)
        report = decide(HookCall(aws, release, answer.request.execution_id, seconds_left))
    except AnsweredError:
        if before := answer.given_before():
            answer.give_plainly(before)
        return
    except RefusedError as refusal:
        report = Report.failed(str(refusal))
    except Exception as error:  # whatever it is, CodeDeploy must not wait an hour for its answer
        aws.log.exception("the hook broke", extra={"release": deployment.id})
        report = Report.failed(story.hook_broke(error))
    if report.waits:
        answer.leave(report)
    else:
        answer.give(report)


@contextmanager
def _before_the_limit(answer: Answer, context: Context) -> Iterator[Callable[[], float]]:
    """Answers Failed in time, from a thread of its own: `except` can't catch Lambda's timeout. Gives seconds left."""
    limit = context.get_remaining_time_in_millis() / 1000
    margin = min(_MARGIN, limit / 4)
    for_the_report = min(_FOR_THE_REPORT, limit / 10)
    timer = threading.Timer(limit - margin, answer.give_late, (Report.failed(story.out_of_time(margin)),))
    timer.daemon = True
    timer.start()
    try:
        yield lambda: context.get_remaining_time_in_millis() / 1000 - margin - for_the_report
    finally:
        timer.cancel()
