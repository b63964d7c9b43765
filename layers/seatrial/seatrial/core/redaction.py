"""Redaction: secrets in what a function returned or raised are hidden wherever a value becomes text. Pure.

By name: a value below a key, header or path whose name says that it is secret. By shape: card numbers (Luhn), JSON Web
Tokens, AWS keys and bearer tokens, in any text. Each text is read once from left to right: no pattern here can go back
over what it has passed, so the time grows with the length alone, whatever a response contains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from seatrial.core.values import Json, shown

HIDDEN: Final = "[redacted]"

NAMES: Final = (
    "authorization", "cookie", "token", "jwt", "bearer", "password", "passwd", "pwd", "passphrase", "secret",
    "credential", "apikey", "accesskey", "secretkey", "privatekey", "signature", "session", "sessionid", "otp", "pin",
    "card", "pan", "cvv", "cvc", "iban", "ssn",
)  # fmt: skip
"""Names that say secret: as the last word of a key (`accessToken`, `x-api-key`, `Set-Cookie`, `card_number`)."""

# The last word of a name that only says which part of a secret it is.
_PARTS = frozenset({"number", "no", "value", "header", "data", "string", "id", "raw"})

_WORD = re.compile(r"[A-Z]?[a-z]++|[A-Z]+(?![a-z])|\d++")
_NAMES_OF_PATH = re.compile(r"[A-Za-z0-9_-]++")

_CARD = re.compile(r"(?<![\dA-Za-z.])[2-6](?:[ -]?\d){12,18}(?![\dA-Za-z])")
_SHAPES = (
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]++(?:\.[\w-]*+)?"), "[redacted: JWT]"),
    (re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"), "[redacted: AWS key]"),
    (re.compile(r"(?<![A-Za-z])([Bb]earer|BEARER) {1,3}[\w.~+/=-]{16,}+"), r"\1 [redacted]"),
)
# The name and the separator of `name: value`, `"name": "value"` and `name=value`.
_NAMED = re.compile(r"(?<![\w.-])([\w.-]++)\\?['\"]?[ ]{0,3}[:=][ ]{0,3}(?=[^\s])")
_VALUE = re.compile(r"\\?\"(?:[^\"\\\n]|\\[^\"])*+|'[^'\n]*+|[^\s,;&'\"}\])\\]++")
# Of a header whose value may have spaces, all up to the end of the line or the text around it.
_LINE = re.compile(r"[^\n\"'\\]++")
_LINES = ("authorization", "cookie")
_RANDOM = re.compile(r"(?=[^0-9]{0,200}[0-9])(?=[^A-Za-z]{0,200}[A-Za-z])[\w+/=.~-]{20,}+")

# How much of a value is looked at: no sentence shows more.
_MOST_LETTERS, _MOST_ENTRIES, _DEEPEST = 4_000, 500, 20


@dataclass(frozen=True)
class Redaction:
    """`names` are a suite's own, beside NAMES."""

    names: tuple[str, ...] = ()

    def shown(self, value: Json, path: str = "", limit: int = 80) -> str:
        """A value for a sentence, as values.shown writes it; `path` is where it was found."""
        if value is None or isinstance(value, bool):
            return shown(value, limit)
        return HIDDEN if self.hides_path(path) else shown(self._hidden(value, _DEEPEST), limit)

    def text(self, text: str) -> str:
        """Text of a function, as an error or a body, without what it should not say; cut if it is very long."""
        return "".join(_without_named(by_shape(text[:_MOST_LETTERS]), self.hides))

    def hides(self, name: str) -> bool:
        """Whether the name of a key or header says that its value is secret."""
        words = [word.lower() for word in _WORD.findall(name[:200])]
        if len(words) > 1 and words[-1] in _PARTS:
            words = words[:-1]
        ends = {"".join(words[-count:]) for count in (1, 2, 3)}
        own = _plain(name)
        return any(end in _KNOWN or end.removesuffix("s") in _KNOWN for end in ends) or own in map(_plain, self.names)

    def hides_path(self, path: str) -> bool:
        return any(map(self.hides, _NAMES_OF_PATH.findall(path)))

    def _hidden(self, value: Json, levels: int) -> Json:
        """A copy of as much of the value as a sentence may show."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and value.bit_length() < 64 and by_shape(str(value)) != str(value):
            return HIDDEN
        if isinstance(value, dict) and levels:
            some = list(value.items())[:_MOST_ENTRIES]
            return {key: self._entry(str(key), item, levels - 1) for key, item in some}
        if isinstance(value, list) and levels:
            return [self._hidden(item, levels - 1) for item in value[:_MOST_ENTRIES]]
        return "…" if isinstance(value, dict | list) else value

    def _entry(self, name: str, value: Json, levels: int) -> Json:
        is_secret = value is not None and not isinstance(value, bool) and self.hides(name)
        return HIDDEN if is_secret else self._hidden(value, levels)


def by_shape(text: str) -> str:
    """Text without card numbers, tokens and keys, whatever stands around them. For every sentence that leaves."""
    for shape, hidden in _SHAPES:
        text = shape.sub(hidden, text)
    return _CARD.sub(lambda found: "[redacted: card number]" if _is_card(found[0]) else found[0], text)


def sentence(text: str) -> str:
    """A sentence of Seatrial's own, which quotes others: by shape, and long random values after a known name."""
    return "".join(_without_named(by_shape(text), DEFAULT.hides, only_random=True))


def _without_named(text: str, hides: Callable[[str], bool], *, only_random: bool = False) -> Iterator[str]:
    """The pieces of the text, with HIDDEN for each value that follows a name that `hides` it."""
    at = 0
    for named in _NAMED.finditer(text):
        start = named.end()
        if start < at or not hides(named[1]):
            continue
        is_line = _plain(named[1]).endswith(_LINES) and not only_random and text[start] not in "'\"\\"
        found = (_LINE if is_line else _VALUE).match(text, start)
        if found is None or (only_random and not _RANDOM.fullmatch(found[0].strip("'\""))):
            continue
        quote = found[0][: len(found[0]) - len(found[0].lstrip("\\'\""))]
        yield f"{text[at:start]}{quote}{HIDDEN}"
        at = found.end()
    yield text[at:]


def _is_card(text: str) -> bool:
    """Luhn's check, which one number in ten passes by chance."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _plain(name: str) -> str:
    return "".join(letter for letter in name[:200].lower() if letter.isalnum())


_KNOWN = frozenset(map(_plain, NAMES))
DEFAULT: Final = Redaction()
