"""A quote: what a payment would cost, and what it comes to in US dollars."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from fees import fee
from money import COINS, BadRequestError, amount, currency

RATES = {"EUR": Decimal("1.08"), "USD": Decimal("1"), "GBP": Decimal("1.27"), "JPY": Decimal("0.0067")}
VALID_FOR = timedelta(minutes=15)


def quote(body, customer):
    """The quote for a request's {amount, currency}. Raises BadRequestError."""
    in_currency = currency(body)
    paid = amount(body, COINS[in_currency])
    if paid * RATES[in_currency] > customer.limit:
        raise BadRequestError(f"amount must be worth at most {customer.limit} USD for you")
    cost = fee(paid, in_currency)
    return {
        "currency": in_currency,
        "fee": float(cost),
        "rate": float(RATES[in_currency]),
        "lines": [{"what": "payment", "amount": float(paid)}, {"what": "fee", "amount": float(cost)}],
        "expires": (datetime.now(timezone.utc) + VALID_FOR).isoformat(timespec="seconds"),
    }
