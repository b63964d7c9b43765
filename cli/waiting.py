"""What comes of a request: its answer, and for a rollback the way of the release to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import refusals, views
from cli.account import Installed
from seatrial.core.oncall import Answer
from seatrial.core.release import Release, State

# Seconds between two looks at the ledger, and how many looks there are. The first invoke of a function takes seconds;
# EventBridge and CodeDeploy's rollback take up to half a minute each (docs/alarm-to-release.md).
_PAUSE = 1.0
_FOR_THE_ANSWER = 90
_FOR_THE_END = 240

# Actions after which what was asked for has happened, or is happening.
_DONE = frozenset({"stopped", "answered", "returned", "held", "lifted", "opened"})
_UNDER_WAY = frozenset({"stopped", "answered"})
_WELL = frozenset({State.TAKEN_BACK, State.RETURNED, State.REFUSED})


@dataclass
class Outcome:
    """`code` is the exit code. `answers` is empty where none came in time."""

    code: int = 0
    answers: tuple[Answer, ...] = ()
    release: Release | None = None
    lines: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """For `--json`."""
        answers = [{"action": one.action, "sentence": one.sentence} for one in self.answers]
        return {"answers": answers, **({"release": views.release(self.release)} if self.release else {})}


def follow(account: Installed, event: str, service: str, say: Callable[[str], None]) -> Outcome:
    """Wait for the answer to an event and, where it rolls a service back, for that to end. `say` prints a line at once.

    Raises KeyboardInterrupt: what was requested goes on.
    """
    try:
        return _followed(account, event, service, say)
    except (ClientError, BotoCoreError) as error:
        say(f"The request was sent, and its result can't be read: {refusals.sentence(error)}")
        return Outcome()


def _followed(account: Installed, event: str, service: str, say: Callable[[str], None]) -> Outcome:
    answers = _answers(account, event)
    if answers is None:
        say(
            f"No answer after {_FOR_THE_ANSWER * _PAUSE:.0f} s. EventBridge goes on delivering it for 24 h. "
            f"Next: seatrial status {service}".rstrip()
        )
        return Outcome(code=2)
    for answer in answers:
        say(answer.sentence)
    if not all(answer.action in _DONE for answer in answers):
        return Outcome(1, answers)
    if service and any(answer.action in _UNDER_WAY for answer in answers):
        return _ended(account, answers, service, say)
    return Outcome(0, answers)


def _answers(account: Installed, event: str) -> tuple[Answer, ...] | None:
    for _ in range(_FOR_THE_ANSWER):
        if found := account.ledger.requests.find(event):
            return found
        account.pause(_PAUSE)
    return None


def _ended(account: Installed, answers: tuple[Answer, ...], service: str, say: Callable[[str], None]) -> Outcome:
    """Follow the newest release of the service that is rolling back, and print its steps as they come."""
    release = next(iter(account.ledger.releases_of(service, 1)), None)
    if release is None:
        return Outcome(0, answers)
    shown = {(step.kind, step.discriminator) for step in account.ledger.steps(release.deployment_id)}
    for _ in range(_FOR_THE_END):
        release = account.ledger.release(release.deployment_id)
        for step in account.ledger.steps(release.deployment_id):
            if (step.kind, step.discriminator) not in shown:
                shown.add((step.kind, step.discriminator))
                say(f"{step.at:%H:%M:%S}  {step.sentence}")
        if not release.is_open:
            return Outcome(0 if release.state in _WELL else 1, answers, release)
        account.pause(_PAUSE)
    say(
        f"{release.service}: still {release.state} after {_FOR_THE_END * _PAUSE:.0f} s. Next: seatrial status {service}"
    )
    return Outcome(2, answers, release)
