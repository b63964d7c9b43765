"""Which functions a CloudFront distribution takes."""

from __future__ import annotations

import pytest

from rehearsal.stage.edge import problem

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:edge"


def test_a_numbered_version_may_run_at_the_edge() -> None:
    assert problem(f"{FUNCTION}:7") is None


@pytest.mark.parametrize("arn", [FUNCTION, f"{FUNCTION}:live", f"{FUNCTION}:$LATEST"])
def test_anything_else_may_not_run_at_the_edge(arn: str) -> None:
    assert "must end with the version number" in (problem(arn) or "")
