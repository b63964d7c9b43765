"""The ledgers of two rehearsals side by side: the same releases must take the same steps in the same order.

`python -m rehearsal.telling.ledgers ONE/ledgers.json OTHER/ledgers.json` prints what differs and fails if there is any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from seatrial.core.release import Step

WITHIN = 60.0
"""Seconds of stage time that a step may come earlier or later: what is looked at each minute may be a look later."""


class Taken(NamedTuple):
    """A step of a release, so many seconds of stage time after its deployment began."""

    kind: str
    seconds: float


type Ledgers = Mapping[str, Sequence[Taken]]


def taken(steps: Iterable[Step], began: float) -> tuple[Taken, ...]:
    """The steps in the ledger's order. `began` is in stage epoch seconds."""
    return tuple(Taken(step.kind, round(step.at.timestamp() - began, 1)) for step in steps)


def read(path: Path) -> Ledgers:
    return {
        story: tuple(Taken(str(kind), float(seconds)) for kind, seconds in steps)
        for story, steps in json.loads(path.read_text()).items()
    }


def differences(one: Ledgers, other: Ledgers, within: float = WITHIN) -> Iterator[str]:
    """A sentence for each story whose steps are others, in another order, or further apart than `within` seconds."""
    for story in sorted(one.keys() | other.keys()):
        ours, theirs = one.get(story, ()), other.get(story, ())
        if (kinds := [step.kind for step in ours]) != (others := [step.kind for step in theirs]):
            yield f"{story}: {', '.join(kinds) or 'nothing'}; in the other: {', '.join(others) or 'nothing'}"
            continue
        for left, right in zip(ours, theirs, strict=True):
            if abs(left.seconds - right.seconds) > within:
                yield f"{story}: {left.kind} after {left.seconds:g} s; in the other after {right.seconds:g} s"


def main(arguments: list[str]) -> int:
    one, other = (read(Path(path)) for path in arguments)
    found = list(differences(one, other))
    print(
        *found or [f"{len(one)} releases took the same steps in the same order, at most {WITHIN:g} s apart"], sep="\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
