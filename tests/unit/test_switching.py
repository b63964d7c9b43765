"""`seatrial disable` and `enable`: Lambda's own API, so that the switch needs no function of Seatrial's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

import cli.account
from cli import app as commands
from cli import services
from cli.account import Installed
from seatrial.core import tag
from seatrial.core.tag import Tag
from tests.small_account import REGION, SmallAccount, make_table


def package() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("app.py", "")
    return content.getvalue()


def function(client: Any, name: str, tags: dict[str, str]) -> str:
    role = boto3.client("iam", **REGION).create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": package()},
        Tags=tags,
    )
    return str(made["FunctionArn"])


@pytest.fixture
def tags_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        make_table()
        account = SmallAccount()
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION["region_name"])
        client = boto3.client("lambda", **REGION)
        installed = Installed(account.ledger, "seatrial", account.bus)  # type: ignore[arg-type]
        monkeypatch.setattr(cli.account, "find", lambda stack, **_: installed)
        monkeypatch.setattr(services, "find", lambda account, service: service)
        arn = function(client, "payments", {"seatrial": "shop payments", "team": "shop"})
        function(client, "other", {"team": "shop"})
        yield lambda: client.list_tags(Resource=arn)["Tags"]


def typed(*words: str) -> Result:
    return CliRunner().invoke(commands.app, [*words])


def test_disable_and_enable_leave_the_tags_as_they_were(tags_of: Any) -> None:
    before = tags_of()
    result = typed("disable", "payments:live")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "payments: disabled: Seatrial lets its releases pass untested. Next: seatrial enable"
    )
    assert tag.read(tags_of()) is Tag.OFF
    assert typed("enable", "payments").exit_code == 0
    assert tags_of() == before


def test_disable_twice_keeps_the_first_value(tags_of: Any) -> None:
    typed("disable", "payments")
    assert "already disabled" in typed("disable", "payments").stdout
    assert json.loads(typed("enable", "payments", "--json").stdout) == {
        "function": "payments",
        "enabled": True,
        "changed": True,
    }
    assert tags_of()["seatrial"] == "shop payments"


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_a_function_without_the_tag_is_left_alone(tags_of: Any, command: str) -> None:
    result = typed(command, "other")
    assert result.exit_code == 1
    assert "other has no tag 'seatrial'" in result.stderr
