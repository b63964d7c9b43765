"""Lambda: invoking a version in the dark, reading its package, and the facts that tell versions apart."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import time
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from seatrial.core.expect import Response
from seatrial.core.values import Json

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

TAG: Final = "seatrial"
FOLDER: Final = "seatrial/"

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
_LONGEST_PAUSE: Final = 5.0  # seconds
_PATIENCE: Final = 15.0  # seconds in all, for calls that know no deadline

_FIGURE = re.compile(r"\t(Duration|Init Duration): ([\d.]+) ms")

_LARGEST_PACKAGE: Final = 262_144_000  # Lambda's own limit for an unzipped package
_LARGEST_FILE: Final = 1_000_000
_MOST_FILES: Final = 500


class LambdaError(Exception):
    """Lambda can't do what was asked of it; the text is one sentence that names the fix."""


class NoPackageError(LambdaError):
    """The version's code is no zip package that Seatrial can look into."""


@dataclass(frozen=True)
class Package:
    """The suite's folder in a version's own package: its files by their path below `seatrial/`."""

    files: Mapping[str, bytes]


@dataclass(frozen=True)
class VersionFacts:
    """What makes a version behave as it does. The environment is a digest: its values are never kept in clear.

    `memory` in MB, `timeout` in seconds, `layers` are the ARNs of layer versions.
    """

    version: str
    code_sha256: str
    role: str
    layers: tuple[str, ...]
    runtime: str
    memory: int
    timeout: int
    environment_digest: str

    def alike(self, other: VersionFacts) -> bool:
        """Whether the two versions are the same code with the same configuration, whatever their numbers."""
        return replace(self, version=other.version) == other


def _no_time_left() -> float:
    return 0.0


def _download(url: str) -> bytes:
    """The package behind a presigned URL, up to Lambda's own limit."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        package: bytes = answer.read(_LARGEST_PACKAGE + 1)
    return package


class Lambdas:
    """The functions of this account and Region. `fetch` gets what a presigned URL points to."""

    def __init__(
        self,
        client: LambdaClient,
        fetch: Callable[[str], bytes] = _download,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._fetch = fetch
        self._pause = pause

    def invoke(
        self, function: str, qualifier: str, event: Json, until: Callable[[], float] = _no_time_left
    ) -> Response:
        """What the version or alias `qualifier` answers to the event.

        A function that fails, even while it is imported, gives a Response with an `error`. `until` tells how many
        seconds are left for repeating an invoke that Lambda has throttled. Raises LambdaError.
        """
        answer = self._politely(
            f"invoke {function}:{qualifier}",
            lambda: self._client.invoke(
                FunctionName=function, Qualifier=qualifier, LogType="Tail", Payload=json.dumps(event).encode()
            ),
            until,
        )
        payload = _payload(answer["Payload"].read())
        log = base64.b64decode(answer["LogResult"]).decode(errors="replace") if answer.get("LogResult") else None
        duration, init = figures(log or "")
        failed = "FunctionError" in answer
        return Response(
            payload=None if failed else payload,
            error=_error(payload) if failed else None,
            duration=duration,
            init=init,
            log=log,
            version=answer.get("ExecutedVersion"),
        )

    def package(self, function: str, version: str) -> Package:
        """The files below `seatrial/` in the version's own package. Raises NoPackageError and LambdaError."""
        location = self._function(function, version).get("Code", {}).get("Location")
        if not location:
            raise NoPackageError(
                f"{function}:{version} has no zip package (is it a container image?), so it brings no suite"
            )
        try:
            content = self._fetch(location)
        except OSError as error:
            raise LambdaError(f"the package of {function}:{version} can't be downloaded: {error}") from error
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                return Package(_suite_files(package, f"{function}:{version}"))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise NoPackageError(f"the package of {function}:{version} is not a readable zip file: {error}") from error

    def is_released_by_seatrial(self, function: str) -> bool:
        """Whether the function carries the tag `seatrial`.

        GetFunction shows tags only to who may also call ListTags. Seatrial's own policies allow both on tagged
        functions alone, so that a refusal says the same as a missing tag.
        """
        try:
            return TAG in self._client.get_function(FunctionName=function).get("Tags", {})
        except ClientError as error:
            if _code(error) == "AccessDeniedException":
                return False
            raise _explained(f"look at {function}", error) from error
        except BotoCoreError as error:
            raise LambdaError(f"Lambda can't be reached to look at {function}: {error}") from error

    def version_facts(self, function: str, version: str) -> VersionFacts:
        """The facts of one version. Raises LambdaError."""
        configuration = self._function(function, version)["Configuration"]
        variables = configuration.get("Environment", {}).get("Variables", {})
        return VersionFacts(
            version=configuration["Version"],
            code_sha256=configuration["CodeSha256"],
            role=configuration["Role"],
            layers=tuple(layer["Arn"] for layer in configuration.get("Layers", [])),
            runtime=configuration.get("Runtime", ""),
            memory=configuration["MemorySize"],
            timeout=configuration["Timeout"],
            environment_digest=_digest(variables),
        )

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


