"""One sentence for each thing that happens to a release: the same for log, ledger, SNS, screen and command line.

Here is its way; rollback_story has the ways back, oncall_story what people ask for, finding_story what is found amiss.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .besides import ResourceChange
from .deployment import Shift
from .release import Release, State, Step

# How many things a sentence names before it only counts them.
_MOST_IN_A_SENTENCE = 8


def opened(release: Release) -> str:
    return (
        f"{release.service}: version {release.candidate} wants to replace version {release.stable} "
        f"({release.deployment_id}, {release.configuration or 'configuration unknown'})"
    )


def besides(
    release: Release,
    differences: Sequence[str],
    *,
    same_code: bool,
    stack: str,
    resources: Sequence[ResourceChange] | None,
) -> str:
    """What it changes besides code; `stack` is "" where it has none, `resources` None where that can't be read."""
    if same_code:
        own = f"has the code of version {release.stable} and changes {_some(differences) or 'nothing'}"
    elif differences:
        own = f"changes besides its code: {_some(differences)}"
    else:
        own = "changes nothing but its code"
    told = f"{release.service}: version {release.candidate} {own}"
    if not stack:
        return told
    if resources is None:
        return f"{told}. What else stack {stack} changes can't be read"
    also = f"so far {len(resources)} of its other resources: {_some(resources)}" if resources else "nothing else so far"
    return f"{told}. The update of stack {stack} changes {also}"


def tried(release: Release, summary: str) -> str:
    return f"{release.service}: version {release.candidate} was tried in the dark: {summary}"


def asked_again(release: Release, summary: str) -> str:
    return f"{release.service}: version {release.candidate} was asked again through the alias: {summary}"


def passed(release: Release) -> str:
    return f"{release.service}: version {release.candidate} passed its trial and may meet users"


def refused(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} is refused before any user met it: {refusal}"


def confirmed(release: Release) -> str:
    return f"{release.service}: version {release.candidate} serves everybody and holds"


def not_confirmed(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} is taken back after the shift: {refusal}"


def passed_in_dry_run(release: Release, refusal: str) -> str:
    return f"{release.service}: dry run: version {release.candidate} goes on, though it would be refused: {refusal}"


def baking(release: Release, until: datetime) -> str:
    return (
        f"{release.service}: version {release.candidate} serves everybody and holds; it bakes until {until:%H:%M:%S} "
        "UTC, and an alarm or the judge still takes it back as if it had never been"
    )


def baked(release: Release) -> str:
    return f"{release.service}: version {release.candidate} has baked for {span(timedelta(seconds=release.bake))}"


def guarded(release: Release, until: datetime) -> str:
    return f"{release.service}: an alarm can take version {release.candidate} back until {until:%H:%M:%S} UTC"


def guard_over(release: Release) -> str:
    return f"{release.service}: the guard over version {release.candidate} is over"


def passes_untried(shift: Shift) -> str:
    """A hook's answer where the tag says off."""
    return (
        f"{shift.service}: version {shift.candidate} passes untried, and nothing but CodeDeploy watches it: its "
        f"function's tag says `seatrial: off`. Next: `seatrial enable {shift.function}` has the next release tested "
        "again"
    )


def hook_broke(error: Exception) -> str:
    return f"Seatrial could not decide ({type(error).__name__}: {error}), and what is not decided does not go forward"


def out_of_time(seconds: float) -> str:
    return f"no decision {seconds:g} s before the function's own limit, and what is not decided does not go forward"


def released(release: Release) -> str:
    return f"{release.service}: version {release.candidate} is released and serves everybody"


def ended_unserved(release: Release, reason: str) -> str:
    return f"{release.service}: version {release.candidate} was refused and no user met it: {reason}"


def taken_back(release: Release, reason: str, by: str) -> str:
    return (
        f"{release.service}: version {release.candidate} was taken back to version {release.stable} by {by}: {reason}"
    )


def stranded(release: Release, reason: str) -> str:
    return (
        f"{release.service}: {release.deployment_id} has ended and nothing took its users back to version "
        f"{release.stable}: {reason}. Look at the alias: "
        f"aws lambda get-alias --function-name {release.function} --name {release.alias}"
    )


def ending(end: State) -> str:
    """How a message's subject ends, as in "payments:live was taken back"."""
    match end:
        case State.RELEASED:
            return "is released"
        case State.REFUSED:
            return "was refused"
        case State.TAKEN_BACK | State.RETURNED:
            return "was taken back"
        case State.HEALED:
            return "is healed"
        case _:
            return "NEEDS SOMEBODY: it is stranded"


def subject(release: Release, what: str) -> str:
    """The subject of a message; SNS takes at most 100 characters."""
    return f"[seatrial] {release.service} {what}"[:100]


# What a hook or the judge finds on the way. A hook that works on while the deployment ends writes it after the end.
_ON_THE_WAY = frozenset(
    {
        "answer",
        "baking",
        "confirming",
        "effects",
        "finding",
        "going back",
        "shifting",
        "smoke",
        "trial",
        "verdict",
        "warning",
    }
)


def of_its_way(steps: Sequence[Step]) -> list[Step]:
    """Without what was found only after the end: it changed nothing, and would contradict how the release ended."""
    end = min((step.at for step in steps if step.kind == "closed"), default=None)
    return [step for step in steps if end is None or step.at <= end or step.kind not in _ON_THE_WAY]


def lines(release: Release, steps: Sequence[Step]) -> list[str]:
    """A release's story for a screen: a headline, then a line for each step with the time since it was opened."""
    headline = f"{release.deployment_id}  {release.service}  {release.stable} → {release.candidate}  {release.state}"
    if release.state in (State.TAKEN_BACK, State.GOING_BACK) and release.by:
        headline += f" by {release.by}"
    in_order = sorted(of_its_way(steps), key=lambda step: step.at)
    return [headline, *(line for step in in_order for line in _lines(release, step))]


def _lines(release: Release, step: Step) -> list[str]:
    detail = [f"    {line}" for line in step.detail.splitlines()]
    return [f"  {step.at:%H:%M:%S}  {_since(step.at - release.opened_at):>7}  {step.sentence}", *detail]


def _some(things: Sequence[object]) -> str:
    """As many as a sentence holds."""
    more = [f"and {len(things) - _MOST_IN_A_SENTENCE} more"] if len(things) > _MOST_IN_A_SENTENCE else []
    return ", ".join([*map(str, things[:_MOST_IN_A_SENTENCE]), *more])


def span(time: timedelta) -> str:
    """A time as a sentence has it: 5 min, or 90 s."""
    seconds = int(time.total_seconds())
    return f"{seconds // 60} min" if seconds and seconds % 60 == 0 else f"{seconds} s"


def _since(span: timedelta) -> str:
    minutes, seconds = divmod(max(0, int(span.total_seconds())), 60)
    return f"+{minutes}m{seconds:02d}s"
