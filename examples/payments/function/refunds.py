"""Refunds. A test refund moves no money and is kept nowhere: everything about it stands in its identifier, so that any
version of this service can read what any other one opened."""

import base64
import hashlib
import hmac
from decimal import Decimal

from money import BadRequestError, amount

CENT = Decimal("0.01")
# No secret: a test refund is worth nothing. The signature keeps typing errors out, not thieves.
KEY = b"payments test refunds"


def open_refund(body, customer):
    """The refund for a request's {amount, test: true}. Raises BadRequestError."""
    if body.get("test") is not True:
        raise BadRequestError('this example moves no money: send "test": true')
    value = amount(body, CENT)
    return {"id": _sign(f"{value}/{customer.name}"), "status": "pending", "amount": float(value)}


def find(identifier):
    """The test refund that an identifier stands for, or None."""
    try:
        content = base64.urlsafe_b64decode(identifier.removeprefix("test-").partition(".")[0] + "==").decode()
        value = Decimal(content.partition("/")[0])
        genuine = hmac.compare_digest(identifier.encode(), _sign(content).encode())
    except (ValueError, ArithmeticError):
        return None
    return {"id": identifier, "status": "pending", "amount": float(value)} if genuine else None


def _sign(content):
    """test-CONTENT.SIGNATURE, with nothing in it that a path would have to escape."""
    signature = hmac.new(KEY, content.encode(), hashlib.sha256).hexdigest()[:16]
    return f"test-{base64.urlsafe_b64encode(content.encode()).decode().rstrip('=')}.{signature}"
