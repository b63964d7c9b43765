"""A change of a function that no version has: the update says success, and users keep the old one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# How many differences a sentence has.
_MOST_NAMED = 8


def sentence(service: str, live: str, differences: Sequence[str]) -> str:
    """`live` is the alias's version. Without differences that have a name, it says that there are some."""
    named = ", ".join(differences[:_MOST_NAMED]) or "its configuration"
    more = f" and {len(differences) - _MOST_NAMED} more" if len(differences) > _MOST_NAMED else ""
    return (
        f"{service}: not released: the function was changed and no version published, so users keep version {live}: "
        f"{named}{more}. Next: change the function's code, or a property's text in its template, and deploy again. A "
        "parameter's value, an imported layer and a policy publish no version"
    )


def first_test(service: str, version: str) -> str:
    return (
        f"{service}: first deployment: no hook runs for a new alias, so version {version} serves untested. "
        "Its smoke cases run now"
    )
