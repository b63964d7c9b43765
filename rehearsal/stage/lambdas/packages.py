"""Gap of MiniStack: GetFunction gives the package of $LATEST for every version, and its address ignores Range.

Here `Code.Location` leads to the package of the very version that was asked for, by Range where the reader wants that.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.services import lambda_svc

from rehearsal.stage import iam

PATH = "/_stage/packages/"


def _location(port: int, account: str, region: str, function: str, version: str) -> str:
    return (
        f"http://127.0.0.1:{port}{PATH}{account}/{region}/{function}/{version}?X-Amz-Expires=600&X-Amz-Signature=stage"
    )


def package(path: str) -> bytes | None:
    """The zip that an address below PATH leads to, or None."""
    account, region, function, version = path.removeprefix(PATH).split("/")
    record = lambda_svc._functions.get_scoped(account, region, function)
    if record is None:
        return None
    source = record if version == "$LATEST" else record["versions"].get(version)
    return None if source is None else source.get("code_zip") or b""


def part(package: bytes, wanted: str | None) -> tuple[int, dict[str, str], bytes]:
    """The answer of S3 to a GET with the Range header `wanted` (`bytes=a-b`, `bytes=a-`, `bytes=-n`), or without."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    headers = {"Content-Type": "application/zip", "Accept-Ranges": "bytes"}
    if not found or found.group(0) == "bytes=-":
        return 200, headers, package
    first, last = found.groups()
    start = int(first) if first else max(0, len(package) - int(last))
    end = min(int(last), len(package) - 1) if first and last else len(package) - 1
    if start > end:
        return 416, headers | {"Content-Range": f"bytes */{len(package)}"}, b""
    return 206, headers | {"Content-Range": f"bytes {start}-{end}/{len(package)}"}, package[start : end + 1]


def install(port: int) -> None:
    """From now on GetFunction's `Code.Location` names the version."""
    original = lambda_svc._get_function

    def get_function(name: str, qualifier: str | None = None) -> Any:
        status, headers, body = original(name, qualifier)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        if answer.get("Code", {}).get("RepositoryType") == "S3":
            version = answer["Configuration"].get("Version", "$LATEST")
            answer["Code"]["Location"] = _location(
                port, lambda_svc.get_account_id(), lambda_svc.get_region(), name, version
            )
        if not iam.may_see_tags(lambda_svc._func_arn(name)):
            del answer["Tags"]
        return lambda_svc.json_response(answer)

    lambda_svc._get_function = get_function
