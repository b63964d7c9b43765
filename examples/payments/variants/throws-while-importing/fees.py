"""What a payment costs, now by a setting; but the template that goes with this code doesn't set it."""

import os
from decimal import ROUND_HALF_UP, Decimal

from money import COINS

SHARE = Decimal(os.environ["PAYMENTS_FEE_SHARE"])


def fee(amount, currency):
    """A share of the amount, in whole coins of its currency."""
    return (amount * SHARE).quantize(COINS[currency], ROUND_HALF_UP)
