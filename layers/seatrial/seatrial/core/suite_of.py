"""Which suite of a package is a function's own: functions of one template may share a package. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SUITE = "suite.yaml"


@dataclass(frozen=True)
class Origin:
    """The function that a package belongs to, as Lambda and CloudFormation know it; "" where something is unknown."""

    function: str
    handler: str = ""
    logical_id: str = ""
    stack: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders below `seatrial/` in which a suite of its own may lie, in the order in which they are looked at.

        The handler is taken as it is written (`orders.app.handler`), then without its last part (`orders.app`); a slash
        in it is a dot.
        """
        handler = self.handler.replace("/", ".")
        module = handler.rpartition(".")[0]
        return tuple(dict.fromkeys(name for name in (self.logical_id, self.function, handler, module) if name))


@dataclass(frozen=True)
class Found:
    """A suite's folder below `seatrial/`, with its slash ("" is the common one), and the files beside the suite."""

    folder: str
    files: Mapping[str, bytes]


def of(files: Mapping[str, bytes], folders: Sequence[str]) -> Found | None:
    """The suite of the first folder that has one, else the common one, or None. `files` are those below `seatrial/`.

    The files of the common folder are beside every suite, and a function's own come before them.
    """
    for folder in folders:
        if f"{folder}/{SUITE}" in files:
            prefix = f"{folder}/"
            own = {path.removeprefix(prefix): content for path, content in files.items() if path.startswith(prefix)}
            return Found(prefix, {**files, **own})
    return Found("", files) if SUITE in files else None


def folders_in(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The folders below `seatrial/` that hold a suite of their own."""
    return tuple(
        sorted(path.partition("/")[0] for path in files if path.count("/") == 1 and path.endswith(f"/{SUITE}"))
    )


def missing(origin: Origin, version: str, files: Mapping[str, bytes], *, is_inline: bool) -> str:
    """Why a package has no suite for its function, and what to do about it."""
    told = f"{origin.function}:{version} brings no seatrial/{SUITE}"
    place = f" (resource {origin.logical_id} of stack {origin.stack})" if origin.logical_id and origin.stack else ""
    if is_inline:
        return (
            f"{told}: its code is written in the template (InlineCode), which has no room for a folder. "
            f"Next: move the code into a folder with CodeUri{place}, put seatrial/{SUITE} beside it, and deploy again"
        )
    if others := folders_in(files):
        return (
            f"{told}: its package has suites for {', '.join(others[:8])} only. Next: put the function's own into "
            f"seatrial/{origin.folders[0]}/, or a common one into seatrial/, and deploy again"
        )
    return (
        f"{told}: put a folder seatrial/ with a {SUITE} beside the code of the function, in its CodeUri{place}, so "
        "that the package holds it, and deploy again"
    )
