"""AppConfig: finding a flag by what people call it, its newest deployment, and taking that back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from seatrial.core import tag
from seatrial.core.rollout import COMPLETE, Flag, Rollout
from seatrial.core.tag import Tag

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient


class FlagUnknownError(Exception):
    """AppConfig has nothing of that name, or several. Its text is a sentence for people."""


class AppConfig:
    """`arns` is what ARNs of this account and Region begin with: arn:aws:appconfig:REGION:ACCOUNT."""

    def __init__(self, client: AppConfigClient, arns: str) -> None:
        self._client = client
        self._arns = arns

    def flag(self, name: str) -> Flag:
        """Of application/environment/profile, each by its name or its id. Raises FlagUnknownError."""
        called = name.split("/")
        application = _the_one("application", called[0], _pages(self._client.list_applications))
        of_it = {"ApplicationId": application["Id"]}
        environment = _the_one("environment", called[1], _pages(self._client.list_environments, **of_it))
        profile = _the_one("profile", called[2], _pages(self._client.list_configuration_profiles, **of_it))
        found = (application, environment, profile)
        return Flag("/".join(one["Name"] for one in found), *(one["Id"] for one in found))

    def is_released_by_seatrial(self, flag: Flag) -> bool:
        """Whether the application and the environment carry the tag: IAM, too, asks for both.

        Seatrial's own policy lets it list tags of what is tagged alone, so that a refusal says the same as no tag.
        """
        application = f"{self._arns}:application/{flag.application}"
        return all(
            self._tag(arn) is not Tag.NONE for arn in (application, f"{application}/environment/{flag.environment}")
        )

    def newest(self, flag: Flag) -> Rollout | None:
        """The last deployment of this profile to this environment, with what users had before it."""
        numbers = self._deployments(flag)
        last = next(numbers, None)
        if last is None:
            return None
        before = next((one["ConfigurationVersion"] for one in numbers if one["State"] == COMPLETE), "")
        return self.rollout(flag, last["DeploymentNumber"], before)

    def rollout(self, flag: Flag, number: int, stable: str) -> Rollout:
        """One deployment as it is now; `stable` is the version that users had before it."""
        found = self._client.get_deployment(
            ApplicationId=flag.application, EnvironmentId=flag.environment, DeploymentNumber=number
        )
        return Rollout(
            flag,
            number,
            version=found["ConfigurationVersion"],
            state=found["State"],
            started=found["StartedAt"],
            completed=found.get("CompletedAt"),
            stable=stable,
        )

    def stop(self, rollout: Rollout) -> str:
        """Have users get what they had before, also where it has ended. Why AppConfig does not; "" when it does.

        The caller has looked at the tags.
        """
        try:
            self._client.stop_deployment(
                ApplicationId=rollout.flag.application,
                EnvironmentId=rollout.flag.environment,
                DeploymentNumber=rollout.number,
                AllowRevert=True,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise
            return error.response["Error"]["Message"]
        return ""

    def _deployments(self, flag: Flag) -> Iterator[Mapping[str, Any]]:
        """Newest first, as AppConfig lists them; an environment has those of all its profiles."""
        listed = _pages(self._client.list_deployments, ApplicationId=flag.application, EnvironmentId=flag.environment)
        return (one for one in listed if one["ConfigurationProfileId"] == flag.profile)

    def _tag(self, arn: str) -> Tag:
        try:
            return tag.read(self._client.list_tags_for_resource(ResourceArn=arn)["Tags"])
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied"):
                return Tag.NONE
            raise


def _pages(listing: Callable[..., Mapping[str, Any]], **asked: str) -> Iterator[Mapping[str, Any]]:
    """The items of a listing, page by page and only as far as they are read."""
    page = listing(**asked)
    yield from page["Items"]
    while token := page.get("NextToken"):
        page = listing(**asked, NextToken=token)
        yield from page["Items"]


def _the_one(what: str, called: str, among: Iterator[Mapping[str, Any]]) -> Mapping[str, Any]:
    """By id or by name. AppConfig lets several have one name."""
    known = list(among)
    found = [one for one in known if one["Id"] == called] or [one for one in known if one["Name"] == called]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(one["Id"] for one in found))
        raise FlagUnknownError(f"AppConfig has {len(found)} {what}s called {called!r}: write the id instead ({ids})")
    raise FlagUnknownError(f"AppConfig has no {what} {called!r}: {_listed(known)}")


def _listed(known: Sequence[Mapping[str, Any]]) -> str:
    return f"there are {', '.join(sorted(one['Name'] for one in known))}" if known else "there is none at all"
