"""The board as HTML: what it shows of which release, on a page and in a widget."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seatrial.core import board_html, rollback_story
from seatrial.core.board import Board, Shown
from seatrial.core.counted import Counted
from seatrial.core.delivery import delivery
from seatrial.core.release import Release, Step
from tests.shown_releases import ENDED, NOON, REFUSED, RELEASED, RETURNED, SHIFTING, TAKEN_BACK, at, judged, minutes

FIXTURES = Path(__file__).parents[1] / "fixtures"


def a_board(
    open: tuple[Shown, ...] = (SHIFTING,), last: tuple[Shown, ...] = ENDED, wounds: tuple[Release, ...] = ()
) -> Board:
    steps = {shown.release.deployment_id: shown.steps for shown in last}
    figures = delivery([shown.release for shown in last], steps, 28)
    return Board(NOON, at(-28 * 1440), NOON, "", figures, open, last, wounds=wounds)


class Page(HTMLParser):
    """Its tags, well nested, their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_whole_page_looks_as_it_was_looked_at() -> None:
    """`SNAPSHOTS=write pytest …` writes it anew, to be looked at before it is kept."""
    shown = board_html.page(a_board(wounds=(RETURNED,)))
    if os.environ.get("SNAPSHOTS") == "write":
        (FIXTURES / "board-page.html").write_text(shown)
    assert shown == (FIXTURES / "board-page.html").read_text()


def test_open_releases_come_first() -> None:
    assert re.findall(r"d-[A-Z]+1+, ", board_html.page(a_board())) == [
        "d-SHIFTING1, ",
        "d-TAKENBAC1, ",
        "d-RELEASED1, ",
        "d-REFUSED11, ",
    ]


def test_what_is_to_be_healed_stands_above_all_else_in_the_words_of_every_other_place() -> None:
    text = Page(board_html.page(a_board(wounds=(RETURNED,)))).text
    above, _, below = text.partition("Released")
    assert "✗ fees:live is to be healed" in above
    assert rollback_story.to_be_healed(RETURNED).replace("`", "") in above
    assert "returned by functions/rollback: alarm fees-wrong rang" in above
    assert "healed" not in below


def test_what_is_to_be_typed_is_set_apart() -> None:
    html = board_html.page(a_board(wounds=(RETURNED,)))
    assert "<code>sam deploy --parameter-overrides Shifting=on</code>" in html


def test_a_board_with_nothing_on_it_says_so() -> None:
    assert "No release is open" in board_html.fragment(a_board((), ()), theme="light", width=600)


@pytest.mark.parametrize("html", [board_html.page(a_board()), board_html.fragment(a_board(), theme="dark", width=600)])
def test_nothing_on_it_is_taken_out_by_a_dashboard_or_needs_a_network(html: str) -> None:
    page = Page(html)
    assert not {"script", "iframe", "use", "link", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")]


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "&amp;"]
)
def test_what_others_have_written_stays_text(words: str) -> None:
    written = replace(
        TAKEN_BACK.release, reason=words, by=words, function=words, stable=words, candidate=words, configuration=words
    )
    counts = minutes(-89, **{"errors": [(50, 0, 6, 0)], words: [(50, 1, 6, 6)]})
    hostile = judged(written, (Step(words, words, words, at(-88), words, words),), counts, silent=(words,))
    for html in (
        board_html.page(a_board((), (hostile,))),
        board_html.page(a_board((), (), (written,))),
        board_html.fragment(a_board((), (hostile,)), theme="light", width=500),
    ):
        page = Page(html)
        assert words in page.text
        assert not {"script", "img"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert words in Page(board_html.page(replace(a_board(), unread=words))).text
    assert words in Page(board_html.trouble(words)).text


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#15181c")])
def test_a_widget_wears_the_dashboards_theme(theme: str, ground: str) -> None:
    html = board_html.fragment(a_board(), theme=theme, width=600)
    assert re.findall(r"--ground: (#\w+)", html) == [ground]


def test_styles_stay_inside_the_widget() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", board_html.fragment(a_board(), theme="dark", width=600), re.DOTALL)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", style) for part in rule.split(",")]
    assert [selector for selector in selectors if not selector.startswith(".seatrial")] == []


@pytest.mark.parametrize("width", [280, 588, 1600])
def test_charts_are_as_wide_as_the_widget_lets_them(width: int) -> None:
    drawn = re.findall(r'viewBox="0 0 (\d+) ', board_html.fragment(a_board(), theme="light", width=width))
    assert {int(each) for each in drawn} == {max(300, width - 40)}


def test_of_a_release_that_nobody_met_nothing_is_drawn() -> None:
    html = board_html.fragment(a_board((), (REFUSED,)), theme="light", width=500)
    assert "<svg" not in html and " by functions/&lt;x&gt;: 3 of 12" in html


def test_each_metrics_verdict_stands_below_its_release_in_the_judges_own_words() -> None:
    text = Page(board_html.fragment(a_board((), (TAKEN_BACK,)), theme="light", width=500)).text
    assert TAKEN_BACK.verdict is not None
    signs = {"worse": "✗", "ok": "✓", "inconclusive": "•"}
    told = [each for phase in TAKEN_BACK.verdict.parts for each in phase.parts]
    assert {each.verdict for each in told} == {"worse", "inconclusive"}
    assert [f"{signs[each.verdict]} {each.sentence}" for each in told if each.sentence in text] == [
        line for line in text.splitlines() if line[:1] in signs.values() and " of the candidate's requests " in line
    ]


def test_after_100_percent_the_verdict_is_told_apart() -> None:
    text = Page(board_html.fragment(a_board((), (RELEASED,)), theme="light", width=500)).text
    assert "✓ outcomes ok since minute" in text
    assert "since 100 %, outcomes" in text


def test_throttles_and_what_nobody_reports_stand_beside_the_verdict() -> None:
    text = Page(board_html.page(a_board())).text
    assert "beside it 17 throttled requests, which ran no version" in text
    assert "left out, since neither version reports it: outcomes" in text


@pytest.mark.parametrize(
    ("counted", "sentence"),
    [
        (Counted(minutes(-2, errors=[]), None, 0, ()), "No request was counted: nobody called it by its alias, or"),
        (None, "could not be read from CloudWatch"),
    ],
)
def test_where_nothing_was_counted_the_board_says_why(counted: Counted | None, sentence: str) -> None:
    silent = replace(SHIFTING, counted=counted, verdict=None)
    assert sentence in board_html.fragment(a_board((silent,), ()), theme="light", width=500)


def test_while_cloudwatch_does_not_answer_what_the_ledger_knows_is_shown() -> None:
    html = board_html.page(replace(a_board(), unread="Throttling"))
    assert "What was counted is not shown, since CloudWatch says: Throttling" in html
