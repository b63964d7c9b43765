"""The filter patterns of CloudWatch Logs: a pattern in, a function out that says which messages match. Pure.

Terms (`ERROR "a phrase" -Exit ?WARN`), selectors of JSON (`{ $.status >= 500 && $.path = "/pay*" }`), space-delimited
fields (`[ip, user, ..., status = 5*, size]`), and regular expressions between percent signs.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import fnmatch
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

type Found = Mapping[str, Any]
"""What a metric value or dimension may refer to: the names of fields, or the members of a document."""
type Match = Callable[[str], Found | None]
type Test = Callable[[Any], bool]

MISSING = object()
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TERM = re.compile(r'\s*([-?]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)+%|[^\s"]+)')
_TOKEN = re.compile(
    r'\s*(\(|\)|&&|\|\||!=|<=|>=|=|<|>|"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)+%|\$(?:\.[\w-]+|\[[^\]]+\])*|[^\s()=<>!&|"]+)'
)
_STEP = re.compile(r"\.([\w-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+|\*))\]")
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')


class PatternError(ValueError):
    """A pattern that CloudWatch Logs does not take. Its text names the part."""


def matcher(pattern: str) -> Match:
    """What `pattern` finds in a message: None where it does not match. Raises PatternError."""
    text = pattern.strip()
    if not text:
        return lambda _: {}
    if text.startswith("{"):
        return _of_json(text)
    if text.startswith("["):
        return _of_fields(text)
    return _of_terms(text)


# Terms


def _of_terms(text: str) -> Match:
    wanted, unwanted, either = list[Test](), list[Test](), list[Test]()
    for sign, term in _terms(text):
        test = _contains(term)
        {"": wanted, "-": unwanted, "?": either}[sign].append(test)

    def match(message: str) -> Found | None:
        if any(test(message) for test in unwanted) or not all(test(message) for test in wanted):
            return None
        # Beside other terms the optional ones decide nothing.
        return {} if wanted or unwanted or not either or any(test(message) for test in either) else None

    return match


def _terms(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TERM.match(text, at)
        if found is None:
            raise PatternError(f"Invalid filter pattern: a quote is open in {text[at:].strip()}")
        yield found.group(1), found.group(2)
        at = found.end()


def _contains(term: str) -> Test:
    if len(term) > 1 and term.startswith("%") and term.endswith("%"):
        compiled = _regex(term)
        return lambda message: compiled.search(message) is not None
    word = _unquoted(term)
    return lambda message: word in message


def _regex(term: str) -> re.Pattern[str]:
    try:
        return re.compile(term[1:-1])
    except re.error as error:
        raise PatternError(f"Invalid filter pattern: {term}: {error}") from None


def _unquoted(term: str) -> str:
    quoted = len(term) > 1 and term.startswith('"') and term.endswith('"')
    return re.sub(r"\\(.)", r"\1", term[1:-1]) if quoted else term


# Conditions, of JSON selectors and of fields


@dataclass
class _Tokens:
    words: list[str]
    at: int = 0

    @classmethod
    def of(cls, text: str) -> _Tokens:
        words, at = [], 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise PatternError(f"Invalid filter pattern: {text[at:].strip()}")
            words.append(found.group(1))
            at = found.end()
        return cls(words)

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, *expected: str) -> str:
        word = self.peek()
        if not word or (expected and word not in expected):
            what = " or ".join(expected) or "a value"
            raise PatternError(f"Invalid filter pattern: expected {what}, got {word or 'the end'}")
        self.at += 1
        return word


type Condition = Callable[[Callable[[str], Any]], bool]
"""Whether a message meets it; the argument gives the value behind a selector or a field's name, MISSING for none."""


def _either(tokens: _Tokens) -> Condition:
    parts = [_both(tokens)]
    while tokens.peek() == "||":
        tokens.take()
        parts.append(_both(tokens))
    return lambda value: any(part(value) for part in parts)


def _both(tokens: _Tokens) -> Condition:
    parts = [_one(tokens)]
    while tokens.peek() == "&&":
        tokens.take()
        parts.append(_one(tokens))
    return lambda value: all(part(value) for part in parts)


