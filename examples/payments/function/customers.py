"""Who asks, by the header `x-customer`; anybody may ask without one."""

import re
from dataclasses import dataclass
from decimal import Decimal

from money import BadRequestError


@dataclass(frozen=True)
class Customer:
    """`limit` is the largest payment, in US dollars."""

    name: str
    limit: Decimal


ANYBODY = Customer("", limit=Decimal(10_000))


def of(event):
    """The customer of a request. Raises BadRequestError."""
    name = event.get("headers", {}).get("x-customer", "")
    if not name:
        return ANYBODY
    if not re.fullmatch(r"c-[0-9]{4}", name):
        raise BadRequestError("x-customer must look like c-0001")
    return Customer(name, limit=Decimal(1_000_000))
