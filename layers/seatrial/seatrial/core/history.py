"""A team's own history: what was counted of a release, as the judge can be asked about it again. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from seatrial.core.counted import Counted
from seatrial.core.evidence import Row
from seatrial.core.judge import warmed_up
from seatrial.core.release import Release
from seatrial.core.replay import Recorded
from seatrial.core.sections import JudgeSettings
from seatrial.core.sides import SLOW
from seatrial.core.verdict import shares


def recorded(release: Release, counted: Counted) -> Iterator[Recorded]:
    """A case for each metric, of the minutes in which both versions served; none where no user met the candidate.

    Its settings are those of the release as the metric had them: its part of the false alarms, and of slow requests no
    warm-up, whose minutes are left out (as in judge_slow).
    """
    share_of = shares(list(counted.shift.rows))
    told = f"{release.deployment_id} {release.service} {release.stable} → {release.candidate}, {release.state}"
    for metric, rows in counted.shift.rows.items():
        if rows:
            kept, settings = _as_judged(metric, rows, release.judged_by)
            part = replace(settings, false_alarms=settings.false_alarms * share_of[metric])
            yield Recorded(tuple(kept), f"{told}: {metric}", part, metric)


def _as_judged(metric: str, rows: Sequence[Row], settings: JudgeSettings) -> tuple[Sequence[Row], JudgeSettings]:
    if metric != SLOW:
        return rows, settings
    return warmed_up(rows, settings), replace(settings, warm_up=0.0, absolute_limit=1.0)
