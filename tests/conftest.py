"""Which tests stay together when several workers share them (`pytest -n 2 --dist loadgroup`).

A local AWS or a whole rehearsal takes seconds to start, so the tests of one stay in one worker. All others go to
whichever worker is free.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

REHEARSAL, CONFORMANCE = "rehearsal", "conformance"

# What takes longest starts first, so that no worker is left alone with it at the end.
FIRST = (REHEARSAL, CONFORMANCE)

ON_LOCAL_AWS = ("rehearsal", "services", "conformance")
"""Folders whose tests start a local AWS."""


def pytest_itemcollected(item: pytest.Item) -> None:
    if group := group_of(item):
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(group_of(item)))


def group_of(item: pytest.Item) -> str:
    """The name of the tests that share what this one needs, or "" where it needs nothing that is shared."""
    place = item.path.relative_to(HERE).with_suffix("")
    if "rehearsed" in getattr(item, "fixturenames", ()):
        return REHEARSAL
    if place.parts[0] == CONFORMANCE:
        return CONFORMANCE
    if place.parts[0] in ON_LOCAL_AWS or place.name.endswith("_on_stage"):
        return "/".join(place.parts)
    return ""


def _turn(group: str) -> int:
    if group in FIRST:
        return FIRST.index(group)
    return len(FIRST) if group else len(FIRST) + 1
