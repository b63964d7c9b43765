"""Text that a terminal, a log viewer or a page may show: characters that they would obey are written out."""

from __future__ import annotations

import unicodedata

# Control characters, invisible format characters (bidirectional marks among them), lone surrogates, and the
# separators that break a line.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """One line of text. A character that a terminal would obey is shown as its escape: `\\x1b`, `\\u202e`, `\\n`."""
    return "".join(_SHORT.get(letter) or _escaped(letter) for letter in text)


def printable_json(document: str) -> str:
    """A JSON document with the same characters as JSON escapes; line breaks between values stay."""
    return "".join(letter if letter == "\n" else _json_escaped(letter) for letter in document)


def _escaped(letter: str) -> str:
    if unicodedata.category(letter) not in _OBEYED:
        return letter
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(letter: str) -> str:
    """Those above the basic plane as a surrogate pair (RFC 8259, 7)."""
    if unicodedata.category(letter) not in _OBEYED:
        return letter
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[n : n + 2]):04x}" for n in range(0, len(units), 2))
