"""The layer as `sam build` makes it: pure Python, compiled, the same each time, and enough for every function."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from rehearsal.sam import PROJECT
from rehearsal.stage.lambdas.runtime import isolated_python

FUNCTIONS = sorted(app.parent for app in (PROJECT / "functions").glob("*/app.py"))


def build(into: Path) -> Path:
    """What `sam build` runs for the layer. The folder that Lambda has at /opt/python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["make", "--silent", "build-SeatrialLayer", f"ARTIFACTS_DIR={into}"],
        cwd=PROJECT / "layers" / "seatrial",
        env={**os.environ, "PATH": path},
        check=True,
    )
    return into / "python"


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("layer"))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda folder: folder.name)
def test_a_function_finds_all_that_it_imports(function: Path, layer: Path, tmp_path: Path) -> None:
    forward = "import seatrial.flows.dark_trial, seatrial.flows.smoke"
    code = f"import sys; sys.path[:0] = [{str(function)!r}, {str(layer)!r}]; import app; {forward}"
    python = isolated_python(tmp_path)
    environment = {"AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_it_is_pure_python_and_brings_no_compiler_to_a_cold_start(layer: Path) -> None:
    """Byte code that Python takes unchecked has the flag 1 after its magic number (PEP 552)."""
    assert not [*layer.rglob("*.so")]
    modules = [*layer.rglob("*.py")]
    assert len(modules) > 150
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        assert compiled.read_bytes()[:8] == MAGIC_NUMBER + (1).to_bytes(4, "little"), module


def test_a_second_build_is_the_same(layer: Path, tmp_path: Path) -> None:
    """Else each `sam deploy` would publish a new layer, and with it a version of every function."""
    assert contents(build(tmp_path)) == contents(layer)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
