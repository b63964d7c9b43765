"""The files of a folder `seatrial/`, in a package or on this machine: how many there may be, and how large. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from seatrial.core import bounds
from seatrial.core.bounds import UnfitError
from seatrial.core.values import shown


def check(sizes: Mapping[str, int]) -> None:
    """`sizes` has the bytes of each file by its path below the folder. Raises UnfitError with a whole sentence."""
    _stated("the folder seatrial/", lambda: bounds.FILES.check_size(sizes))
    for path, size in sizes.items():
        check_path(path)
        check_size(path, size)
    check_total(sum(sizes.values()))


def check_path(path: str) -> None:
    """A path stays below the folder. Raises UnfitError with a whole sentence."""
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in path or "\0" in path:
        raise UnfitError(f"the file {shown(path)} leads out of the folder seatrial/")
    _stated(f"the name of the file {shown(path)}", lambda: bounds.FILE_NAME.check_size(path))


def check_size(path: str, size: int) -> None:
    """Raises UnfitError with a whole sentence."""
    bound = bounds.SUITE_FILE if PurePosixPath(path).name == "suite.yaml" else bounds.FILE
    _stated(f"the file {shown(path)}", lambda: bound.check(size))


def check_total(size: int) -> None:
    """Raises UnfitError with a whole sentence."""
    _stated("the files in seatrial/ together", lambda: bounds.FOLDER.check(size))


def _stated(what: str, check: Callable[[], None]) -> None:
    try:
        check()
    except UnfitError as unfit:
        raise UnfitError(f"{what} {unfit}") from unfit
