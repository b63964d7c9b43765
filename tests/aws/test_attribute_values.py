"""The ledger's values are written and read as boto3's own serializer does it."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from seatrial.aws.ledger import attribute_values

whole = st.integers(min_value=-(10**37), max_value=10**37)
values = st.recursive(
    st.none() | st.booleans() | st.text() | whole | whole.map(Decimal),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_values_are_written_and_read_as_boto3_does(value: Any) -> None:
    stored = TypeSerializer().serialize(value)
    assert attribute_values.written(value) == stored
    assert attribute_values.read(stored) == TypeDeserializer().deserialize(stored) == value


class Sort(StrEnum):
    OPEN = "open"


def test_an_enumeration_is_stored_as_its_text() -> None:
    assert attribute_values.written({"state": Sort.OPEN}) == {"M": {"state": {"S": "open"}}}
    assert type(attribute_values.written(Sort.OPEN)["S"]) is str


@pytest.mark.parametrize("value", [1.5, b"bytes", {"a", "set"}, Enum("Plain", ["A"])])
def test_what_the_ledger_does_not_store_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="the ledger stores no"):
        attribute_values.written(value)


def test_a_set_in_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="type SS"):
        attribute_values.read({"SS": ["a"]})
