"""Paths: what a JMESPath of a suite may start at, and what it finds in the document of a response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.functions import Functions

from seatrial.core import bounds
from seatrial.core.values import Json, UnfitError, instead, listed, nearest, shown

ROOTS = ("response", "error", "duration", "init", "log")
FUNCTIONS = tuple(sorted(Functions.FUNCTION_TABLE))

# What people write without `response.`: the keys of API Gateway's proxy response and of a partial batch response.
_INSIDE_A_RESPONSE = (
    "statusCode",
    "headers",
    "multiValueHeaders",
    "cookies",
    "body",
    "isBase64Encoded",
    "batchItemFailures",
)


class UnreadableError(Exception):
    """The path can't be followed in this document, for example `length(…)` of something that is absent."""


@dataclass(frozen=True)
class Path:
    """A JMESPath that starts at `response`, `error`, `duration`, `init` or `log`. Made by `read`.

    `is_plain`: it only leads to parts of the document, so that what it finds is never larger than the document.
    """

    text: str
    roots: frozenset[str]
    is_plain: bool
    _compiled: Any = field(repr=False, compare=False)

    def find(self, document: Mapping[str, Json]) -> Json:
        """What stands there; null when nothing does. Raises UnreadableError, the end of a sentence on the path."""
        try:
            found: Json = self._compiled.search(document)
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            # jmespath's own errors, and Python's: for `[::0]`, mixed types, or `ceil` of a number without an end
            raise UnreadableError(f"can't be read: {_first_line(error)}") from error
        return found

    def __str__(self) -> str:
        return self.text


@lru_cache(1_000)
def read(text: str) -> Path:
    """The path, or UnfitError with a whole sentence that says what to write instead."""
    try:
        bounds.PATH.check_size(text)
        compiled = jmespath.compile(text)
        bounds.PATH_DEPTH.check(_depth(compiled.parsed))
    except RecursionError:
        raise UnfitError(f"{shown(text)} must {bounds.PATH_DEPTH.allowed}") from None
    except UnfitError as unfit:
        raise UnfitError(f"{shown(text)} {unfit}") from unfit
    except ValueError as error:  # jmespath's own errors are ones; a number of 5,000 digits gives Python's
        raise UnfitError(f"'{text}' is not a JMESPath: {_first_line(error)}") from error
    for name in _functions(compiled.parsed):
        if name not in FUNCTIONS:
            raise UnfitError(f"'{text}' calls '{name}', which JMESPath does not have; {instead(name, FUNCTIONS)}")
    roots = frozenset(_roots(compiled.parsed))
    for root in sorted(roots - set(ROOTS)):
        raise UnfitError(f"'{text}' is not a path; {_cure(text, root)}")
    if not roots:
        raise UnfitError(f"'{text}' is not a path; a path starts at {listed(ROOTS)}")
    return Path(text, roots, _is_plain(compiled.parsed), compiled)


def _cure(text: str, root: str) -> str:
    if root in _INSIDE_A_RESPONSE:
        return f"did you mean '{text.replace(root, f'response.{root}', 1)}'?"
    # `expect.statusCode`: what follows the first word says that a response was meant.
    meant = nearest(root, ROOTS) or ("response" if any(f".{inner}" in text for inner in _INSIDE_A_RESPONSE) else None)
    return f"did you mean '{text.replace(root, meant, 1)}'?" if meant else f"a path starts at {listed(ROOTS)}"


# jmespath gives its syntax tree as {"type", "children", "value"?}.
_ON_THE_DOCUMENT_FIRST_ONLY = {
    "subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection", "flatten",
}  # fmt: skip


def _roots(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that are looked up in the document itself, not in what another part of the path has found."""
    match node["type"]:
        case "field":
            yield node["value"]
        case "expref":  # `&name` is looked up in each element that a function goes through
            return
        case kind:
            children = node["children"]
            for child in children[:1] if kind in _ON_THE_DOCUMENT_FIRST_ONLY else children:
                if isinstance(child, Mapping):
                    yield from _roots(child)


def _functions(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _functions(child)


def _depth(tree: Mapping[str, Any]) -> int:
    """How deep the tree is; without recursion, since it may be deeper than Python's stack."""
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in node["children"] if isinstance(child, Mapping)]
    return depth


_PLAIN = {
    "field", "subexpression", "index", "index_expression", "slice", "identity", "current",
    "projection", "value_projection", "flatten",
}  # fmt: skip


def _is_plain(node: Mapping[str, Any]) -> bool:
    """`length` makes a number of a part; all that makes new lists, texts or comparisons is not plain."""
    kind = node["type"]
    if kind not in _PLAIN and not (kind == "function_expression" and node["value"] == "length"):
        return False
    return all(_is_plain(child) for child in node["children"] if isinstance(child, Mapping))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].removesuffix(", for expression:").rstrip(":")
