"""moto's DynamoDB without the wire: the serializers of botocore and moto cost ten times as much as the table itself.

Use it inside `mock_aws`. tests/aws/test_ledger.py runs the ledger against this client and against boto3's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.dynamodb.exceptions import ConditionalCheckFailed, TransactionCanceledException
from moto.dynamodb.exceptions import ResourceNotFoundException as NoTableError
from moto.dynamodb.parsing.key_condition_expression import parse_expression

ACCOUNT = "123456789012"

# DynamoDB makes one write of an item after the other; moto reads the condition and writes without a lock.
_ONE_BY_ONE = threading.RLock()


class QuickDynamoDB:
    """The calls of DynamoDB's client that the ledger makes. `before` and `after` are called at each of them.

    Every other call goes to boto3's own client, over moto's wire.
    """

    def __init__(
        self, region: str, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
    ) -> None:
        self._region = region
        self._backend: Any = get_backend("dynamodb")[ACCOUNT][region]
        self._before, self._after = before, after

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation == "meta" or operation.startswith("_"):  # of boto3's own clients alone
            raise AttributeError(operation)

        def call(**request: Any) -> Any:
            self._before()
            answer = getattr(self._on_the_wire(), operation)(**request)
            self._after()
            return answer

        return call

    def _on_the_wire(self) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client("dynamodb", self._region, **keys)

    def get_item(self, *, TableName: str, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        item = self._made("GetItem", lambda: self._backend.get_item(TableName, Key))
        return {"Item": _plain(item)} if item else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, wanted),) = RequestItems.items()
        items = self._made("BatchGetItem", lambda: [self._backend.get_item(table, key) for key in wanted["Keys"]])
        return {"Responses": {table: [_plain(item) for item in items if item]}, "UnprocessedKeys": {}}

    def put_item(self, *, TableName: str, Item: Mapping[str, Any], **how: Any) -> None:  # noqa: N803
        condition = how.get("ConditionExpression")
        names, values = how.get("ExpressionAttributeNames", {}), how.get("ExpressionAttributeValues", {})
        self._made(
            "PutItem",
            lambda: self._backend.put_item(TableName, Item, None, condition, names, values, overwrite=not condition),
        )

    def update_item(self, *, TableName: str, Key: Mapping[str, Any], **how: Any) -> dict[str, Any]:  # noqa: N803
        item = self._made(
            "UpdateItem",
            lambda: self._backend.update_item(
                TableName,
                Key,
                how["UpdateExpression"],
                how.get("ExpressionAttributeNames", {}),
                how.get("ExpressionAttributeValues", {}),
                condition_expression=how.get("ConditionExpression"),
            ),
        )
        return {"Attributes": _plain(item)} if how.get("ReturnValues") == "ALL_NEW" else {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803
        self._made("TransactWriteItems", lambda: self._backend.transact_write_items(TransactItems))

    def delete_item(self, *, TableName: str, Key: Mapping[str, Any]) -> None:  # noqa: N803
        self._made("DeleteItem", lambda: self._backend.delete_item(TableName, Key))

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "query" else self._on_the_wire().get_paginator(operation)

    def paginate(self, *, TableName: str, **how: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        """All in one page."""

        def asked() -> Any:
            index = how.get("IndexName")
            hashes, ranges, _ = parse_expression(
                how["KeyConditionExpression"],
                how["ExpressionAttributeValues"],
                how.get("ExpressionAttributeNames", {}),
                self._backend.get_schema(table_name=TableName, index_name=index),
            )
            comparison, values = (ranges[-1][1], ranges[-1][2]) if ranges else (None, [])
            forward = how.get("ScanIndexForward", True)
            found = self._backend.query(
                TableName, hashes[0][1], comparison, values, None, None, forward, None, index_name=index,
                hash_key_conditions=hashes, range_key_conditions=ranges,
            )  # fmt: skip
            return found[0]

        yield {"Items": [_plain(item) for item in self._made("Query", asked)]}

    def _made[T](self, operation: str, call: Callable[[], T]) -> T:
        self._before()
        try:
            with _ONE_BY_ONE:
                answer = call()
        except ConditionalCheckFailed as failed:
            self._after()
            raise _error("ConditionalCheckFailedException", failed, operation) from failed
        except TransactionCanceledException as failed:
            self._after()
            error = _error("TransactionCanceledException", failed, operation)
            error.response |= {"CancellationReasons": json.loads(failed.description)["CancellationReasons"]}
            raise error from failed
        except NoTableError as failed:
            raise _error("ResourceNotFoundException", failed, operation) from failed
        self._after()
        return answer


def _error(
    code: str, failed: ConditionalCheckFailed | TransactionCanceledException | NoTableError, operation: str
) -> ClientError:
    """Of a class that has the code's name, as boto3's clients make theirs."""
    kind = type(code, (ClientError,), {})
    error: ClientError = kind({"Error": {"Code": code, "Message": failed.message}}, operation)
    return error


def _plain(item: Any) -> dict[str, Any]:
    return {name: value.to_regular_json() for name, value in item.attrs.items()}
