"""The size of Seatrial's layer as it is uploaded, beside a layer with Powertools alone."""

from __future__ import annotations

import compileall
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks import rie
from benchmarks.rows import Row, fixed, ratio
from rehearsal.sam import PROJECT

MOST = 1.3


def zipped() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        ours, powertools = _zipped(rie.layer()), _zipped(_powertools(Path(folder)))
    return fixed("size of the layer, zipped", ours, powertools, "kB", ratio(MOST), "Powertools alone, compiled too")


def _powertools(folder: Path) -> Path:
    """Powertools and what it requires, whole, as `pip install --target` leaves it."""
    lines = (PROJECT / "layers" / "seatrial" / "requirements.txt").read_text().splitlines()
    (wanted,) = (line for line in lines if line.startswith("aws-lambda-powertools"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(folder), wanted]
    subprocess.run(pip, check=True, capture_output=True)
    compileall.compile_dir(folder, quiet=1)
    return folder


def _zipped(folder: Path) -> float:
    """Kilobytes of the folder as a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(folder.rglob("*")):
            package.write(file, str(Path("python") / file.relative_to(folder)))
    return len(content.getvalue()) / 1000
