"""How a claim says where it is known from and how long it takes in an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

DOCUMENTED, CAPTURED, REPORTED, UNCONFIRMED = "documented", "captured", "reported by users", "unconfirmed"


def claim(known: str, *, minutes: float = 1, capture: str = "", long: bool = False) -> Callable[[Any], Any]:
    """A claim about AWS. `minutes` is what it takes in an account, `capture` the file of tests/data/aws it is held to.

    A `long` one is left out of `make test`.
    """
    return pytest.mark.claim(known, minutes=minutes, capture=capture, long=long)


def question(switch: str, *, minutes: float = 1) -> Callable[[Any], Any]:
    """What nobody could confirm: the test looks at what happens and hands it to `answered`.

    On the stage it is asked once for each answer that the switch has, and must see each.
    """
    return pytest.mark.question(switch, minutes=minutes)
