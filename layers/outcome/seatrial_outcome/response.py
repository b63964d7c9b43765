"""Whether Lambda can send a response at all: it must be JSON and at most 6 MB. Pure.

Lambda serialises the response after the handler, so the handler sees neither failure.
"""

from __future__ import annotations

import decimal
import json
import sys
from typing import Any

# "The maximum payload size is 6 MB": the number is the one in Lambda's own error message.
MOST_BYTES = 6_291_556

# A response of at most so many simple values is added up; others are serialised, which takes longer.
_FEW_VALUES = 50
# JSON writes a character as at most 12 bytes: a surrogate pair of \uXXXX.
_MOST_BYTES_A_CHARACTER = 12

# The runtime's own serialiser: its answer is the one that counts.
_RUNTIME = "awslambdaric.lambda_runtime_marshaller"


def undeliverable(response: Any) -> str:
    """Return the reason why Lambda will fail this response, "" when it will not."""
    if _is_small(response):
        return ""
    try:
        size = len(response) if isinstance(response, bytes) else len(_json(response).encode(errors="replace"))
    except Exception as error:  # noqa: BLE001  whatever the serialiser raises, Lambda fails the invoke
        return f"the response is not JSON ({type(error).__name__})"
    return f"the response has {size / 1e6:.1f} MB, more than Lambda's 6 MB" if size > MOST_BYTES else ""


def _is_small(response: Any) -> bool:
    """True for a few simple values that are certain to fit. False decides nothing."""
    waiting, letters = [response], 0
    for _ in range(_FEW_VALUES):
        if not waiting:
            return letters * _MOST_BYTES_A_CHARACTER < MOST_BYTES - _FEW_VALUES * 100
        value = waiting.pop()
        if value is None or type(value) in (bool, float):
            continue
        if type(value) is str:
            letters += len(value)
        elif type(value) is int:
            letters += value.bit_length()
        elif type(value) is dict and len(value) < _FEW_VALUES and all(type(key) is str for key in value):
            letters += sum(map(len, value))
            waiting += value.values()
        elif type(value) in (list, tuple) and len(value) < _FEW_VALUES:
            waiting += value
        else:
            return False
    return False


def _json(response: Any) -> str:
    runtime = sys.modules.get(_RUNTIME)
    if runtime is not None:
        return str(runtime.to_json(response))
    return json.dumps(response, ensure_ascii=False, default=_also_read)


def _also_read(value: Any) -> Any:
    """The other types that the runtime's serialiser takes: Decimal as a number, bytes as UTF-8."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    raise TypeError(f"{type(value).__name__} is not JSON")
