"""Whichever long update of a stack MiniStack's loop reaches first starts those beside it that can start too."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from . import operations
from .operations import Operation, Properties
from .side_by_side import Provisioned


@dataclass(frozen=True)
class Events:
    """The stack's events of one resource, of the type `kind`."""

    stack_id: str
    stack_name: str
    logical_id: str
    kind: str
    physical_id: str

    def add(self, status: str, reason: str = "") -> None:
        operations.tell(self.stack_id, self.stack_name, self.logical_id, self.kind, status, reason, self.physical_id)


@dataclass(frozen=True)
class Change:
    """What is to become of one resource: the properties that it has and is to have."""

    events: Events
    old: Properties
    new: Properties


class Kind(Protocol):
    """A type of resources whose updates may take long."""

    def takes_long(self, running: Operation, change: Change) -> bool: ...

    def move(self, running: Operation, change: Change) -> Provisioned:
        """Do it. Blocks; what it raises is the reason of the resource's UPDATE_FAILED."""

    def at_once(self, change: Change) -> Provisioned:
        """Do it as MiniStack does."""


@dataclass(frozen=True)
class Together:
    """`kinds` by the type of resource."""

    kinds: Mapping[str, Kind]

    def handler(self, kind: str) -> Callable[..., Provisioned]:
        """What MiniStack calls to update a resource of this type, on a thread of its own."""
        return functools.partial(self._update, kind)

    def _update(
        self,
        kind: str,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack_name: str,
        logical_id: str | None = None,
    ) -> Provisioned:
        running, name = operations.operation(stack_name), logical_id or ""
        change = Change(Events(running.stack_id, stack_name, name, kind, physical_id), old, new)
        if name in running.left:
            return physical_id, dict(running.before.get(name, {}).get("Attributes", {}))
        if name not in running.shifts:
            if not self.kinds[kind].takes_long(running, change):
                return self.kinds[kind].at_once(change)
            others = list(self._others(running, change.events))  # before anything starts, for what may not resolve
            self._start(running, change)
            for other in others:
                other.events.add("UPDATE_IN_PROGRESS")
                self._start(running, other)
        return running.shifts.result(name)

    def _others(self, running: Operation, first: Events) -> Iterator[Change]:
        for name in running.beside(first.logical_id):
            record = running.before[name]
            kind = record["ResourceType"]
            events = replace(first, logical_id=name, kind=kind, physical_id=record["PhysicalResourceId"])
            change = Change(events, running.had(name), running.target(name))
            if self.kinds[kind].takes_long(running, change):
                yield change

    def _start(self, running: Operation, change: Change) -> None:
        carry_out = functools.partial(self._carry_out, running, change)
        running.shifts.start(change.events.logical_id, change.new, carry_out)

    def _carry_out(self, running: Operation, change: Change) -> Provisioned:
        try:
            provisioned = self.kinds[change.events.kind].move(running, change)
        except Exception as error:
            change.events.add("UPDATE_FAILED", str(error))
            if not running.rolling_back:  # a rollback sends back what it can
                running.shifts.cancel()
            raise
        change.events.add("UPDATE_COMPLETE")
        return provisioned
