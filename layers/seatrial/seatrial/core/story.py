"""One sentence for each thing that happens to a release: the same for log, ledger, SNS, screen and command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .besides import ResourceChange
from .deployment import Deployment, Group, Shift
from .events import AlarmChanged
from .fix import Grant
from .holds import ALL
from .oncall import FixGranted, RollbackRequested
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


def goes_back(deployment: Deployment) -> str:
    shift = deployment.shift
    where = f"{shift.service} back to version {shift.candidate}" if shift else "users back"
    return f"{deployment.id} takes {where}: that is never held up"


def goes_back_again(shift: Shift, good: str) -> str:
    return (
        f"{shift.service}: version {shift.candidate} is version {good} once more, the same code with the same "
        "configuration: it takes users back, and that is never held up"
    )


def tried(release: Release, summary: str) -> str:
    return f"{release.service}: version {release.candidate} was tried in the dark: {summary}"


def asked_again(release: Release, summary: str) -> str:
    return f"{release.service}: version {release.candidate} was asked again through the alias: {summary}"


def dark_tested(service: str, refusal: str) -> str:
    return f"{service}: the live version does not hold what its smoke cases promise: {refusal}"


def passed(release: Release) -> str:
    return f"{release.service}: version {release.candidate} passed its trial and may meet users"


def refused(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} is refused before any user met it: {refusal}"


def confirmed(release: Release) -> str:
    return f"{release.service}: version {release.candidate} serves everybody and holds"


def not_confirmed(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} is taken back after the shift: {refusal}"


def alarm_rang(alarm: AlarmChanged) -> str:
    return f"alarm {alarm.alarm} rang: {alarm.reason}"


def alarm_of_nobody(alarm: AlarmChanged) -> str:
    return (
        f"alarm {alarm.alarm} rang during a release, but no release names it: nothing is taken back. To let it take "
        "releases back, name it in the deployment group or in release.alarms of the suite"
    )


def requested(request: RollbackRequested) -> str:
    return f"{request.who} asked for it: {request.reason}"


def cleared(release: Release, alarm: AlarmChanged, guilty: Sequence[Release]) -> str:
    others = ", ".join(one.deployment_id for one in guilty) or "no release that names it"
    return (
        f"{release.service}: alarm {alarm.alarm} rang, but by the judge {others} is to blame and not "
        f"{release.deployment_id}: version {release.candidate} stays"
    )


def fix_is_spared(release: Release, alarm: AlarmChanged) -> str:
    return (
        f"{release.service}: alarm {alarm.alarm} rings, but {release.deployment_id} is the fix ({release.fix}): it "
        "goes on. `seatrial rollback` and the judge can still take it back"
    )


def dry_run(release: Release, reason: str, at: datetime) -> str:
    return (
        f"{release.service}: dry run: version {release.candidate} would have been taken back at {at:%H:%M} UTC, "
        f"because {reason}. "
        "`release.dry_run: false` in its suite lets Seatrial act"
    )


def passed_in_dry_run(release: Release, refusal: str) -> str:
    return f"{release.service}: dry run: version {release.candidate} goes on, though it would be refused: {refusal}"


def cools_down(release: Release, alarm: AlarmChanged, last: datetime, pause: timedelta) -> str:
    return (
        f"{release.service}: alarm {alarm.alarm} rang, but it took a release of this service back at {last:%H:%M:%S}: "
        f"for {_span(pause)} it takes no other. `seatrial rollback {release.service}` does so at once"
    )


def nothing_to_go_back_to(release: Release, reason: str) -> str:
    return (
        f"{release.service}: NOT taken back ({reason}): there is no version to go back to but "
        f"{release.stable or 'none'}. Deploy a version that works: `seatrial fix {release.service}` lets it pass"
    )


def baking(release: Release, until: datetime) -> str:
    return (
        f"{release.service}: version {release.candidate} serves everybody and holds; it bakes until {until:%H:%M:%S} "
        "UTC, and an alarm or the judge still takes it back as if it had never been"
    )


def baked(release: Release) -> str:
    return f"{release.service}: version {release.candidate} has baked for {_span(timedelta(seconds=release.bake))}"


def guarded(release: Release, until: datetime) -> str:
    return f"{release.service}: an alarm can take version {release.candidate} back until {until:%H:%M:%S} UTC"


def guard_over(release: Release) -> str:
    return f"{release.service}: the guard over version {release.candidate} is over"


def returning(release: Release, reason: str) -> str:
    return (
        f"{release.service}: setting the alias from version {release.candidate} to version {release.stable}: {reason}"
    )


def returned(release: Release, reason: str) -> str:
    return (
        f"{release.service}: users were taken back from version {release.candidate} to version {release.stable} after "
        f"the deployment's end: {reason}. {to_be_healed(release)}"
    )


def to_be_healed(release: Release) -> str:
    """What users get, what CloudFormation believes, and what brings the two together."""
    return (
        f"Users of {release.service} get version {release.stable}; CloudFormation believes it is version "
        f"{release.candidate}, so AWS refuses the next release ('The Lambda function alias version does not match the "
        f"current version in AppSpec file') until it is healed: {heal_commands(release)}"
    )


def refused_until_healed(sentence: str, wound: Release | None) -> str:
    """What closes a refused release, with what must be done first where an earlier one is not healed."""
    return f"{sentence}. {to_be_healed(wound)}" if wound else sentence


def heal_commands(release: Release) -> str:
    return (
        f"check out the code of version {release.stable}, then `sam build && sam deploy --parameter-overrides "
        "Shifting=off` and, with the same code, `sam deploy --parameter-overrides Shifting=on`"
    )


def healed(release: Release, main: str) -> str:
    return (
        f"{release.service}: the alias leads to version {main} and has left version {release.stable} behind, to which "
        f"{release.deployment_id} had been taken back: the next release can start"
    )


def not_returned(release: Release, why: str) -> str:
    return f"{release.service}: the alias is left as it is: {why}"


def held(service: str, who: str, reason: str) -> str:
    open_ways = "No new release starts; what runs goes on, and every way back is open"
    return f"{who} holds {_whom(service)}: {reason}. {open_ways}"


def lifted(service: str, who: str, reason: str) -> str:
    return f"{who} lifts the hold on {_whom(service)}: {reason}"


def unchanged(service: str, who: str) -> str:
    return f"the hold on {_whom(service)} was changed after {who} had asked for it: it stays as it is"


def _whom(service: str) -> str:
    return "every service" if service == ALL else service


def passes_as_the_fix(release: Release, refusal: str) -> str:
    return f"{release.service}: version {release.candidate} passes, being the fix ({release.fix}): {refusal}"


def is_the_fix(release: Release) -> str:
    return (
        f"{release.service}: version {release.candidate} is the fix ({release.fix}): its deployment group's alarms are "
        "off until it ends. An alarm that rings already makes no new change: only the judge and people take it back"
    )


def fix_granted(grant: Grant) -> str:
    return (
        f"{grant.service}: {grant.who} lets one release pass its alarms and holds if it begins before "
        f"{grant.until:%H:%M:%S} UTC: {grant.reason}. The alarms of {grant.group} are off until then; its trial must "
        "still pass"
    )


def fix_closed(grant: Grant, why: str) -> str:
    return f"{grant.service}: the fix lane is closed ({why}): the alarms of {grant.group} are on again"


def fix_closed_as_it_is(grant: Grant, why: str, group: Group) -> str:
    stand = "on" if group.alarms_enabled else "off, as they were before"
    return f"{grant.service}: the fix lane is closed ({why}); the alarms of {group.name} are {stand}: nothing to switch"


def fix_closed_off(grant: Grant, why: str, group: Group) -> str:
    return (
        f"{grant.service}: the fix lane is closed ({why}), but the alarms of {group.name} STAY OFF: somebody has "
        f"written the group meanwhile. It watched {', '.join(grant.alarms) or 'none'} before; deploy the service's "
        "template, or switch them on in CodeDeploy"
    )


def nothing_to_fix(request: FixGranted) -> str:
    return (
        f"{request.who} asked to let a fix of {request.service} pass, but the ledger knows no release of it, and so "
        "not its deployment group: write the function's name, or function:alias, as `seatrial status` does"
    )


def granted_already(request: FixGranted, standing: Grant | None) -> str:
    until = f" until {standing.until:%H:%M:%S} UTC" if standing else ""
    return f"{request.service}: a grant stands already{until}, or came after this one of {request.who}: nothing changes"


def stopped(release: Release, reason: str) -> str:
    return f"{release.service}: going back from version {release.candidate} to version {release.stable}: {reason}"


def not_stopped(release: Release, reason: str) -> str:
    return f"{release.service}: {release.deployment_id} had already ended when it was to be stopped ({reason})"


def not_tagged(function: str) -> str:
    return (
        f"{function} carries no tag 'seatrial', so Seatrial does not touch it: add `Tags: {{seatrial: released}}` to "
        "the function in its template"
    )


def tag_unread(release: Release) -> str:
    return (
        f"{release.service}: whether its function carries the tag 'seatrial' can't be read now, so "
        f"{release.deployment_id} is left as it is until the next attempt"
    )


def hands_off(release: Release, reason: str) -> str:
    """An alarm or the judge would have it taken back, and the tag says off."""
    return (
        f"{release.service}: version {release.candidate} would be taken back now ({reason}), but its function's tag "
        f"says `seatrial: off`: Seatrial keeps its hands off. `seatrial rollback {release.service}` takes it back"
    )


def let_go(release: Release, reason: str) -> str:
    return f"{hands_off(release, reason)}. Its bake is over"


def passes_untried(shift: Shift) -> str:
    """A hook's answer where the tag says off."""
    return (
        f"{shift.service}: version {shift.candidate} passes untried, and nothing but CodeDeploy watches it: its "
        "function's tag says `seatrial: off`. `seatrial: released` has the next release tried again"
    )


