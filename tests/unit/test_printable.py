"""What a terminal would obey is shown to it as text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.printable import printable, printable_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("payments → 8, ünïcode 漢字 🙂", "payments → 8, ünïcode 漢字 🙂"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("eve\r\n10:00:00  released\t!", "eve\\r\\n10:00:00  released\\t!"),
        ("\u202e gnp \u2066", "\\u202e gnp \\u2066"),
        ("\x9b2K\x7f\u2028\ud800\U000e0001", "\\x9b2K\\x7f\\u2028\\ud800\\U000e0001"),
    ],
)
def test_control_and_bidirectional_characters_are_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_printable_text_is_one_line_that_any_terminal_shows(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
    shown.encode("utf-8")


@given(st.dictionaries(st.text(), st.text()))
def test_printable_json_means_the_same(value: dict[str, str]) -> None:
    document = printable_json(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(document) == value
    assert all(printable(line) == line for line in document.split("\n"))
