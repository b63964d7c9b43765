"""Lambda: invoking a version in the dark, reading its package, and the facts that tell versions apart."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws import configurations, packages
from seatrial.aws.packages import Package
from seatrial.aws.remembered import Remembered
from seatrial.core import bypass, figures, tag
from seatrial.core.besides import Configuration
from seatrial.core.bypass import Entry
from seatrial.core.suite_of import Origin
from seatrial.core.tag import Tag
from seatrial.core.values import Json, UnfitError, read_json

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

    from seatrial.core.expect import Response

CLIENT_CONFIG: Final = Config(
    # botocore repeats an invoke whose answer it missed. A case with effects runs once, so repeats are decided here.
    retries={"total_max_attempts": 1, "mode": "standard"},
    connect_timeout=5,
    read_timeout=900,  # the longest a function may run; the caller's own deadline comes first
)

# What says "not now" and has run nothing: safe to ask again. Source: the errors of Lambda's Invoke and GetFunction.
_NOT_NOW = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "EC2ThrottledException",
        "ENILimitReachedException",
        "EFSMountTimeoutException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "CodeArtifactUserPendingException",
        "SnapStartNotReadyException",
    }
)
# Only texts: a runtime may read the custom part as a map of those (Go's does).
_MARK: Final = base64.b64encode(json.dumps({"custom": {"seatrial": "trial"}}).encode()).decode()

_LONGEST_PAUSE: Final = 5.0  # seconds
_PATIENCE: Final = 15.0  # seconds in all, for calls that know no deadline


class LambdaError(Exception):
    """Lambda can't do what was asked of it; the text is one sentence that names the fix, `code` is AWS's own word."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class NoPackageError(LambdaError):
    """The version's code is no zip package that Seatrial can look into."""


@dataclass(frozen=True)
class VersionFacts:
    """What makes a version behave as it does. `behaviour` is a digest: no value of the environment is kept in clear.

    It is "" where any of it can't be said.
    """

    version: str
    code_sha256: str
    behaviour: str

    @property
    def is_known(self) -> bool:
        return bool(self.code_sha256 and self.behaviour)

    @property
    def digest(self) -> str:
        """The same for all that are alike."""
        return configurations.digest([self.code_sha256, self.behaviour])[:32]

    def alike(self, other: VersionFacts) -> bool:
        """Whether they are known to be the same code with the same configuration, whatever their numbers."""
        return self.is_known and replace(self, version=other.version) == other


@dataclass(frozen=True)
class Alias:
    """Where an alias leads: `main`, and with `weights` (version to share) to one more. `revision` changes with it."""

    main: str
    weights: Mapping[str, float]
    revision: str


def _no_time_left() -> float:
    return 0.0


