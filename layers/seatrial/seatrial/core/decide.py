"""What an alarm, the judge or on call means for the releases. Pure: a trigger and the situation in, decisions out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from . import alarm_owner, finding_story, oncall_story, rollback_story
from .alarm_owner import Owner, Watch
from .events import AlarmChanged, JudgedWorse
from .oncall import RollbackRequested
from .release import Release, State
from .tag import Tag

# After an alarm has taken a service back, the same one takes nothing of it back for so long: what still rings, or
# flaps, rings because of what is gone already. CodeDeploy's own poll knows no such pause.
COOL_DOWN = timedelta(minutes=10)

# EventBridge gives an event's time in whole seconds.
EVENT_TIME = timedelta(seconds=1)


@dataclass(frozen=True)
class StopDeployment:
    """Stop this release's deployment; CodeDeploy then takes the users back."""

    release: Release
    reason: str


@dataclass(frozen=True)
class AnswerHook:
    """Answer the hook that a baking release waits in: Failed, so that CodeDeploy takes the users back."""

    release: Release
    reason: str


@dataclass(frozen=True)
class LetGo:
    """Answer the hook that a baking release waits in: Succeeded, since Seatrial is not to hold it any more."""

    release: Release
    reason: str


@dataclass(frozen=True)
class ReturnAlias:
    """The deployment has ended well: set the alias itself to stable."""

    release: Release
    reason: str


@dataclass(frozen=True)
class Notify:
    """Nothing is done, but people should know. `release` is the one that it is about, if it is about one."""

    reason: str
    release: Release | None = None


@dataclass(frozen=True)
class ReportForeign:
    """An alarm that no release names, while the candidates of these have traffic."""

    serving: tuple[Release, ...]


@dataclass(frozen=True)
class Ignore:
    reason: str


@dataclass(frozen=True)
class Retry:
    """What must be known can't be read now: the other releases have their turn, then Lambda makes the same call again.

    `reason` is what Lambda or whoever else could not say.
    """

    release: Release
    reason: str


Decision = StopDeployment | AnswerHook | LetGo | ReturnAlias | Notify | ReportForeign | Ignore | Retry
type Trigger = AlarmChanged | RollbackRequested | JudgedWorse


@dataclass(frozen=True)
class Situation:
    """What the ledger, the judge and the clock say.

    `releases` are those that the trigger may be about: that name the alarm, or belong to the service. `open_ones` are
    names of services, for a request; `serving` are releases whose candidate has traffic, for an alarm that none names.
    `worse` and `cleared` are the ids of releases about which the judge is sure. `taken_back` says, by service, when
    this alarm last took a release back. `tags` says, by function, what its tag says; a function that nobody has looked
    at is not touched. `watch` is how the alarm looks at its data.
    """

    now: datetime
    releases: tuple[Release, ...] = ()
    open_ones: tuple[str, ...] = ()
    serving: tuple[Release, ...] = ()
    worse: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    taken_back: Mapping[str, datetime] = field(default_factory=dict)
    tags: Mapping[str, Tag] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    # The named deployment goes to a lower version, and the ledger that could prove it no rollback can't be read.
    unproven: bool = False


def decide(trigger: Trigger, situation: Situation) -> tuple[Decision, ...]:
    """At least one decision, in the order of the situation's releases."""
    match trigger:
        case AlarmChanged():
            return _on_alarm(trigger, situation)
        case JudgedWorse():
            return _on_verdict(trigger, situation)
        case RollbackRequested():
            return _on_request(trigger, situation)


def touched(trigger: Trigger, situation: Situation) -> tuple[str, ...]:
    """The functions that the trigger may have Seatrial touch: their tags must be known before it is decided."""
    unlimited = replace(situation, tags={release.function: Tag.RELEASED for release in situation.releases})
    acts = StopDeployment | AnswerHook | ReturnAlias
    found = [one.release.function for one in decide(trigger, unlimited) if isinstance(one, acts)]
    return tuple(dict.fromkeys(found))


def suspects(alarm: AlarmChanged, situation: Situation) -> tuple[Release, ...]:
    """The releases that can have caused the alarm: when there are several, the judge is asked about each."""
    naming = [release for release in situation.releases if alarm.alarm in release.alarms]
    return tuple(release for release in naming if _spared(release, alarm, situation) is None)


