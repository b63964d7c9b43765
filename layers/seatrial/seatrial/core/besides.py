"""What a release changes besides code: how its version is run, and the rest of its stack in the same update. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .release import Release

# A version that CloudFormation publishes and the alias that leads to it: the release itself.
_THE_RELEASE = frozenset({"AWS::Lambda::Version", "AWS::Lambda::Alias"})

_FUNCTION = "AWS::Lambda::Function"

# How a stack's own status says that an operation begins which may bring a release.
BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS"})


@dataclass(frozen=True)
class Configuration:
    """How a version is run, by the words that people know: `settings` and `layers` as they read them.

    `variables` (of the environment) and `hidden` (what is long, or nobody's business) are digests: they are compared,
    and only their names are told. `variables` is None where Lambda can't say them. `code` is the CodeSha256.
    """

    code: str
    settings: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    variables: Mapping[str, str] | None = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StackEvent:
    """A line of a stack's history. `is_stack`: it is about the stack as a whole. `properties` are the resource's as
    CloudFormation writes them, JSON; "" where it does not say."""

    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    is_stack: bool = False
    reason: str = ""
    properties: str = ""


@dataclass(frozen=True)
class ResourceChange:
    """`action` is create, update, delete or import."""

    logical_id: str
    type: str
    action: str

    def __str__(self) -> str:
        return f"{self.type.rpartition('::')[2]} {self.logical_id} ({self.action})"


def differences(stable: Configuration, candidate: Configuration) -> tuple[str, ...]:
    """Each difference in a few words, as in "memory 128 MB → 256 MB" and "variable FEES changed"."""
    return (
        *_values(stable.settings, candidate.settings),
        *_names("layer", _as_names(stable.layers), _as_names(candidate.layers)),
        *_variables(stable.variables, candidate.variables),
        *_names("", stable.hidden, candidate.hidden),
    )


def of_update(events: Iterable[StackEvent], release: Release) -> tuple[ResourceChange, ...]:
    """What else the update that brought a release has changed, in the order in which it began to.

    `events` are those of the function's stack, newest first; before the update's beginning only what says how a
    resource was. Empty when an update that is over has not touched the alias: then the deployment was made by hand.
    What a rollback and the clean-up after the update do is not the release's doing.
    """
    changes: list[tuple[ResourceChange, str]] = []
    over = touched = False
    history = iter(events)
    for event in history:
        if event.is_stack and event.status in BEGINNINGS:
            if event.at <= release.opened_at:
                return _unlike_before(changes[::-1], history) if touched or not over else ()
            changes, over, touched = [], False, False
        elif event.is_stack:
            changes, over = [], True
        elif event.type not in _THE_RELEASE and not (event.type == _FUNCTION and event.physical_id == release.function):
            action = event.status.partition("_")[0].lower()
            changes.append((ResourceChange(event.logical_id, event.type, action), event.properties))
        else:
            touched = touched or event.physical_id.endswith(f":{release.service}")
    return ()


def _unlike_before(
    changes: Sequence[tuple[ResourceChange, str]], earlier: Iterator[StackEvent]
) -> tuple[ResourceChange, ...]:
    """Each once, without updates to the properties that the resource had before.

    CloudFormation visits every nested stack in an update, also one that it leaves as it is. What a resource had before
    is the last that an earlier event says; unknown is never equal.
    """
    now = {change.logical_id: properties for change, properties in changes if change.action == "update" and properties}
    before: dict[str, str] = {}
    while len(before) < len(now) and (event := next(earlier, None)):
        if event.logical_id in now and event.properties:
            before.setdefault(event.logical_id, event.properties)
    same = {logical_id for logical_id, properties in now.items() if before.get(logical_id) == properties}
    told = (change for change, _ in changes if not (change.action == "update" and change.logical_id in same))
    return tuple(dict.fromkeys(told))


def _values(stable: Mapping[str, str], candidate: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(stable.keys() | candidate.keys()):
        before, after = stable.get(name, "none"), candidate.get(name, "none")
        if before != after:
            yield f"{name} {before} → {after}"


def _variables(stable: Mapping[str, str] | None, candidate: Mapping[str, str] | None) -> Iterable[str]:
    """Unknown is not equal."""
    if stable is None or candidate is None:
        return ["variables unknown (Lambda can't decrypt them for Seatrial)"]
    return _names("variable", stable, candidate)


def _names(what: str, stable: Mapping[str, str], candidate: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(stable.keys() | candidate.keys()):
        called = f"{what} {name}".strip()
        if name not in stable:
            yield f"{called} added"
        elif name not in candidate:
            yield f"{called} removed"
        elif stable[name] != candidate[name]:
            yield f"{called} changed"


def _as_names(names: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(names, "")
