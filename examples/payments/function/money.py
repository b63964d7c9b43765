"""Amounts and currencies, and what is wrong with those that a request brings."""

from decimal import Decimal, InvalidOperation

# The smallest coin of each currency.
COINS = {"EUR": Decimal("0.01"), "USD": Decimal("0.01"), "GBP": Decimal("0.01"), "JPY": Decimal("1")}
LARGEST = Decimal(1_000_000)


class BadRequestError(Exception):
    """A mistake of the client; its text is the answer."""


def currency(body):
    name = body.get("currency")
    if not isinstance(name, str) or name not in COINS:
        raise BadRequestError(f"currency must be one of {', '.join(sorted(COINS))}")
    return name


def amount(body, coin):
    """The request's amount: above zero, not too large, in whole coins."""
    try:
        value = Decimal(body.get("amount") if isinstance(body.get("amount"), str) else "not a number")
    except InvalidOperation:
        raise BadRequestError("amount must be a number, for example 12.50") from None
    if value.is_nan() or not 0 < value <= LARGEST:
        raise BadRequestError(f"amount must be above 0 and at most {LARGEST}")
    if value != value.quantize(coin):
        raise BadRequestError(f"amount must be a multiple of {coin}")
    return value.quantize(coin)
