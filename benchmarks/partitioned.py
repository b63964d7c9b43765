"""moto's DynamoDB with partitions: a query reads its own partition, as DynamoDB does; moto's reads the whole table."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models.table import Table

from seatrial.aws.ledger import Ledger
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import REGION


@contextlib.contextmanager
def partitioned() -> Iterator[None]:
    """Queries of the table itself take no longer when other partitions are full. Queries of an index stay moto's."""
    walk, shape = Table.query, inspect.signature(Table.query)

    def query(table: Any, hash_key: Any, *more: Any, **named: Any) -> Any:
        if shape.bind(table, hash_key, *more, **named).arguments.get("index_name") is None:
            table = copy(table)
            table.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
        return walk(table, hash_key, *more, **named)

    with patch.object(Table, "query", query):
        yield


def quick_ledger() -> Ledger:
    """A ledger to fill the table `ledger` with: without the wire, and no call takes time."""
    client: Any = QuickDynamoDB(REGION["region_name"], before=lambda: None, after=lambda: None)
    return Ledger(client, "ledger", timedelta(days=400))
