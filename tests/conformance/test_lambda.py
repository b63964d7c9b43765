"""What Lambda does with weighted aliases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import Account, code
from tests.conformance.marks import claim, documented, published, reported

INVOKES = 60


@claim(
    documented("Lambda Developer Guide: Implement Lambda canary deployments using a weighted alias"),
    danger=3,
    cost="More users than planned would get a bad candidate.",
)
def test_an_invoke_through_a_weighted_alias_runs_either_version_and_says_which(account: Account) -> None:
    account.alias("1", {"2": 0.5})
    ran = set()
    for _ in range(INVOKES):
        said = account.functions.invoke(FunctionName=account["Service"], Qualifier=account.name)
        version = json.loads(said["Payload"].read())["version"]
        assert said["ExecutedVersion"] == version
        ran.add(version)
    assert ran == {"1", "2"}  # by chance only one in 2 ** 59 runs


@claim(
    published("recorded answers in moto's and LocalStack's tests on AWS"),
    danger=2,
    cost="A stack would stay in a state that only a person can repair.",
)
def test_no_weights_drop_the_routing_from_the_answer_and_every_update_has_a_revision_of_its_own(
    account: Account,
) -> None:
    weighted = account.alias("1", {"2": 0.5})
    plain = account.alias("1")
    assert weighted["RoutingConfig"]["AdditionalVersionWeights"] == {"2": 0.5}
    assert "RoutingConfig" not in plain
    assert weighted["RevisionId"] != plain["RevisionId"]


@claim(published("recorded answers in LocalStack's tests on AWS"))
@pytest.mark.parametrize(
    ("update", "error", "text"),
    [
        pytest.param(
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1, "2": 0.1}}},
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
            id="two additional versions",
        ),
        pytest.param(
            {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}},
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
            id="the main version",
        ),
        pytest.param({"FunctionVersion": "99"}, "ResourceNotFoundException", "", id="a version that is not there"),
        pytest.param({"RevisionId": "stale"}, "PreconditionFailedException", "", id="a stale revision"),
    ],
)
def test_an_alias_that_can_not_be_is_refused(account: Account, update: Any, error: str, text: str) -> None:
    account.alias("1")
    with pytest.raises(ClientError) as refused:
        account.functions.update_alias(FunctionName=account["Service"], Name=account.name, **update)
    assert code(refused.value) == error
    assert text in str(refused.value)


@claim(
    reported("hashicorp/terraform#24957"),
    danger=2,
    cost="A good release would fail, and nothing of ours would explain it.",
)
def test_an_alias_with_weights_takes_no_provisioned_concurrency(account: Account) -> None:
    account.alias("1", {"2": 0.5})
    with pytest.raises(ClientError) as refused:
        account.functions.put_provisioned_concurrency_config(
            FunctionName=account["Service"], Qualifier=account.name, ProvisionedConcurrentExecutions=1
        )
    assert code(refused.value) == "InvalidParameterValueException"
    assert "Alias with weights can not be used with Provisioned Concurrency" in str(refused.value)
