"""Clients are made when they are first used: once, by one thread, and without a look through all of AWS's services."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from moto import mock_aws

from seatrial.aws.clients import SERVICES, Clients
from tests.small_account import REGION

# An audit hook can't be removed, so that it counts here for as long as the tests run.
_LISTED: list[str] = []
sys.addaudithook(lambda event, about: _LISTED.append(str(about[0])) if event == "os.listdir" else None)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def test_no_client_is_made_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load = Loader.load_service_model
    monkeypatch.setattr(
        Loader,
        "load_service_model",
        lambda self, service, *rest, **named: (read.append(service), load(self, service, *rest, **named))[1],
    )
    clients = Clients()
    dynamodb = clients.client("dynamodb")
    clients.client("sns")
    assert read == []
    assert dynamodb.meta.service_model.service_name == "dynamodb"
    assert set(read) == {"dynamodb"}


def test_making_a_client_collects_no_garbage_and_leaves_the_collector_as_it_was() -> None:
    client = Clients().client("sns")
    runs: list[str] = []
    gc.callbacks.append(count := lambda phase, info: runs.append(phase))
    try:
        assert client.meta.region_name == "eu-west-1"
    finally:
        gc.callbacks.remove(count)
    assert runs == []
    assert gc.isenabled()


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_has_every_method_that_boto3_gives(service: str) -> None:
    ours, theirs = Clients().client(service), boto3.client(service, **REGION)
    assert ours.meta.service_model.operation_names == theirs.meta.service_model.operation_names
    for name in theirs.meta.method_to_api_mapping:
        assert callable(getattr(ours, name))
    assert ours.meta.endpoint_url == theirs.meta.endpoint_url


def test_a_configuration_reaches_the_client() -> None:
    client = Clients().client("sns", Config(read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3}))
    assert client.meta.config.read_timeout == 4
    assert client.meta.config.retries["total_max_attempts"] == 3


@mock_aws
def test_calls_paginators_and_errors_are_those_of_the_client() -> None:
    client = Clients().client("dynamodb")
    client.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    assert [page["TableNames"] for page in client.get_paginator("list_tables").paginate()] == [["t"]]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName="other", Key={"pk": {"S": "a"}})


def test_threads_that_come_together_have_one_client_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clients, made, first_is_in = Clients(), list[object](), Event()

    def create(*_: Any, **__: Any) -> Any:
        made.append(object())
        first_is_in.set()
        return boto3.client("sns", **REGION)

    monkeypatch.setattr(clients._session, "create_client", create)
    client = clients.client("sns")
    with ThreadPoolExecutor(8) as pool:
        regions = list(pool.map(lambda _: client.meta.region_name, range(8)))
    assert regions == ["eu-west-1"] * 8
    assert len(made) == 1


def test_making_a_client_lists_no_folder_of_another_service() -> None:
    client = Clients().client("codedeploy")
    _LISTED.clear()
    assert client.meta.region_name == "eu-west-1"
    services = {Path(path).name for path in _LISTED if Path(path).parent.name == "data"}
    assert services == {"codedeploy"}


def test_more_models_are_found_where_aws_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader: Any = Clients()._session.get_component("data_loader")
    assert str(tmp_path) in loader.search_paths
