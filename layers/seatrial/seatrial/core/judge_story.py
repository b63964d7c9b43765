"""What the judge says of a release: one sentence for log, ledger, SNS, screen and command line (see story)."""

from __future__ import annotations

from datetime import datetime

from .release import Release
from .verdict import Verdict

UNREAD = "the judge could not read what was counted, and what is not decided does not go forward"


def slow(release: Release, quantile: str, above: float | None) -> str:
    if above is None:
        return f"{release.service}: latency is not judged, for that of version {release.stable} so far is not known"
    return f"{release.service}: a request is slow beyond {above:.4g} ms, the {quantile} of the hour before"


def judged(release: Release, verdict: Verdict) -> str:
    return f"{release.service}: the judge finds version {release.candidate} {verdict.verdict}: {verdict.sentence}"


def worse(verdict: Verdict) -> str:
    return f"the judge finds it worse: {verdict.sentence}"


def too_little(verdict: Verdict) -> str:
    return f"the judge can't tell, and its suite says `on_inconclusive: stop`: {verdict.sentence}"


def goes_on(release: Release, verdict: Verdict) -> str:
    return (
        f"{release.service}: version {release.candidate} goes on, though the judge can't tell whether it is worse "
        f"(`on_inconclusive: {release.judge.on_inconclusive}`): {verdict.sentence}"
    )


def waits(release: Release, until: datetime, verdict: Verdict) -> str:
    return (
        f"{release.service}: version {release.candidate} waits for a verdict until {until:%H:%M:%S} UTC at most "
        f"(`on_inconclusive: wait`): {verdict.sentence}"
    )


def never_read(release: Release) -> str:
    return f"{release.service}: version {release.candidate} goes on unjudged: CloudWatch could not be read to the end"
