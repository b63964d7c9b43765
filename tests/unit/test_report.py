"""The report of a rehearsal: read, written, shown as a page and as a table. Whole pages are compared as text."""

from __future__ import annotations

import copy
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from rehearsal.telling import page, report
from rehearsal.telling.table import table
from seatrial.core import chart
from seatrial.core.drawing.page import NARROW, WIDE
from seatrial.core.drawing.svg import svg

FIXTURES = Path(__file__).parents[1] / "fixtures"
DOCUMENT = json.loads((FIXTURES / "report.json").read_text())
REPORT = report.from_json(DOCUMENT)
GOOD, SOME, DARK = REPORT.releases


def same_as_file(shown: str, name: str) -> bool:
    """Compares with a file of the fixtures; `SNAPSHOTS=write pytest …` writes it anew, to be read before it is kept."""
    if os.environ.get("SNAPSHOTS") == "write":
        (FIXTURES / name).write_text(shown)
    return shown == (FIXTURES / name).read_text()


def test_a_report_is_read_and_written_without_loss() -> None:
    assert report.to_json(REPORT) == DOCUMENT
    assert report.read(FIXTURES / "report.json") == REPORT


def test_marks_are_put_in_their_order_in_time() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["releases"][1]["marks"].reverse()
    assert report.from_json(document) == REPORT


def without(name: str) -> Any:
    document = copy.deepcopy(DOCUMENT)
    del document["releases"][2][name]
    return document


def altered(*path: Any, to: Any) -> Any:
    document = at = copy.deepcopy(DOCUMENT)
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return document


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "report: expected an object, found list"),
        (without("won"), "releases[2]: 'won' is missing"),
        (altered("releases", 0, "wieghts", to=[]), "releases[0]: 'wieghts' is not one of .*; weights?"),
        (altered("releases", 0, "result", to="relased"), "releases[0].result: 'relased' is not one of .*; released?"),
        (altered("releases", 1, "marks", 0, "kind", to="alert"), "releases[1].marks[0].kind: 'alert' is not one of"),
        (altered("releases", 1, "requests", to=[[0, 1]]), "releases[1].requests: expected rows of 5 numbers"),
    ],
)
def test_a_report_that_is_none_is_refused_with_its_place(document: Any, sentence: str) -> None:
    pattern = re.escape(sentence).replace(r"\.\*", ".*")
    with pytest.raises(report.ReportError, match=pattern):
        report.from_json(document)


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(report.ReportError, match=r"report\.json: not JSON"):
        report.read(tmp_path / "report.json")


def test_the_whole_page_looks_as_it_was_looked_at() -> None:
    assert same_as_file(page.html(REPORT), "report-page.html")


def test_the_whole_table_looks_as_it_was_looked_at() -> None:
    console = Console(width=90, file=StringIO(), color_system=None)
    console.print(table(REPORT))
    assert isinstance(console.file, StringIO)
    assert same_as_file(console.file.getvalue(), "report-table.txt")


