"""What is said of the ways back: what calls for one, what becomes of it, and what is to be healed (see story)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .alarm_owner import Owner
from .deployment import Deployment, Shift
from .events import AlarmChanged
from .oncall import RollbackRequested
from .release import Release
from .story import span

# How many names a sentence has.
_MOST_NAMED = 3


def goes_back(deployment: Deployment) -> str:
    shift = deployment.shift
    where = f"{shift.service} back to version {shift.candidate}" if shift else "users back"
    return f"{deployment.id} takes {where}: that is never held up"


def goes_back_again(shift: Shift, good: str) -> str:
    return (
        f"{shift.service}: version {shift.candidate} is version {good} once more, the same code with the same "
        "configuration: it takes users back, and that is never held up"
    )


def alarm_rang(alarm: AlarmChanged) -> str:
    return f"alarm {alarm.alarm} rang: {alarm.reason}"


def alarm_from_elsewhere(alarm: AlarmChanged) -> str:
    return f"alarm {alarm.alarm} is of account {alarm.account}, Region {alarm.region}: no release here is rolled back"


def foreign_alarm(alarm: AlarmChanged, services: Sequence[str]) -> str:
    return (
        f"alarm {alarm.alarm} went to ALARM during a release of {_some(services)}, and no release names it: nothing is "
        "rolled back. Next: to let it roll back releases, name it in the deployment group or in release.alarms of the "
        "suite"
    )


def more_foreign_alarms(alarm: AlarmChanged, services: Sequence[str], each: int) -> str:
    return (
        f"more than {each} alarms went to ALARM during a release of {_some(services)}, and no release names them "
        f"(the last is {alarm.alarm}). Further ones are only in the log of functions/rollback. Next: ForeignAlarms=off "
        "in Seatrial's own stack ends these messages"
    )


def _some(services: Sequence[str]) -> str:
    more = f" and {len(services) - _MOST_NAMED} more" if len(services) > _MOST_NAMED else ""
    return ", ".join(services[:_MOST_NAMED]) + more


def requested(request: RollbackRequested) -> str:
    return f"{request.who} asked for it: {request.reason}"


def cleared(release: Release, alarm: AlarmChanged, guilty: Sequence[Release]) -> str:
    others = ", ".join(one.deployment_id for one in guilty) or "no release that names it"
    return (
        f"{release.service}: alarm {alarm.alarm} rang, but by the judge {others} is to blame and not "
        f"{release.deployment_id}: version {release.candidate} stays"
    )


def belongs_to(release: Release, alarm: AlarmChanged, owner: Owner) -> str:
    """An alarm that fired on the traffic of another release. Next: nothing; the tick looks again."""
    one = owner.release
    whose = f"version {one.candidate}" if one.service == release.service else f"{one.service} version {one.candidate}"
    if owner.until is None:
        return (
            f"{release.service}: not rolled back: alarm {alarm.alarm} fired on the traffic of {whose} "
            f"({one.deployment_id}), which is rolling back. Version {release.candidate} stays"
        )
    return (
        f"{release.service}: not rolled back: alarm {alarm.alarm} fired on the traffic of {whose} "
        f"({one.deployment_id}), which was rolled back. Version {release.candidate} is rolled back if the alarm still "
        f"fires after {owner.until:%H:%M:%S} UTC"
    )


def fired_on_another(release: Release, alarm: AlarmChanged, owner: Owner) -> str:
    """Said after `owner.until`."""
    return (
        f"alarm {alarm.alarm} fired on the traffic of {owner.release.deployment_id}, and does not fire on that of "
        f"release {release.deployment_id} of {release.service}"
    )


def dry_run(release: Release, reason: str, at: datetime) -> str:
    return (
        f"{release.service}: dry run: version {release.candidate} would have been taken back at {at:%H:%M} UTC, "
        f"because {reason}. "
        "`release.dry_run: false` in its suite lets Seatrial act"
    )


def cools_down(release: Release, alarm: AlarmChanged, last: datetime, pause: timedelta) -> str:
    return (
        f"{release.service}: alarm {alarm.alarm} rang, but it took a release of this service back at {last:%H:%M:%S}: "
        f"for {span(pause)} it takes no other. `seatrial rollback {release.service}` does so at once"
    )


def nothing_to_go_back_to(release: Release, reason: str) -> str:
    return (
        f"{release.service}: NOT taken back ({reason}): there is no version to go back to but "
        f"{release.stable or 'none'}. Deploy a version that works: `seatrial fix {release.service}` lets it pass"
    )


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


def stopped(release: Release, reason: str) -> str:
    return f"{release.service}: going back from version {release.candidate} to version {release.stable}: {reason}"


def not_stopped(release: Release, reason: str) -> str:
    return f"{release.service}: {release.deployment_id} had already ended when it was to be stopped ({reason})"


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


def may_be_a_rollback(request: RollbackRequested) -> str:
    """The ledger can't be read, and the named deployment goes to a lower version."""
    return (
        f"{request.service}: rollback of {request.who} declined: {request.release} goes to a lower version, and the "
        "ledger, which can't be read, does not prove that it is no rollback. Next: to stop it all the same, "
        f"aws deploy stop-deployment --deployment-id {request.release} --auto-rollback-enabled"
    )
