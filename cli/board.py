"""`seatrial status --html FILE`: the dashboard's board as a page, for whoever has no dashboard at hand."""

from __future__ import annotations

from pathlib import Path

from cli.terminal import AccountError
from seatrial import settings
from seatrial.aws.clients import Clients
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.core import board_html, widget
from seatrial.core.widget import WidgetError
from seatrial.flows import board as flow


def write(file: Path, ledger: Ledger, service: str) -> None:
    """The releases of four weeks, of one service or ("") of all. Raises AccountError with what to do."""
    now = settings.read().clock.now()
    try:
        asked = widget.read({"service": service}, now)
        shown = flow.gather(ledger, Metrics(Clients(settings.region()).client("cloudwatch")), asked, now)
        file.write_text(board_html.page(shown), encoding="utf-8")
    except WidgetError as error:
        raise AccountError(str(error)) from None
    except OSError as error:
        raise AccountError(f"can't write {file}: {error.strerror}") from None
