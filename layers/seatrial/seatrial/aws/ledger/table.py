"""One DynamoDB table: plain values in and out, conditional writes, and queries page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from seatrial.aws.ledger import attribute_values

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)

type Item = dict[str, Any]

# BatchGetItem takes at most so many keys, and TransactWriteItems so many writes.
KEYS_A_CALL = 100
WRITES_A_CALL = 100

type Write = Mapping[Literal["Put", "Update", "Delete"], Mapping[str, Any]]
"""One write of a transaction, in DynamoDB's own shape."""

# A transaction that wrote nothing: a condition, another writer, or a request that DynamoDB can't read.
_NOT_WRITTEN = frozenset({"TransactionCanceledException", "ValidationException"})


class Table:
    """Items have the keys `pk` and `sk`. A write that gives a bool says whether its condition held."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Mapping[str, Any]) -> Item | None:
        answer = self._client.get_item(TableName=self._name, Key=_stored(key), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_all(self, keys: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
        """The items under these keys, as they are now, in no order. What is not there is left out.

        What DynamoDB does not come to, because it throttles, is asked one by one: there the client pauses and repeats.
        """
        for some in batched(keys, KEYS_A_CALL, strict=False):
            wanted: Any = {"Keys": [_stored(key) for key in some], "ConsistentRead": True}
            answer: Any = self._client.batch_get_item(RequestItems={self._name: wanted})
            yield from map(_plain, answer["Responses"].get(self._name, []))
            for key in answer["UnprocessedKeys"].get(self._name, {}).get("Keys", []):
                if item := self.get(_plain(key)):
                    yield item

    def partition(self, pk: str, sk_begins: str = "") -> Iterator[Item]:
        """The items of a partition, as they are now, in the order of their `sk`."""
        begins = " AND begins_with(sk, :sk)" if sk_begins else ""
        return self.items(
            KeyConditionExpression=f"pk = :pk{begins}",
            ExpressionAttributeValues={":pk": pk} | ({":sk": sk_begins} if sk_begins else {}),
            ConsistentRead=True,
        )

    def items(self, operation: Literal["query", "scan"] = "query", **how: Any) -> Iterator[Item]:
        """The items of a query or a scan, page by page and only as far as they are read."""
        how["ExpressionAttributeValues"] = _stored(how["ExpressionAttributeValues"])
        for page in self._client.get_paginator(operation).paginate(TableName=self._name, **how):
            for item in page["Items"]:
                yield _plain(item)

    def put(self, item: Mapping[str, Any]) -> None:
        self._client.put_item(TableName=self._name, Item=_stored(item))

    def put_new(self, item: Mapping[str, Any]) -> bool:
        """False when there is one under this key."""
        return self._alone(self.putting_new(item))

    def put_if(
        self, item: Mapping[str, Any], condition: str, names: Mapping[str, str], values: Mapping[str, Any]
    ) -> bool:
        return self._conditionally(
            lambda: self._client.put_item(
                TableName=self._name,
                Item=_stored(item),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_stored(values),
            )
        )

    def update(
        self, key: Mapping[str, Any], expression: str, condition: str, names: Mapping[str, str], **values: Any
    ) -> bool:
        """`values` are those of the expressions, by name without the colon."""
        return self._alone(self._updating(key, expression, condition, names, values))

    def change(
        self,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        states: Sequence[str] = (),
        while_empty: str = "",
        within: str = "",
    ) -> bool:
        """Set attributes of an item that exists.

        Only while its `state` is one of `states` and its attribute `while_empty` is "", where these are given. `within`
        names the map that has the attributes, where they are not the item's own.
        """
        return self._alone(self.changing(key, values, states=states, while_empty=while_empty, within=within))

    def changed(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> Item | None:
        """As change() without conditions: the whole item after it, in one call. None when there is no such item."""
        ((_, request),) = self.changing(key, values).items()
        asked: Any = {**request, "ReturnValues": "ALL_NEW"}
        answers: list[Any] = []
        self._conditionally(lambda: answers.append(self._client.update_item(**asked)))
        return _plain(answers[0]["Attributes"]) if answers else None

    def drop(self, key: Mapping[str, Any], attribute: str) -> bool:
        """Take an attribute from an item that exists."""
        return self.update(key, "REMOVE #attribute", "attribute_exists(pk)", {"#attribute": attribute})

    def remove(self, key: Mapping[str, Any]) -> None:
        self._client.delete_item(TableName=self._name, Key=_stored(key))

    def together(self, groups: Sequence[Sequence[Write]]) -> list[bool]:
        """Write each group whole or not at all, one call for a hundred writes. Which groups were written.

        A group that was not has a condition that does not hold, or met another writer: write it one by one. One that
        raises may have been written (ClientError, BotoCoreError).
        """
        written = set[int]()
        for numbers in _packed(groups):
            if failed := self._transaction(groups, numbers):
                numbers = [number for number in numbers if number not in failed]
                failed = self._transaction(groups, numbers) if numbers else set()
            written |= set() if failed else set(numbers)
        return [number in written for number in range(len(groups))]

    def putting_new(self, item: Mapping[str, Any]) -> Write:
        """As put_new()."""
        condition = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._name, "Item": _stored(item), "ConditionExpression": condition}}

    def putting(self, item: Mapping[str, Any]) -> Write:
        """As put()."""
        return {"Put": {"TableName": self._name, "Item": _stored(item)}}

    def changing(
        self,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        states: Sequence[str] = (),
        while_empty: str = "",
        within: str = "",
        drop: str = "",
    ) -> Write:
        """As change(). `drop` is an attribute to take away as well."""
        path = "#within." if within else ""
        names = {f"#n{n}": name for n, name in enumerate(values)} | ({"#within": within} if within else {})
        stored = {f"v{n}": value for n, value in enumerate(values.values())}
        holds = ["attribute_exists(pk)"]
        if while_empty:
            names["#empty"] = while_empty
            stored["none"] = ""
            holds.append(f"{path}#empty = :none")
        if states:
            names["#state"] = "state"
            stored |= {f"s{n}": state for n, state in enumerate(states)}
            listed = ", ".join(f":s{n}" for n in range(len(states)))
            holds.append(f"{path}#state IN ({listed})")
        if drop:
            names["#drop"] = drop
        assigned = ", ".join(f"{path}#n{n} = :v{n}" for n in range(len(values)))
        expressions = [f"SET {assigned}" if assigned else "", "REMOVE #drop" if drop else ""]
        return self._updating(key, " ".join(filter(None, expressions)), " AND ".join(holds), names, stored)

    def removing(self, key: Mapping[str, Any]) -> Write:
        """As remove()."""
        return {"Delete": {"TableName": self._name, "Key": _stored(key)}}

    def _updating(
        self,
        key: Mapping[str, Any],
        expression: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> Write:
        stored = {"ExpressionAttributeValues": _stored({f":{name}": value for name, value in values.items()})}
        return {
            "Update": {
                "TableName": self._name,
                "Key": _stored(key),
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                **(stored if values else {}),
            }
        }

    def _transaction(self, groups: Sequence[Sequence[Write]], numbers: Sequence[int]) -> set[int]:
        """Which groups kept these from being written; all of them where DynamoDB does not say."""
        writes: Any = [(number, write) for number in numbers for write in groups[number]]
        try:
            self._client.transact_write_items(TransactItems=[write for _, write in writes])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_WRITTEN:
                raise
            reasons: Any = error.response.get("CancellationReasons", [])  # one for each write, in their order
            if len(reasons) != len(writes):
                return set(numbers)
            told = zip(writes, reasons, strict=True)
            return {number for (number, _), reason in told if reason.get("Code", "None") != "None"} or set(numbers)
        return set()

    def _alone(self, write: Write) -> bool:
        """Whether its condition held."""
        ((kind, request),) = write.items()
        asked: Any = request
        call = self._client.put_item if kind == "Put" else self._client.update_item
        return self._conditionally(lambda: call(**asked))

    @staticmethod
    def _conditionally(write: Callable[[], object]) -> bool:
        try:
            write()
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _packed(groups: Sequence[Sequence[Write]]) -> Iterator[list[int]]:
    """The numbers of the groups that share a call. Two writes of one item may not."""
    together: list[int] = []
    keys: set[str] = set()
    writes = 0
    for number, group in enumerate(groups):
        of_this = {_key_of(write) for write in group}
        if together and (writes + len(group) > WRITES_A_CALL or keys & of_this):
            yield together
            together, keys, writes = [], set(), 0
        together.append(number)
        keys |= of_this
        writes += len(group)
    if together:
        yield together


def _key_of(write: Write) -> str:
    ((kind, request),) = write.items()
    item = request["Item" if kind == "Put" else "Key"]
    return f"{item['pk']} {item['sk']}"


def readable[T](items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    """What `read` makes of each item. One that can't be read is logged and left out: it must not hide the others."""
    for item in items:
        try:
            yield read(item)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            which = item.get("deployment_id") or f"{item.get('pk')} {item.get('sk')}"
            _LOG.error("%s: entry of the ledger left out: %s: %s", which, type(error).__name__, error)


def text(moment: datetime) -> str:
    """ISO 8601 in UTC and of one length, so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def moment(item: Mapping[str, Any], name: str) -> datetime | None:
    """What `text` wrote there, None where nothing is."""
    return datetime.fromisoformat(item[name]) if name in item else None


def _stored(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: attribute_values.written(value) for name, value in plain.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: attribute_values.read(value) for name, value in item.items()}