def to_be_judged(alarm: AlarmChanged, situation: Situation) -> tuple[Release, ...]:
    """The suspects, where there are several, or where a release that was rolled back may have caused it instead."""
    suspected = suspects(alarm, situation)
    return suspected if len(suspected) > 1 or _owners(alarm, suspected, situation) else ()


def belongs_to_another(alarm: AlarmChanged, situation: Situation) -> bool:
    """Whether it hangs on how the alarm looks at its data which release it belongs to."""
    live = [release for release in situation.releases if release.is_open or release.is_guarded(situation.now)]
    return any(alarm.alarm in release.alarms and _owner(release, alarm, situation) for release in live)


def _owner(release: Release, alarm: AlarmChanged, situation: Situation) -> Owner | None:
    return alarm_owner.owner(release, alarm, situation.releases, situation.watch.span)


def _on_alarm(alarm: AlarmChanged, situation: Situation) -> tuple[Decision, ...]:
    if alarm.state != "ALARM":
        return (Ignore(f"alarm {alarm.alarm} is {alarm.state}"),)
    naming = [release for release in situation.releases if alarm.alarm in release.alarms]
    if not naming:
        if situation.serving:
            return (ReportForeign(situation.serving),)
        return (Ignore(f"no open release names alarm {alarm.alarm}"),)
    suspected = suspects(alarm, situation)
    guilty = _guilty(alarm, suspected, situation)
    return tuple(
        _spared(release, alarm, situation)
        or (
            _way_back(release, rollback_story.alarm_rang(alarm))
            if release in guilty
            else Notify(rollback_story.cleared(release, alarm, guilty or _owners(alarm, suspected, situation)), release)
        )
        for release in naming
    )


def _guilty(alarm: AlarmChanged, suspected: Sequence[Release], situation: Situation) -> tuple[Release, ...]:
    """One suspect alone did it. Of several, those that are worse; where none is for sure, those nobody can clear.

    A release of another service that was rolled back meanwhile, by whomever, makes them several.
    """
    if len(suspected) < 2 and not _owners(alarm, suspected, situation):
        return tuple(suspected)
    worse = tuple(release for release in suspected if release.deployment_id in situation.worse)
    return worse or tuple(release for release in suspected if release.deployment_id not in situation.cleared)


def _owners(alarm: AlarmChanged, suspected: Sequence[Release], situation: Situation) -> tuple[Release, ...]:
    """Those that the alarm may belong to instead of an open suspect. What is guarded waits: see `_spared`."""
    found = [_owner(release, alarm, situation) for release in suspected if release.is_open]
    return tuple(dict.fromkeys(one.release for one in found if one))


def _spared(release: Release, alarm: AlarmChanged, situation: Situation) -> Decision | None:
    """Why this alarm does not take this release back; None when it would."""
    who = f"release {release.deployment_id} of {release.service}"
    if already := _over(release, situation):
        return Ignore(already)
    if alarm.at < release.opened_at:
        return Ignore(f"alarm {alarm.alarm} rang before {who} began")
    if release.state is State.TRIAL:
        return Ignore(
            f"alarm {alarm.alarm} rang while no user meets version {release.candidate} of {release.service} yet; "
            "CodeDeploy itself begins no shift under a ringing alarm"
        )
    if not release.is_open and not release.is_guarded(situation.now):
        return Ignore(f"alarm {alarm.alarm} rang after the guard of {who} was over")
    # What is open is rolled back rather than spared, unless the judge clears it: its users are what is at stake.
    if not release.is_open and (belongs := _owner(release, alarm, situation)):
        if belongs.until is None or situation.now < belongs.until:
            return Notify(rollback_story.belongs_to(release, alarm, belongs), release)
        if situation.watch.keeps or not situation.watch.fires:
            return Ignore(rollback_story.fired_on_another(release, alarm, belongs))
    if release.fix:
        return Notify(oncall_story.fix_is_spared(release, alarm), release)
    if release.dry_run:
        return Notify(rollback_story.dry_run(release, rollback_story.alarm_rang(alarm), situation.now), release)
    last = situation.taken_back.get(release.service)
    if last is not None and situation.now - last < COOL_DOWN:
        return Notify(rollback_story.cools_down(release, alarm, last, COOL_DOWN), release)
    return _hands_off(release, rollback_story.alarm_rang(alarm), situation)


