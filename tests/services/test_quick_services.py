"""Three of the services, which take seconds: the whole table is test_services.py's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.stage import Stage
from tests.services import judge
from tests.services.catalogue import BY_NAME
from tests.services.releases import BAD, FIRST, GOOD, Owner, Service


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as stage:
        yield stage


@pytest.mark.parametrize("name", ["pinned", "assembled", "adopter"])
def test_a_service_is_released_well_and_then_taken_back(stage: Stage, tmp_path: Path, name: str) -> None:
    service = BY_NAME[name]
    if service.needs:
        Owner(stage, Service(service.needs, "", {}), tmp_path).release(FIRST)
    owner = Owner(stage, service, tmp_path)
    first, good, bad = (owner.release(word) for word in (FIRST, GOOD, BAD))
    assert list(judge.good(service, good, first.aliases, owner.configs(good))) == []
    assert list(judge.bad(service, bad, good.aliases)) == []
