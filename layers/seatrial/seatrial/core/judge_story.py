"""What the judge says of a release: one sentence for log, ledger, SNS, screen and command line (see story)."""

from __future__ import annotations

from datetime import datetime

from .hour_before import HourBefore, fewest_requests
from .release import Release
from .values import spoken_time
from .verdict import Verdict, percent

UNREAD = "the judge could not read what was counted, and what is not decided does not go forward"


def metric_refused(release: Release, reason: str) -> str:
    return (
        f"{release.service}: version {release.candidate} is not judged: CloudWatch rejects one of its metrics "
        f"({reason}). Next: correct judge.metrics in its suite"
    )


def slow(release: Release, hour: HourBefore | None) -> str:
    quantile = release.judge.slow
    if hour is None:
        return f"{release.service}: latency is not judged: CloudWatch did not return that of version {release.stable}"
    if hour.slow_above is None:
        return (
            f"{release.service}: latency is not judged: version {release.stable} had {hour.requests:,} requests in the "
            f"hour before, and {quantile} needs {fewest_requests(quantile):,}"
        )
    return (
        f"{release.service}: a request is slow above {spoken_time(hour.slow_above)}: {quantile} of the "
        f"{hour.requests:,} requests in the hour before"
    )


def no_absolute_limit(release: Release, hour: HourBefore) -> str:
    return (
        f"{release.service}: the absolute limit of {percent(release.judge.absolute_limit)} does not hold for this "
        f"release: {percent(hour.bad)} of the requests in the hour before were bad"
    )


def client_errors(release: Release, verdict: Verdict) -> str:
    bad, of = verdict.total.cand_err, verdict.total.cand_n
    before, of_before = verdict.total.base_err, verdict.total.base_n
    return (
        f"{release.service}: more client errors: {percent(bad / of)} of the requests to version {release.candidate} "
        f"got a 4xx ({bad:,} of {of:,}), {percent(before / of_before)} of those to version {release.stable} "
        f"({before:,} of {of_before:,}). This does not roll the release back. Next: look for requests that version "
        f"{release.candidate} rejects."
    )


def judged(release: Release, verdict: Verdict) -> str:
    return f"{release.service}: the judge finds version {release.candidate} {verdict.verdict}: {verdict.sentence}"


def worse(verdict: Verdict) -> str:
    return f"the judge finds it worse: {verdict.sentence}"


def too_little(verdict: Verdict) -> str:
    return f"the judge can't tell, and its suite says `on_inconclusive: stop`: {verdict.sentence}"


def no_traffic(release: Release) -> str:
    """Instead of "the judge can't tell": more of the same shift would not help."""
    return (
        f"{release.service}: no traffic came through the alias during the shift, so version {release.candidate} was "
        f"not compared. Next: if {release.function} has users, let them invoke {release.service} and not the function; "
        "otherwise release when they come, or all at once"
    )


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
