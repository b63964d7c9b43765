"""What a chart shows of one release: who got the traffic, what came to a bad end, what the judge made of it. Pure.

How it is drawn is said in `drawing`. Every moment is in seconds since the release's deployment began.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    """From `t` on, `share` (0 to 1) of the traffic was sent to the candidate."""

    t: float
    share: float


@dataclass(frozen=True)
class Bucket:
    """The requests from `start` on, by the version that answered; `…_bad` are among `…_served`."""

    start: float
    stable_served: int
    stable_bad: int
    candidate_served: int
    candidate_bad: int

    @property
    def bad(self) -> int:
        return self.stable_bad + self.candidate_bad

    @property
    def served(self) -> int:
        return self.stable_served + self.candidate_served


@dataclass(frozen=True)
class Course:
    """How the evidence against the candidate went by one metric.

    `reached` is after each minute from `start` on how far it was from what is enough for `worse`, in powers of ten:
    -2 is a hundredth of it, 0 and more is enough. `limit` is what is enough.
    """

    metric: str
    start: float
    limit: float
    reached: tuple[float, ...]


@dataclass(frozen=True)
class Told:
    """A sentence of the judge's and its word: ok, worse or inconclusive, "" for what stands beside its verdicts."""

    word: str
    sentence: str


@dataclass(frozen=True)
class Mark:
    """Something that happened at `t` and is worth a line; of its kinds `alarm` and `rollback` stand out."""

    t: float
    kind: str
    text: str


@dataclass(frozen=True)
class Chart:
    """What is drawn of a release.

    `bucket` is how many seconds each bucket of requests covers, `bad` what is counted as bad. `weights` is None when
    the plan of the shift is unknown: then only what users met is drawn. Without `courses` nothing was judged. `judged`
    stands beside the drawing.
    """

    stable: str
    candidate: str
    seconds: float
    weights: tuple[Weight, ...] | None
    requests: tuple[Bucket, ...]
    marks: tuple[Mark, ...]
    bucket: float
    caption: str
    bad: str = "Bad outcomes"
    courses: tuple[Course, ...] = ()
    judged: tuple[Told, ...] = ()

    @property
    def span(self) -> tuple[float, float]:
        """The first and the last second to show: everything that is known of the release."""
        moments = [0.0, self.seconds, *(mark.t for mark in self.marks)]
        moments += [weight.t for weight in self.weights or ()]
        moments += [t for bucket in self.requests for t in (bucket.start, bucket.start + self.bucket)]
        moments += [t for each in self.courses for t in (each.start, each.start + 60 * len(each.reached))]
        return min(moments), max(*moments, min(moments) + 1)


def describe(release: Chart) -> str:
    """The chart in a sentence, for those who can't see it."""
    served = sum(bucket.candidate_served for bucket in release.requests)
    candidate_bad = sum(bucket.candidate_bad for bucket in release.requests)
    stable_bad = sum(bucket.stable_bad for bucket in release.requests)
    return (
        f"Version {release.candidate} {_shared(release.weights)}answered {served} requests,"
        f" {candidate_bad} of them badly."
        f" Version {release.stable} answered {stable_bad} badly.{_weighed(release.courses)}"
    )


def clock(t: float) -> str:
    """Seconds as minutes and seconds: 302.4 is 5:02."""
    seconds = round(t)
    return f"{'-' if seconds < 0 else ''}{abs(seconds) // 60}:{abs(seconds) % 60:02d}"


def _shared(weights: tuple[Weight, ...] | None) -> str:
    if weights is None:
        return ""
    most = max((weight.share for weight in weights), default=0.0)
    last = weights[-1].share if weights else 0.0
    return f"got at most {most:.0%} of the traffic and ended with {last:.0%}; it "


def _weighed(courses: tuple[Course, ...]) -> str:
    judged = [course for course in courses if course.reached]
    if not judged:
        return ""
    enough = sorted({course.metric for course in judged if max(course.reached) >= 0})
    if enough:
        return f" The evidence against it was enough by {', '.join(enough)}."
    return " The evidence against it was never enough."
