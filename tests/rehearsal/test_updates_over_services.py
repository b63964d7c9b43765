"""Seatrial is updated while services use it: no update of its stack may need theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.sam import Sam, source_of
from rehearsal.stage import Stage
from tests.rehearsal.shop import deploy, deployed

pytestmark = pytest.mark.proof


def layer_of(stage: Stage, function: str) -> str:
    found = stage.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
    (layer,) = found["Layers"]
    return str(layer["Arn"])


def test_seatrial_is_updated_twice_over_a_service_that_uses_it(stage: Stage, project: Path, tmp_path: Path) -> None:
    sam = Sam(stage.endpoint)
    sam.build(project)
    deployed(deploy(stage, sam, project, "seatrial"))
    payments = source_of("v1", "first", tmp_path)
    sam.build(payments)
    deployed(deploy(stage, sam, payments, "payments"))
    layers = [layer_of(stage, "payments")]

    module = project / "layers/outcome/seatrial_outcome/__init__.py"
    for number in (1, 2):
        module.write_text(f"{module.read_text()}# update {number}\n")
        sam.build(project)
        deployed(deploy(stage, sam, project, "seatrial"))
        assert layer_of(stage, "payments") == layers[-1], "a service keeps its layer until its own next release"
        again = source_of("v1", f"after update {number}", tmp_path)
        sam.build(again)
        deployed(deploy(stage, sam, again, "payments"))
        layers.append(layer_of(stage, "payments"))

    assert len(set(layers)) == 3, layers
    assert [call for call in stage.calls() if not call["allowed"]] == []
