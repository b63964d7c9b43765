"""docs/stage-services.md: what the services' releases came to, as Markdown. Nothing on it is written down by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.services.releases import Deployment, Release, Service

HEAD = """# Services of every shape on the stage

Written by `make proof` (tests/services) from what one run of the stage said: each service is deployed as its owner
would (`sam deploy`, or a change set where there is no SAM), released well, then badly, while users come in. Minutes are
stage minutes after the deployment began; versions are Lambda's.
"""


def page(rows: Iterable[tuple[Service, Sequence[Release]]]) -> str:
    return HEAD + "".join(_service(service, *releases) for service, releases in rows)


def _service(service: Service, first: Release, good: Release, bad: Release) -> str:
    how = "sam deploy" if service.sam else "change set"
    lines = [
        f"\n## {service.name}\n",
        f"{service.shape[0].upper()}{service.shape[1:]}. Deployed by {how}; users come by {_users(service)}.\n",
        "| release | alias | CodeDeploy | weights | hooks | invokes by version |",
        "| --- | --- | --- | --- | --- | --- |",
        *_rows("good", good),
        *_rows("bad", bad),
        "",
        f"CloudFormation: {first.stack}, {good.stack}, {bad.stack}. " + _reasons(bad),
    ]
    return "\n".join(lines) + "\n"


def _users(service: Service) -> str:
    return " and ".join(service.users) or "nobody"


def _rows(name: str, release: Release) -> list[str]:
    rows = []
    for one in release.deployments:
        served = ", ".join(f"{version}: {count}" for version, count in sorted(release.served[one.alias].items()))
        cells = [name, _short(one.alias), _said(one), _timeline(one.weights), _timeline(_named(one)), served or "none"]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _said(one: Deployment) -> str:
    kind = "rollback " if one.rollback else ""
    return f"{kind}{one.status}" + (f", {one.code}" if one.code else "")


def _timeline(happened: Sequence[tuple[float, str]]) -> str:
    return "<br>".join(f"{at:g}: {what}" for at, what in happened) or "–"


def _named(one: Deployment) -> list[tuple[float, str]]:
    return [(at, _short(text.rpartition(":function:")[2])) for at, text in one.hooks]


def _short(name: str) -> str:
    """Without the random ends that CloudFormation gives to names, so that two runs make like pages."""
    return re.sub(r"-[0-9A-F]{13}\b|-[0-9a-f]{8}-[0-9a-f]{3}\b", "", name)


def _reasons(bad: Release) -> str:
    failed = [(name, reason) for name, status, reason in bad.events if status == "UPDATE_FAILED"]
    return "UPDATE_FAILED: " + "; ".join(f"{name} “{_bare(reason)}”" for name, reason in failed) + "."


def _bare(reason: str) -> str:
    """The handler's message without ids."""
    bare = reason.removeprefix('Resource handler returned message: "').partition('" (RequestToken')[0]
    return _short(re.sub(r"\bd-[0-9A-Z]{9}\b", "the deployment", bare))
