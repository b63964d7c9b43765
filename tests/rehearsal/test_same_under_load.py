"""A busy machine makes a rehearsal slower and not different."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import rehearse
from rehearsal.telling import ledgers
from rehearsal.telling.screen import Screen
from tests.load import busy

pytestmark = pytest.mark.proof

LOOPS = 4


def rehearsed(out: Path) -> ledgers.Ledgers:
    with Screen() as screen:
        found = rehearse.rehearse(2.0, 0, out, screen, frozenset())
    print(f"{out.name}: {found.wall_seconds:.0f} wall seconds")
    assert [release.id for release in found.unexpected] == []
    return ledgers.read(out / "ledgers.json")


def test_under_load_every_story_takes_the_same_steps_in_the_same_order(tmp_path: Path) -> None:
    idle = rehearsed(tmp_path / "idle")
    with busy(LOOPS):
        loaded = rehearsed(tmp_path / "loaded")
    assert list(ledgers.differences(idle, loaded)) == []
