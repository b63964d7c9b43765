"""What a payment costs."""

from decimal import ROUND_HALF_UP, Decimal

from money import COINS

SHARE = Decimal("0.02")


def fee(amount, currency):
    """Two percent of the amount, in whole coins of its currency."""
    return (amount * SHARE).quantize(COINS[currency], ROUND_HALF_UP)
