"""`seatrial foresee`: what a shift of a service would notice, before anybody shifts anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli import services
from cli.account import Installed
from cli.terminal import fail, installed, show
from seatrial import settings
from seatrial.core import foresight
from seatrial.core.foresight import PREDEFINED, Foresight
from seatrial.core.release import Release
from seatrial.core.usual import Usual
from seatrial.core.values import plain
from seatrial.core.verdict import percent
from seatrial.flows import foresight as flow


@dataclass(frozen=True)
class Seen:
    """What the shift of one configuration would notice."""

    configuration: str
    foresight: Foresight


def run(service: str, stack: str, as_json: bool) -> None:
    """Print what each configuration would notice of a shift of the service."""
    account = installed(stack)
    service = services.find(account, service)
    last = next(iter(account.ledger.releases_of(service, 1)), None)
    if last is None:
        fail(f"the ledger has no release of {service}, and so not how it shifts: release it once", 1)
    usual = flow.read(account.metrics, last, settings.read().clock.now())
    if usual is None:
        fail("CloudWatch didn't answer every question; ask again", 2)
    seen = _seen(account, last, usual) if usual.rate else []
    show(_told(last, usual, seen), lines(last, usual, seen), as_json)


def lines(last: Release, usual: Usual, seen: Sequence[Seen]) -> list[str]:
    """What came, what the service's own configuration would notice, and the others."""
    blind = [] if usual.counts_outcomes or not usual.came else [foresight.blind_to_500s(last.function)]
    if not seen:
        return [foresight.nobody(last.service), *blind]
    counted = "had a bad outcome" if usual.counts_outcomes else "were errors of Lambda's"
    own, *others = seen
    width = max(len(each.configuration) for each in seen)
    return [
        f"{last.service}: {plain(float(f'{usual.rate:.2g}'))} requests/s at this time of day; of {usual.came:,} in the "
        f"last week {percent(usual.bad)} {counted}",
        *blind,
        f"its own   {_line(own, width)}",
        *(f"          {_line(each, width)}" for each in others),
    ]


def _line(seen: Seen, width: int) -> str:
    return f"{seen.configuration:<{width}}  {foresight.noticing(seen.foresight)}"


def _seen(account: Installed, last: Release, usual: Usual) -> list[Seen]:
    own = foresight.short(last.configuration)
    others = [name for name in PREDEFINED if name != own]
    steps = {own: flow.steps_of(account.codedeploy, last.configuration)}
    steps |= {name: foresight.steps_of(name) or () for name in others}
    return [Seen(name, flow.foreseen(each, usual, last.judge)) for name, each in steps.items()]


def _told(last: Release, usual: Usual, seen: Sequence[Seen]) -> dict[str, Any]:
    """`bad` and `share` are fractions; `share` is null where not even a candidate that always fails is noticed."""
    return {
        "service": last.service,
        "requests_per_second": usual.rate,
        "requests": usual.came,
        "bad": usual.bad,
        "counts_outcomes": usual.counts_outcomes,
        "shifts": [
            {
                "configuration": each.configuration,
                "share": each.foresight.share,
                "minutes": each.foresight.minutes,
                "requests": each.foresight.requests,
            }
            for each in seen
        ],
    }