def figures(log: str) -> tuple[float | None, float | None]:
    """Duration and init in milliseconds from Lambda's own report in a log tail, in its text or its JSON format.

    The last report counts. Either is None when the log level hides it, and init on a warm start.
    """
    for line in reversed(log.splitlines()):
        if line.startswith("REPORT RequestId:"):
            found = {name: float(number) for name, number in _FIGURE.findall(line)}
            return found.get("Duration"), found.get("Init Duration")
        if '"platform.report"' in line:
            return _json_figures(line)
    return None, None


def _json_figures(line: str) -> tuple[float | None, float | None]:
    try:
        metrics = json.loads(line)["record"]["metrics"]
        return metrics.get("durationMs"), metrics.get("initDurationMs")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None


def _payload(content: bytes) -> Json:
    """What a function returned. Managed runtimes answer JSON; what a custom one answers besides is taken as text."""
    if not content:
        return None
    try:
        payload: Json = json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
    return payload


def _error(payload: Json) -> Json:
    """The error object; never null, which would say that there was no error."""
    return {"errorMessage": "the function gave no reason"} if payload is None else payload


def _suite_files(package: zipfile.ZipFile, version: str) -> dict[str, bytes]:
    """Only the members that are needed are unpacked, and only as far as a hand-written file goes."""
    members = [info for info in package.infolist() if info.filename.startswith(FOLDER) and not info.is_dir()]
    if len(members) > _MOST_FILES:
        raise NoPackageError(f"{version} has {len(members)} files in seatrial/; at most {_MOST_FILES} are read")
    return {info.filename.removeprefix(FOLDER): _member(package, info, version) for info in members}


def _member(package: zipfile.ZipFile, info: zipfile.ZipInfo, version: str) -> bytes:
    with package.open(info) as member:
        # The size in the directory is only a claim: read one byte more than allowed and see.
        content = member.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise NoPackageError(f"{info.filename} in the package of {version} is larger than {_LARGEST_FILE:,} bytes")
    return content


def _digest(variables: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(variables, sort_keys=True).encode()).hexdigest()


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _explained(doing: str, error: ClientError) -> LambdaError:
    """AWS's refusal as a sentence with what to do about it. `doing` continues "Seatrial could not"."""
    reason = error.response.get("Error", {}).get("Message", "") or str(error)
    match _code(error):
        case "ResourceNotFoundException":
            cure = "there is no such function or version in this account and Region; deploy it, or correct the name"
        case "AccessDeniedException":
            cure = f"it may touch only functions with the tag '{TAG}'; add the tag to the function in its template"
        case "RequestTooLargeException" | "InvalidRequestContentException":
            cure = "make the case's event one that Lambda accepts"
        case code if code in _NOT_NOW:
            cure = (
                "Lambda had no room for it in time; look at the function's reserved concurrency and the account's limit"
            )
        case _:
            cure = "look the error up in Lambda's API reference"
    return LambdaError(f"Seatrial could not {doing} ({_code(error)}: {reason}): {cure}")
