"""AfterAllowTraffic: asks the smoke cases once more, through the alias, and lets the release bake."""

from seatrial import wiring
from seatrial.core import story
from seatrial.core.gate import Report
from seatrial.core.release import State
from seatrial.flows import bake, preflight, smoke
from seatrial.flows.hook import HookCall, hook

aws = wiring.connect()  # once per container


@hook(aws, "post_traffic")
def handler(call: HookCall) -> Report:
    release = preflight.admitted(aws, call.deployment)  # opened long ago, unless pre_traffic is not among the hooks
    aws.ledger.move(release, State.CONFIRMING)
    refusal = smoke.check(aws, release, call.seconds_left)
    if refusal:
        return Report.failed(story.not_confirmed(release, refusal), refusal)
    return bake.begin(aws, release, call)
