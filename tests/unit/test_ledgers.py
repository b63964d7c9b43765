"""Two rehearsals are held against each other by what their ledgers say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.telling.ledgers import Ledgers, Taken, differences, main

BACK: tuple[Taken, ...] = (Taken("opened", 1.0), Taken("shifting", 30.0), Taken("going back", 95.0))


@pytest.mark.parametrize(
    ("other", "says"),
    [
        pytest.param({"bad": BACK}, [], id="the same"),
        pytest.param({"bad": (*BACK[:2], Taken("going back", 155.0))}, [], id="a minute later"),
        pytest.param(
            {"bad": (*BACK[:2], Taken("going back", 155.1))},
            ["bad: going back after 95 s; in the other after 155.1 s"],
            id="more than a minute later",
        ),
        pytest.param(
            {"bad": (BACK[1], BACK[0], BACK[2])},
            ["bad: opened, shifting, going back; in the other: shifting, opened, going back"],
            id="another order",
        ),
        pytest.param({}, ["bad: opened, shifting, going back; in the other: nothing"], id="not released"),
    ],
)
def test_steps_are_compared_by_kind_order_and_time(other: Ledgers, says: list[str]) -> None:
    assert list(differences({"bad": BACK}, other)) == says


def test_two_files_are_compared_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, steps in (("one", BACK), ("two", BACK[:1])):
        (tmp_path / name).write_text(json.dumps({"bad": steps}))
    assert main([str(tmp_path / "one"), str(tmp_path / "one")]) == 0
    assert main([str(tmp_path / "one"), str(tmp_path / "two")]) == 1
    same, other = capsys.readouterr().out.splitlines()
    assert same == "1 releases took the same steps in the same order, at most 60 s apart"
    assert other == "bad: opened, shifting, going back; in the other: opened"
