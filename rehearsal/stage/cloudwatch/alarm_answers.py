"""Gap of MiniStack: DescribeAlarms in the Query protocol, which the AWS CLI v1 speaks, leaves out most of an alarm.

Here it says of an alarm what it says in JSON.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from rehearsal.stage.cloudwatch import requests
from rehearsal.stage.cloudwatch.alarm_states import timestamp

type Answer = tuple[int, dict[str, str], bytes]


def xml(value: Any, name: str = "") -> str:
    """A value of an answer as the Query protocol writes it; `name` is the member that it stands in."""
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{xml(one, key)}</{key}>" for key, one in value.items() if one is not None)
    if isinstance(value, list):
        return "".join(f"<member>{xml(one)}</member>" for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return timestamp(float(value))
    return escape(str(value))


def _whole(describe: Callable[..., Answer]) -> Callable[..., Answer]:
    @functools.wraps(describe)
    def described(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
        if is_cbor or is_json:
            return describe(params, data, is_cbor, is_json)
        request = requests.unflattened(params)
        if "MaxRecords" in request:
            request["MaxRecords"] = int(request["MaxRecords"])
        status, _, body = describe({}, request, False, True)
        if status != 200:
            return describe(params, data, is_cbor, is_json)
        result = f"<DescribeAlarmsResult>{xml(json.loads(body))}</DescribeAlarmsResult>"
        return cloudwatch._xml(200, "DescribeAlarmsResponse", result)  # type: ignore[no-any-return]

    return described


def install() -> None:
    """Once, before the first request."""
    cloudwatch._describe_alarms = _whole(cloudwatch._describe_alarms)
