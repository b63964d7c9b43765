"""Which service a typed name means: function, alias, ARN, tag, stack and logical id, or a unique prefix. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]*:function:[^:]+")

# How many names a sentence has.
_MOST_NAMED = 5


class ServiceError(Exception):
    """No service has the name, or several have. The text names the nearest ones."""


@dataclass(frozen=True)
class Known:
    """A function that Seatrial releases. `aliases` are those that had a release; `tags` are the values of its tags.

    `stack` and `logical_id` are CloudFormation's, "" where no stack has made it.
    """

    function: str
    aliases: frozenset[str] = frozenset()
    arn: str = ""
    stack: str = ""
    logical_id: str = ""
    tags: frozenset[str] = frozenset()


def resolve(written: str, known: Sequence[Known]) -> str:
    """`function`, or `function:alias` where an alias is written. Raises ServiceError."""
    name, alias = _split(written)
    if not name:
        raise ServiceError(_unknown(written, name, known))
    for found in _found(name, known):
        if len(found) > 1:
            raise ServiceError(f"{written!r} names {len(found)} services: {_named(found)}. Next: name one of them")
        (one,) = found
        if alias and one.aliases and alias not in one.aliases:
            near = get_close_matches(alias, sorted(one.aliases), 1) or sorted(one.aliases)
            raise ServiceError(f"{one.function} has no alias {alias!r} with a release. Did you mean {near[0]!r}?")
        return f"{one.function}:{alias}" if alias else one.function
    raise ServiceError(_unknown(written, name, known))


def _split(written: str) -> tuple[str, str]:
    """The name and its alias, "" where none is written. An ARN has colons of its own."""
    if arn := _ARN.match(written):
        return arn[0], written[arn.end() :].lstrip(":")
    name, _, alias = written.partition(":")
    return name, alias


def _found(name: str, known: Sequence[Known]) -> Iterator[list[Known]]:
    """What the name fits, the most exact way of naming first. Only ways that find something."""
    ways: tuple[Callable[[Known], bool], ...] = (
        lambda one: name == one.function,
        lambda one: name == one.arn,
        lambda one: bool(one.stack) and name == f"{one.stack}/{one.logical_id}",
        lambda one: bool(one.logical_id) and name == one.logical_id,
        lambda one: name in one.tags,
        lambda one: name == one.stack,
        lambda one: one.function.lower().startswith(name.lower()),
        lambda one: one.logical_id.lower().startswith(name.lower()),
    )
    for way in ways:
        if found := [one for one in known if way(one)]:
            yield found


def _unknown(written: str, name: str, known: Sequence[Known]) -> str:
    functions = {word.lower(): one.function for one in known for word in (one.logical_id, one.function) if word}
    near = get_close_matches(name.lower(), functions, 1)
    if near:
        return f"no service has the name {written!r}. Did you mean {functions[near[0]]!r}?"
    if not known:
        return f"no service has the name {written!r}: no function carries the tag 'seatrial', and the ledger is empty"
    return f"no service has the name {written!r}. Services: {_named(known)}"


def _named(services: Sequence[Known]) -> str:
    """Seatrial's own functions come last: their tag `seatrial` says self."""
    names = [one.function for one in sorted(services, key=lambda one: ("self" in one.tags, one.function))]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
