"""DynamoDB's attribute values: the types that the ledger stores, written and read as boto3 does.

boto3's own serializer is not used, because importing it imports all of boto3: 50 ms of a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def written(value: Any) -> dict[str, Any]:
    """Takes str (enumerations of str too), bool, int, Decimal, None, lists, tuples and dicts. Raises TypeError."""
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [written(one) for one in value]}
        case dict():
            return {"M": {name: written(one) for name, one in value.items()}}
    raise TypeError(f"the ledger stores no {type(value).__name__}: {value!r}")


def read(value: Mapping[str, Any]) -> Any:
    """Numbers become Decimal. Raises ValueError for sets and binary values, which the ledger never writes."""
    ((kind, stored),) = value.items()
    match kind:
        case "S" | "BOOL":
            return stored
        case "N":
            return Decimal(stored)
        case "NULL":
            return None
        case "L":
            return [read(one) for one in stored]
        case "M":
            return {name: read(one) for name, one in stored.items()}
    raise ValueError(f"the ledger reads no attribute of DynamoDB's type {kind}")
