"""Every claim and each answer to every question, tried in one go and told in docs/conformance.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "conformance.md"


@pytest.mark.proof
def test_every_claim_holds_on_the_stage_and_the_table_says_so() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "claim or question", "-p", "no:cacheprovider", str(HERE)],
        env={**os.environ, "CONFORMANCE": "all", "CONFORMANCE_TABLE": str(TABLE)},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "does not hold" not in TABLE.read_text()
