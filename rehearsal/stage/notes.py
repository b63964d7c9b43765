"""What the stage takes and doesn't do, where that changes no release: told once each, never left to be found out.

`make stage` prints them; they are records of the kind `note`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_lock = threading.Lock()
_told: set[str] = set()
_tell: Callable[[str], None] | None = None


def install(tell: Callable[[str], None]) -> None:
    """From now on notes go to `tell`, each once."""
    global _tell
    _tell = tell
    _told.clear()


def note(text: str) -> None:
    """A sentence that says what isn't done and what that means. Without a stage nobody hears it."""
    with _lock:
        if _tell is None or text in _told:
            return
        _told.add(text)
        _tell(text)
