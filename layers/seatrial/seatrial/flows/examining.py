"""The process beside a hook in which patterns and paths are computed: a line of JSON in, a line of JSON out."""

from __future__ import annotations

import json
import resource
import signal
import sys
from dataclasses import asdict
from typing import Any

from seatrial.core.examine import Examined, Sought, examine
from seatrial.core.expect import Response
from seatrial.core.values import UnfitError

# Of address space: far more than a response within its bounds takes, and far less than the hooks have.
_MEMORY = 256 * 1024 * 1024


def serve(computing: str) -> None:
    """Answer until the input ends. The kernel ends the process when one answer takes more processor time than that.

    SIGPROF is left alone, so that it ends the process even while C code runs, which no handler of Python's could.
    """
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, float(computing))
        answer = json.dumps(asdict(_examined(json.loads(line))))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(answer.encode() + b"\n")
        sys.stdout.buffer.flush()


def _examined(request: dict[str, Any]) -> Examined:
    try:
        return examine(Sought(**request["sought"]), Response(**request["response"]))
    except UnfitError as unfit:
        return Examined((str(unfit),))
    except MemoryError:
        return Examined(("not checked: its patterns and paths need too much memory; write simpler ones",))
    except RecursionError:
        return Examined(("not checked: its patterns and paths nest too deep",))
