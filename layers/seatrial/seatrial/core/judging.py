"""The verdict on a release: on all that was counted of it, while both versions served and after 100 %. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import dropwhile

from seatrial.core.counted import Counted, Minutes
from seatrial.core.evidence import Row
from seatrial.core.judge import judge, judge_after, judge_slow
from seatrial.core.sections import JudgeSettings
from seatrial.core.sides import SLOW
from seatrial.core.verdict import Verdict, combined, shares


def verdict(counted: Counted, settings: JudgeSettings) -> Verdict:
    """What is known by now. What was ok while both versions served stays so, unless it is worse after 100 %.

    Its `parts` are the verdicts on these two times, once there is a second, and theirs are those on each metric.
    """
    shift = _of(counted.shift, settings, judge)
    after = _after(counted.after, settings) if counted.after and any(counted.after.rows.values()) else None
    decides = _decides(shift, after) if after else shift
    return replace(
        decides,
        sentence="; ".join((decides.sentence, *besides(counted))),
        parts=(shift, after) if after else (shift,),
    )


def clears(verdict: Verdict) -> bool:
    """Whether the candidate is ok whichever time is looked at: more than that it was when both versions served."""
    return all(part.verdict == "ok" for part in verdict.parts)


CLIENT_ERRORS = "client errors"

# A finding is news for so many minutes: late metrics and a missed look may delay it.
_NEWS = 5


def client_errors(counted: Counted, settings: JudgeSettings, *, news_only: bool = False) -> Verdict | None:
    """The verdict `worse` on the share of requests that got a 4xx, or None.

    The same comparison at the same false alarms, and no more than a finding: a candidate may have a reason to reject
    requests. There is no absolute limit, since a service may answer most requests with a 4xx. `news_only`: only where
    the evidence has sufficed for few minutes.
    """
    compared = replace(settings, absolute_limit=1.0, min_requests=0)
    for rows, judged in zip(counted.client_errors, (judge, judge_after), strict=False):
        met = _since_first_request(rows)
        found = judged(met, compared, metric=CLIENT_ERRORS)
        if found.verdict == "worse" and (not news_only or len(met) - found.minute < _NEWS):
            return found
    return None


def _since_first_request(rows: Sequence[Row]) -> list[Row]:
    return list(dropwhile(lambda row: not row.cand_n, rows))


def _after(minutes: Minutes, settings: JudgeSettings) -> Verdict:
    verdict = _of(minutes, settings, judge_after)
    return replace(verdict, sentence=f"since 100 %, with no control group but the hour before: {verdict.sentence}")


def _of(minutes: Minutes, settings: JudgeSettings, judged: Callable[..., Verdict]) -> Verdict:
    share_of = shares(list(minutes.rows))
    by = {SLOW: partial(judge_slow, judged=judged)}
    return combined(
        [
            by.get(metric, judged)(rows, settings, share=share_of[metric], metric=metric)
            for metric, rows in minutes.rows.items()
        ]
    )


def _decides(shift: Verdict, after: Verdict) -> Verdict:
    for word in ("worse", "ok"):
        for verdict in (shift, after):
            if verdict.verdict == word:
                return verdict
    return replace(shift, sentence=f"{shift.sentence}; {after.sentence}", missing=f"{shift.missing}; {after.missing}")


def besides(counted: Counted) -> Iterator[str]:
    """What stands beside every verdict and is nobody's fault."""
    if counted.silent:
        yield f"left out, since neither version reports it: {', '.join(counted.silent)}"
    if counted.throttles:
        plural = "" if counted.throttles == 1 else "s"
        yield f"beside it {counted.throttles:,} throttled request{plural}, which ran no version"