class Lambdas:
    """The functions of this account and Region. `fetch` gets parts of what a presigned URL points to."""

    def __init__(
        self,
        client: LambdaClient,
        fetch: packages.Fetch = packages.download,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._fetch = fetch
        self._pause = pause

    def within_one_call(self) -> Lambdas:
        """The same functions, but each function and each version is read once. What a hook reads stays true for it.

        Versions do not change, and a tag that is changed during a hook call applies from the next one.
        """
        client: Any = Remembered(self._client, "get_function")
        return Lambdas(client, self._fetch, self._pause)

    def invoke(
        self, function: str, qualifier: str, event: Json, until: Callable[[], float] = _no_time_left
    ) -> Response:
        """What the version or alias `qualifier` answers to the event.

        The client context marks the invoke as one of Seatrial's, so that it counts as no outcome of a user's.
        A function that fails, even while it is imported, gives a Response with an `error`. `until` tells how many
        seconds are left for repeating an invoke that Lambda has throttled. Raises LambdaError.
        """
        from seatrial.core.expect import Response  # with all matchers: only a trial needs them

        answer = self._politely(
            f"invoke {function}:{qualifier}",
            lambda: self._client.invoke(
                FunctionName=function,
                Qualifier=qualifier,
                InvocationType="RequestResponse",  # the only one that takes a client context
                ClientContext=_MARK,
                LogType="Tail",
                Payload=json.dumps(event).encode(),
            ),
            until,
        )
        payload = _payload(answer["Payload"].read())
        log = base64.b64decode(answer["LogResult"]).decode(errors="replace") if answer.get("LogResult") else None
        measured = figures.read(log or "")
        failed = "FunctionError" in answer
        return Response(
            payload=None if failed else payload,
            error=_error(payload) if failed else None,
            duration=measured.duration,
            init=measured.init,
            log=log,
            version=answer.get("ExecutedVersion"),
        )

    def package(self, function: str, version: str) -> Package:
        """The files below `seatrial/` in the version's own package. Raises NoPackageError and LambdaError."""
        found = self._function(function, version)
        location = found.get("Code", {}).get("Location")
        if found.get("Configuration", {}).get("PackageType") == "Image":
            raise NoPackageError(
                f"{function}:{version} is a container image, whose files Lambda does not hand out, so it brings no "
                "suite. Next: package the function as a zip file, or `seatrial disable` lets it pass untested"
            )
        if not location:
            referenced = " (its code is a reference to S3)" if found.get("Code", {}).get("ResolvedS3Object") else ""
            raise NoPackageError(
                f"Lambda names no package of {function}:{version}{referenced}, so it brings no suite. Next: upload the "
                "package as a copy (S3ObjectStorageMode: COPY, the default), or `seatrial disable` lets it pass "
                "untested"
            )
        try:
            return replace(packages.read(location, self._fetch), origin=_origin(function, found))
        except packages.UnreadablePackageError as error:
            raise NoPackageError(f"the package of {function}:{version} {error}") from error
        except OSError as error:
            raise LambdaError(f"the package of {function}:{version} can't be downloaded: {error}") from error

    def tag(self, function: str) -> Tag:
        """What the function's tag `seatrial` says; never UNREAD, since what can't be read raises LambdaError.

        GetFunction shows tags only to who may also call ListTags. Seatrial's own policies allow both on tagged
        functions alone, so that a refusal says the same as a missing tag.
        """
        try:
            found = self._politely(f"look at {function}", lambda: self._client.get_function(FunctionName=function))
        except LambdaError as error:
            if error.code == "AccessDeniedException":
                return Tag.NONE
            raise
        if untold := found.get("TagsError"):  # Lambda answered without them: unknown, not untagged
            raise LambdaError(
                f"Lambda can't say which tags {function} has ({untold.get('ErrorCode')}: {untold.get('Message')}). "
                "Next: allow lambda:ListTags on it to Seatrial's role, or deploy again if Lambda throttled the call",
                "TagsError",
            )
        return tag.read(found.get("Tags", {}))

    def is_released_by_seatrial(self, function: str) -> bool:
        """Whether the function carries the tag at all: without it, nobody has Seatrial touch it."""
        return self.tag(function) is not Tag.NONE

    def made_at(self, function: str, version: str) -> datetime:
        """When the version's change was ready: its commit, where a tag says so, else its publish. Raises LambdaError.

        CloudFormation sets tags before it publishes a version, so that a commit after the publish is another one's.
        """
        published = datetime.fromisoformat(self._function(function, version)["Configuration"]["LastModified"])
        found = self._politely(f"look at {function}", lambda: self._client.get_function(FunctionName=function))
        committed = tag.committed(found.get("Tags", {}))
        return committed if committed and committed <= published else published

    def alias(self, function: str, name: str) -> Alias:
        """Raises LambdaError."""
        found = self._politely(
            f"look at {function}:{name}", lambda: self._client.get_alias(FunctionName=function, Name=name)
        )
        weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return Alias(found["FunctionVersion"], weights, found["RevisionId"])

    def aliases(self, function: str) -> dict[str, Alias]:
        """All of a function's, by name. Raises LambdaError."""
        pages = self._politely(
            f"list the aliases of {function}",
            lambda: list(self._client.get_paginator("list_aliases").paginate(FunctionName=function)),
        )
        return {
            one["Name"]: Alias(
                one["FunctionVersion"],
                one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
                one.get("RevisionId", ""),
            )
            for page in pages
            for one in page["Aliases"]
        }

    def changed_at(self, function: str) -> datetime:
        """When `$LATEST` was changed last. Raises LambdaError."""
        return datetime.fromisoformat(self._function(function, "$LATEST")["Configuration"]["LastModified"])

    def newest(self, function: str) -> str:
        """The highest published version; "" where none is. Lambda lists them 50 a call, oldest first."""
        pages = self._politely(
            f"list the versions of {function}",
            lambda: list(self._client.get_paginator("list_versions_by_function").paginate(FunctionName=function)),
        )
        numbers = [int(one["Version"]) for page in pages for one in page["Versions"] if one["Version"].isdigit()]
        return str(max(numbers)) if numbers else ""

    def point(self, function: str, name: str, version: str, *, seen: Alias) -> bool:
        """Let the alias lead to one version alone. False when it is not as it was `seen` any more: look again.

        Raises LambdaError; its code is ResourceNotFoundException when there is no such version.
        """
        try:
            self._politely(
                f"let {function}:{name} lead to version {version}",
                lambda: self._client.update_alias(
                    FunctionName=function,
                    Name=name,
                    FunctionVersion=version,
                    RoutingConfig={"AdditionalVersionWeights": {}},
                    RevisionId=seen.revision,
                ),
            )
        except LambdaError as error:
            if error.code == "PreconditionFailedException":
                return False
            raise
        return True

    def version_facts(self, function: str, version: str) -> VersionFacts:
        """The facts of one version. Raises LambdaError."""
        configuration = self._function(function, version)["Configuration"]
        return VersionFacts(
            configuration["Version"], configuration.get("CodeSha256", ""), configurations.behaviour(configuration)
        )

    def configuration(self, function: str, version: str) -> Configuration:
        """How the version is run, for people to compare. Raises LambdaError."""
        return configurations.read(self._function(function, version)["Configuration"])

    def past_the_alias(self, function: str, versions: Iterable[str]) -> tuple[Entry, ...]:
        """What may invoke the function itself or one of `versions`, and not an alias. Raises LambdaError.

        Lambda does not say whether a filter by the function's name leaves out mappings of its aliases: each ARN tells.
        """
        pages = self._politely(
            f"list the event sources of {function}",
            lambda: list(self._client.get_paginator("list_event_source_mappings").paginate(FunctionName=function)),
        )
        found = [*bypass.mappings(one for page in pages for one in page["EventSourceMappings"])]
        for qualifier in ("", *versions):
            found += bypass.permissions(self._policy(function, qualifier))
        return tuple(dict.fromkeys(found))

    def _policy(self, function: str, qualifier: str) -> str:
        asked = {"FunctionName": function} | ({"Qualifier": qualifier} if qualifier else {})
        try:
            return self._politely(f"read the policy of {function}", lambda: self._client.get_policy(**asked))["Policy"]
        except LambdaError as error:
            if error.code == "ResourceNotFoundException":  # it has none
                return "{}"
            raise

    def stack(self, function: str) -> str:
        """The name of the stack that the function belongs to, which CloudFormation's own tag says; "" without one."""
        found = self._politely(f"look at {function}", lambda: self._client.get_function(FunctionName=function))
        return found.get("Tags", {}).get("aws:cloudformation:stack-name", "")

    def _function(self, function: str, version: str) -> GetFunctionResponseTypeDef:
        return self._politely(
            f"look at {function}:{version}",
            lambda: self._client.get_function(FunctionName=function, Qualifier=version),
        )

    def _politely[T](self, doing: str, call: Callable[[], T], until: Callable[[], float] | None = None) -> T:
        """The call's answer; asked again, at growing distance, while Lambda says "not now" and time is left.

        Without `until` the pauses come to at most `_PATIENCE`.
        """
        pause, waited = 0.2, 0.0
        while True:
            try:
                return call()
            except ClientError as error:
                left = until() if until else _PATIENCE - waited
                if _code(error) not in _NOT_NOW or left <= pause:
                    raise _explained(doing, error) from error
            except BotoCoreError as error:
                raise LambdaError(f"Lambda can't be reached to {doing}: {error}") from error
            self._pause(pause)
            pause, waited = min(2 * pause, _LONGEST_PAUSE), waited + pause


def _origin(function: str, found: GetFunctionResponseTypeDef) -> Origin:
    tags = found.get("Tags", {})
    return Origin(
        function=function,
        handler=found.get("Configuration", {}).get("Handler", ""),
        logical_id=tags.get("aws:cloudformation:logical-id", ""),
        stack=tags.get("aws:cloudformation:stack-name", ""),
    )


def _payload(content: bytes) -> Json:
    """What a function returned. Managed runtimes answer JSON; what a custom one answers besides is taken as text."""
    if not content:
        return None
    try:
        return read_json(content)
    except UnfitError as unfit:
        raise LambdaError(f"the response {unfit}") from unfit
    except ValueError:
        return content.decode(errors="replace")


def _error(payload: Json) -> Json:
    """The error object; never null, which would say that there was no error."""
    return {"errorMessage": "the function gave no reason"} if payload is None else payload


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _explained(doing: str, error: ClientError) -> LambdaError:
    """AWS's refusal as a sentence with what to do about it. `doing` continues "Seatrial could not"."""
    reason = error.response.get("Error", {}).get("Message", "") or str(error)
    match _code(error):
        case "ResourceNotFoundException":
            cure = "there is no such function or version in this account and Region; deploy it, or correct the name"
        case "AccessDeniedException":
            cure = f"it may touch only functions with the tag '{tag.KEY}'; add the tag to the function in its template"
        case "RequestTooLargeException" | "InvalidRequestContentException":
            cure = "make the case's event one that Lambda accepts"
        case code if code in _NOT_NOW:
            cure = (
                "Lambda had no room for it in time; look at the function's reserved concurrency and the account's limit"
            )
        case _:
            cure = "look the error up in Lambda's API reference"
    return LambdaError(f"Seatrial could not {doing} ({_code(error)}: {reason}): {cure}", _code(error))
