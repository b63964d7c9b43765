"""What functions, `sam`, tests and the command line ask the stage's clock: below `/_stage/clock`.

GET                                     {"now", "speed", "slowness", "minute", "manual", "working"}, as each answer
POST {"wait": SECONDS}                  answered when so many stage seconds have passed; {"until": T} at a stage time.
                                        A function asks at /_stage/clock/PID, and is no work meanwhile
POST {"hold": true, "seconds": N, "who": NAME}     at most wall speed for N wall seconds; the answer has the "lease"
POST {"hold": true, "seconds": N, "lease": ID}     for N wall seconds from now on
POST {"until": T, "hold": true, "seconds": N}      answered at that stage time, with a lease that began in that moment;
                                        a "lease" that is held ends when the wait begins
POST {"hold": false, "lease": ID}       not any more
POST {"advance": SECONDS, "within": N}  the manual clock: answered when all that was due has happened, or 409 with who
                                        still works after N wall seconds (120)
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from rehearsal.stage.clock import ClockError, StageClock

PATH = "/_stage/clock"
LONGEST_WAIT = 120.0
"""Wall seconds that an advance may take unless it says otherwise."""

type Answer = tuple[int, dict[str, str], bytes]


async def answer(clock: StageClock, method: str, path: str, body: bytes) -> Answer:
    from ministack.core.concurrency import run_reentrant

    process = path.removeprefix(PATH).strip("/")
    try:
        asked = json.loads(body) if method == "POST" else {}
        if not isinstance(asked, dict):
            raise ClockError("the clock takes a JSON object")
        waits = {"wait", "until", "advance"} & asked.keys()
        lease = {"lease": str(asked.get("lease") or uuid.uuid4().hex)} if "hold" in asked else {}
        if waits:
            await run_reentrant(_wait, clock, {**asked, **lease}, int(process) if process.isdigit() else None)
        elif lease:
            _hold(clock, {**asked, **lease})
        if asked and not waits and not lease:
            raise ClockError(f"the clock can wait, hold and advance, and was asked for {', '.join(asked)}")
        return 200, {"Content-Type": "application/json"}, json.dumps({**clock.as_json(), **lease}).encode()
    except (ClockError, ValueError, TypeError) as error:
        status = 409 if isinstance(error, ClockError) else 400
        return status, {"Content-Type": "text/plain"}, f"clock: {error}".encode()


def _wait(clock: StageClock, asked: dict[str, Any], process: int | None) -> None:
    if "advance" in asked:
        clock.advance(float(asked["advance"]), float(asked.get("within", LONGEST_WAIT)))
        return
    due = float(asked["until"]) if "until" in asked else clock.epoch() + float(asked["wait"])
    if asked.get("hold"):
        clock.wait_and_hold(due, asked["lease"], _who(asked), float(asked["seconds"]))
        return
    with clock.on_behalf_of(process):
        clock.wait_until(due)


def _hold(clock: StageClock, asked: dict[str, Any]) -> None:
    if asked["hold"]:
        clock.hold(asked["lease"], _who(asked), float(asked["seconds"]))
    else:
        clock.release(asked["lease"])


def _who(asked: dict[str, Any]) -> str:
    return str(asked.get("who", "somebody outside"))