def must_roll_back_by_itself(group: Group) -> str:
    return (
        f"deployment group {group.name} does not roll back by itself on {', '.join(sorted(group.missing_rollbacks))}: "
        "add `AutoRollbackConfiguration: {Enabled: true, Events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, "
        "DEPLOYMENT_STOP_ON_REQUEST]}` to it in the template (SAM's DeploymentPreference does so by itself)"
    )


def trial_would_ring(alarm: str, function: str) -> str:
    return (
        f"alarm {alarm} watches FunctionName={function} alone, so that it counts what the trial itself calls: "
        "give it the dimension Resource (function:alias) too"
    )


def already_ringing(alarm: str, *, stops: bool) -> str:
    """`stops`: whether CodeDeploy polls the alarm, too, because the deployment group names it."""
    if stops:
        return f"alarm {alarm} is in ALARM already: CodeDeploy stops the release as long as it rings"
    return f"alarm {alarm} is in ALARM already: it takes nothing back before it has been OK and rings anew"


def unknown_alarm(alarm: str) -> str:
    return f"alarm {alarm} does not exist, so it will take nothing back: correct its name"


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


def lines(release: Release, steps: Sequence[Step]) -> list[str]:
    """A release's story for a screen: a headline, then a line for each step with the time since it was opened."""
    headline = f"{release.deployment_id}  {release.service}  {release.stable} → {release.candidate}  {release.state}"
    if release.state in (State.TAKEN_BACK, State.GOING_BACK) and release.by:
        headline += f" by {release.by}"
    return [headline, *(_line(release, step) for step in sorted(steps, key=lambda step: step.at))]


def _line(release: Release, step: Step) -> str:
    return f"  {step.at:%H:%M:%S}  {_since(step.at - release.opened_at):>7}  {step.sentence}"


def _some(things: Sequence[object]) -> str:
    """As many as a sentence holds."""
    more = [f"and {len(things) - _MOST_IN_A_SENTENCE} more"] if len(things) > _MOST_IN_A_SENTENCE else []
    return ", ".join([*map(str, things[:_MOST_IN_A_SENTENCE]), *more])


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} min" if seconds and seconds % 60 == 0 else f"{seconds} s"


def _since(span: timedelta) -> str:
    minutes, seconds = divmod(max(0, int(span.total_seconds())), 60)
    return f"+{minutes}m{seconds:02d}s"
