"""What reaches a function past its alias: its traffic gets the candidate at once, ahead of trial and shift. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# How many entries a sentence has.
_MOST_NAMED = 5

_OVER = frozenset({"Disabled", "Deleting"})


@dataclass(frozen=True)
class Entry:
    """An event source mapping or a permission that names the function or one of its versions, and not an alias.

    `target` is `$LATEST` or the version's number, `origin` what invokes, as AWS writes it.
    """

    kind: str
    origin: str
    target: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.origin} → {self.target}"


def mappings(found: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """Of ListEventSourceMappings; those that are disabled invoke nothing."""
    for one in found:
        target = _target(one.get("FunctionArn", ""))
        if target and one.get("State") not in _OVER:
            yield Entry("event source mapping", one.get("EventSourceArn") or one.get("UUID", "unknown"), target)


def permissions(policy: str) -> Iterator[Entry]:
    """Of GetPolicy's `Policy`: what it allows to invoke. Its text is Lambda's own JSON."""
    for statement in json.loads(policy).get("Statement", ()):
        target = _target(statement.get("Resource", ""))
        if target and statement.get("Effect") == "Allow" and _invokes(statement.get("Action")):
            yield Entry("permission", _origin(statement), target)


def finding(service: str, entries: Sequence[Entry]) -> str:
    """One sentence, which begins as a reason does."""
    more = f" and {len(entries) - _MOST_NAMED} more" if len(entries) > _MOST_NAMED else ""
    named = "; ".join(map(str, entries[:_MOST_NAMED]))
    count = "1 entry goes" if len(entries) == 1 else f"{len(entries)} entries go"
    return f"{count} past the alias of {service}: {named}{more}"


def rejected(service: str, entries: Sequence[Entry]) -> str:
    alias = service.partition(":")[2]
    return (
        f"{finding(service, entries)}. This traffic gets new code before its trial, and no rollback reaches it. Next: "
        f"let each name the alias, `FunctionName: !Ref LOGICALID.Alias` in SAM or `FUNCTION:{alias}`; or write "
        "`release: {bypass: allowed}` in the suite"
    )


def allowed(service: str, entries: Sequence[Entry]) -> str:
    return f"{finding(service, entries)}; its suite allows that (release.bypass)"


def unknown(service: str, trouble: object) -> str:
    return f"whether traffic goes past the alias of {service} could not be read: {trouble}"


def _target(arn: object) -> str:
    """`$LATEST` or a number; "" for an alias, and for what is no function's ARN."""
    parts = str(arn).split(":")
    if len(parts) < 7 or parts[2] != "lambda":
        return ""
    qualifier = parts[7] if len(parts) > 7 else "$LATEST"
    return qualifier if qualifier == "$LATEST" or qualifier.isdigit() else ""


def _invokes(action: object) -> bool:
    actions = action if isinstance(action, list) else [action]
    return any(one in ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:*", "*") for one in actions)


def _origin(statement: Mapping[str, Any]) -> str:
    principal = statement.get("Principal", "*")
    who = next(iter(principal.values()), "*") if isinstance(principal, Mapping) else principal
    conditions = statement.get("Condition") or {}
    keys = {key.lower(): value for test in conditions.values() for key, value in test.items()}
    if "lambda:functionurlauthtype" in keys:
        return "a function URL"
    source = keys.get("aws:sourcearn")
    return f"{who} ({source})" if source else str(who)