def _on_verdict(verdict: JudgedWorse, situation: Situation) -> tuple[Decision, ...]:
    found = [release for release in situation.releases if release.deployment_id == verdict.release]
    return tuple(_on_verdict_of(release, verdict, situation) for release in found) or (
        Ignore(f"the judge speaks of {verdict.release}, which the ledger does not know"),
    )


def _on_verdict_of(release: Release, verdict: JudgedWorse, situation: Situation) -> Decision:
    if already := _over(release, situation):
        return Ignore(already)
    if release.state is State.TRIAL:
        return Ignore(f"no user meets version {release.candidate} of {release.service} yet")
    if not release.is_open and not release.is_guarded(situation.now):
        return Ignore(f"the guard of release {release.deployment_id} of {release.service} is over")
    if release.dry_run:
        return Notify(rollback_story.dry_run(release, verdict.reason, situation.now), release)
    return _hands_off(release, verdict.reason, situation) or _way_back(release, verdict.reason)


def _on_request(request: RollbackRequested, situation: Situation) -> tuple[Decision, ...]:
    """People are obeyed where there is something to take back: neither `off` nor dry run, cool-down or guard limits
    them."""
    wanted = [release for release in situation.releases if release.belongs_to(request.service)]
    if request.release:
        wanted = [release for release in wanted if release.deployment_id == request.release]
    newest_first = sorted(wanted, key=lambda release: release.opened_at, reverse=True)
    if chosen := [release for release in newest_first if release.is_open] or newest_first[:1]:
        return tuple(_on_request_for(release, request, situation) for release in chosen)
    return (Ignore(_no_release(request, situation)),)


def _on_request_for(release: Release, request: RollbackRequested, situation: Situation) -> Decision:
    if already := _over(release, situation):
        return Ignore(already)
    if request.at + EVENT_TIME < release.opened_at:
        return Ignore(f"{request.who} asked before release {release.deployment_id} of {release.service} began")
    return _untouchable(release, situation) or _way_back(release, rollback_story.requested(request))


def _hands_off(release: Release, reason: str, situation: Situation) -> Decision | None:
    """What the tag keeps Seatrial from doing by itself; None when it lets it."""
    if situation.tags.get(release.function) is Tag.OFF:
        if release.state is State.BAKING and release.hook:
            return LetGo(release, rollback_story.let_go(release, reason))
        return Notify(rollback_story.hands_off(release, reason), release)
    return _untouchable(release, situation)


def _untouchable(release: Release, situation: Situation) -> Decision | None:
    """What the tag keeps Seatrial from doing for anybody; None when it lets it."""
    match situation.tags.get(release.function, Tag.NONE):
        case Tag.NONE:
            return Notify(finding_story.not_tagged(release.function), release)
        case Tag.UNREAD:
            return Retry(release, rollback_story.tag_unread(release))
    return None


def _way_back(release: Release, reason: str) -> Decision:
    if not release.stable or release.stable == release.candidate:
        return Notify(rollback_story.nothing_to_go_back_to(release, reason), release)
    if release.state is State.BAKING and release.hook:
        return AnswerHook(release, reason)
    return StopDeployment(release, reason) if release.is_open else ReturnAlias(release, reason)


def _over(release: Release, situation: Situation) -> str:
    """Why there is nothing of it to take back; "" when there is."""
    who = f"release {release.deployment_id} of {release.service}"
    if release.state is State.GOING_BACK:
        return f"{who} is already going back"
    if not release.is_open and release.state is not State.RELEASED:
        return f"{who} is already {release.state}"
    # A service has one deployment at a time: what is open with a later one after it has ended, and nobody said so yet.
    later = [
        one
        for one in situation.releases
        if one.service == release.service
        and one.opened_at > release.opened_at
        and (one.is_open or one.state is State.RELEASED)
    ]
    return f"{who} is not the last of its service any more: {later[0].deployment_id} is" if later else ""


def _no_release(request: RollbackRequested, situation: Situation) -> str:
    which = f"release {request.release} of {request.service}" if request.release else f"release of {request.service}"
    instead = f"open: {', '.join(situation.open_ones)}" if situation.open_ones else "no release is open"
    if situation.unproven:
        return rollback_story.may_be_a_rollback(request)
    return f"{request.service}: rollback of {request.who} declined: there is no {which} ({instead})"
