"""Services after the shapes of public templates, deployed and released well and badly on the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.stage import Stage
from tests.services.releases import BAD, FIRST, GOOD, Owner
from tests.services.shapes import BY_NAME, FAILED, Shape

QUICK = ("snapped", "tutorial", "constructs")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(manual=True) as stage:
        yield stage


def released(stage: Stage, shape: Shape, folder: Path) -> Owner:
    """The service's owner, after a good and a bad release that both end as the shape says."""
    owner = Owner(stage, shape.service, folder)
    first, good, bad = (owner.release(word) for word in (FIRST, GOOD, BAD))
    assert first.deployments == ()
    assert good.stack == shape.good, good.events
    assert bad.stack == shape.bad, bad.events
    assert tuple(one.code for one in bad.deployments if one.code) == shape.codes
    if shape.bad == FAILED:
        assert bad.aliases == good.aliases, "users are where they were"
    else:
        assert bad.aliases != good.aliases
    return owner


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_shape_is_released_well_and_badly(stage: Stage, tmp_path: Path, name: str) -> None:
    released(stage, BY_NAME[name], tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in QUICK])
def test_a_shape_is_released_well_and_badly(stage: Stage, tmp_path: Path, name: str) -> None:
    owner = released(stage, BY_NAME[name], tmp_path)
    if name == "reported":
        assert sent(stage, owner, "Done")["requestContext"]["condition"] == "Success"
        assert sent(stage, owner, "Failed")["responsePayload"]["errorType"] == "RuntimeError"
    if name == "moved":
        (mapping,) = owner.resources("EventSourceMapping").values()
        found = stage.client("lambda").get_event_source_mapping(UUID=mapping)
        assert found["FunctionArn"].endswith(":function:moved-Function:live")


def sent(stage: Stage, owner: Owner, queue: str) -> dict[str, Any]:
    """One record that a destination has got."""
    sqs = stage.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=owner.resources()[queue], WaitTimeSeconds=20)["Messages"]
    return dict(json.loads(message["Body"]))