class Tags(HTMLParser):
    """The tags that are open, and the attributes that were met."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]
        if tag not in ("meta", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)


def test_the_page_is_well_formed_and_needs_nothing_but_itself() -> None:
    text = page.html(REPORT)
    tags = Tags(text)
    assert tags.open == []
    assert not tags.names & {"script", "link", "img", "iframe"}
    assert sorted(tags.links) == sorted(f"#{name}" for name in tags.ids)
    assert "url(" not in text and "http" not in text and "@import" not in text


def test_text_from_a_release_is_never_markup() -> None:
    everywhere: dict[str, Any] = dict.fromkeys(
        ("id", "title", "service", "deployment", "stable", "candidate", "reason"), '<i a="1">&'
    )
    hostile = replace(
        GOOD,
        **everywhere,
        marks=(chart.Mark(1.0, "gate", "<i>&"),),
        checks=(report.Check("<i>", "<i>", "<i>", True),),
        story=("<i>",),
        courses=(chart.Course("<i>", 0.0, 100.0, (-1.0,)),),
        judged=(chart.Told("ok", "<i>"),),
    )
    text = page.html(replace(REPORT, releases=(hostile,)))
    assert "<i" not in text
    assert 'a="1"' not in text


def test_the_verdict_counts_what_went_wrong() -> None:
    assert page.verdict(REPORT) == "1 of 3 releases did not go as they should."
    assert page.verdict(replace(REPORT, ok=True, releases=(GOOD, SOME))) == "All 2 releases went as they should."
    assert "the rehearsal itself did not" in page.verdict(replace(REPORT, ok=False, releases=(GOOD, SOME)))


def drawing(release: report.RehearsedRelease, width: int = 760) -> ElementTree.Element:
    return ElementTree.fromstring(svg(release.chart, width))


def numbers(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.attrib[name]) for name in names]


def test_bars_are_as_high_as_their_counts() -> None:
    bars = [bar for bar in drawing(SOME).iter("rect") if bar.find("title") is not None]
    (six,), (three,) = ([float(bar.attrib["height"])] for bar in bars)
    assert six == pytest.approx(2 * three, abs=0.11)
    hint = bars[0].find("title")
    assert hint is not None and hint.text == "0:00, version 3: 6 of 14 bad"


def test_bad_outcomes_of_both_versions_stand_on_each_other() -> None:
    both = replace(SOME, requests=(chart.Bucket(0, 10, 2, 10, 3),))
    stable, candidate = (
        numbers(bar, "y", "height") for bar in drawing(both).iter("rect") if bar.find("title") is not None
    )
    assert sum(candidate) == pytest.approx(stable[0], abs=0.11)


def test_the_line_steps_where_the_weights_do() -> None:
    line = next(iter(drawing(SOME).iter("polyline"))).attrib["points"].split()
    heights = [point.split(",")[1] for point in line]
    assert heights == [heights[0]] * 2 + [heights[2]] * 2 + [heights[0]] * 2
    assert float(heights[2]) < float(heights[0])


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_numbers_of_marks_do_not_cover_each_other(width: int) -> None:
    crowded = replace(SOME, marks=tuple(chart.Mark(t / 10, "hook", "now") for t in range(12)))
    svg = drawing(crowded, width)
    centres = [numbers(circle, "cx", "cy") for group in svg.iter("g") for circle in group.iter("circle")]
    assert len(centres) == 12
    for i, (x, y) in enumerate(centres):
        assert all(abs(x - u) >= 18 or abs(y - v) >= 18 for u, v in centres[:i])


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("seconds", [12.0, 347.0, 7200.0])
def test_everything_stays_inside_and_ticks_apart(width: int, seconds: float) -> None:
    release = replace(
        GOOD, seconds=seconds, requests=tuple(chart.Bucket(t, 5, 1, 5, 1) for t in range(-20, int(seconds), 10))
    )
    svg = drawing(release, width)
    for rectangle in svg.iter("rect"):
        x, bar = numbers(rectangle, "x", "width")
        assert x >= 0 and x + bar <= width
    marks = [text for text in svg.iter("text") if re.fullmatch(r"-?\d+:\d\d", text.text or "")]
    ticks = [float(text.attrib["x"]) for text in marks]
    assert len(ticks) >= 2 or seconds < 60
    assert all(later - earlier >= 40 for earlier, later in pairwise(ticks))


def test_a_release_of_which_nothing_is_known_has_a_chart_too() -> None:
    nothing = replace(DARK, seconds=0.0, weights=(), requests=(), marks=(), checks=(), story=())
    assert "no request was counted" in "".join(drawing(nothing).itertext())
    assert page.html(replace(REPORT, releases=(nothing,)))
    console = Console(width=90, file=StringIO())
    console.print(table(replace(REPORT, releases=(nothing,))))
    assert isinstance(console.file, StringIO)
    assert "nothing was checked" in console.file.getvalue()


def test_the_chart_is_told_in_a_sentence() -> None:
    assert chart.describe(SOME.chart) == (
        "Version 3 got at most 10% of the traffic and ended with 0%; it answered 20 requests, 9 of them badly."
        " Version 2 answered 0 badly. The evidence against it was enough by outcomes."
    )
