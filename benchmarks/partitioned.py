"""moto's DynamoDB without work that grows with the table, as DynamoDB itself does without it.

moto reads the whole table for a query of one partition, and copies the whole table before a transaction.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.dynamodb import models
from moto.dynamodb.models.table import Table

from seatrial.aws.ledger import Ledger
from tests.quick_dynamodb import QuickDynamoDB
from tests.small_account import REGION


@contextlib.contextmanager
def partitioned() -> Iterator[None]:
    """Queries of the table read their own partition, and a transaction copies nothing: none may be cancelled.

    Queries of an index stay moto's.
    """
    walk, shape = Table.query, inspect.signature(Table.query)

    def query(table: Any, hash_key: Any, *more: Any, **named: Any) -> Any:
        if shape.bind(table, hash_key, *more, **named).arguments.get("index_name") is None:
            table = copy(table)
            table.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
        return walk(table, hash_key, *more, **named)

    copying = SimpleNamespace(deepcopy=lambda one: one if isinstance(one, Table) else deepcopy(one))
    with patch.object(Table, "query", query), patch.object(models, "copy", copying):
        yield


def quick_ledger(through: Callable[[Any], Any] = lambda client: client) -> Ledger:
    """A ledger in the table `ledger` without the wire: moto's work on requests is ten times that of the table.

    `through` is given the client and gives the one to call: a Meter, for one.
    """
    client = QuickDynamoDB(REGION["region_name"], before=lambda: None, after=lambda: None)
    return Ledger(through(client), "ledger", timedelta(days=400))
