"""What the environment and the command line set for the local AWS: each a value, or a ValueError with a sentence."""

from __future__ import annotations


def minute(written: str) -> float:
    """MINUTE: how many wall seconds a minute takes; 60 is real time."""
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 60:
        raise ValueError(f"MINUTE must be a number of seconds from 0.1 to 60, got {written!r}")
    return seconds


def port(written: str) -> int:
    """PORT; 0 takes a free one."""
    if not (written.isascii() and written.isdigit() and len(written) < 6 and int(written) < 65_536):
        raise ValueError(f"PORT must be a number from 0 to 65535, got {written!r}")
    return int(written)
