"""The chart as the board draws it; tests/unit/test_report.py has what rehearsals draw."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from seatrial.core.chart import Bucket, Chart, Course, Mark, Weight, describe
from seatrial.core.drawing import axes, look, panels
from seatrial.core.drawing.svg import svg

HOUR = Chart(
    stable="7",
    candidate="8",
    seconds=3_600.0,
    weights=(Weight(60.0, 0.1), Weight(1_800.0, 1.0)),
    requests=(Bucket(0.0, 90, 1, 10, 2), Bucket(60.0, 80, 0, 20, 0)),
    marks=(Mark(60.0, "hook", "passed"), Mark(3_600.0, "rollback", "<back>")),
    bucket=60,
    caption="minutes & more",
)


def text(drawn: Chart, width: int = 760) -> str:
    return " ".join(ElementTree.fromstring(svg(drawn, width)).itertext())


def test_the_length_of_a_bucket_is_told_as_people_say_it() -> None:
    assert "Bad outcomes in 1 min" in text(HOUR)
    assert "Bad outcomes in 10 s" in text(replace(HOUR, bucket=10))
    assert "Bad outcomes in 5 min" in text(replace(HOUR, bucket=300))


def test_a_bar_covers_its_bucket_and_no_more() -> None:
    drawn = ElementTree.fromstring(svg(HOUR, 3_600))
    bars = [element for element in drawn.iter("rect") if element.get("class") == "candidate"][1:]  # less the key
    (bar,) = bars
    assert float(bar.get("width", "0")) <= panels.WIDEST_BAR


@pytest.mark.parametrize("width", [300, 340, 366, 760, 1280])
@pytest.mark.parametrize("version", ["8", "12345"])
def test_the_key_of_the_bars_never_runs_into_their_title(width: int, version: str) -> None:
    drawn = ElementTree.fromstring(svg(replace(HOUR, stable=version, candidate=version), width))
    (title,) = (each for each in drawn.iter("text") if (each.text or "").startswith("Bad outcomes"))
    keys = [each for each in drawn.iter("rect") if each.get("width") == "11"]
    ends = axes.LETTER * len(title.text or "")
    same_row = [key for key in keys if float(key.get("y", 0)) + 10 == float(title.get("y", 0))]
    assert len(keys) == 2
    assert all(float(key.get("x", 0)) >= ends for key in same_row)


def judged(*courses: Course, width: int = 760) -> ElementTree.Element:
    return ElementTree.fromstring(svg(replace(HOUR, courses=courses), width))


def heights(drawn: ElementTree.Element, kind: str) -> list[float]:
    """Of the dots of one line of evidence, one a minute."""
    return [float(dot.get("cy", 0)) for dot in drawn.iter("circle") if dot.get("class") == kind]


def limit(drawn: ElementTree.Element) -> float:
    (line,) = (each for each in drawn.iter("line") if each.get("class") == "limit")
    return float(line.get("y1", 0))


def test_evidence_grows_by_the_same_height_from_power_to_power_of_ten() -> None:
    low, middle, high = heights(judged(Course("outcomes", 0.0, 200.0, (-2.0, -1.0, 0.0))), "first")
    assert low - middle == pytest.approx(middle - high, abs=0.11)
    assert low > middle > high


def test_what_is_enough_is_the_same_line_for_all_metrics_whatever_their_limit() -> None:
    drawn = judged(Course("outcomes", 0.0, 200.0, (0.0,)), Course("errors", 0.0, 4_000.0, (0.0,)))
    assert heights(drawn, "first") == heights(drawn, "second") == [limit(drawn)]
    assert {title.text for title in drawn.iter("title")} >= {
        "1:00, outcomes: 200, of which 200 is enough",
        "1:00, errors: 4000, of which 4000 is enough",
    }


def test_evidence_beyond_the_panel_is_drawn_at_its_edge() -> None:
    most, least, end = heights(judged(Course("errors", 0.0, 200.0, (40.0, -40.0, -3.0))), "first")
    drawn = judged(Course("errors", 0.0, 200.0, (1.0, -3.0, -3.0)))
    assert [most, least, end] == heights(drawn, "first")


def test_of_what_was_not_judged_there_is_no_evidence() -> None:
    assert "Evidence" not in text(HOUR)


def test_more_metrics_than_there_are_lines_share_the_last() -> None:
    drawn = judged(*(Course(name, 0.0, 200.0, (-1.0,)) for name in "abcde"))
    assert [len(heights(drawn, kind)) for kind in ("first", "second", "third")] == [1, 1, 3]


@pytest.mark.parametrize("width", [300, 340, 760, 1280])
def test_a_key_of_many_or_long_names_stays_inside_and_off_its_title(width: int) -> None:
    names = ("outcomes", "errors", "slow", "Shop:Declined + Shop:Expired of Shop:Attempts + Requests " * 2)
    drawn = judged(*(Course(name, 0.0, 200.0, (-1.0,)) for name in names), width=width)
    (title,) = (each for each in drawn.iter("text") if (each.text or "").startswith("Evidence"))
    samples = [each for each in drawn.iter("line") if (each.get("class") or "").startswith("course")]
    assert len(samples) == 4
    assert all(float(sample.get("x1", 0)) >= 0 for sample in samples)
    rows = [float(sample.get("y1", 0)) for sample in samples]
    assert all(row > float(title.get("y", 0)) for row in rows)
    assert max(rows) < limit(drawn)


def test_without_a_plan_there_is_no_line_but_the_dots_stay() -> None:
    unplanned = svg(replace(HOUR, weights=None), 760)
    assert "candidate-line" not in unplanned
    assert unplanned.count('class="met"') == 2


def test_without_a_plan_the_sentence_claims_none() -> None:
    assert describe(replace(HOUR, weights=None)) == (
        "Version 8 answered 30 requests, 2 of them badly. Version 7 answered 1 badly."
    )


def test_no_bad_outcome_is_another_thing_than_no_request() -> None:
    assert "none" in text(replace(HOUR, requests=(Bucket(0.0, 5, 0, 1, 0),)))
    assert "no request was counted" in text(replace(HOUR, requests=()))


def test_words_are_escaped_also_in_kinds_and_captions() -> None:
    hostile = replace(
        HOUR,
        marks=(Mark(1.0, '"><script>', "<b>"),),
        caption="<script>",
        stable="<i>",
        candidate="&",
        bad="<script>",
        courses=(Course("<b>", 0.0, 200.0, (0.0,)),),
    )
    drawn = ElementTree.fromstring(svg(hostile, 340))
    assert {element.tag for element in drawn.iter()} <= {
        "svg", "line", "g", "title", "circle", "text", "polygon", "polyline", "rect"
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [1.0, 60.0, 7_200.0, 2 * 86_400.0])
def test_times_keep_their_distance_however_long_it_took(seconds: float) -> None:
    axis = axes.TimeAxis(0.0, seconds, axes.LEFT, 340 - axes.RIGHT)
    places = [axis.x(tick) for tick in axis.ticks()]
    assert all(after - before >= 60 for before, after in pairwise(places))


@pytest.mark.parametrize("palette", [look.LIGHT, look.DARK])
@pytest.mark.parametrize("colour", ["ink", "faint", "good", "bad", "mark", "first", "second", "third"])
def test_words_can_be_read_on_their_ground(palette: str, colour: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    assert contrast(palette, colour, "ground") >= 4.5


@pytest.mark.parametrize("palette", [look.LIGHT, look.DARK])
@pytest.mark.parametrize("colour", ["stable", "candidate"])
def test_bars_can_be_seen_on_their_ground(palette: str, colour: str) -> None:
    """WCAG 2.2, 1.4.11: a contrast of 3 to 1."""
    assert contrast(palette, colour, "ground") >= 3.0


def contrast(palette: str, one: str, other: str) -> float:
    found = dict(re.findall(r"--(\w+): #(\w{6});", palette))
    darker, lighter = sorted((luminance(found[one]), luminance(found[other])))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
