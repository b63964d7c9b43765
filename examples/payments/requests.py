"""What users send to payments: the n-th request, always the same one for the same n."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent / "function" / "seatrial" / "events"
GET, POST = (json.loads((EVENTS / name).read_text()) for name in ("get.json", "post.json"))
FIRST_AT = datetime.fromtimestamp(GET["requestContext"]["timeEpoch"] / 1000, UTC)
CUSTOMERS = 200
AMOUNTS = {"EUR": ("12.50", "80", "349.99"), "USD": ("5", "99.99"), "GBP": ("250", "17.20"), "JPY": ("80", "12000")}
# A refund that some version has opened once; each version can read it.
REFUND = "test-MS4wMC8.8c679e0eccea33e8"


def user_request(n: int) -> dict[str, Any]:
    """The n-th request, as an HTTP API sends it to the function (payload version 2.0).

    Of a hundred, about 70 ask for a quote, 12 open a test refund, 10 look at one and 8 ask for health, one second
    apart; all but those for health name one of 200 customers.
    """
    digits = hashlib.sha256(str(n).encode()).digest()
    kind, customer = digits[0] * 100 // 256, f"c-{int.from_bytes(digits[1:3]) % CUSTOMERS + 1:04d}"
    if kind < 70:
        currency = ("EUR", "EUR", "USD", "GBP", "JPY")[digits[3] % 5]
        amount = AMOUNTS[currency][digits[4] % len(AMOUNTS[currency])]
        event = _post("/quotes", f'{{"amount": {amount}, "currency": "{currency}"}}', customer)
    elif kind < 82:
        event = _post("/refunds", f'{{"amount": {digits[3] % 50 + 1}, "test": true}}', customer)
    elif kind < 92:
        event = _get(f"/refunds/{REFUND}", customer)
    else:
        event = _get("/health", "")
    return _stamped(event, n, digits)


def _post(path: str, body: str, customer: str) -> dict[str, Any]:
    return _to(path, customer, {**copy.deepcopy(POST), "body": body})


def _get(path: str, customer: str) -> dict[str, Any]:
    return _to(path, customer, copy.deepcopy(GET))


def _to(path: str, customer: str, event: dict[str, Any]) -> dict[str, Any]:
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    if customer:
        event["headers"]["x-customer"] = customer
    return event


def _stamped(event: dict[str, Any], n: int, digits: bytes) -> dict[str, Any]:
    """With the time, the address and the id that tell it from the others."""
    at = FIRST_AT + timedelta(seconds=n)
    address = f"203.0.113.{digits[5] % 254 + 1}"
    event["headers"]["x-forwarded-for"] = event["requestContext"]["http"]["sourceIp"] = address
    event["requestContext"] |= {
        "requestId": base64.b64encode(digits[6:17]).decode(),
        "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(at.timestamp() * 1000),
    }
    return event
