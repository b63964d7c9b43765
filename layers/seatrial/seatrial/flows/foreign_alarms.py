"""Alarms that no release names: each is reported once a release, and after ten of them one message ends it."""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.core import rollback_story
from seatrial.core.events import AlarmChanged
from seatrial.core.release import Release
from seatrial.flows import tell
from seatrial.flows.account import Account

# How many of them a release is told of one by one.
EACH = 10


def report(aws: Account, alarm: AlarmChanged, serving: Iterable[Release]) -> dict[str, str]:
    """{"action": "told" | "ignored", "reason": …}. `serving` are the open releases whose candidate has traffic."""
    sentence = rollback_story.foreign_alarm(alarm, [release.service for release in serving])
    turn = _turn(aws, alarm, serving) if aws.foreign_alarms else 0
    if turn == EACH + 1:
        sentence = rollback_story.more_foreign_alarms(alarm, [release.service for release in serving], EACH)
    aws.log.info(sentence, extra={"event": alarm.id, "release": ",".join(one.deployment_id for one in serving)})
    if not turn:
        return {"action": "ignored", "reason": sentence}
    tell.send(aws, f"[seatrial] {alarm.alarm}: no release names this alarm", sentence, {"event": "nothing taken back"})
    return {"action": "told", "reason": sentence}


def _turn(aws: Account, alarm: AlarmChanged, serving: Iterable[Release]) -> int:
    """The how manieth alarm it is, from 1; 0 where it needs no message: each release had it, or was told of enough."""
    turns = [turn for release in serving if (turn := aws.ledger.foreign_alarms.first(release, alarm.alarm, EACH + 1))]
    return min(turns, default=0)
