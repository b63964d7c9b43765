"""The adapter of AppConfig, over a client that answers as its API reference says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import validate_parameters

from seatrial.aws.appconfig import AppConfig, FlagUnknownError
from seatrial.core.rollout import Flag, Rollout
from tests.small_appconfig import ARNS, BEGAN, SmallAppConfig

FLAG = Flag("shop/production/checkout", "app1", "env1", "pro1")
LATER = BEGAN + timedelta(hours=1)


class AsModelled:
    """The client, whose calls are held against botocore's model of the service."""

    def __init__(self, client: SmallAppConfig) -> None:
        self._client = client
        self._model = get_session().get_service_model("appconfig")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = self._model.operation_model("".join(word.capitalize() for word in name.split("_")))

        def call(**asked: Any) -> Any:
            validate_parameters(asked, operation.input_shape)
            return getattr(self._client, name)(**asked)

        return call


@pytest.fixture
def client() -> SmallAppConfig:
    return SmallAppConfig()


@pytest.fixture
def appconfig(client: SmallAppConfig) -> AppConfig:
    return AppConfig(AsModelled(client), ARNS)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["shop/production/checkout", "app1/env1/pro1", "shop/env1/checkout"])
def test_a_flag_is_found_by_names_and_by_ids(appconfig: AppConfig, name: str) -> None:
    assert appconfig.flag(name) == FLAG


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shops/production/checkout", "AppConfig has no application 'shops': there are shop"),
        ("shop/test/checkout", "AppConfig has no environment 'test': there are production"),
        ("shop/production/chekout", "AppConfig has no profile 'chekout': there are checkout, other"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(appconfig: AppConfig, name: str, sentence: str) -> None:
    with pytest.raises(FlagUnknownError) as error:
        appconfig.flag(name)
    assert str(error.value) == sentence


def test_of_several_with_one_name_none_is_guessed(appconfig: AppConfig, client: SmallAppConfig) -> None:
    client.profiles += [{"Id": "pro3", "Name": "more"}, {"Id": "pro4", "Name": "checkout"}]  # on a second page
    with pytest.raises(FlagUnknownError, match=r"called 'checkout': write the id instead \(pro1, pro4\)"):
        appconfig.flag("shop/production/checkout")
    assert appconfig.flag("shop/production/pro4").profile == "pro4"


def test_the_newest_deployment_of_the_profile_is_found_with_what_users_had_before(
    appconfig: AppConfig, client: SmallAppConfig
) -> None:
    assert appconfig.newest(FLAG) is None
    client.deploys("10", "COMPLETE")
    client.deploys("11", "COMPLETE")
    client.deploys("bad", "REVERTED")  # users have not had what was taken back
    client.deploys("1", "COMPLETE", profile="pro2")
    number = client.deploys("12", "COMPLETE", completed=LATER)
    client.deploys("2", "DEPLOYING", profile="pro2")
    assert appconfig.newest(FLAG) == Rollout(FLAG, number, "12", "COMPLETE", BEGAN, LATER, stable="11")


def test_before_the_first_deployment_there_was_nothing(appconfig: AppConfig, client: SmallAppConfig) -> None:
    client.deploys("1", "COMPLETE", profile="pro2")
    client.deploys("12", "DEPLOYING")
    newest = appconfig.newest(FLAG)
    assert newest is not None
    assert (newest.version, newest.stable) == ("12", "")


@pytest.mark.parametrize(
    ("state", "becomes"), [("DEPLOYING", "ROLLED_BACK"), ("BAKING", "ROLLED_BACK"), ("COMPLETE", "REVERTED")]
)
def test_a_deployment_is_stopped_also_when_it_is_complete(
    appconfig: AppConfig, client: SmallAppConfig, state: str, becomes: str
) -> None:
    number = client.deploys("12", state)
    rollout = appconfig.rollout(FLAG, number, "11")
    assert appconfig.stop(rollout) == ""
    assert appconfig.rollout(FLAG, number, "11").state == becomes
    assert appconfig.stop(rollout) == f"it is {becomes}", "why AppConfig does not"


def test_both_the_application_and_the_environment_must_carry_the_tag(
    appconfig: AppConfig, client: SmallAppConfig
) -> None:
    assert appconfig.is_released_by_seatrial(FLAG)
    for arn in list(client.tags):
        client.tags[arn] = False
        assert not appconfig.is_released_by_seatrial(FLAG)
        client.tags[arn] = True


def test_what_is_no_answer_of_appconfigs_about_the_flag_leaves(appconfig: AppConfig, client: SmallAppConfig) -> None:
    def down(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "InternalServerException"}}, "any")

    client.stop_deployment = client.list_tags_for_resource = down  # type: ignore[method-assign]
    number = client.deploys("12", "DEPLOYING")
    with pytest.raises(ClientError):
        appconfig.stop(appconfig.rollout(FLAG, number, "11"))
    with pytest.raises(ClientError):
        appconfig.is_released_by_seatrial(FLAG)
