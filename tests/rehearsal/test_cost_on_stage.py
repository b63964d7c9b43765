"""Said of a shift on the stage: beforehand what it would notice, at the end what it did cost those who met it."""

from __future__ import annotations

import re

from rehearsal.telling.report import RehearsedRelease
from tests.rehearsed import Rehearsed

COST = re.compile(r"(had a bad outcome|than chance explains|no request came)")


def costs(release: RehearsedRelease) -> list[str]:
    return [line for line in release.story if COST.search(line)]


def bad_answers(release: RehearsedRelease) -> int:
    """Of the candidate, as its users have them. Stable never fails here."""
    return sum(bucket.candidate_bad for bucket in release.requests)


def test_each_release_that_users_met_ends_with_what_it_did_cost_them(rehearsed: Rehearsed) -> None:
    for release in rehearsed.report.releases:
        assert bool(costs(release)) is (release.result != "refused"), release.story


def test_no_more_is_blamed_on_a_release_than_its_users_were_answered(rehearsed: Rehearsed) -> None:
    for release in rehearsed.report.releases:
        for line in costs(release):
            about = re.search(r"about ([\d,]+) of", line)
            assert (int(about[1].replace(",", "")) if about else 0) <= bad_answers(release), line


def test_each_release_that_is_tried_says_first_what_its_shift_would_notice(rehearsed: Rehearsed) -> None:
    for release in rehearsed.report.releases:
        tried = any("was tried in the dark" in line for line in release.story)
        said = any(re.search("requests/s|nobody came in the last week", line) for line in release.story)
        assert said or not tried, release.story