def _one(tokens: _Tokens) -> Condition:
    if tokens.peek() == "(":
        tokens.take("(")
        inner = _either(tokens)
        tokens.take(")")
        return inner
    name = tokens.take()
    sign = tokens.take("=", "!=", "<", "<=", ">", ">=", "IS", "NOT", "EXISTS")
    if sign == "IS":
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}[tokens.take("NULL", "TRUE", "FALSE")]
        return lambda value: value(name) is wanted
    if sign == "NOT":
        tokens.take("EXISTS")
        return lambda value: value(name) is MISSING
    if sign == "EXISTS":
        return lambda value: value(name) is not MISSING
    test = _compared(sign, tokens.take())
    return lambda value: _any_of(value(name), test)


def _any_of(value: Any, test: Test) -> bool:
    return value is not MISSING and (any(test(one) for one in value) if isinstance(value, list) else test(value))


def _compared(sign: str, literal: str) -> Test:
    if sign in _COMPARE:
        number, compare = _number(literal), _COMPARE[sign]
        if number is None:
            raise PatternError(f"Invalid filter pattern: {sign} takes a number, not {literal}")
        return lambda value: (own := _number(value)) is not None and compare(own, number)
    equal = _equals(literal)
    return equal if sign == "=" else lambda value: not equal(value)


def _equals(literal: str) -> Test:
    if len(literal) > 1 and literal.startswith("%") and literal.endswith("%"):
        compiled = _regex(literal)
        return lambda value: isinstance(value, str) and compiled.search(value) is not None
    text, number = _unquoted(literal), None if literal.startswith('"') else _number(literal)

    def equal(value: Any) -> bool:
        if isinstance(value, bool) or value is None:
            return text == json.dumps(value) or text == "*"
        if number is not None and (own := _number(value)) is not None:
            return own == number
        return fnmatch.fnmatchcase(str(value), re.sub(r"([\[?])", r"[\1]", text))

    return equal


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


# JSON


def _of_json(text: str) -> Match:
    if not text.endswith("}"):
        raise PatternError("Invalid filter pattern: a brace is open")
    tokens = _Tokens.of(text[1:-1])
    condition = _either(tokens)
    if tokens.peek():
        raise PatternError(f"Invalid filter pattern: {tokens.peek()} stands behind the condition")

    def match(message: str) -> Found | None:
        document = _document(message)
        return document if document is not None and condition(lambda path: select(document, path)) else None

    return match


def _document(message: str) -> dict[str, Any] | None:
    start = message.find("{")
    if start < 0:
        return None
    try:
        found = json.loads(message[start:])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def select(document: Any, path: str) -> Any:
    """The value at a selector as `$.a.b[0]`; MISSING where there is none. `[*]` gives the list itself."""
    value = document
    for step in _STEP.finditer(path):
        name = step.group(1) or step.group(2) or step.group(3)
        if name is not None:
            value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
        elif not isinstance(value, list):
            value = MISSING
        elif step.group(4) != "*":
            at = int(step.group(4))
            value = value[at] if at < len(value) else MISSING
        if value is MISSING:
            break
    return value


# Space-delimited fields


def _of_fields(text: str) -> Match:
    if not text.endswith("]"):
        raise PatternError("Invalid filter pattern: a bracket is open")
    fields = [_field(part.strip()) for part in text[1:-1].split(",")]
    names = [name for name, _ in fields]
    if names.count("...") > 1:
        raise PatternError("Invalid filter pattern: ... stands twice")

    def match(message: str) -> Found | None:
        values = [next(part for part in found.groups() if part is not None) for found in _FIELD.finditer(message)]
        placed = _placed(names, values)
        if placed is None:
            return None
        known = {f"${name}": value for name, value in placed.items()}
        met = all(condition is None or condition(lambda one: placed.get(one, MISSING)) for _, condition in fields)
        return known if met else None

    return match


def _field(part: str) -> tuple[str, Condition | None]:
    if part == "..." or re.fullmatch(r"[\w-]*", part):
        return part, None
    tokens = _Tokens.of(part)
    condition, name = _either(tokens), next(word for word in tokens.words if re.match(r"\w", word))
    if tokens.peek():
        raise PatternError(f"Invalid filter pattern: {tokens.peek()} stands behind the condition of {name}")
    return name, condition


def _placed(names: list[str], values: list[str]) -> dict[str, str] | None:
    """Each field's value by its name; None where a message has another number of fields."""
    if "..." not in names:
        return dict(zip(names, values, strict=True)) if len(names) == len(values) else None
    gap = names.index("...")
    before, after = names[:gap], names[gap + 1 :]
    if len(values) < len(before) + len(after):
        return None
    last = values[len(values) - len(after) :] if after else []
    return dict(zip(before, values, strict=False)) | dict(zip(after, last, strict=True))
