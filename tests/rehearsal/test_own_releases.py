"""Seatrial's own functions are released by Seatrial: a change of its layer meets the gates of the version before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal.sam import Sam
from rehearsal.stage import Stage
from tests.rehearsal.shop import deploy

TRIED = ("board", "dark_tester", "fix_lane", "monitor", "rollback")
HOOKS = ("CodeDeployHook_seatrial_pre_traffic", "CodeDeployHook_seatrial_post_traffic")


def live(stage: Stage, function: str) -> str:
    return str(stage.client("lambda").get_alias(FunctionName=function, Name="live")["FunctionVersion"])


def told(stage: Stage, what: str) -> list[str]:
    """CodeDeploy's records of one kind, as text."""
    records: list[dict[str, Any]] = stage.records()
    return [record["text"] for record in records if record["kind"] == "codedeploy" and record["what"] == what]


def test_a_changed_layer_is_tried_in_the_dark_and_shifted(stage: Stage, project: Path) -> None:
    sam = Sam(stage.endpoint)
    sam.build(project)
    first = deploy(stage, sam, project, "seatrial")
    assert first.ok, first.tail()
    assert told(stage, "hook") == []

    code = project / "layers" / "seatrial" / "seatrial" / "__init__.py"
    code.write_text(code.read_text() + "# changed\n")
    sam.build(project)
    second = deploy(stage, sam, project, "seatrial")

    assert second.ok, second.tail()
    assert {live(stage, name) for name in HOOKS + tuple(f"seatrial-{name}" for name in TRIED)} == {"2"}
    answers = [text for text in told(stage, "hook") if "answers" in text]
    assert len(answers) == 2 * len(TRIED)
    assert all(text.endswith("answers Succeeded") for text in answers)
    shared = [text for text in told(stage, "weights") if "10% to version 2" in text]
    assert len(shared) == len(TRIED)
    assert [call for call in stage.calls() if not call["allowed"]] == []
