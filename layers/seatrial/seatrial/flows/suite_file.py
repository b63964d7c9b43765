"""The strict reader of suite files: YAML's comfort, JSON's types, and a mark for every part.

`NO`, `12:30`, dates and `010` stay text. Refused are a key that stands twice, anchors, aliases and tags: what looks
like one thing and is read as another has no place in a file that decides about a release.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from seatrial.core import bounds
from seatrial.core.bounds import UnfitError
from seatrial.core.source import At, Mark, Mistake, Source, SuiteError
from seatrial.core.values import Json, shown

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS: dict[str, Json] = {"": None, "null": None, "~": None, "true": True, "false": False}


class _TooDeepError(Exception):
    """Its one argument is the mark."""


class _Loader(yaml.SafeLoader):
    """Composes the nodes and resolves nothing: what a scalar means is decided by `_scalar`."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise yaml.MarkedYAMLError(problem="anchors (&) and aliases (*) are not read; write it out, or quote it",
                                       problem_mark=event.start_mark)  # fmt: skip
        if event.tag is not None:
            raise yaml.MarkedYAMLError(problem="tags (!) are not read; quote a text that begins with one",
                                       problem_mark=event.start_mark)  # fmt: skip
        if self._depth == bounds.SUITE_DEPTH.most:
            raise _TooDeepError(event.start_mark)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}


def read(content: bytes, file: str) -> Source:
    """The data of a suite file with its marks; `file` is the name to say in mistakes. Raises SuiteError."""
    try:
        bounds.SUITE_FILE.check_size(content)
        text = content.decode("utf-8-sig")
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise SuiteError(
            [Mistake(file, _mark(error.problem_mark), "", f"not readable as YAML: {_said(error)}")]
        ) from error
    except _TooDeepError as error:
        depth = f"the file must {bounds.SUITE_DEPTH.allowed}"
        raise SuiteError([Mistake(file, _mark(error.args[0]), "", depth)]) from None
    except UnfitError as unfit:
        raise SuiteError([Mistake(file, Mark(1, 1), "", f"the file {unfit}")]) from unfit
    except (yaml.YAMLError, ValueError) as error:  # also an escape that is no character, as \\UFFFFFFFF
        reason = str(error).partition("\n")[0]
        raise SuiteError([Mistake(file, Mark(1, 1), "", f"not readable as YAML: {reason}")]) from error
    if root is None:
        raise SuiteError([Mistake(file, Mark(1, 1), "", "the file is empty; it needs at least 'cases'")])
    building = _Building(file)
    data = building.value(root, ())
    if building.mistakes:
        raise SuiteError(building.mistakes)
    return Source(data, file, building.marks)


class _Building:
    """Turns nodes into JSON data and keeps their marks."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.marks: dict[At, Mark] = {}
        self.mistakes: list[Mistake] = []

    def value(self, node: yaml.Node, at: At) -> Json:
        self.marks.setdefault(at, _mark(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, at: At) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, "a key must be a text; quote it if it begins with { or [")
            elif _broken(key.value):
                self._note(key, "a key holds half a character (a lone surrogate); write the whole one")
            elif key.value in mapping:
                self._note(
                    key, f"the key '{key.value}' stands twice; the first is on line {self.marks[*at, key.value].line}"
                )
            else:
                self.marks[*at, key.value] = _mark(key.start_mark)
                mapping[key.value] = self.value(item, (*at, key.value))
        return mapping

    def _note(self, node: yaml.Node, sentence: str) -> None:
        self.mistakes.append(Mistake(self._file, _mark(node.start_mark), "", sentence))

    def _scalar(self, node: Any) -> Json:
        text = str(node.value)
        if _broken(text):
            self._note(node, "a text holds half a character (a lone surrogate); write the whole one")
        if node.style is not None:  # quoted, or a block: a text
            return text
        if text in _WORDS:
            return _WORDS[text]
        return self._number(node, text) if _NUMBER.fullmatch(text) else text

    def _number(self, node: Any, text: str) -> Json:
        try:
            number = float(text)  # inf for what is larger than a float
            bounds.NUMBER.check(number, shown(text))
        except UnfitError as unfit:
            self._note(node, f"a number {unfit}; quote it if it is a text")
            return 0
        found: Json = json.loads(text)
        return found


def _broken(text: str) -> bool:
    """YAML's escapes can write half of a character, which no message could carry."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)


def _said(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)
