"""`seatrial judge --from-cloudwatch`: a team's own releases, in the form that `seatrial judge FILE` reads."""

from __future__ import annotations

import json
from datetime import timedelta

import typer

from cli import services
from cli.terminal import installed, note
from seatrial import settings
from seatrial.core import history, replay
from seatrial.core.replay import Recorded
from seatrial.flows import judging


def export(service: str, days: int, stack: str) -> None:
    """Print a service's own releases as a list that `seatrial judge -` reads."""
    exported = [replay.written(case) for case in read(service, days, stack)]
    typer.echo(json.dumps(exported, ensure_ascii=False))


def read(service: str, days: int, stack: str) -> list[Recorded]:
    """A case for each metric of each release that had users, oldest first. Progress goes to stderr."""
    now = settings.read().clock.now()
    account = installed(stack)
    service = services.find(account, service)
    releases = account.ledger.opened_between(now - timedelta(days=days), now, service)[::-1]
    span = _count(days, "day") if days > 1 else "day"
    note(f"{_count(len(releases), 'release')} of {service} in the last {span}")
    counted = judging.read(account.metrics, releases, now)
    cases: list[Recorded] = []
    for release in releases:
        if release.deployment_id not in counted:
            note(f"{release.deployment_id}: CloudWatch didn't answer all; left out")
            continue
        of_it = list(history.recorded(release, counted[release.deployment_id]))
        note(f"{release.deployment_id}: {_what(of_it)}")
        cases += of_it
    return cases


def _what(cases: list[Recorded]) -> str:
    if not cases:
        return "no user met its candidate; left out"
    return f"{_count(max(len(case.rows) for case in cases), 'minute')}, {_count(len(cases), 'metric')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
