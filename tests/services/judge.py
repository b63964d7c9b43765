"""What AWS documents of a release, held against what was seen. Each function returns the sentences that don't hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.services.releases import Deployment, Release, Service

LATE = 0.01
"""Minutes. Time stands still while anything works."""


def steps(config: Mapping[str, Any]) -> list[tuple[float, int]]:
    """(minutes after the first weight, percent) as the configuration's own description says."""
    match config.get("trafficRoutingConfig"):
        case {"timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": minutes}}:
            return [(0, percent), (minutes, 100)]
        case {"timeBasedLinear": {"linearPercentage": percent, "linearInterval": minutes}}:
            return [(minutes * step, min(100, percent * (step + 1))) for step in range(-(-100 // percent))]
    return [(0, 100)]


def good(service: Service, release: Release, before: Mapping[str, str], configs: Mapping[str, Any]) -> Iterator[str]:
    """A good release: one deployment an alias, weights by its configuration, hooks around them, both versions serve."""
    if release.stack != "UPDATE_COMPLETE":
        yield f"the stack is {release.stack}"
    for alias, one in ((one.alias, one) for one in release.deployments):
        if (one.status, one.rollback) != ("Succeeded", False):
            yield f"{alias}: {one.id} is {one.status} {one.code}"
        yield from _weights(one, before[alias], steps(configs[one.config]))
        yield from _hooks(one)
    shifted = [one.alias for one in release.deployments]
    if len(shifted) != len(set(shifted)) or not shifted:
        yield f"not one deployment an alias: {shifted}"
    for alias in shifted:
        if "," in release.aliases[alias] or release.aliases[alias] == before[alias]:
            yield f"{alias} is {release.aliases[alias]} at the end"
        extra = set(release.served[alias]) - {before[alias], release.aliases[alias]}
        if extra:
            yield f"{alias}: versions {sorted(extra)} served too"
    if not any(len(served) == 2 for served in release.served.values()):
        yield f"no alias was served by both versions: {release.served}"


def _weights(one: Deployment, stable: str, expected: list[tuple[float, int]]) -> Iterator[str]:
    if not one.weights:
        yield f"{one.alias}: its weights never moved"
        return
    first, candidate = one.weights[0][0], one.weights[-1][1]
    wanted = [candidate if percent == 100 else f"{stable}, {percent}% {candidate}" for _, percent in expected]
    if [shares for _, shares in one.weights] != wanted:
        yield f"{one.alias}: weights {one.weights}, not {wanted}"
    for (at, _), (due, _) in zip(one.weights, expected, strict=False):
        if not -0.01 <= at - first - due <= LATE:
            yield f"{one.alias}: a weight after {at - first:.2f} min, due after {due}"


def _hooks(one: Deployment) -> Iterator[str]:
    """Each hook is asked once and answers before anything else happens; all of it before or after the weights."""
    texts = [text for _, text in one.hooks]
    for asked, answered in zip(texts[::2], texts[1::2], strict=False):
        hook = asked.removesuffix(" is asked")
        if answered != f"{hook} answers Succeeded":
            yield f"{one.alias}: {asked}, then {answered}"
    if len(texts) % 2:
        yield f"{one.alias}: {texts[-1]}, and nothing follows"
    first, last = one.weights[0][0], one.weights[-1][0]
    between = [text for at, text in one.hooks if first < at < last]
    if between:
        yield f"{one.alias}: during the shift {between}"


def bad(service: Service, release: Release, before: Mapping[str, str]) -> Iterator[str]:
    """A bad release: refused where it must be, and every alias back where it was, by a rollback or by a deployment."""
    if release.stack != "UPDATE_ROLLBACK_COMPLETE":
        yield f"the stack is {release.stack}"
    if dict(release.aliases) != dict(before):
        yield f"aliases are {release.aliases}, not {before}"
    for alias in {one.alias for one in release.deployments}:
        yield from _taken_back(service, release, alias, before[alias])
    statuses = [(status, reason) for name, status, reason in release.events if name == service.name]
    if [status for status, _ in statuses][-1:] != ["UPDATE_ROLLBACK_COMPLETE"]:
        yield f"the stack's last event is {statuses[-1:]}"


def _taken_back(service: Service, release: Release, alias: str, stable: str) -> Iterator[str]:
    deployments = release.of(alias)
    expected = next((code for name, code in service.refused.items() if alias.startswith(name)), None)
    first, rest = deployments[0], deployments[1:]
    if expected and first.code != expected:
        yield f"{alias}: {first.id} ended with {first.code}, not {expected}"
    if not expected and (first.status, first.code) not in {("Succeeded", None), ("Stopped", "MANUAL_STOP")}:
        yield f"{alias}: {first.id} is {first.status} {first.code}"
    if [one.status for one in rest] != ["Succeeded"]:
        yield f"{alias}: after {first.id} came {rest}"
    elif rest[0].rollback == (first.status == "Succeeded"):
        yield f"{alias}: {rest[0].id} is {'a' if rest[0].rollback else 'no'} rollback of a {first.status} deployment"
    if rest and rest[-1].weights[-1][1] != stable:
        yield f"{alias}: {rest[-1].id} left it at {rest[-1].weights[-1][1]}"
    refused_in_the_dark = expected == "HOOK_EXECUTION_FAILURE" and not first.weights
    if refused_in_the_dark and set(release.served[alias]) - {stable}:
        yield f"{alias}: {release.served[alias]} served, though its hook refused the candidate before the shift"
